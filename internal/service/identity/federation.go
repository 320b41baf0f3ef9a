package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity/mapping"
)

// IdentityProvider is somebody else who knows users, as a resource.
type IdentityProvider struct {
	Made
	DomainID    string // where its users belong
	Enabled     bool
	Description string
	RemoteIDs   []string // how it names itself; no two providers have one in common
	TTL         *int64   // minutes for which a membership of a group that a mapping gave is kept; nil: not at all
}

// ProviderChange is what a request changes of an identity provider; nil leaves it.
type ProviderChange struct {
	Enabled     *bool
	Description *string
	RemoteIDs   *[]string
	TTL         **int64
}

// Protocol is a way of an identity provider to tell of a user, with the mapping that reads it.
type Protocol struct {
	Made
	ProviderID, Name, MappingID, RemoteIDAttribute string
}

// ProtocolChange is what a request changes of a protocol; nil leaves it.
type ProtocolChange struct{ MappingID, RemoteIDAttribute *string }

// Mapping is rules that turn what an identity provider says into a user of ours.
type Mapping struct {
	Made
	Rules         []any // as they were given
	SchemaVersion string
}

// ServiceProvider is another cloud that trusts this one, as a resource.
type ServiceProvider struct {
	Made
	AuthURL, ServiceURL, Description, RelayStatePrefix string
	Enabled                                            bool
}

// ServiceProviderChange is what a request changes of a service provider; nil leaves it.
type ServiceProviderChange struct {
	AuthURL, ServiceURL, Description, RelayStatePrefix *string
	Enabled                                            *bool
}

// CreateProvider adds an identity provider. Without a domain it gets one of its own.
func (s *Service) CreateProvider(ctx context.Context, p IdentityProvider) (IdentityProvider, error) {
	p.Made = s.made(p.ID)
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.store.Providers.Get(ctx, p.ID); err == nil {
			return fault.Conflictf("identity provider", p.ID, "Conflict occurred attempting to store identity_provider - Duplicate entry found with ID %s.", p.ID)
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := s.checkRemoteIDs(ctx, p); err != nil {
			return err
		}
		domainID, err := s.providerDomain(ctx, p)
		if err != nil {
			return err
		}
		p.DomainID = domainID
		if err := s.store.Providers.Insert(ctx, p); err != nil {
			return err
		}
		return s.tell(ctx, "identity_provider", "created", p.ID, "", about{DomainID: p.DomainID, By: by(ctx)})
	})
	return p, err
}

// providerDomain checks the domain of a provider, or makes it one.
func (s *Service) providerDomain(ctx context.Context, p IdentityProvider) (string, error) {
	if p.DomainID != "" {
		_, err := s.domain(ctx, p.DomainID)
		return p.DomainID, wanted(err, "identity_provider.domain_id", "domain", p.DomainID)
	}
	d, err := s.CreateProject(ctx, Project{
		Name: newID(), IsDomain: true, Enabled: true, Description: "Made for the identity provider " + p.ID,
	})
	return d.ID, err
}

func (s *Service) checkRemoteIDs(ctx context.Context, p IdentityProvider) error {
	all, err := s.store.Providers.List(ctx, nil)
	if err != nil {
		return err
	}
	for i, id := range p.RemoteIDs {
		if slices.Contains(p.RemoteIDs[:i], id) {
			return fault.Invalidf("identity_provider.remote_ids", "Invalid input for field identity_provider.remote_ids: %q is there twice", id)
		}
		for _, other := range all {
			if other.ID != p.ID && slices.Contains(other.RemoteIDs, id) {
				return fault.Conflictf("identity provider", p.ID, "Conflict occurred attempting to store identity_provider - Duplicate remote ID: %s is one of provider %s.", id, other.ID)
			}
		}
	}
	return nil
}

// ListProviders lists identity providers, by id and whether they are enabled.
func (s *Service) ListProviders(ctx context.Context, id string, enabled *bool) ([]IdentityProvider, error) {
	all, err := s.store.Providers.List(ctx, Is{"id": id})
	return slices.DeleteFunc(all, func(p IdentityProvider) bool { return enabled != nil && p.Enabled != *enabled }), err
}

// ShowProvider reads an identity provider.
func (s *Service) ShowProvider(ctx context.Context, id string) (IdentityProvider, error) {
	return s.store.Providers.Get(ctx, id)
}

