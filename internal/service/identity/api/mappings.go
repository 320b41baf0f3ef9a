package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	"github.com/aloft-cloud/aloft/internal/service/identity/mapping"
)

type mappingWire struct {
	ID            string   `json:"id"`
	Rules         []any    `json:"rules"`
	SchemaVersion string   `json:"schema_version"`
	Links         selfLink `json:"links"`
}

type mappingOut struct {
	Mapping mappingWire `json:"mapping"`
}

type mappingsOut struct {
	Mappings []mappingWire `json:"mappings"`

	listEnd
}

type mappingBody struct {
	Rules         []any          `json:"rules"`
	SchemaVersion *string        `json:"schema_version"`
	Extra         map[string]any `json:"*"` // is taken and not kept, as in Keystone
}

func (b mappingBody) version() string {
	if b.SchemaVersion == nil || *b.SchemaVersion == "" {
		return mapping.Version1
	}
	return *b.SchemaVersion
}

func mappingOf(ctx context.Context, m identity.Mapping) mappingWire {
	return mappingWire{m.ID, m.Rules, m.SchemaVersion, self(ctx, "/OS-FEDERATION/mappings/"+m.ID)}
}

type mappingIn struct {
	ID string `path:"mapping_id" check:"min=1,max=64"`
}

func (a *api) listMappings(ctx context.Context, in struct {
	pageIn
	nameless
},
) (mappingsOut, error) {
	all, err := a.core.ListMappings(ctx)
	if err != nil {
		return mappingsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, known(in.nameless, all), identity.Mapping.Key)
	return mappingsOut{wires(ctx, all, mappingOf), at}, err
}

func (a *api) createMapping(ctx context.Context, in struct {
	mappingIn
	Mapping mappingBody `body:"mapping"`
},
) (mappingOut, error) {
	m, err := a.core.CreateMapping(ctx, identity.Mapping{Made: identity.Made{ID: in.ID}, Rules: in.Mapping.Rules, SchemaVersion: in.Mapping.version()})
	return mappingOut{mappingOf(ctx, m)}, err
}

func (a *api) showMapping(ctx context.Context, in mappingIn) (mappingOut, error) {
	m, err := a.core.ShowMapping(ctx, in.ID)
	return mappingOut{mappingOf(ctx, m)}, err
}

func (a *api) updateMapping(ctx context.Context, in struct {
	mappingIn
	Mapping mappingBody `body:"mapping"`
},
) (mappingOut, error) {
	m, err := a.core.UpdateMapping(ctx, in.ID, in.Mapping.Rules, in.Mapping.version())
	return mappingOut{mappingOf(ctx, m)}, err
}

func (a *api) deleteMapping(ctx context.Context, in mappingIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteMapping(ctx, in.ID)
}
