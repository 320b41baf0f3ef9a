package network

import (
	"context"
	"math/big"
	"net/netip"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewSubnetPool is what a subnet pool is made of.
type NewSubnetPool struct {
	ProjectID, Name, Description        string
	Prefixes                            []netip.Prefix
	DefaultLength, MinLength, MaxLength *int
	Quota                               *int
	Default, Shared                     *bool // admin only
	ScopeID                             string
}

// CreateSubnetPool makes a subnet pool.
func (s *Service) CreateSubnetPool(ctx context.Context, c *auth.Caller, in NewSubnetPool) (SubnetPool, error) {
	return tx(ctx, s, func(ctx context.Context) (SubnetPool, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return SubnetPool{}, err
		}
		p := SubnetPool{
			ID: uuid.NewString(), ProjectID: projectID, Name: in.Name, Description: in.Description, Prefixes: joined(in.Prefixes),
			Quota: in.Quota, Default: or(in.Default, false), Shared: or(in.Shared, false),
			ScopeID: in.ScopeID, Stamp: born(),
		}
		if !c.Admin() && (p.Default || p.Shared) {
			return p, disallowed("create_subnetpool:shared or is_default")
		}
		p.MinLength, p.MaxLength = or(in.MinLength, 8), or(in.MaxLength, 32)
		if p.V6() {
			p.MinLength, p.MaxLength = or(in.MinLength, 64), or(in.MaxLength, 128)
		}
		p.DefaultLength = or(in.DefaultLength, p.MinLength)
		if err := checkPool(p); err != nil {
			return p, err
		}
		if err := s.checkScope(ctx, c, p); err != nil {
			return p, err
		}
		if err := s.room(ctx, "subnetpool", projectID, 1); err != nil {
			return p, err
		}
		if err := s.store.AddSubnetPool(ctx, p); err != nil {
			return p, err
		}
		if p.Shared {
			if err := s.openToAll(ctx, "subnetpool", p.ID, projectID); err != nil {
				return p, err
			}
		}
		return p, s.note(ctx, "subnetpool", p.ID, p.ProjectID, "created")
	})
}

// checkPool checks what must hold for a pool at any time.
func checkPool(p SubnetPool) error {
	if len(p.Prefixes) == 0 {
		return fault.Invalidf("prefixes", "Empty subnet pool prefix list.").WithCode("EmptySubnetPoolPrefixList")
	}
	for _, q := range p.Prefixes {
		if q.Addr().Is6() != p.V6() {
			return fault.Invalidf("prefixes", "Cannot mix IPv4 and IPv6 prefixes in a subnet pool: %s.", prefixTexts(p.Prefixes)).WithCode("PrefixVersionMismatch")
		}
		if q.Masked() != q {
			return invalid("prefixes", "Invalid input for prefixes: %s is not a network: did you mean %s?", q, q.Masked())
		}
	}
	most := p.Prefixes[0].Addr().BitLen()
	switch {
	case p.MinLength < 0 || p.MaxLength > most || p.MinLength > p.MaxLength:
		return fault.Invalidf("min_prefixlen", "Illegal prefix bounds: min_prefixlen=%d, max_prefixlen=%d: they are from 0 to %d, the first not above the second.",
			p.MinLength, p.MaxLength, most).WithCode("IllegalSubnetPoolPrefixBounds")
	case p.DefaultLength < p.MinLength || p.DefaultLength > p.MaxLength:
		return fault.Invalidf("default_prefixlen", "Illegal prefix bounds: default_prefixlen=%d is not between min_prefixlen=%d and max_prefixlen=%d.",
			p.DefaultLength, p.MinLength, p.MaxLength).WithCode("IllegalSubnetPoolPrefixBounds")
	case p.Quota != nil && *p.Quota < 0:
		return invalid("default_quota", "Invalid input for default_quota: %d is negative", *p.Quota)
	}
	return nil
}

// ShowSubnetPool reads a subnet pool.
func (s *Service) ShowSubnetPool(ctx context.Context, c *auth.Caller, id string) (SubnetPool, error) {
	return s.store.SubnetPool(ctx, c.Scope(), id)
}

