package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewAddressGroup is what an address group is made of.
type NewAddressGroup struct {
	ProjectID, Name, Description string
	Addresses                    []netip.Prefix
}

// CreateAddressGroup makes an address group.
func (s *Service) CreateAddressGroup(ctx context.Context, c *auth.Caller, in NewAddressGroup) (AddressGroup, error) {
	return tx(ctx, s, func(ctx context.Context) (AddressGroup, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return AddressGroup{}, err
		}
		g := AddressGroup{
			ID: uuid.NewString(), ProjectID: projectID, Name: in.Name, Description: in.Description,
			Addresses: inOrder(in.Addresses), Stamp: born(),
		}
		if err := s.room(ctx, "address_group", projectID, 1); err != nil {
			return g, err
		}
		if err := s.store.AddAddressGroup(ctx, g); err != nil {
			return g, err
		}
		return g, s.note(ctx, "address_group", g.ID, g.ProjectID, "created", Unit{KindAddressGroup, g.ID})
	})
}

// inOrder is each prefix once, without what is behind its length.
func inOrder(list []netip.Prefix) []netip.Prefix {
	out := ids(list, netip.Prefix.Masked)
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	return slices.Compact(out)
}

// ShowAddressGroup reads an address group.
func (s *Service) ShowAddressGroup(ctx context.Context, c *auth.Caller, id string) (AddressGroup, error) {
	return s.store.AddressGroup(ctx, c.Scope(), id)
}

// AddressGroups lists address groups.
func (s *Service) AddressGroups(ctx context.Context, c *auth.Caller, q Query) ([]AddressGroup, error) {
	return s.store.AddressGroups(ctx, c.Scope(), q)
}

// AddressGroupChange is what should change of an address group; nil fields stay.
type AddressGroupChange struct {
	Name, Description *string
	Revision          *int64
}

// ChangeAddressGroup changes what an address group says of itself.
func (s *Service) ChangeAddressGroup(ctx context.Context, c *auth.Caller, id string, in AddressGroupChange) (AddressGroup, error) {
	return s.changeAddresses(ctx, c, id, in.Revision, func(g *AddressGroup) error {
		set(&g.Name, in.Name)
		set(&g.Description, in.Description)
		return nil
	})
}

// AddAddresses puts addresses into a group that are not in it.
func (s *Service) AddAddresses(ctx context.Context, c *auth.Caller, id string, list []netip.Prefix, revision *int64) (AddressGroup, error) {
	return s.changeAddresses(ctx, c, id, revision, func(g *AddressGroup) error {
		var there []netip.Prefix
		for _, p := range inOrder(list) {
			if slices.Contains(g.Addresses, p) {
				there = append(there, p)
			}
		}
		if len(there) > 0 {
			return fault.Invalidf("addresses", "Addresses %s already exist in the address group %s.", prefixTexts(there), id).WithCode("AddressesAlreadyExist")
		}
		g.Addresses = inOrder(append(g.Addresses, list...))
		return nil
	})
}

// RemoveAddresses takes addresses from a group that are in it.
func (s *Service) RemoveAddresses(ctx context.Context, c *auth.Caller, id string, list []netip.Prefix, revision *int64) (AddressGroup, error) {
	return s.changeAddresses(ctx, c, id, revision, func(g *AddressGroup) error {
		var missing []netip.Prefix
		for _, p := range inOrder(list) {
			at := slices.Index(g.Addresses, p)
			if at < 0 {
				missing = append(missing, p)
				continue
			}
			g.Addresses = slices.Delete(g.Addresses, at, at+1)
		}
		if len(missing) > 0 {
			return fault.New(fault.NotFound, "Addresses %s not found in the address group %s.", prefixTexts(missing), id).WithCode("AddressesNotFound")
		}
		return nil
	})
}

func (s *Service) changeAddresses(ctx context.Context, c *auth.Caller, id string, revision *int64, change func(*AddressGroup) error) (AddressGroup, error) {
	return tx(ctx, s, func(ctx context.Context) (AddressGroup, error) {
		g, err := s.ownAddressGroup(ctx, c, id, "update_address_group", revision)
		if err != nil {
			return g, err
		}
		if err := change(&g); err != nil {
			return g, err
		}
		g.touch()
		if err := s.store.ChangeAddressGroup(ctx, g); err != nil {
			return g, err
		}
		return g, s.note(ctx, "address_group", id, g.ProjectID, "updated", Unit{KindAddressGroup, id})
	})
}

func (s *Service) ownAddressGroup(ctx context.Context, c *auth.Caller, id, rule string, revision *int64) (AddressGroup, error) {
	g, err := s.store.AddressGroup(ctx, c.Scope(), id)
	if err != nil {
		return g, err
	}
	if err := mine(c, g.ProjectID, rule); err != nil {
		return g, err
	}
	return g, g.expect("address_group", id, revision)
}

// DeleteAddressGroup deletes an address group that no rule names.
func (s *Service) DeleteAddressGroup(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		g, err := s.ownAddressGroup(ctx, c, id, "delete_address_group", revision)
		if err != nil {
			return err
		}
		rules, err := s.store.Rules(ctx, db.Everywhere(), By("address_group_id", id))
		if err != nil {
			return err
		}
		if len(rules) > 0 {
			return fault.Conflictf("address_group", id, "Address group %s is in use on one or more security group rules: %s of security group %s.",
				id, rules[0].ID, rules[0].GroupID).WithCode("AddressGroupInUse")
		}
		if err := s.store.RemoveAddressGroup(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "address_group", id, g.ProjectID, "deleted", Unit{KindAddressGroup, id})
	})
}
