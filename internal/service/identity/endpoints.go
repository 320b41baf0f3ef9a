package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// EndpointChange is what a request changes of an endpoint; nil leaves it.
type EndpointChange struct {
	ServiceID, Interface, RegionID, URL *string
	Enabled                             *bool
	Extra                               map[string]any
	MakeRegion                          bool // make the region if there is none
}

// CreateEndpoint adds an endpoint of a service. With makeRegion its region is made if there is none, as clients of old
// expect who name a region and not its id.
func (s *Service) CreateEndpoint(ctx context.Context, e CatalogEndpoint, makeRegion bool) (CatalogEndpoint, error) {
	e.Made = s.made("")
	if e.Extra == nil {
		e.Extra = map[string]any{}
	}
	err := s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := s.checkEndpoint(ctx, e, makeRegion); err != nil {
			return err
		}
		if err := s.store.Endpoints.Insert(ctx, e); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "endpoint", "created", e.ID, "")
	})
	return e, err
}

// UpdateEndpoint changes an endpoint.
func (s *Service) UpdateEndpoint(ctx context.Context, id string, c EndpointChange) (CatalogEndpoint, error) {
	if _, own := s.installed.endpoint(id); own {
		return CatalogEndpoint{}, ours("endpoint", id)
	}
	var e CatalogEndpoint
	err := s.changeCatalog(ctx, func(ctx context.Context) (err error) {
		if e, err = s.store.Endpoints.Get(ctx, id); err != nil {
			return err
		}
		set(&e.ServiceID, c.ServiceID)
		set(&e.Interface, c.Interface)
		set(&e.RegionID, c.RegionID)
		set(&e.URL, c.URL)
		set(&e.Enabled, c.Enabled)
		e.Extra = mergeExtra(e.Extra, c.Extra)
		if err := s.checkEndpoint(ctx, e, c.MakeRegion); err != nil {
			return err
		}
		if err := s.store.Endpoints.Update(ctx, e); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "endpoint", "updated", id, "")
	})
	return e, err
}

// checkEndpoint refuses an endpoint that leads nowhere.
func (s *Service) checkEndpoint(ctx context.Context, e CatalogEndpoint, makeRegion bool) error {
	if !slices.Contains([]string{"public", "internal", "admin"}, e.Interface) {
		return fault.Invalidf("endpoint.interface", "Invalid input for field endpoint.interface: %q is not one of admin, internal, public", e.Interface)
	}
	if err := checkURL("endpoint.url", e.URL); err != nil {
		return err
	}
	if _, err := s.ShowService(ctx, e.ServiceID); err != nil {
		return wanted(err, "endpoint.service_id", "service", e.ServiceID)
	}
	if e.RegionID == "" {
		return nil
	}
	_, err := s.ShowRegion(ctx, e.RegionID)
	if makeRegion && fault.Is(err, fault.NotFound) {
		_, err = s.CreateRegion(ctx, Region{Made: Made{ID: e.RegionID}})
	}
	return wanted(err, "endpoint.region_id", "region", e.RegionID)
}

// wanted turns a thing that a body names and that is not there into a mistake of the body.
func wanted(err error, field, kind, id string) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Invalidf(field, "Invalid input for field %s: there is no %s %s", field, kind, id)
	}
	return err
}

// DeleteEndpoint removes an endpoint.
func (s *Service) DeleteEndpoint(ctx context.Context, id string) error {
	if _, own := s.installed.endpoint(id); own {
		return ours("endpoint", id)
	}
	return s.changeCatalog(ctx, func(ctx context.Context) error {
		e, err := s.store.Endpoints.Get(ctx, id)
		if err != nil {
			return err
		}
		return s.deleteEndpoint(ctx, e)
	})
}

func (s *Service) deleteEndpoint(ctx context.Context, e CatalogEndpoint) error {
	if err := s.store.ProjectEndpoints.UntieRight(ctx, e.ID); err != nil {
		return err
	}
	if err := s.store.PolicyAssociations.Forget(ctx, PolicyTarget{EndpointID: e.ID}); err != nil {
		return err
	}
	if err := s.store.Endpoints.Delete(ctx, e.ID); err != nil {
		return err
	}
	return s.tellCatalog(ctx, "endpoint", "deleted", e.ID, "")
}
