package store

import (
	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type providerRow struct {
	bun.BaseModel `bun:"table:identity_providers,alias:ip"`
	record

	DomainID         string
	Enabled          bool
	Description      string
	RemoteIDs        []string `bun:"remote_ids,type:text"`
	AuthorizationTTL *int64   `bun:"authorization_ttl"`
}

type protocolRow struct {
	bun.BaseModel `bun:"table:identity_protocols,alias:pr"`
	record

	ProviderID        string
	Name              string
	MappingID         string
	RemoteIDAttribute string `bun:"remote_id_attribute"`
}

type mappingRow struct {
	bun.BaseModel `bun:"table:identity_mappings,alias:m"`
	record

	Rules         []any `bun:"type:text"`
	SchemaVersion string
}

type serviceProviderRow struct {
	bun.BaseModel `bun:"table:identity_service_providers,alias:sp"`
	record

	AuthURL          string
	SpURL            string
	Description      string
	Enabled          bool
	RelayStatePrefix string
}

func (s *Store) providers() identity.Table[identity.IdentityProvider] {
	return table[identity.IdentityProvider, providerRow, *providerRow]{
		s: s, kind: "identity provider", name: "identity_providers",
		label: func(p identity.IdentityProvider) string { return p.ID },
		from: func(p identity.IdentityProvider) *providerRow {
			if p.RemoteIDs == nil {
				p.RemoteIDs = []string{}
			}
			return &providerRow{
				record: recordFrom(p.Made), DomainID: p.DomainID, Enabled: p.Enabled, Description: p.Description,
				RemoteIDs: p.RemoteIDs, AuthorizationTTL: p.TTL,
			}
		},
		noun: func(r providerRow) identity.IdentityProvider {
			return identity.IdentityProvider{
				Made: r.made(), DomainID: r.DomainID, Enabled: r.Enabled, Description: r.Description, RemoteIDs: r.RemoteIDs, TTL: r.AuthorizationTTL,
			}
		},
	}
}

func (s *Store) protocols() identity.Table[identity.Protocol] {
	return table[identity.Protocol, protocolRow, *protocolRow]{
		s: s, kind: "federated protocol", name: "identity_protocols",
		label: func(p identity.Protocol) string { return p.Name },
		from: func(p identity.Protocol) *protocolRow {
			return &protocolRow{
				record: recordFrom(p.Made), ProviderID: p.ProviderID, Name: p.Name, MappingID: p.MappingID, RemoteIDAttribute: p.RemoteIDAttribute,
			}
		},
		noun: func(r protocolRow) identity.Protocol {
			return identity.Protocol{
				Made: r.made(), ProviderID: r.ProviderID, Name: r.Name, MappingID: r.MappingID, RemoteIDAttribute: r.RemoteIDAttribute,
			}
		},
	}
}

func (s *Store) mappings() identity.Table[identity.Mapping] {
	return table[identity.Mapping, mappingRow, *mappingRow]{
		s: s, kind: "mapping", name: "identity_mappings",
		label: func(m identity.Mapping) string { return m.ID },
		from: func(m identity.Mapping) *mappingRow {
			return &mappingRow{record: recordFrom(m.Made), Rules: m.Rules, SchemaVersion: m.SchemaVersion}
		},
		noun: func(r mappingRow) identity.Mapping {
			return identity.Mapping{Made: r.made(), Rules: r.Rules, SchemaVersion: r.SchemaVersion}
		},
	}
}

func (s *Store) serviceProviders() identity.Table[identity.ServiceProvider] {
	return table[identity.ServiceProvider, serviceProviderRow, *serviceProviderRow]{
		s: s, kind: "service provider", name: "identity_service_providers",
		label: func(p identity.ServiceProvider) string { return p.ID },
		from: func(p identity.ServiceProvider) *serviceProviderRow {
			return &serviceProviderRow{
				record: recordFrom(p.Made), AuthURL: p.AuthURL, SpURL: p.ServiceURL, Description: p.Description, Enabled: p.Enabled,
				RelayStatePrefix: p.RelayStatePrefix,
			}
		},
		noun: func(r serviceProviderRow) identity.ServiceProvider {
			return identity.ServiceProvider{
				Made: r.made(), AuthURL: r.AuthURL, ServiceURL: r.SpURL, Description: r.Description, Enabled: r.Enabled,
				RelayStatePrefix: r.RelayStatePrefix,
			}
		},
	}
}