// SubnetPools lists subnet pools.
func (s *Service) SubnetPools(ctx context.Context, c *auth.Caller, q Query) ([]SubnetPool, error) {
	return s.store.SubnetPools(ctx, c.Scope(), q)
}

// SubnetPoolChange is what should change of a subnet pool; nil fields stay.
type SubnetPoolChange struct {
	Name, Description                   *string
	Prefixes                            *[]netip.Prefix // in place of those that there are, which must be within them
	DefaultLength, MinLength, MaxLength *int
	Quota                               **int
	Default                             *bool   // admin only
	ScopeID                             *string // "": none
	Revision                            *int64
}

// ChangeSubnetPool changes a subnet pool.
func (s *Service) ChangeSubnetPool(ctx context.Context, c *auth.Caller, id string, in SubnetPoolChange) (SubnetPool, error) {
	return tx(ctx, s, func(ctx context.Context) (SubnetPool, error) {
		p, err := s.ownPool(ctx, c, id, "update_subnetpool", in.Revision)
		if err != nil {
			return p, err
		}
		if in.Default != nil && !c.Admin() {
			return p, disallowed("update_subnetpool:is_default")
		}
		before := p.Prefixes
		set(&p.Name, in.Name)
		set(&p.Description, in.Description)
		set(&p.DefaultLength, in.DefaultLength)
		set(&p.MinLength, in.MinLength)
		set(&p.MaxLength, in.MaxLength)
		set(&p.Quota, in.Quota)
		set(&p.Default, in.Default)
		set(&p.ScopeID, in.ScopeID)
		if in.Prefixes != nil {
			p.Prefixes = joined(*in.Prefixes)
		}
		if err := checkPool(p); err != nil {
			return p, err
		}
		for _, q := range before {
			if !p.holds(q) {
				return p, fault.Invalidf("prefixes", "Illegal subnetpool update : Existing prefixes must be a subset of the new prefixes: %s is not within %s.",
					q, prefixTexts(p.Prefixes)).WithCode("IllegalSubnetPoolUpdate")
			}
		}
		if err := s.checkScope(ctx, c, p); err != nil {
			return p, err
		}
		p.touch()
		if err := s.store.ChangeSubnetPool(ctx, p); err != nil {
			return p, err
		}
		var units []Unit
		if in.ScopeID != nil {
			if units, err = s.scopeUnits(ctx, id); err != nil {
				return p, err
			}
		}
		return p, s.note(ctx, "subnetpool", id, p.ProjectID, "updated", units...)
	})
}

func (s *Service) ownPool(ctx context.Context, c *auth.Caller, id, rule string, revision *int64) (SubnetPool, error) {
	p, err := s.store.SubnetPool(ctx, c.Scope(), id)
	if err != nil {
		return p, err
	}
	if err := mine(c, p.ProjectID, rule); err != nil {
		return p, err
	}
	return p, p.expect("subnetpool", id, revision)
}

// DeleteSubnetPool deletes a pool of which no subnet is cut.
func (s *Service) DeleteSubnetPool(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		p, err := s.ownPool(ctx, c, id, "delete_subnetpool", revision)
		if err != nil {
			return err
		}
		subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("pool_id", id))
		if err != nil {
			return err
		}
		if len(subnets) > 0 {
			return fault.Invalidf("subnetpool", "Unable to delete subnet pool: Subnet pool has existing allocations: subnet %s (%s) and %d more.",
				subnets[0].ID, subnets[0].CIDR, len(subnets)-1).WithCode("SubnetPoolDeleteError")
		}
		if err := s.store.RemoveSubnetPool(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "subnetpool", id, p.ProjectID, "deleted")
	})
}

