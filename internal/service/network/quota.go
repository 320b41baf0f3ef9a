package network

import (
	"context"
	"maps"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Quota is how many objects of each resource a project may have; a negative number is no limit.
type Quota map[string]int

// DefaultQuota is the quota of projects. Ports have no limit of their own: servers are counted where they are made.
func DefaultQuota() Quota {
	return Quota{
		"network": 100, "subnet": 100, "port": -1, "router": 10, "floatingip": 50,
		"security_group": 100, "security_group_rule": 1000, "rbac_policy": 10, "subnetpool": -1, "address_group": -1,
	}
}

// DefaultQuotaHere is the quota of the projects that have none of their own.
func (s *Service) DefaultQuotaHere() Quota { return maps.Clone(s.cfg.Quota) }

// QuotaOf is the quota of a project.
func (s *Service) QuotaOf(ctx context.Context, projectID string) (Quota, error) {
	own, err := s.store.Quotas(ctx, db.InProject(projectID))
	return s.complete(own[projectID]), err
}

// Quotas are the quotas of the projects that have one of their own, by project.
func (s *Service) Quotas(ctx context.Context) (map[string]Quota, error) {
	all, err := s.store.Quotas(ctx, db.Everywhere())
	for id, q := range all {
		all[id] = s.complete(q)
	}
	return all, err
}

// complete adds the defaults to what a project has of its own.
func (s *Service) complete(own Quota) Quota {
	out := s.DefaultQuotaHere()
	maps.Copy(out, own)
	return out
}

// SetQuota changes the quota of a project in the resources that are named. It may be below what the project has: then
// it gets no more.
func (s *Service) SetQuota(ctx context.Context, projectID string, change Quota) (Quota, error) {
	for resource, limit := range change {
		if _, ok := s.cfg.Quota[resource]; !ok {
			return nil, fault.Invalidf(resource, "Unrecognized attribute(s) '%s': there is no quota of it", resource).WithCode("HTTPBadRequest")
		}
		if limit < -1 || limit > 1<<31-1 {
			return nil, invalid(resource, "Invalid input for %s. Reason: %d is no limit; it is -1 for none, or from 0 to %d.", resource, limit, 1<<31-1)
		}
	}
	return tx(ctx, s, func(ctx context.Context) (Quota, error) {
		if err := s.store.SetQuota(ctx, projectID, change); err != nil {
			return nil, err
		}
		if err := s.note(ctx, "quota", projectID, projectID, "updated"); err != nil {
			return nil, err
		}
		return s.QuotaOf(ctx, projectID)
	})
}

// ResetQuota gives a project the default quota.
func (s *Service) ResetQuota(ctx context.Context, projectID string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		own, err := s.store.Quotas(ctx, db.InProject(projectID))
		if err != nil {
			return err
		}
		if len(own) == 0 {
			return fault.New(fault.NotFound, "Couldn't find quota for tenant %s: it has the default one.", projectID).WithCode("TenantQuotaNotFound")
		}
		if err := s.store.RemoveQuota(ctx, projectID); err != nil {
			return err
		}
		return s.note(ctx, "quota", projectID, projectID, "deleted")
	})
}

// Used is how much of its quota a project uses.
func (s *Service) Used(ctx context.Context, projectID string) (map[string]int, error) {
	out := map[string]int{}
	for resource := range s.cfg.Quota {
		n, err := s.store.Count(ctx, resource, projectID)
		if err != nil {
			return nil, err
		}
		out[resource] = n
	}
	return out, nil
}

// room refuses to make more of a resource than the project's quota allows. Transactions are serializable, so of two that
// count the same objects and then make the last one, one starts again.
func (s *Service) room(ctx context.Context, resource, projectID string, more int) error {
	quota, err := s.QuotaOf(ctx, projectID)
	if err != nil {
		return err
	}
	limit, ok := quota[resource]
	if !ok || limit < 0 {
		return nil
	}
	n, err := s.store.Count(ctx, resource, projectID)
	if err != nil {
		return err
	}
	if n+more > limit {
		return fault.New(fault.QuotaExceeded, "Quota exceeded for resources: ['%s']. The project has %d of %d; delete some, or ask an admin for more.",
			resource, n, limit).WithCode("OverQuota")
	}
	return nil
}
