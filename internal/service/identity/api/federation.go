package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

const federation = "/v3/OS-FEDERATION"

// federationRoutes keep who else knows users. There is no log-in through them.
func (a *api) federationRoutes() []rest.Route {
	const (
		idp      = federation + "/identity_providers/{idp_id}"
		protocol = idp + "/protocols/{protocol_id}"
		mapping  = federation + "/mappings/{mapping_id}"
		sp       = federation + "/service_providers/{sp_id}"
	)
	return []rest.Route{
		get(federation+"/identity_providers", "Lists the identity providers.", "list_identity_providers", auth.SystemReader, rest.Do(a.listProviders)),
		made(change(http.MethodPut, idp, "Adds an identity provider.", "create_identity_provider", "identity_provider.create", rest.Do(a.createProvider))),
		get(idp, "Shows an identity provider.", "get_identity_provider", auth.SystemReader, rest.Do(a.showProvider)),
		change(http.MethodPatch, idp, "Changes an identity provider.", "update_identity_provider", "identity_provider.update", rest.Do(a.updateProvider)),
		change(http.MethodDelete, idp, "Deletes an identity provider and its protocols.", "delete_identity_provider", "identity_provider.delete", rest.Do(a.deleteProvider)),

		get(idp+"/protocols", "Lists the protocols of an identity provider.", "list_protocols", auth.SystemReader, rest.Do(a.listProtocols)),
		made(change(http.MethodPut, protocol, "Adds a protocol to an identity provider.", "create_protocol", "protocol.create", rest.Do(a.createProtocol))),
		get(protocol, "Shows a protocol.", "get_protocol", auth.SystemReader, rest.Do(a.showProtocol)),
		change(http.MethodPatch, protocol, "Changes a protocol.", "update_protocol", "protocol.update", rest.Do(a.updateProtocol)),
		change(http.MethodDelete, protocol, "Deletes a protocol.", "delete_protocol", "protocol.delete", rest.Do(a.deleteProtocol)),

		get(federation+"/mappings", "Lists the mappings.", "list_mappings", auth.SystemReader, rest.Do(a.listMappings)),
		made(change(http.MethodPut, mapping, "Stores a mapping, whose rules must make sense.", "create_mapping", "mapping.create", rest.Do(a.createMapping))),
		get(mapping, "Shows a mapping.", "get_mapping", auth.SystemReader, rest.Do(a.showMapping)),
		change(http.MethodPatch, mapping, "Replaces the rules of a mapping.", "update_mapping", "mapping.update", rest.Do(a.updateMapping)),
		change(http.MethodDelete, mapping, "Deletes a mapping.", "delete_mapping", "mapping.delete", rest.Do(a.deleteMapping)),

		get(federation+"/service_providers", "Lists the service providers.", "list_service_providers", auth.SystemReader, rest.Do(a.listServiceProviders)),
		made(change(http.MethodPut, sp, "Adds a service provider.", "create_service_provider", "service_provider.create", rest.Do(a.createServiceProvider))),
		get(sp, "Shows a service provider.", "get_service_provider", auth.SystemReader, rest.Do(a.showServiceProvider)),
		change(http.MethodPatch, sp, "Changes a service provider.", "update_service_provider", "service_provider.update", rest.Do(a.updateServiceProvider)),
		change(http.MethodDelete, sp, "Deletes a service provider.", "delete_service_provider", "service_provider.delete", rest.Do(a.deleteServiceProvider)),

		get(federation+"/projects", "Lists the projects that the caller can scope a token to, as /v3/auth/projects does.", "get_auth_projects", auth.Anyone, rest.Do(a.reachableProjects)),
		get(federation+"/domains", "Lists the domains that the caller can scope a token to, as /v3/auth/domains does.", "get_auth_domains", auth.Anyone, rest.Do(a.reachableDomains)),
	}
}

type providerLinks struct {
	Self      string `json:"self"`
	Protocols string `json:"protocols"`
}

type providerWire struct {
	ID          string        `json:"id"`
	DomainID    string        `json:"domain_id"`
	Enabled     bool          `json:"enabled"`
	Description *string       `json:"description"`
	RemoteIDs   []string      `json:"remote_ids"`
	TTL         *int64        `json:"authorization_ttl"`
	Links       providerLinks `json:"links"`
}

type providerOut struct {
	Provider providerWire `json:"identity_provider"`
}

type providersOut struct {
	Providers []providerWire `json:"identity_providers"`

	listEnd
}

type providerFields struct {
	Enabled     rest.Opt[any]      `json:"enabled"`
	Description rest.Opt[string]   `json:"description"`
	RemoteIDs   rest.Opt[[]string] `json:"remote_ids"`
	TTL         rest.Opt[int64]    `json:"authorization_ttl" check:"nonneg"`
}

func providerOf(ctx context.Context, p identity.IdentityProvider) providerWire {
	path := self(ctx, "/OS-FEDERATION/identity_providers/"+p.ID).Self
	return providerWire{p.ID, p.DomainID, p.Enabled, orNull(p.Description), p.RemoteIDs, p.TTL, providerLinks{path, path + "/protocols"}}
}

type enabledQuery struct {
	pageIn
	nameless
	ID      string `query:"id"`
	Enabled *bool  `query:"enabled"`
}