// fromPool cuts a new subnet's prefix of the pool that it names, or of the default one, where it wants that. others are
// the network's subnets.
func (s *Service) fromPool(ctx context.Context, c *auth.Caller, in *NewSubnet, projectID string, others []Subnet) error {
	if in.PoolID == "" && !in.UseDefaultPool {
		return nil
	}
	p, err := s.poolFor(ctx, c, *in)
	if err != nil {
		return err
	}
	in.PoolID = p.ID
	if p.V6() != (in.IPVersion == 6) {
		return invalid("ip_version", "Cannot allocate IPv%d subnet from subnet pool %s, whose prefixes are %s", in.IPVersion, p.ID, prefixTexts(p.Prefixes))
	}
	for _, o := range others {
		if o.V6() == p.V6() && o.PoolID != p.ID {
			return fault.Invalidf("subnetpool_id", "Subnets hosted on the same network must be allocated from the same subnet pool: %s is of another.", o.ID).
				WithCode("NetworkSubnetPoolAffinityError")
		}
	}
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("pool_id", p.ID))
	if err != nil {
		return err
	}
	if err := cutFrom(p, in, ids(subnets, func(o Subnet) netip.Prefix { return o.CIDR })); err != nil {
		return err
	}
	if p.Quota == nil {
		return nil
	}
	used := []netip.Prefix{in.CIDR}
	for _, o := range subnets {
		if o.ProjectID == projectID {
			used = append(used, o.CIDR)
		}
	}
	if sum := units(used...); sum.Cmp(big.NewInt(int64(*p.Quota))) > 0 {
		return fault.Conflictf("subnetpool", p.ID, "Per-tenant subnet pool prefix quota exceeded: with %s the project would have %s of %d.", in.CIDR, sum, *p.Quota).
			WithCode("SubnetPoolQuotaExceeded")
	}
	return nil
}

// poolFor finds the pool that a new subnet asks for.
func (s *Service) poolFor(ctx context.Context, c *auth.Caller, in NewSubnet) (SubnetPool, error) {
	if in.PoolID != "" {
		return s.store.SubnetPool(ctx, c.Scope(), in.PoolID)
	}
	q := By("default", "true")
	q.Where["ip_version"] = []string{map[bool]string{true: "6", false: "4"}[in.IPVersion == 6]}
	list, err := s.store.SubnetPools(ctx, db.Everywhere(), q)
	if err == nil && len(list) == 0 {
		err = fault.New(fault.NotFound, "No default pools found: there is none for IPv%d; name a subnetpool_id or a cidr.", in.IPVersion).WithCode("NoDefaultSubnetpoolFound")
	}
	return first(list), err
}

// cutFrom gives a new subnet its prefix: the one that it asks for, if the pool has it free, or any of the length.
func cutFrom(p SubnetPool, in *NewSubnet, taken []netip.Prefix) error {
	length := or(in.PrefixLength, p.DefaultLength)
	if in.CIDR.IsValid() {
		length = in.CIDR.Bits()
	}
	if length < p.MinLength {
		return fault.Invalidf("prefixlen", "Unable to allocate subnet with prefix length %d, minimum allowed prefix is %d.", length, p.MinLength).
			WithCode("MinPrefixSubnetAllocationError")
	}
	if length > p.MaxLength {
		return fault.Invalidf("prefixlen", "Unable to allocate subnet with prefix length %d, maximum allowed prefix is %d.", length, p.MaxLength).
			WithCode("MaxPrefixSubnetAllocationError")
	}
	if !in.CIDR.IsValid() {
		cut, ok := p.cut(length, taken)
		if !ok {
			return fault.Conflictf("subnetpool", p.ID, "Failed to allocate subnet: Insufficient prefix space to allocate subnet size /%d: %d subnets take it of %s.",
				length, len(taken), prefixTexts(p.Prefixes)).WithCode("SubnetAllocationError")
		}
		in.CIDR = cut
		return nil
	}
	if !p.holds(in.CIDR) {
		return invalid("cidr", "Failed to allocate subnet: Cannot allocate requested subnet %s from the available set of prefixes: the pool has %s", in.CIDR, prefixTexts(p.Prefixes))
	}
	for _, t := range taken {
		if t.Overlaps(in.CIDR) {
			return fault.Conflictf("subnetpool", p.ID, "Failed to allocate subnet: %s overlaps with %s, which is taken.", in.CIDR, t).WithCode("SubnetAllocationError")
		}
	}
	return nil
}
