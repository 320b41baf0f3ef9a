package compute

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Explain returns what the last attempt to place a server saw. Only admins hear the names of hosts.
func (s *Service) Explain(ctx context.Context, caller *auth.Caller, serverID string) (Placement, error) {
	sv, err := s.store.FindServer(ctx, caller.Scope(), serverID)
	if err != nil {
		return Placement{}, err
	}
	p, err := s.store.FindPlacement(ctx, caller.Scope(), serverID)
	if fault.Is(err, fault.NotFound) {
		return Placement{}, fault.New(fault.NotFound, "server %s has not been placed yet: it is %s", sv.ID, sv.State)
	}
	if err != nil || caller.Admin() {
		return p, err
	}
	p.HostName = ""
	for i := range p.Report.Groups {
		p.Report.Groups[i].Names = nil
	}
	return p, nil
}

// MaintainHost takes a host into maintenance, or out of it: no new server is placed on it, those that are there stay.
func (s *Service) MaintainHost(ctx context.Context, id string, on bool) (HostView, error) {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.SetHostMaintenance(ctx, id, on); err != nil {
			return err
		}
		return s.tellOfHosts(ctx, []string{id}, false)
	})
	if err != nil {
		return HostView{}, err
	}
	h, err := s.store.FindHost(ctx, id)
	return HostView{Host: h, Up: h.Up(s.now(), s.settings.HostTimeout)}, err
}
