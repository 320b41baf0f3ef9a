package network

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// AddRoutes gives a router more routes, whatever others do to its routes at the same time. Those that it has already stay.
func (s *Service) AddRoutes(ctx context.Context, c *auth.Caller, id string, routes []Route) (Router, error) {
	return s.changeRoutes(ctx, c, id, func(ctx context.Context, r *Router) error {
		for _, route := range routes {
			if !slices.Contains(r.Routes, route) {
				r.Routes = append(r.Routes, route)
			}
		}
		return s.checkRouterRoutes(ctx, *r)
	})
}

// RemoveRoutes takes routes from a router. Those that it has not are none the less gone.
func (s *Service) RemoveRoutes(ctx context.Context, c *auth.Caller, id string, routes []Route) (Router, error) {
	return s.changeRoutes(ctx, c, id, func(_ context.Context, r *Router) error {
		r.Routes = slices.DeleteFunc(r.Routes, func(have Route) bool { return slices.Contains(routes, have) })
		return nil
	})
}

// changeRoutes reads a router and writes its changed routes, again if another request wrote between.
func (s *Service) changeRoutes(ctx context.Context, c *auth.Caller, id string, change func(context.Context, *Router) error) (Router, error) {
	const attempts = 10
	var last error
	for range attempts {
		r, err := tx(ctx, s, func(ctx context.Context) (Router, error) {
			r, err := s.store.Router(ctx, c.Scope(), id)
			if err != nil {
				return r, err
			}
			if err := change(ctx, &r); err != nil {
				return r, err
			}
			r.touch()
			if err := s.store.ChangeRouter(ctx, r); err != nil {
				return r, err
			}
			return r, s.note(ctx, "router", id, r.ProjectID, "updated", Unit{KindRouter, id})
		})
		if err == nil || fault.Of(err).Code != "RevisionNumberConstraintFailed" {
			return r, err
		}
		last = err
	}
	return Router{}, last
}
