package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// catalogRoutes show what the installation's services are, and what administrators have added to them.
func (a *api) catalogRoutes() []rest.Route {
	return []rest.Route{
		get("/v3/services", "Lists the services.", "list_services", auth.SystemReader, rest.Do(a.listServices)),
		change(http.MethodPost, "/v3/services", "Adds a service to the catalog.", "create_service", "service.create", rest.Do(a.createService)),
		get("/v3/services/{service_id}", "Shows a service.", "get_service", auth.SystemReader, rest.Do(a.showService)),
		change(http.MethodPatch, "/v3/services/{service_id}", "Changes a service.", "update_service", "service.update", rest.Do(a.updateService)),
		change(http.MethodDelete, "/v3/services/{service_id}", "Deletes a service and its endpoints.", "delete_service", "service.delete", rest.Do(a.deleteService)),

		get("/v3/endpoints", "Lists the endpoints of the services.", "list_endpoints", auth.SystemReader, rest.Do(a.listEndpoints)),
		change(http.MethodPost, "/v3/endpoints", "Adds an endpoint to a service.", "create_endpoint", "endpoint.create", rest.Do(a.createEndpoint)),
		get("/v3/endpoints/{endpoint_id}", "Shows an endpoint.", "get_endpoint", auth.Anyone, rest.Do(a.showEndpoint)),
		asked(change(http.MethodPatch, "/v3/endpoints/{endpoint_id}", "Changes an endpoint.", "update_endpoint", "endpoint.update", rest.Do(a.updateEndpoint))),
		asked(change(http.MethodDelete, "/v3/endpoints/{endpoint_id}", "Deletes an endpoint.", "delete_endpoint", "endpoint.delete", rest.Do(a.deleteEndpoint))),

		get("/v3/regions", "Lists the regions.", "list_regions", auth.Anyone, rest.Do(a.listRegions)),
		change(http.MethodPost, "/v3/regions", "Adds a region, with an id of its own or the given one.", "create_region", "region.create", rest.Do(a.createRegion)),
		get("/v3/regions/{region_id}", "Shows a region.", "get_region", auth.Anyone, rest.Do(a.showRegion)),
		made(change(http.MethodPut, "/v3/regions/{region_id}", "Adds a region with an id.", "create_region", "region.create", rest.Do(a.putRegion))),
		change(http.MethodPatch, "/v3/regions/{region_id}", "Changes a region.", "update_region", "region.update", rest.Do(a.updateRegion)),
		change(http.MethodDelete, "/v3/regions/{region_id}", "Deletes a region and those below it, if they have no endpoints.", "delete_region", "region.delete", rest.Do(a.deleteRegion)),
	}
}

// made is a route that answers 201.
func made(r rest.Route) rest.Route {
	r.Status = http.StatusCreated
	return r
}

// silent is a route that answers 204.
func silent(r rest.Route) rest.Route {
	r.Status = http.StatusNoContent
	return r
}

// truth reads a field that must be true or false: the text "False" is neither.
func truth(field string, o rest.Opt[any]) (*bool, error) {
	if !o.Set {
		return nil, nil
	}
	b, ok := o.Value.(bool)
	if !ok {
		return nil, fault.Invalidf(field, "Invalid input for field %s: it must be true or false, without quotes", field)
	}
	return &b, nil
}

// orElse is what a pointer points at, or a fallback.
func orElse[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}

// something refuses a change that changes nothing.
func something(name string, body any) error {
	if reflect.ValueOf(body).IsZero() {
		return fault.Invalidf(name, "Invalid input: %s does not have enough properties: it must name what to change", name)
	}
	return nil
}

type serviceWire struct {
	ID      string         `json:"id"`
	Type    string         `json:"type"`
	Name    string         `json:"name"`
	Enabled bool           `json:"enabled"`
	Links   selfLink       `json:"links"`
	Extra   map[string]any `json:"*"`
}

type servicesOut struct {
	Services []serviceWire `json:"services"`

	listEnd
}

type serviceOut struct {
	Service serviceWire `json:"service"`
}

type serviceBody struct {
	Type    *string        `json:"type" check:"min=1,max=255"`
	Name    *string        `json:"name" check:"max=255"`
	Enabled rest.Opt[any]  `json:"enabled"`
	Extra   map[string]any `json:"*"`
}

func serviceOf(ctx context.Context, s identity.CatalogService) serviceWire {
	return serviceWire{s.ID, s.Type, s.Name, s.Enabled, self(ctx, "/services/"+s.ID), s.Extra}
}

func (a *api) listServices(ctx context.Context, in struct {
	pageIn
	Type string `query:"type"`
	Name string `query:"name"`
},
) (servicesOut, error) {
	all, err := a.core.ListServices(ctx, in.Type, in.Name)
	if err != nil {
		return servicesOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, identity.CatalogService.Key)
	return servicesOut{wires(ctx, all, serviceOf), at}, err
}

func (a *api) createService(ctx context.Context, in struct {
	Service serviceBody `body:"service"`
},
) (serviceOut, error) {
	b := in.Service
	if b.Type == nil {
		return serviceOut{}, required("service.type")
	}
	enabled, err := truth("service.enabled", b.Enabled)
	if err != nil {
		return serviceOut{}, err
	}
	s, err := a.core.CreateService(ctx, identity.CatalogService{
		Type: *b.Type, Name: orElse(b.Name, ""), Enabled: orElse(enabled, true), Extra: extras(b.Extra),
	})
	return serviceOut{serviceOf(ctx, s)}, err
}

type serviceIn struct {
	ID string `path:"service_id"`
}

func (a *api) showService(ctx context.Context, in serviceIn) (serviceOut, error) {
	s, err := a.core.ShowService(ctx, in.ID)
	return serviceOut{serviceOf(ctx, s)}, err
}

func (a *api) updateService(ctx context.Context, in struct {
	serviceIn
	Service serviceBody `body:"service"`
},
) (serviceOut, error) {
	b := in.Service
	if err := something("service", b); err != nil {
		return serviceOut{}, err
	}
	if err := sameID("service", in.ID, b.Extra); err != nil {
		return serviceOut{}, err
	}
	enabled, err := truth("service.enabled", b.Enabled)
	if err != nil {
		return serviceOut{}, err
	}
	s, err := a.core.UpdateService(ctx, in.ID, identity.ServiceChange{Type: b.Type, Name: b.Name, Enabled: enabled, Extra: extras(b.Extra)})
	return serviceOut{serviceOf(ctx, s)}, err
}

func (a *api) deleteService(ctx context.Context, in serviceIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteService(ctx, in.ID)
}
