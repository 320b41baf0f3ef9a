package store

import (
	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type regionRow struct {
	bun.BaseModel `bun:"table:identity_regions,alias:rg"`
	record

	ParentID    string
	Description string
	Extra       map[string]any `bun:"type:text"`
}

type serviceRow struct {
	bun.BaseModel `bun:"table:identity_services,alias:sv"`
	record

	Type    string
	Name    string
	Enabled bool
	Extra   map[string]any `bun:"type:text"`
}

type endpointRow struct {
	bun.BaseModel `bun:"table:identity_endpoints,alias:e"`
	record

	ServiceID string
	RegionID  string
	Interface string
	URL       string
	Enabled   bool
	Extra     map[string]any `bun:"type:text"`
}

type endpointGroupRow struct {
	bun.BaseModel `bun:"table:identity_endpoint_groups,alias:eg"`
	record

	Name        string
	Description string
	Filters     endpointFilter `bun:"type:text"`
}

type endpointFilter struct {
	ServiceID string `json:"service_id,omitempty"`
	Interface string `json:"interface,omitempty"`
	RegionID  string `json:"region_id,omitempty"`
}

func (s *Store) regions() identity.Table[identity.Region] {
	return table[identity.Region, regionRow, *regionRow]{
		s: s, kind: "region", name: "identity_regions",
		label: func(r identity.Region) string { return r.ID },
		from: func(r identity.Region) *regionRow {
			return &regionRow{record: recordFrom(r.Made), ParentID: r.ParentID, Description: r.Description, Extra: r.Extra}
		},
		noun: func(r regionRow) identity.Region {
			return identity.Region{Made: r.made(), ParentID: r.ParentID, Description: r.Description, Extra: r.Extra}
		},
	}
}

func (s *Store) services() identity.Table[identity.CatalogService] {
	return table[identity.CatalogService, serviceRow, *serviceRow]{
		s: s, kind: "service", name: "identity_services",
		label: func(v identity.CatalogService) string { return v.Name },
		from: func(v identity.CatalogService) *serviceRow {
			return &serviceRow{record: recordFrom(v.Made), Type: v.Type, Name: v.Name, Enabled: v.Enabled, Extra: v.Extra}
		},
		noun: func(r serviceRow) identity.CatalogService {
			return identity.CatalogService{Made: r.made(), Type: r.Type, Name: r.Name, Enabled: r.Enabled, Extra: r.Extra}
		},
	}
}

func (s *Store) endpoints() identity.Table[identity.CatalogEndpoint] {
	return table[identity.CatalogEndpoint, endpointRow, *endpointRow]{
		s: s, kind: "endpoint", name: "identity_endpoints",
		label: func(e identity.CatalogEndpoint) string { return e.ID },
		from: func(e identity.CatalogEndpoint) *endpointRow {
			return &endpointRow{
				record: recordFrom(e.Made), ServiceID: e.ServiceID, RegionID: e.RegionID, Interface: e.Interface, URL: e.URL,
				Enabled: e.Enabled, Extra: e.Extra,
			}
		},
		noun: func(r endpointRow) identity.CatalogEndpoint {
			return identity.CatalogEndpoint{
				Made: r.made(), ServiceID: r.ServiceID, RegionID: r.RegionID, Interface: r.Interface, URL: r.URL,
				Enabled: r.Enabled, Extra: r.Extra,
			}
		},
	}
}

func (s *Store) endpointGroups() identity.Table[identity.EndpointGroup] {
	return table[identity.EndpointGroup, endpointGroupRow, *endpointGroupRow]{
		s: s, kind: "endpoint group", name: "identity_endpoint_groups",
		label: func(g identity.EndpointGroup) string { return g.Name },
		from: func(g identity.EndpointGroup) *endpointGroupRow {
			return &endpointGroupRow{record: recordFrom(g.Made), Name: g.Name, Description: g.Description, Filters: endpointFilter(g.Filter)}
		},
		noun: func(r endpointGroupRow) identity.EndpointGroup {
			return identity.EndpointGroup{Made: r.made(), Name: r.Name, Description: r.Description, Filter: identity.EndpointFilter(r.Filters)}
		},
	}
}

func (s *Store) projectEndpoints() identity.Ties {
	return pairs{s, "project_endpoint", "identity_project_endpoints", "project_id", "endpoint_id"}
}

func (s *Store) projectEndpointGroups() identity.Ties {
	return pairs{s, "project_endpoint_group", "identity_project_endpoint_groups", "project_id", "group_id"}
}

// addResources gives the stores the tables of the catalog and of what stands beside it.
func (s *Store) addResources(to *identity.Stores) {
	to.Regions, to.Services, to.Endpoints = s.regions(), s.services(), s.endpoints()
	to.EndpointGroups, to.ProjectEndpoints, to.ProjectEndpointGroups = s.endpointGroups(), s.projectEndpoints(), s.projectEndpointGroups()
	to.Policies, to.PolicyAssociations = s.policies(), s
	to.RegisteredLimits, to.Limits = s.registeredLimits(), s.limits()
	to.Providers, to.Protocols, to.Mappings, to.ServiceProviders = s.providers(), s.protocols(), s.mappings(), s.serviceProviders()
}
