package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// AddPrefixes puts prefixes into a subnet pool.
func (s *Service) AddPrefixes(ctx context.Context, c *auth.Caller, poolID string, list []netip.Prefix) (SubnetPool, error) {
	return s.changePrefixes(ctx, c, poolID, "add_prefixes", func(_ context.Context, p *SubnetPool) error {
		p.Prefixes = joined(append(slices.Clone(p.Prefixes), list...))
		return nil
	})
}

// RemovePrefixes takes prefixes of which no subnet is cut from a subnet pool.
func (s *Service) RemovePrefixes(ctx context.Context, c *auth.Caller, poolID string, list []netip.Prefix) (SubnetPool, error) {
	return s.changePrefixes(ctx, c, poolID, "remove_prefixes", func(ctx context.Context, p *SubnetPool) error {
		for _, q := range list {
			at := slices.Index(p.Prefixes, q)
			if at < 0 {
				return fault.Invalidf("prefixes", "Illegal prefix removal: %s is not one of the pool's prefixes %s.", q, prefixTexts(p.Prefixes)).
					WithCode("IllegalSubnetPoolPrefixRemoval")
			}
			p.Prefixes = slices.Delete(p.Prefixes, at, at+1)
		}
		subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("pool_id", poolID))
		if err != nil {
			return err
		}
		for _, sub := range subnets {
			if !p.holds(sub.CIDR) {
				return fault.Conflictf("subnetpool", poolID, "Prefix cannot be removed from subnet pool %s: subnet %s (%s) is cut of it.",
					poolID, sub.ID, sub.CIDR).WithCode("IllegalSubnetPoolPrefixRemoval")
			}
		}
		return nil
	})
}

// Onboard makes the subnets of a network, of the pool's IP version, ones of the pool: their prefixes become the pool's.
func (s *Service) Onboard(ctx context.Context, c *auth.Caller, poolID, networkID string) (SubnetPool, error) {
	return s.changePrefixes(ctx, c, poolID, "onboard_network_subnets", func(ctx context.Context, p *SubnetPool) error {
		n, err := s.ownNetwork(ctx, c, networkID, "onboard_network_subnets")
		if err != nil {
			return err
		}
		subnets, err := s.onboardable(ctx, *p, n.ID)
		if err != nil {
			return err
		}
		for _, sub := range subnets {
			sub.PoolID = p.ID
			sub.touch()
			if err := s.store.ChangeSubnet(ctx, sub); err != nil {
				return err
			}
			if !p.holds(sub.CIDR) {
				p.Prefixes = joined(append(p.Prefixes, sub.CIDR))
			}
			if err := s.note(ctx, "subnet", sub.ID, sub.ProjectID, "updated"); err != nil {
				return err
			}
		}
		return nil
	})
}

// onboardable are the subnets of a network that may become a pool's: none is of a pool, and none overlaps with a subnet
// that is cut of the pool.
func (s *Service) onboardable(ctx context.Context, p SubnetPool, networkID string) ([]Subnet, error) {
	q := By("network_id", networkID)
	q.Where["ip_version"] = []string{"4"}
	if p.V6() {
		q.Where["ip_version"] = []string{"6"}
	}
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), q)
	if err != nil {
		return nil, err
	}
	if len(subnets) == 0 {
		return nil, fault.Invalidf("network_id", "Network %s has no %s subnet to onboard.", networkID, etherName(p.V6())).WithCode("BadRequest")
	}
	cut, err := s.store.Subnets(ctx, db.Everywhere(), By("pool_id", p.ID))
	if err != nil {
		return nil, err
	}
	for _, sub := range subnets {
		if sub.PoolID != "" {
			return nil, fault.Conflictf("subnet", sub.ID, "Subnet %s is of subnet pool %s already.", sub.ID, sub.PoolID).WithCode("NetworkSubnetPoolAffinityError")
		}
		for _, o := range cut {
			if o.CIDR.Overlaps(sub.CIDR) {
				return nil, fault.Conflictf("subnet", sub.ID, "Subnet %s (%s) overlaps with subnet %s (%s), which is cut of the pool.", sub.ID, sub.CIDR, o.ID, o.CIDR).
					WithCode("IllegalSubnetPoolUpdate")
			}
		}
	}
	return subnets, nil
}

// changePrefixes changes the prefixes of a pool, and what follows from it.
func (s *Service) changePrefixes(ctx context.Context, c *auth.Caller, poolID, rule string, change func(ctx context.Context, p *SubnetPool) error) (SubnetPool, error) {
	return tx(ctx, s, func(ctx context.Context) (SubnetPool, error) {
		p, err := s.ownPool(ctx, c, poolID, rule, nil)
		if err != nil {
			return p, err
		}
		if err := change(ctx, &p); err != nil {
			return p, err
		}
		if err := checkPool(p); err != nil {
			return p, err
		}
		if err := s.checkScope(ctx, c, p); err != nil {
			return p, err
		}
		p.touch()
		if err := s.store.ChangeSubnetPool(ctx, p); err != nil {
			return p, err
		}
		units, err := s.scopeUnits(ctx, poolID)
		if err != nil {
			return p, err
		}
		return p, s.note(ctx, "subnetpool", poolID, p.ProjectID, "updated", units...)
	})
}
