package api

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/rest"
)

type link struct {
	Href string `json:"href"`
	Rel  string `json:"rel"`
	Type string `json:"type,omitempty"`
}

// base is the root of the versioned API as the caller reached it.
func base(ctx context.Context) string { return rest.BaseURL(ctx) + "/v2.1" }

// links are the ones that every resource carries.
func links(ctx context.Context, collection, id string) []link {
	return []link{
		{Href: base(ctx) + "/" + collection + "/" + id, Rel: "self"},
		bookmark(ctx, collection, id),
	}
}

func bookmark(ctx context.Context, collection, id string) link {
	return link{Href: rest.BaseURL(ctx) + "/" + collection + "/" + id, Rel: "bookmark"}
}

// nextLink is the link to the next page; a page that is not full is the last one.
func nextLink(ctx context.Context, shown, limit int, last func() string) []link {
	if shown == 0 || shown < limit {
		return nil
	}
	return []link{{Href: rest.NextURL(ctx, last()), Rel: "next"}}
}

type version struct {
	ID         string      `json:"id"`
	Status     string      `json:"status"`
	Version    string      `json:"version"`
	MinVersion string      `json:"min_version"`
	Updated    string      `json:"updated"`
	Links      []link      `json:"links"`
	MediaTypes []mediaType `json:"media-types"`
}

type mediaType struct {
	Base string `json:"base"`
	Type string `json:"type"`
}

func v21(ctx context.Context) version {
	return version{
		ID: "v2.1", Status: "CURRENT", Version: maxVersion, MinVersion: minVersion, Updated: "2013-07-23T11:33:21Z",
		Links:      []link{{Href: base(ctx) + "/", Rel: "self"}},
		MediaTypes: []mediaType{{Base: "application/json", Type: "application/vnd.openstack.compute+json;version=2.1"}},
	}
}

type versionsOut struct {
	Versions []version `json:"versions"`
}

type versionOut struct {
	Version version `json:"version"`
}

func (a *api) versions(ctx context.Context, _ struct{}) (versionsOut, error) {
	return versionsOut{[]version{v21(ctx)}}, nil
}

func (a *api) version(ctx context.Context, _ struct{}) (versionOut, error) {
	return versionOut{v21(ctx)}, nil
}

// Times are written in two ways: most with seconds and a zone, some with microseconds and none.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func micros(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000000")
	return &s
}

func at(ctx context.Context, v string) bool { return rest.VersionOf(ctx).AtLeast(v) }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
