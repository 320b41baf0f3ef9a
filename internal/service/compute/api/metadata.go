package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

type metadataIn struct {
	serverIn
	Metadata map[string]string `body:"metadata"`
}

type metaIn struct {
	serverIn
	Key string `path:"key"`
}

type setMetaIn struct {
	metaIn
	Meta map[string]string `body:"meta" check:"min=1,max=1"`
}

type metadataOut struct {
	Metadata map[string]string `json:"metadata"`
}

type metaOut struct {
	Meta map[string]string `json:"meta"`
}

func (a *api) listMetadata(ctx context.Context, in serverIn) (metadataOut, error) {
	s, err := a.core.Server(ctx, auth.From(ctx), in.ID)
	return metadataOut{s.Metadata}, instance(err)
}

func (a *api) mergeMetadata(ctx context.Context, in metadataIn) (metadataOut, error) {
	m, err := a.core.SetMetadata(ctx, auth.From(ctx), in.ID, in.Metadata, false)
	return metadataOut{m}, instance(err)
}

func (a *api) replaceMetadata(ctx context.Context, in metadataIn) (metadataOut, error) {
	m, err := a.core.SetMetadata(ctx, auth.From(ctx), in.ID, in.Metadata, true)
	return metadataOut{m}, instance(err)
}

func (a *api) showMeta(ctx context.Context, in metaIn) (metaOut, error) {
	s, err := a.core.Server(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return metaOut{}, instance(err)
	}
	value, ok := s.Metadata[in.Key]
	if !ok {
		return metaOut{}, fault.New(fault.NotFound, "Metadata item was not found")
	}
	return metaOut{map[string]string{in.Key: value}}, nil
}

func (a *api) setMeta(ctx context.Context, in setMetaIn) (metaOut, error) {
	if _, ok := in.Meta[in.Key]; !ok {
		return metaOut{}, fault.Invalidf("meta", "Request body and URI mismatch: the body must have the key %q", in.Key)
	}
	_, err := a.core.SetMetadata(ctx, auth.From(ctx), in.ID, in.Meta, false)
	return metaOut{in.Meta}, instance(err)
}

func (a *api) deleteMeta(ctx context.Context, in metaIn) (rest.None, error) {
	return rest.None{}, instance(a.core.DeleteMetadata(ctx, auth.From(ctx), in.ID, in.Key))
}
