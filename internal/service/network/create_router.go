package network

import (
	"context"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
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
}

// CreateRouter makes a router.
func (s *Service) CreateRouter(ctx context.Context, c *auth.Caller, in NewRouter) (Router, error) {
	return tx(ctx, s, func(ctx context.Context) (Router, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
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