func (a *api) listProviders(ctx context.Context, in enabledQuery) (providersOut, error) {
	all, err := a.core.ListProviders(ctx, in.ID, in.Enabled)
	if err != nil {
		return providersOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, known(in.nameless, all), identity.IdentityProvider.Key)
	return providersOut{wires(ctx, all, providerOf), at}, err
}

type providerIn struct {
	ID string `path:"idp_id" check:"min=1,max=64"`
}

func (a *api) createProvider(ctx context.Context, in struct {
	providerIn
	Provider struct {
		providerFields
		DomainID rest.Opt[string] `json:"domain_id" check:"min=1,max=64"`
	} `body:"identity_provider"`
},
) (providerOut, error) {
	b := in.Provider
	enabled, err := truth("identity_provider.enabled", b.Enabled)
	if err != nil {
		return providerOut{}, err
	}
	p, err := a.core.CreateProvider(ctx, identity.IdentityProvider{
		Made: identity.Made{ID: in.ID}, DomainID: b.DomainID.Value, Enabled: orElse(enabled, false), Description: b.Description.Value,
		RemoteIDs: b.RemoteIDs.Value, TTL: b.minutes(),
	})
	return providerOut{providerOf(ctx, p)}, err
}

func (b *providerFields) minutes() *int64 {
	if !b.TTL.Set || b.TTL.Null {
		return nil
	}
	return &b.TTL.Value
}

func (a *api) showProvider(ctx context.Context, in providerIn) (providerOut, error) {
	p, err := a.core.ShowProvider(ctx, in.ID)
	return providerOut{providerOf(ctx, p)}, err
}

func (a *api) updateProvider(ctx context.Context, in struct {
	providerIn
	Provider providerFields `body:"identity_provider"`
},
) (providerOut, error) {
	b := in.Provider
	if err := something("identity_provider", b); err != nil {
		return providerOut{}, err
	}
	enabled, err := truth("identity_provider.enabled", b.Enabled)
	if err != nil {
		return providerOut{}, err
	}
	c := identity.ProviderChange{Enabled: enabled, Description: text(b.Description)}
	if b.RemoteIDs.Set {
		c.RemoteIDs = &b.RemoteIDs.Value
	}
	if b.TTL.Set {
		minutes := b.minutes()
		c.TTL = &minutes
	}
	p, err := a.core.UpdateProvider(ctx, in.ID, c)
	return providerOut{providerOf(ctx, p)}, err
}

func (a *api) deleteProvider(ctx context.Context, in providerIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteProvider(ctx, in.ID)
}

type protocolLinks struct {
	Self     string `json:"self"`
	Provider string `json:"identity_provider"`
}

type protocolWire struct {
	ID                string        `json:"id"`
	ProviderID        string        `json:"idp_id"`
	MappingID         string        `json:"mapping_id"`
	RemoteIDAttribute *string       `json:"remote_id_attribute"`
	Links             protocolLinks `json:"links"`
}

type protocolOut struct {
	Protocol protocolWire `json:"protocol"`
}

type protocolsOut struct {
	Protocols []protocolWire `json:"protocols"`

	listEnd
}

type protocolBody struct {
	MappingID         string           `json:"mapping_id" check:"required,min=1,max=64"`
	RemoteIDAttribute rest.Opt[string] `json:"remote_id_attribute" check:"max=64"`
}

func protocolOf(ctx context.Context, p identity.Protocol) protocolWire {
	provider := self(ctx, "/OS-FEDERATION/identity_providers/"+p.ProviderID).Self
	return protocolWire{p.Name, p.ProviderID, p.MappingID, orNull(p.RemoteIDAttribute), protocolLinks{provider + "/protocols/" + p.Name, provider}}
}

type protocolIn struct {
	ProviderID string `path:"idp_id"`
	Name       string `path:"protocol_id" check:"min=1,max=64"`
}

func (a *api) listProtocols(ctx context.Context, in struct {
	providerIn
	pageIn
},
) (protocolsOut, error) {
	all, err := a.core.ListProtocols(ctx, in.ID)
	if err != nil {
		return protocolsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, func(p identity.Protocol) string { return p.Name })
	return protocolsOut{wires(ctx, all, protocolOf), at}, err
}

func (a *api) createProtocol(ctx context.Context, in struct {
	protocolIn
	Protocol protocolBody `body:"protocol"`
},
) (protocolOut, error) {
	p, err := a.core.CreateProtocol(ctx, identity.Protocol{
		ProviderID: in.ProviderID, Name: in.Name, MappingID: in.Protocol.MappingID, RemoteIDAttribute: in.Protocol.RemoteIDAttribute.Value,
	})
	return protocolOut{protocolOf(ctx, p)}, err
}

func (a *api) showProtocol(ctx context.Context, in protocolIn) (protocolOut, error) {
	p, err := a.core.ShowProtocol(ctx, in.ProviderID, in.Name)
	return protocolOut{protocolOf(ctx, p)}, err
}

func (a *api) updateProtocol(ctx context.Context, in struct {
	protocolIn
	Protocol protocolBody `body:"protocol"`
},
) (protocolOut, error) {
	p, err := a.core.UpdateProtocol(ctx, in.ProviderID, in.Name, identity.ProtocolChange{
		MappingID: &in.Protocol.MappingID, RemoteIDAttribute: text(in.Protocol.RemoteIDAttribute),
	})
	return protocolOut{protocolOf(ctx, p)}, err
}

func (a *api) deleteProtocol(ctx context.Context, in protocolIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteProtocol(ctx, in.ProviderID, in.Name)
}
