package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

type tagsIn struct {
	serverIn
	Tags []string `body:"tags"`
}

type tagIn struct {
	serverIn
	Tag string `path:"tag"`
}

type tagsOut struct {
	Tags []string `json:"tags"`
}

// addedTag answers 201 for a new tag and 204 for one that was there.
type addedTag struct {
	Location string `json:"-" header:"Location"`
	status   int
}

// HTTPStatus implements the override of core/rest.
func (t addedTag) HTTPStatus() int { return t.status }

func (a *api) listTags(ctx context.Context, in serverIn) (tagsOut, error) {
	s, err := a.core.Server(ctx, auth.From(ctx), in.ID)
	return tagsOut{s.Tags}, instance(err)
}

func (a *api) replaceTags(ctx context.Context, in tagsIn) (tagsOut, error) {
	tags, err := a.core.SetTags(ctx, auth.From(ctx), in.ID, func([]string) ([]string, error) { return in.Tags, nil })
	return tagsOut{tags}, instance(err)
}

func (a *api) deleteTags(ctx context.Context, in serverIn) (rest.None, error) {
	_, err := a.core.SetTags(ctx, auth.From(ctx), in.ID, func([]string) ([]string, error) { return nil, nil })
	return rest.None{}, instance(err)
}

func (a *api) hasTag(ctx context.Context, in tagIn) (rest.None, error) {
	s, err := a.core.Server(ctx, auth.From(ctx), in.ID)
	if err == nil && !slices.Contains(s.Tags, in.Tag) {
		err = noTag(in)
	}
	return rest.None{}, instance(err)
}

func (a *api) addTag(ctx context.Context, in tagIn) (addedTag, error) {
	out := addedTag{status: http.StatusCreated, Location: base(ctx) + "/servers/" + in.ID + "/tags/" + in.Tag}
	_, err := a.core.SetTags(ctx, auth.From(ctx), in.ID, func(tags []string) ([]string, error) {
		if slices.Contains(tags, in.Tag) {
			out.status = http.StatusNoContent
		}
		return append(tags, in.Tag), nil
	})
	return out, instance(err)
}

func (a *api) deleteTag(ctx context.Context, in tagIn) (rest.None, error) {
	_, err := a.core.SetTags(ctx, auth.From(ctx), in.ID, func(tags []string) ([]string, error) {
		i := slices.Index(tags, in.Tag)
		if i < 0 {
			return nil, noTag(in)
		}
		return slices.Delete(tags, i, i+1), nil
	})
	return rest.None{}, instance(err)
}

func noTag(in tagIn) error {
	return fault.New(fault.NotFound, "Server %s has no tag '%s'", in.ID, in.Tag)
}
