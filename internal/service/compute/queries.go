package compute

import (
	"context"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// Actions returns what was asked of a server, the latest first.
func (s *Service) Actions(ctx context.Context, caller *auth.Caller, serverID string, f ActionSearch) ([]Action, error) {
	if _, err := s.store.FindServer(ctx, caller.Scope(), serverID); err != nil {
		return nil, err
	}
	return s.store.Actions(ctx, caller.Scope(), serverID, f)
}

// HostView is a host with what is known of its life.
type HostView struct {
	Host
	Up bool
}

// Condition tells whether servers may be placed on the host.
func (h *HostView) Condition() placement.Condition { return h.condition(h.Up) }

// Hosts returns all hosts.
func (s *Service) Hosts(ctx context.Context) ([]HostView, error) {
	hosts, err := s.store.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	now := s.now()
	views := make([]HostView, len(hosts))
	for i := range hosts {
		views[i] = HostView{Host: hosts[i], Up: hosts[i].Up(now, s.settings.HostTimeout)}
	}
	return views, nil
}

// HostsUp tells which of some hosts are up; what is no host is not among them.
func (s *Service) HostsUp(ctx context.Context, ids []string) (map[string]bool, error) {
	out := make(map[string]bool, len(ids))
	now := s.now()
	for part := range slices.Chunk(ids, readAtOnce) {
		hosts, err := s.store.HostsByID(ctx, part)
		if err != nil {
			return nil, err
		}
		for i := range hosts {
			out[hosts[i].ID] = hosts[i].Up(now, s.settings.HostTimeout)
		}
	}
	return out, nil
}

// DisableHost keeps new servers off a host, or lets them on it again. Those that are there stay.
func (s *Service) DisableHost(ctx context.Context, id string, disabled bool, reason string) (HostView, error) {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.SetHostDisabled(ctx, id, disabled, reason); err != nil {
			return err
		}
		return s.tellOfHosts(ctx, []string{id}, false)
	})
	if err != nil {
		return HostView{}, err
	}
	s.placement.Wake(placementKey)
	h, err := s.store.FindHost(ctx, id)
	return HostView{Host: h, Up: h.Up(s.now(), s.settings.HostTimeout)}, err
}

// Zone is a place that a server can be asked to run in.
type Zone struct {
	Name      string
	Available bool // it has a host that is up and enabled
	Hosts     []HostView
}

// Zones returns the zones by name. The default zone is there even without hosts.
func (s *Service) Zones(ctx context.Context) ([]Zone, error) {
	hosts, err := s.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string]*Zone{s.settings.DefaultZone: {}}
	for _, h := range hosts {
		z := entry(byName, h.Zone)
		z.Hosts = append(z.Hosts, h)
		z.Available = z.Available || (h.Up && !h.Disabled)
	}
	zones := make([]Zone, 0, len(byName))
	for name, z := range byName {
		z.Name = name
		zones = append(zones, *z)
	}
	slices.SortFunc(zones, func(a, b Zone) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return zones, nil
}

// HostTimeout is how long a host may be silent before it counts as down.
func (s *Service) HostTimeout() time.Duration { return s.settings.HostTimeout }

// Limits returns a project's quota and what it uses of it. Others' are for admins.
func (s *Service) Limits(ctx context.Context, caller *auth.Caller, projectID string) (Quota, Usage, error) {
	if projectID != caller.ProjectID && !caller.Admin() {
		return Quota{}, Usage{}, fault.New(fault.Forbidden, "the quota of another project is for admins only")
	}
	quota, err := s.store.Quota(ctx, projectID, s.settings.Quota)
	if err != nil {
		return Quota{}, Usage{}, err
	}
	usage, err := s.store.Usage(ctx, projectID)
	if err == nil {
		usage.ServerGroups, err = s.store.CountServerGroups(ctx, projectID)
	}
	return quota, usage, err
}

// DefaultQuota is the quota of projects that have none of their own.
func (s *Service) DefaultQuota() Quota { return s.settings.Quota }

// SetQuota changes a project's quota by a function of the present one.
func (s *Service) SetQuota(ctx context.Context, projectID string, fn func(*Quota)) (Quota, error) {
	var q Quota
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if q, err = s.store.Quota(ctx, projectID, s.settings.Quota); err != nil {
			return err
		}
		fn(&q)
		return s.store.SetQuota(ctx, projectID, q)
	})
	return q, err
}
