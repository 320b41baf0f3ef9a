package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

func (a *api) discoveryRoutes() []rest.Route {
	anyone := auth.NoToken("identity:versions")
	return []rest.Route{
		{
			Method: http.MethodGet, Path: "", Policy: anyone, Status: http.StatusMultipleChoices,
			Doc: "Lists the versions of the identity API.", Do: rest.Do(a.versions),
		},
		{
			Method: http.MethodGet, Path: "/v3", Policy: anyone,
			Doc: "Shows version 3 of the identity API.", Do: rest.Do(a.version),
		},
	}
}

type versionWire struct {
	ID         string      `json:"id"`
	Status     string      `json:"status"`
	Updated    string      `json:"updated"`
	Links      []linkWire  `json:"links"`
	MediaTypes []mediaWire `json:"media-types"`
}

type linkWire struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

type mediaWire struct {
	Base string `json:"base"`
	Type string `json:"type"`
}

type versionsOut struct {
	Versions struct {
		Values []versionWire `json:"values"`
	} `json:"versions"`
}

type versionOut struct {
	Version versionWire `json:"version"`
}

func current(ctx context.Context) versionWire {
	return versionWire{
		ID: "v3.14", Status: "stable", Updated: "2020-04-07T00:00:00Z",
		Links:      []linkWire{{"self", v3(ctx) + "/"}},
		MediaTypes: []mediaWire{{"application/json", "application/vnd.openstack.identity-v3+json"}},
	}
}

func (a *api) versions(ctx context.Context, _ struct{}) (versionsOut, error) {
	var out versionsOut
	out.Versions.Values = []versionWire{current(ctx)}
	return out, nil
}

func (a *api) version(ctx context.Context, _ struct{}) (versionOut, error) {
	return versionOut{current(ctx)}, nil
}
