package identity

import (
	"context"
)

// ServiceChange is what a request changes of a service; nil leaves it.
type ServiceChange struct {
	Type, Name *string
	Enabled    *bool
	Extra      map[string]any
}

// CreateService adds a service to the catalog.
func (s *Service) CreateService(ctx context.Context, service CatalogService) (CatalogService, error) {
	service.Made = s.made("")
	if service.Extra == nil {
		service.Extra = map[string]any{}
	}
	if err := checkName("service.type", service.Type, maxName); err != nil {
		return CatalogService{}, err
	}
	err := s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := s.store.Services.Insert(ctx, service); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "service", "created", service.ID, service.Name)
	})
	return service, err
}

// UpdateService changes a service.
func (s *Service) UpdateService(ctx context.Context, id string, c ServiceChange) (CatalogService, error) {
	if _, own := s.installed.service(id); own {
		return CatalogService{}, ours("service", id)
	}
	var service CatalogService
	err := s.changeCatalog(ctx, func(ctx context.Context) (err error) {
		if service, err = s.store.Services.Get(ctx, id); err != nil {
			return err
		}
		set(&service.Type, c.Type)
		set(&service.Name, c.Name)
		set(&service.Enabled, c.Enabled)
		service.Extra = mergeExtra(service.Extra, c.Extra)
		if err := checkName("service.type", service.Type, maxName); err != nil {
			return err
		}
		if err := s.store.Services.Update(ctx, service); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "service", "updated", id, service.Name)
	})
	return service, err
}

// DeleteService removes a service and its endpoints.
func (s *Service) DeleteService(ctx context.Context, id string) error {
	if _, own := s.installed.service(id); own {
		return ours("service", id)
	}
	return s.changeCatalog(ctx, func(ctx context.Context) error {
		service, err := s.store.Services.Get(ctx, id)
		if err != nil {
			return err
		}
		if err := s.unlimited(ctx, "service", "service_id", id); err != nil {
			return err
		}
		endpoints, err := s.store.Endpoints.List(ctx, Is{"service_id": id})
		if err != nil {
			return err
		}
		if err := each(ctx, endpoints, s.deleteEndpoint); err != nil {
			return err
		}
		if err := s.store.PolicyAssociations.Forget(ctx, PolicyTarget{ServiceID: id}); err != nil {
			return err
		}
		if err := s.store.Services.Delete(ctx, id); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "service", "deleted", id, service.Name)
	})
}