// UpdateProvider changes an identity provider.
func (s *Service) UpdateProvider(ctx context.Context, id string, c ProviderChange) (IdentityProvider, error) {
	var p IdentityProvider
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if p, err = s.store.Providers.Get(ctx, id); err != nil {
			return err
		}
		set(&p.Enabled, c.Enabled)
		set(&p.Description, c.Description)
		set(&p.RemoteIDs, c.RemoteIDs)
		set(&p.TTL, c.TTL)
		if err := s.checkRemoteIDs(ctx, p); err != nil {
			return err
		}
		if err := s.store.Providers.Update(ctx, p); err != nil {
			return err
		}
		return s.tell(ctx, "identity_provider", "updated", id, "", about{DomainID: p.DomainID, By: by(ctx)})
	})
	return p, err
}

// DeleteProvider removes an identity provider and its protocols. Its domain stays.
func (s *Service) DeleteProvider(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.Providers.Delete(ctx, id); err != nil {
			return err
		}
		return s.tell(ctx, "identity_provider", "deleted", id, "", about{By: by(ctx)})
	})
}

// protocolID is the id that a protocol has in the table: names are unique within a provider only.
func protocolID(providerID, name string) string { return derivedID("protocol", providerID, name) }

// CreateProtocol adds a protocol to an identity provider.
func (s *Service) CreateProtocol(ctx context.Context, p Protocol) (Protocol, error) {
	p.Made = s.made(protocolID(p.ProviderID, p.Name))
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.store.Providers.Get(ctx, p.ProviderID); err != nil {
			return err
		}
		if _, err := s.store.Mappings.Get(ctx, p.MappingID); err != nil {
			return wanted(err, "protocol.mapping_id", "mapping", p.MappingID)
		}
		if err := s.store.Protocols.Insert(ctx, p); err != nil {
			return err
		}
		return s.tell(ctx, "protocol", "created", p.ProviderID+"/"+p.Name, "", about{Name: p.Name, By: by(ctx)})
	})
	return p, err
}

// ListProtocols lists the protocols of an identity provider.
func (s *Service) ListProtocols(ctx context.Context, providerID string) ([]Protocol, error) {
	if _, err := s.store.Providers.Get(ctx, providerID); err != nil {
		return nil, err
	}
	return s.store.Protocols.List(ctx, Is{"provider_id": providerID})
}

// ShowProtocol reads a protocol.
func (s *Service) ShowProtocol(ctx context.Context, providerID, name string) (Protocol, error) {
	p, err := s.store.Protocols.Get(ctx, protocolID(providerID, name))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "Could not find federated protocol %s for Identity Provider: %s.", name, providerID)
	}
	return p, err
}

// UpdateProtocol changes a protocol.
func (s *Service) UpdateProtocol(ctx context.Context, providerID, name string, c ProtocolChange) (Protocol, error) {
	var p Protocol
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if p, err = s.ShowProtocol(ctx, providerID, name); err != nil {
			return err
		}
		set(&p.MappingID, c.MappingID)
		set(&p.RemoteIDAttribute, c.RemoteIDAttribute)
		if _, err := s.store.Mappings.Get(ctx, p.MappingID); err != nil {
			return wanted(err, "protocol.mapping_id", "mapping", p.MappingID)
		}
		if err := s.store.Protocols.Update(ctx, p); err != nil {
			return err
		}
		return s.tell(ctx, "protocol", "updated", providerID+"/"+name, "", about{Name: name, By: by(ctx)})
	})
	return p, err
}

// DeleteProtocol removes a protocol.
func (s *Service) DeleteProtocol(ctx context.Context, providerID, name string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.ShowProtocol(ctx, providerID, name); err != nil {
			return err
		}
		if err := s.store.Protocols.Delete(ctx, protocolID(providerID, name)); err != nil {
			return err
		}
		return s.tell(ctx, "protocol", "deleted", providerID+"/"+name, "", about{Name: name, By: by(ctx)})
	})
}

// CreateMapping stores rules that make sense.
func (s *Service) CreateMapping(ctx context.Context, m Mapping) (Mapping, error) {
	m.Made = s.made(m.ID)
	if _, err := mapping.Parse(m.SchemaVersion, m.Rules); err != nil {
		return Mapping{}, err
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.Mappings.Insert(ctx, m); err != nil {
			return err
		}
		return s.tell(ctx, "mapping", "created", m.ID, "", about{By: by(ctx)})
	})
	return m, err
}

