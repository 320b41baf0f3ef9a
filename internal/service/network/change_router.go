package network

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// RouterChange is what should change of a router; nil fields stay.
type RouterChange struct {
	Name, Description *string
	AdminUp           *bool
	Gateway           **WantedGateway // a pointer to nil takes the gateway away
	Routes            *[]Route
	HA, Distributed   *bool  // admin only; they stay true
	Revision          *int64 // that it must have; nil: any
}

// ChangeRouter changes a router.
func (s *Service) ChangeRouter(ctx context.Context, c *auth.Caller, id string, in RouterChange) (Router, error) {
	return tx(ctx, s, func(ctx context.Context) (Router, error) {
		r, err := s.store.Router(ctx, c.Scope(), id)
		if err != nil {
			return r, err
		}
		if err := r.expect("router", id, in.Revision); err != nil {
			return r, err
		}
		if err := checkMakeup(c, "update_router", in.HA, in.Distributed); err != nil {
			return r, err
		}
		units := []Unit{{KindRouter, id}}
		set(&r.Name, in.Name)
		set(&r.Description, in.Description)
		set(&r.AdminUp, in.AdminUp)
		if in.Gateway != nil {
			more, err := s.changeGateway(ctx, c, &r, *in.Gateway)
			if err != nil {
				return r, err
			}
			units = append(units, more...)
		}
		set(&r.Routes, in.Routes)
		if in.Routes != nil {
			if err := s.checkRouterRoutes(ctx, r); err != nil {
				return r, err
			}
		}
		r.touch()
		if err := s.store.ChangeRouter(ctx, r); err != nil {
			return r, err
		}
		return r, s.note(ctx, "router", id, r.ProjectID, "updated", units...)
	})
}

// checkRouterRoutes checks that each next hop is a neighbour of the router.
func (s *Service) checkRouterRoutes(ctx context.Context, r Router) error {
	const mostRouterRoutes = 30
	if len(r.Routes) > mostRouterRoutes {
		return fault.Invalidf("routes", "Unable to complete operation for %s. The number of routes exceeds the maximum %d.", r.ID, mostRouterRoutes).
			WithCode("RoutesExhausted")
	}
	if err := checkRoutes("routes", r.Routes); err != nil {
		return err
	}
	legs, err := s.interfaces(ctx, r.ID)
	if err != nil {
		return err
	}
	var in []string
	own := Port{}
	for _, p := range legs {
		own.FixedIPs = append(own.FixedIPs, p.FixedIPs...)
	}
	if r.Gateway != nil {
		own.FixedIPs = append(own.FixedIPs, r.Gateway.FixedIPs...)
	}
	for _, f := range own.FixedIPs {
		in = append(in, f.SubnetID)
	}
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), ByID(in...))
	if err != nil {
		return err
	}
	for _, route := range r.Routes {
		near := false
		for _, sub := range subnets {
			near = near || sub.CIDR.Contains(route.NextHop)
		}
		for _, a := range own.Addresses() {
			near = near && a != route.NextHop
		}
		if !near {
			return fault.Invalidf("routes", "Invalid format for routes: the nexthop %s of %s is not a neighbour of the router; it is in %s.",
				route.NextHop, route.Destination, cidrs(subnets)).WithCode("InvalidRoutes")
		}
	}
	return nil
}

// DeleteRouter deletes a router without interfaces, with its gateway.
func (s *Service) DeleteRouter(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		r, err := s.store.Router(ctx, c.Scope(), id)
		if err != nil {
			return err
		}
		if err := r.expect("router", id, revision); err != nil {
			return err
		}
		legs, err := s.interfaces(ctx, id)
		if err != nil {
			return err
		}
		if len(legs) > 0 {
			return fault.Conflictf("router", id, "Router %s still has ports: %s. Remove its interfaces first.", id, describePorts(legs)).WithCode("RouterInUse")
		}
		units, err := s.clearGateway(ctx, &r)
		if err != nil {
			return err
		}
		if err := s.store.RemoveRouter(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "router", id, r.ProjectID, "deleted", append(units, Unit{KindRouter, id})...)
	})
}
