package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

func (a *api) tagRoutes() []rest.Route {
	const all, one = "/v3/projects/{project_id}/tags", "/v3/projects/{project_id}/tags/{tag}"
	return []rest.Route{
		get(all, "Lists the tags of a project.", "list_project_tags", auth.Anyone, rest.Do(a.listTags)),
		asked(change(http.MethodPut, all, "Replaces the tags of a project.", "update_project_tags", "project.set_tags", rest.Do(a.setTags))),
		asked(change(http.MethodDelete, all, "Takes all tags from a project.", "delete_project_tags", "project.clear_tags", rest.Do(a.clearTags))),
		answers(http.StatusNoContent, get(one, "Checks that a project has a tag.", "get_project_tag", auth.Anyone, rest.Do(a.checkTag))),
		answers(http.StatusCreated, asked(change(http.MethodPut, one, "Gives a project a tag.", "create_project_tag", "project.add_tag", rest.Do(a.addTag)))),
		asked(change(http.MethodDelete, one, "Takes a tag from a project.", "delete_project_tag", "project.remove_tag", rest.Do(a.removeTag))),
	}
}

type tagsOut struct {
	Tags []string `json:"tags"`

	listEnd
}

type tagIn struct {
	projectIn
	Tag string `path:"tag"`
}

func (a *api) listTags(ctx context.Context, in projectIn) (tagsOut, error) {
	tags, err := a.core.TagsOf(ctx, auth.From(ctx), in.ID)
	return tagsOut{tags, whole(ctx)}, err
}

func (a *api) setTags(ctx context.Context, in struct {
	projectIn
	Tags []string `body:"tags"`
},
) (tagsOut, error) {
	tags, err := a.core.SetTags(ctx, in.ID, in.Tags)
	return tagsOut{tags, whole(ctx)}, err
}

func (a *api) clearTags(ctx context.Context, in projectIn) (rest.None, error) {
	return rest.None{}, a.core.ClearTags(ctx, in.ID)
}

func (a *api) checkTag(ctx context.Context, in tagIn) (rest.None, error) {
	return rest.None{}, a.core.CheckTag(ctx, auth.From(ctx), in.ID, in.Tag)
}

// addTag tells where the tag is, and nothing else: clients fail on a body.
func (a *api) addTag(ctx context.Context, in tagIn) (rest.Stream, error) {
	at := v3(ctx) + "/projects/" + in.ID + "/tags/" + url.PathEscape(in.Tag)
	return rest.Stream{Status: http.StatusCreated, ContentType: "application/json", Header: http.Header{"Location": {at}}}, a.core.AddTag(ctx, in.ID, in.Tag)
}

func (a *api) removeTag(ctx context.Context, in tagIn) (rest.None, error) {
	return rest.None{}, a.core.RemoveTag(ctx, in.ID, in.Tag)
}