// ListMappings lists all mappings.
func (s *Service) ListMappings(ctx context.Context) ([]Mapping, error) {
	return s.store.Mappings.List(ctx, nil)
}

// ShowMapping reads a mapping.
func (s *Service) ShowMapping(ctx context.Context, id string) (Mapping, error) {
	return s.store.Mappings.Get(ctx, id)
}

// UpdateMapping replaces the rules of a mapping.
func (s *Service) UpdateMapping(ctx context.Context, id string, rules []any, version string) (Mapping, error) {
	if _, err := mapping.Parse(version, rules); err != nil {
		return Mapping{}, err
	}
	var m Mapping
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if m, err = s.store.Mappings.Get(ctx, id); err != nil {
			return err
		}
		m.Rules, m.SchemaVersion = rules, version
		if err := s.store.Mappings.Update(ctx, m); err != nil {
			return err
		}
		return s.tell(ctx, "mapping", "updated", id, "", about{By: by(ctx)})
	})
	return m, err
}

// DeleteMapping removes a mapping. Protocols that use it stay, and are of no use until they are given another.
func (s *Service) DeleteMapping(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.Mappings.Delete(ctx, id); err != nil {
			return err
		}
		return s.tell(ctx, "mapping", "deleted", id, "", about{By: by(ctx)})
	})
}

// CreateServiceProvider adds a service provider.
func (s *Service) CreateServiceProvider(ctx context.Context, p ServiceProvider) (ServiceProvider, error) {
	p.Made = s.made(p.ID)
	err := s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := p.check(); err != nil {
			return err
		}
		if err := s.store.ServiceProviders.Insert(ctx, p); err != nil {
			return err
		}
		return s.tell(ctx, "service_provider", "created", p.ID, "", about{By: by(ctx)})
	})
	return p, err
}

func (p ServiceProvider) check() error {
	for _, url := range []struct{ field, value string }{{"service_provider.auth_url", p.AuthURL}, {"service_provider.sp_url", p.ServiceURL}} {
		if !scheme.MatchString(url.value) || len(url.value) > 225 {
			return fault.Invalidf(url.field, "Invalid input for field %s: %q is not a URL such as https://host/path of up to 225 characters", url.field, url.value)
		}
	}
	return nil
}

// ListServiceProviders lists service providers, by id and whether they are enabled.
func (s *Service) ListServiceProviders(ctx context.Context, id string, enabled *bool) ([]ServiceProvider, error) {
	all, err := s.store.ServiceProviders.List(ctx, Is{"id": id})
	return slices.DeleteFunc(all, func(p ServiceProvider) bool { return enabled != nil && p.Enabled != *enabled }), err
}

// Partners are the clouds that a token tells of, where its owner may log in too: the enabled service providers.
func (s *Service) Partners() []ServiceProvider { return s.book.view.Load().partners }

// ShowServiceProvider reads a service provider.
func (s *Service) ShowServiceProvider(ctx context.Context, id string) (ServiceProvider, error) {
	return s.store.ServiceProviders.Get(ctx, id)
}

// UpdateServiceProvider changes a service provider.
func (s *Service) UpdateServiceProvider(ctx context.Context, id string, c ServiceProviderChange) (ServiceProvider, error) {
	var p ServiceProvider
	err := s.changeCatalog(ctx, func(ctx context.Context) (err error) {
		if p, err = s.store.ServiceProviders.Get(ctx, id); err != nil {
			return err
		}
		set(&p.AuthURL, c.AuthURL)
		set(&p.ServiceURL, c.ServiceURL)
		set(&p.Description, c.Description)
		set(&p.RelayStatePrefix, c.RelayStatePrefix)
		set(&p.Enabled, c.Enabled)
		if err := p.check(); err != nil {
			return err
		}
		if err := s.store.ServiceProviders.Update(ctx, p); err != nil {
			return err
		}
		return s.tell(ctx, "service_provider", "updated", id, "", about{By: by(ctx)})
	})
	return p, err
}

// DeleteServiceProvider removes a service provider.
func (s *Service) DeleteServiceProvider(ctx context.Context, id string) error {
	return s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := s.store.ServiceProviders.Delete(ctx, id); err != nil {
			return err
		}
		return s.tell(ctx, "service_provider", "deleted", id, "", about{By: by(ctx)})
	})
}
