package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// relayStatePrefix is what a service provider has that names none, as in Keystone.
const relayStatePrefix = "ss:mem:"

type serviceProviderWire struct {
	ID          string   `json:"id"`
	AuthURL     string   `json:"auth_url"`
	ServiceURL  string   `json:"sp_url"`
	Description *string  `json:"description"`
	Enabled     bool     `json:"enabled"`
	RelayState  *string  `json:"relay_state_prefix"`
	Links       selfLink `json:"links"`
}

type serviceProviderOut struct {
	Provider serviceProviderWire `json:"service_provider"`
}

type serviceProvidersOut struct {
	Providers []serviceProviderWire `json:"service_providers"`

	listEnd
}

type serviceProviderBody struct {
	AuthURL     *string          `json:"auth_url"`
	ServiceURL  *string          `json:"sp_url"`
	Description rest.Opt[string] `json:"description"`
	Enabled     rest.Opt[any]    `json:"enabled"`
	RelayState  rest.Opt[string] `json:"relay_state_prefix" check:"max=256"`
}

func serviceProviderOf(ctx context.Context, p identity.ServiceProvider) serviceProviderWire {
	return serviceProviderWire{
		p.ID, p.AuthURL, p.ServiceURL, orNull(p.Description), p.Enabled, orNull(p.RelayStatePrefix), self(ctx, "/OS-FEDERATION/service_providers/"+p.ID),
	}
}

func (a *api) listServiceProviders(ctx context.Context, in enabledQuery) (serviceProvidersOut, error) {
	all, err := a.core.ListServiceProviders(ctx, in.ID, in.Enabled)
	if err != nil {
		return serviceProvidersOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, known(in.nameless, all), identity.ServiceProvider.Key)
	return serviceProvidersOut{wires(ctx, all, serviceProviderOf), at}, err
}

type serviceProviderIn struct {
	ID string `path:"sp_id" check:"min=1,max=64"`
}

func (a *api) createServiceProvider(ctx context.Context, in struct {
	serviceProviderIn
	Provider serviceProviderBody `body:"service_provider"`
},
) (serviceProviderOut, error) {
	b := in.Provider
	if b.AuthURL == nil {
		return serviceProviderOut{}, required("service_provider.auth_url")
	}
	if b.ServiceURL == nil {
		return serviceProviderOut{}, required("service_provider.sp_url")
	}
	enabled, err := truth("service_provider.enabled", b.Enabled)
	if err != nil {
		return serviceProviderOut{}, err
	}
	prefix := relayStatePrefix
	if b.RelayState.Set {
		prefix = b.RelayState.Value
	}
	p, err := a.core.CreateServiceProvider(ctx, identity.ServiceProvider{
		Made: identity.Made{ID: in.ID}, AuthURL: *b.AuthURL, ServiceURL: *b.ServiceURL, Description: b.Description.Value,
		Enabled: orElse(enabled, false), RelayStatePrefix: prefix,
	})
	return serviceProviderOut{serviceProviderOf(ctx, p)}, err
}

func (a *api) showServiceProvider(ctx context.Context, in serviceProviderIn) (serviceProviderOut, error) {
	p, err := a.core.ShowServiceProvider(ctx, in.ID)
	return serviceProviderOut{serviceProviderOf(ctx, p)}, err
}

func (a *api) updateServiceProvider(ctx context.Context, in struct {
	serviceProviderIn
	Provider serviceProviderBody `body:"service_provider"`
},
) (serviceProviderOut, error) {
	b := in.Provider
	if err := something("service_provider", b); err != nil {
		return serviceProviderOut{}, err
	}
	enabled, err := truth("service_provider.enabled", b.Enabled)
	if err != nil {
		return serviceProviderOut{}, err
	}
	p, err := a.core.UpdateServiceProvider(ctx, in.ID, identity.ServiceProviderChange{
		AuthURL: b.AuthURL, ServiceURL: b.ServiceURL, Description: text(b.Description), RelayStatePrefix: text(b.RelayState), Enabled: enabled,
	})
	return serviceProviderOut{serviceProviderOf(ctx, p)}, err
}

func (a *api) deleteServiceProvider(ctx context.Context, in serviceProviderIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteServiceProvider(ctx, in.ID)
}
