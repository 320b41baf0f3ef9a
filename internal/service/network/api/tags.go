package api

import (
	"context"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// tagsOf are the tags of one kind of resource.
type tagsOf struct {
	*api

	resource string
}

type tagsBody struct {
	Tags []string `json:"tags"`
}

type tagIn struct {
	ID  string `path:"id"`
	Tag string `path:"tag"`
}

// tags are the routes of the tags of all resources that may have them.
func (a *api) tags() []rest.Route {
	var out []rest.Route
	for _, r := range [][2]string{
		{"networks", "network"},
		{"subnets", "subnet"},
		{"ports", "port"},
		{"routers", "router"},
		{"subnetpools", "subnetpool"},
		{"floatingips", "floatingip"},
		{"trunks", "trunk"},
		{"policies", "policy"},
		{"network_segment_ranges", "network_segment_range"},
		{"security-groups", "security_group"},
		{"security-group-rules", "security_group_rule"},
	} {
		out = append(out, tagsOf{a, r[1]}.routes(r[0])...)
	}
	return out
}

func (t tagsOf) routes(path string) []rest.Route {
	all, one := "/v2.0/"+path+"/{id}/tags", "/v2.0/"+path+"/{id}/tags/{tag}"
	name := strings.ReplaceAll(path, "-", "_") + "_tags"
	get, update, remove := auth.P("get_"+name, auth.ProjectReader), auth.P("update_"+name, auth.ProjectMember), auth.P("delete_"+name, auth.ProjectMember)
	audit := "network." + t.resource + ".tag"
	return []rest.Route{
		{Method: "GET", Path: all, Policy: get, Doc: "Lists the tags of one of the " + path + ".", Do: rest.Do(t.list)},
		{Method: "PUT", Path: all, Policy: update, Audit: audit, Doc: "Replaces the tags of one of the " + path + ".", Do: rest.Do(t.replace)},
		{Method: "DELETE", Path: all, Policy: remove, Audit: audit, Doc: "Removes all tags of one of the " + path + ".", Do: rest.Do(t.clear)},
		{Method: "GET", Path: one, Policy: get, Status: 204, Doc: "Tells whether one of the " + path + " has a tag.", Do: rest.Do(t.has)},
		{Method: "PUT", Path: one, Policy: update, Audit: audit, Status: 201, Doc: "Gives a tag to one of the " + path + ".", Do: rest.Do(t.add)},
		{Method: "DELETE", Path: one, Policy: remove, Audit: audit, Doc: "Takes a tag from one of the " + path + ".", Do: rest.Do(t.remove)},
	}
}

func (t tagsOf) list(ctx context.Context, in byID) (tagsBody, error) {
	tags, err := t.core.Tags(ctx, auth.From(ctx), t.resource, in.ID)
	return tagsBody{tags}, err
}

// change changes the tags of an object.
func (t tagsOf) change(ctx context.Context, id string, change func([]string) ([]string, error)) (tagsBody, error) {
	tags, err := t.core.ChangeTags(ctx, auth.From(ctx), t.resource, id, change)
	return tagsBody{tags}, err
}

func (t tagsOf) replace(ctx context.Context, in struct {
	ID   string   `path:"id"`
	Tags []string `body:"tags"`
},
) (tagsBody, error) {
	return t.change(ctx, in.ID, func([]string) ([]string, error) { return in.Tags, nil })
}

func (t tagsOf) clear(ctx context.Context, in byID) (rest.None, error) {
	_, err := t.change(ctx, in.ID, func([]string) ([]string, error) { return nil, nil })
	return rest.None{}, err
}

func noTag(tag string) error {
	return fault.New(fault.NotFound, "Tag %s could not be found.", tag).WithCode("TagNotFound")
}

func (t tagsOf) has(ctx context.Context, in tagIn) (rest.None, error) {
	tags, err := t.core.Tags(ctx, auth.From(ctx), t.resource, in.ID)
	if err == nil && !slices.Contains(tags, in.Tag) {
		err = noTag(in.Tag)
	}
	return rest.None{}, err
}

func (t tagsOf) add(ctx context.Context, in tagIn) (rest.None, error) {
	_, err := t.change(ctx, in.ID, func(tags []string) ([]string, error) { return append(tags, in.Tag), nil })
	return rest.None{}, err
}

func (t tagsOf) remove(ctx context.Context, in tagIn) (rest.None, error) {
	_, err := t.change(ctx, in.ID, func(tags []string) ([]string, error) {
		at := slices.Index(tags, in.Tag)
		if at < 0 {
			return nil, noTag(in.Tag)
		}
		return slices.Delete(tags, at, at+1), nil
	})
	return rest.None{}, err
}
