package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type endpointWire struct {
	ID        string         `json:"id"`
	ServiceID string         `json:"service_id"`
	Interface string         `json:"interface"`
	Region    *string        `json:"region"`
	RegionID  *string        `json:"region_id"`
	URL       string         `json:"url"`
	Enabled   bool           `json:"enabled"`
	Links     selfLink       `json:"links"`
	Extra     map[string]any `json:"*"`
}

type endpointsOut struct {
	Endpoints []endpointWire `json:"endpoints"`

	listEnd
}

type endpointOut struct {
	Endpoint endpointWire `json:"endpoint"`
}

type endpointBody struct {
	ServiceID *string          `json:"service_id"`
	Interface *string          `json:"interface" check:"enum=admin|internal|public"`
	Region    rest.Opt[string] `json:"region" check:"max=255"`
	RegionID  rest.Opt[string] `json:"region_id" check:"max=255"`
	URL       *string          `json:"url"`
	Enabled   rest.Opt[any]    `json:"enabled"`
	Extra     map[string]any   `json:"*"`
}

// region reads what the body says of the region. By the older name it is made if there is none.
func (b endpointBody) region() (id *string, old bool) {
	if b.RegionID.Value == "" && b.Region.Value != "" {
		return &b.Region.Value, true
	}
	return text(b.RegionID), false
}

func endpointOf(ctx context.Context, e identity.CatalogEndpoint) endpointWire {
	return endpointWire{
		ID: e.ID, ServiceID: e.ServiceID, Interface: e.Interface, Region: orNull(e.RegionID), RegionID: orNull(e.RegionID), URL: e.URL,
		Enabled: e.Enabled, Links: self(ctx, "/endpoints/"+e.ID), Extra: e.Extra,
	}
}

func (a *api) listEndpoints(ctx context.Context, in struct {
	pageIn
	nameless
	ServiceID string `query:"service_id"`
	Interface string `query:"interface"`
	RegionID  string `query:"region_id"`
},
) (endpointsOut, error) {
	all, err := a.core.ListEndpoints(ctx, identity.EndpointFilter{ServiceID: in.ServiceID, Interface: in.Interface, RegionID: in.RegionID})
	if err != nil {
		return endpointsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, known(in.nameless, all), identity.CatalogEndpoint.Key)
	return endpointsOut{wires(ctx, all, endpointOf), at}, err
}

func (a *api) createEndpoint(ctx context.Context, in struct {
	Endpoint endpointBody `body:"endpoint"`
},
) (endpointOut, error) {
	b := in.Endpoint
	for _, field := range []struct {
		name  string
		value *string
	}{{"service_id", b.ServiceID}, {"interface", b.Interface}, {"url", b.URL}} {
		if field.value == nil {
			return endpointOut{}, required("endpoint." + field.name)
		}
	}
	enabled, err := truth("endpoint.enabled", b.Enabled)
	if err != nil {
		return endpointOut{}, err
	}
	region, old := b.region()
	e, err := a.core.CreateEndpoint(ctx, identity.CatalogEndpoint{
		ServiceID: *b.ServiceID, Interface: *b.Interface, RegionID: orElse(region, ""), URL: *b.URL, Enabled: orElse(enabled, true),
		Extra: extras(b.Extra),
	}, old)
	return endpointOut{endpointOf(ctx, e)}, err
}

type endpointIn struct {
	ID string `path:"endpoint_id"`
}

// endpointFor reads an endpoint for those whom a rule allows. As in Keystone, an endpoint that is not there is not found
// by anybody, and only one that is there is refused.
func (a *api) endpointFor(ctx context.Context, id string, rule auth.Rule) (identity.CatalogEndpoint, error) {
	e, err := a.core.ShowEndpoint(ctx, id)
	if err == nil && !rule(auth.From(ctx)) {
		err = fault.New(fault.Forbidden, "You are not authorized to perform the requested action: it needs another role or another scope.")
	}
	if err != nil {
		return identity.CatalogEndpoint{}, err
	}
	return e, nil
}

func (a *api) showEndpoint(ctx context.Context, in endpointIn) (endpointOut, error) {
	e, err := a.endpointFor(ctx, in.ID, auth.SystemReader)
	return endpointOut{endpointOf(ctx, e)}, err
}

func (a *api) updateEndpoint(ctx context.Context, in struct {
	endpointIn
	Endpoint endpointBody `body:"endpoint"`
},
) (endpointOut, error) {
	b := in.Endpoint
	if _, err := a.endpointFor(ctx, in.ID, auth.AdminOnly); err != nil {
		return endpointOut{}, err
	}
	if err := something("endpoint", b); err != nil {
		return endpointOut{}, err
	}
	if err := sameID("endpoint", in.ID, b.Extra); err != nil {
		return endpointOut{}, err
	}
	enabled, err := truth("endpoint.enabled", b.Enabled)
	if err != nil {
		return endpointOut{}, err
	}
	region, old := b.region()
	e, err := a.core.UpdateEndpoint(ctx, in.ID, identity.EndpointChange{
		ServiceID: b.ServiceID, Interface: b.Interface, RegionID: region, MakeRegion: old, URL: b.URL, Enabled: enabled, Extra: extras(b.Extra),
	})
	return endpointOut{endpointOf(ctx, e)}, err
}

func (a *api) deleteEndpoint(ctx context.Context, in endpointIn) (rest.None, error) {
	if _, err := a.endpointFor(ctx, in.ID, auth.AdminOnly); err != nil {
		return rest.None{}, err
	}
	return rest.None{}, a.core.DeleteEndpoint(ctx, in.ID)
}
