package network

import (
	"context"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// AddressScope is a set of subnet pools of one IP version whose prefixes do not overlap. A router passes packets between
// subnets of one scope as they are, and between scopes only where it translates addresses.
type AddressScope struct {
	ID, ProjectID, Name string
	V6                  bool
	Shared              bool // with the project that reads it; filled by reads
	Stamp
}

// AddressScopeStore keeps address scopes. A scope of the caller's sees its own, and those that are shared with it.
type AddressScopeStore interface {
	AddAddressScope(ctx context.Context, a AddressScope) error
	AddressScope(ctx context.Context, s db.Scope, id string) (AddressScope, error)
	AddressScopes(ctx context.Context, s db.Scope, q Query) ([]AddressScope, error)
	ChangeAddressScope(ctx context.Context, a AddressScope) error
	RemoveAddressScope(ctx context.Context, id string) error
}

// NewAddressScope is what an address scope is made of.
type NewAddressScope struct {
	ProjectID, Name string
	V6              bool
	Shared          bool // admin only
}

// CreateAddressScope makes an address scope.
func (s *Service) CreateAddressScope(ctx context.Context, c *auth.Caller, in NewAddressScope) (AddressScope, error) {
	return tx(ctx, s, func(ctx context.Context) (AddressScope, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return AddressScope{}, err
		}
		if in.Shared && !c.Admin() {
			return AddressScope{}, disallowed("create_address_scope:shared")
		}
		a := AddressScope{ID: uuid.NewString(), ProjectID: projectID, Name: in.Name, V6: in.V6, Shared: in.Shared, Stamp: born()}
		if err := s.store.AddAddressScope(ctx, a); err != nil {
			return a, err
		}
		if a.Shared {
			if err := s.openToAll(ctx, "address_scope", a.ID, a.ProjectID); err != nil {
				return a, err
			}
		}
		return a, s.note(ctx, "address_scope", a.ID, a.ProjectID, "created")
	})
}

// openToAll adds the policy by which all projects may use an object, if it is not there.
func (s *Service) openToAll(ctx context.Context, objectType, id, projectID string) error {
	_, err := s.store.AddAccess(ctx, AccessPolicy{
		ID: uuid.NewString(), ProjectID: projectID, ObjectType: objectType, ObjectID: id, Action: AccessAsShared, Target: Everybody, Stamp: born(),
	})
	return err
}

// closeToAll removes that policy, unless a project depends on it.
func (s *Service) closeToAll(ctx context.Context, objectType, id string) error {
	policies, err := s.policiesOf(ctx, objectType, id)
	if err != nil {
		return err
	}
	for _, p := range policies {
		if p.Action != AccessAsShared || p.Target != Everybody {
			continue
		}
		if err := s.policyUnused(ctx, p, ""); err != nil {
			return err
		}
		if err := s.store.RemoveAccess(ctx, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// ShowAddressScope reads an address scope.
func (s *Service) ShowAddressScope(ctx context.Context, c *auth.Caller, id string) (AddressScope, error) {
	return s.store.AddressScope(ctx, c.Scope(), id)
}

// AddressScopes lists address scopes.
func (s *Service) AddressScopes(ctx context.Context, c *auth.Caller, q Query) ([]AddressScope, error) {
	return s.store.AddressScopes(ctx, c.Scope(), q)
}

// AddressScopeChange is what should change of an address scope; nil fields stay.
type AddressScopeChange struct {
	Name     *string
	Shared   *bool // admin only; what is shared stays so
	Revision *int64
}

// ChangeAddressScope changes an address scope.
func (s *Service) ChangeAddressScope(ctx context.Context, c *auth.Caller, id string, in AddressScopeChange) (AddressScope, error) {
	return tx(ctx, s, func(ctx context.Context) (AddressScope, error) {
		a, err := s.ownAddressScope(ctx, c, id, "update_address_scope", in.Revision)
		if err != nil {
			return a, err
		}
		if in.Shared != nil && !c.Admin() {
			return a, disallowed("update_address_scope:shared")
		}
		if in.Shared != nil && *in.Shared != a.Shared {
			if !*in.Shared {
				return a, fault.Invalidf("shared", "Unable to update address scope %s: Shared address scope can't be unshared.", id).WithCode("AddressScopeUpdateError")
			}
			if err := s.openToAll(ctx, "address_scope", id, a.ProjectID); err != nil {
				return a, err
			}
			a.Shared = true
		}
		set(&a.Name, in.Name)
		a.touch()
		if err := s.store.ChangeAddressScope(ctx, a); err != nil {
			return a, err
		}
		return a, s.note(ctx, "address_scope", id, a.ProjectID, "updated")
	})
}

func (s *Service) ownAddressScope(ctx context.Context, c *auth.Caller, id, rule string, revision *int64) (AddressScope, error) {
	a, err := s.store.AddressScope(ctx, c.Scope(), id)
	if err != nil {
		return a, err
	}
	if err := mine(c, a.ProjectID, rule); err != nil {
		return a, err
	}
	return a, a.expect("address_scope", id, revision)
}

// DeleteAddressScope deletes an address scope that no subnet pool is in.
func (s *Service) DeleteAddressScope(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		a, err := s.ownAddressScope(ctx, c, id, "delete_address_scope", revision)
		if err != nil {
			return err
		}
		pools, err := s.store.SubnetPools(ctx, db.Everywhere(), By("scope_id", id))
		if err != nil {
			return err
		}
		if len(pools) > 0 {
			return fault.Conflictf("address_scope", id, "Unable to complete operation on address scope %s. There are one or more subnet pools in use on the address scope: %s and %d more.",
				id, pools[0].ID, len(pools)-1).WithCode("AddressScopeInUse")
		}
		if err := s.store.RemoveAddressScope(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "address_scope", id, a.ProjectID, "deleted")
	})
}

// checkScope checks that a pool may be in the scope that it names, in which no other pool has its prefixes.
func (s *Service) checkScope(ctx context.Context, c *auth.Caller, p SubnetPool) error {
	if p.ScopeID == "" {
		return nil
	}
	a, err := s.store.AddressScope(ctx, c.Scope(), p.ScopeID)
	if err != nil {
		return err
	}
	if a.V6 != p.V6() {
		return fault.Invalidf("address_scope_id", "Illegal subnetpool association: subnetpool %s cannot associate with address scope %s because subnetpool ip_version is not %s.",
			p.ID, a.ID, etherName(a.V6)).WithCode("IllegalSubnetPoolIpVersionAssociationToAddressScope")
	}
	others, err := s.store.SubnetPools(ctx, db.Everywhere(), By("scope_id", a.ID))
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.ID == p.ID {
			continue
		}
		for _, theirs := range o.Prefixes {
			for _, ours := range p.Prefixes {
				if theirs.Overlaps(ours) {
					return fault.Conflictf("subnetpool", p.ID, "Failed to associate address scope: subnetpools within an address scope must have unique prefixes: %s overlaps with %s of subnetpool %s.",
						ours, theirs, o.ID).WithCode("AddressScopePrefixConflict")
				}
			}
		}
	}
	return nil
}

// scopeUnits are the routers in the subnets of a pool, whose ways follow from its scope.
func (s *Service) scopeUnits(ctx context.Context, poolID string) ([]Unit, error) {
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("pool_id", poolID))
	if err != nil || len(subnets) == 0 {
		return nil, err
	}
	return s.routerUnits(ctx, By("subnet_id", ids(subnets, func(sub Subnet) string { return sub.ID })...))
}
