package network

import (
	"context"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// WantedGateway is a router's way to the outside, as asked for.
type WantedGateway struct {
	NetworkID string
	SNAT      *bool      // default true; admin only
	FixedIPs  []WantedIP // nil: any; admin only
}

// NewRouter is what a router is made of.
type NewRouter struct {
	ProjectID, Name, Description string
	AdminUp                      *bool
	Gateway                      *WantedGateway
	ZoneHints                    []string
	HA, Distributed              *bool // admin only; true, or left out
}

// checkMakeup checks what a request says of how a router is made up. All are the same: several hosts stand in for one
// another as their gateways, and each host routes for its own servers.
func checkMakeup(c *auth.Caller, rule string, ha, distributed *bool) error {
	for _, flag := range []struct {
		name  string
		value *bool
	}{{"ha", ha}, {"distributed", distributed}} {
		switch {
		case flag.value == nil:
		case !c.Admin():
			return disallowed(rule + ":" + flag.name)
		case !*flag.value:
			return fault.Invalidf(flag.name, "Could not find a service provider that supports %s=False: all routers are distributed, and highly available; leave it out.", flag.name).
				WithCode("BadRequest")
		}
	}
	return nil
}

// CreateRouter makes a router.
func (s *Service) CreateRouter(ctx context.Context, c *auth.Caller, in NewRouter) (Router, error) {
	return tx(ctx, s, func(ctx context.Context) (Router, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return Router{}, err
		}
		if err := checkMakeup(c, "create_router", in.HA, in.Distributed); err != nil {
			return Router{}, err
		}
		r := Router{
			ID: uuid.NewString(), ProjectID: projectID, Name: in.Name, Description: in.Description,
			AdminUp: or(in.AdminUp, true), ZoneHints: in.ZoneHints, Stamp: born(),
		}
		if err := s.checkZones(ctx, in.ZoneHints); err != nil {
			return r, err
		}
		if err := s.room(ctx, "router", projectID, 1); err != nil {
			return r, err
		}
		units := []Unit{{KindRouter, r.ID}}
		if in.Gateway != nil {
			more, err := s.setGateway(ctx, c, &r, *in.Gateway)
			if err != nil {
				return r, err
			}
			units = append(units, more...)
		}
		if err := s.store.AddRouter(ctx, r); err != nil {
			return r, err
		}
		return r, s.note(ctx, "router", r.ID, r.ProjectID, "created", units...)
	})
}
