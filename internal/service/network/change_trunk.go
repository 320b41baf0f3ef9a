package network

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewTrunk is what a trunk is made of.
type NewTrunk struct {
	ProjectID, Name, Description, PortID string
	AdminUp                              *bool
	SubPorts                             []SubPort
}

// TrunkChange is what should change of a trunk; nil fields stay.
type TrunkChange struct {
	Name, Description *string
	AdminUp           *bool
	Revision          *int64 // that it must have; nil: any
}

// CreateTrunk makes a port the parent of others.
func (s *Service) CreateTrunk(ctx context.Context, c *auth.Caller, in NewTrunk) (Trunk, error) {
	return tx(ctx, s, func(ctx context.Context) (Trunk, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return Trunk{}, err
		}
		parent, err := s.store.Port(ctx, c.Scope(), in.PortID)
		if err != nil {
			return Trunk{}, err
		}
		if err := s.untrunked(ctx, parent.ID); err != nil {
			return Trunk{}, err
		}
		if parent.reserved() {
			return Trunk{}, fault.Conflictf("port", parent.ID, "Port %s is currently in use and is not eligible for use as a parent port: it is of %s.", parent.ID, ownerWord(parent)).
				WithCode("ParentPortInUse")
		}
		t := Trunk{
			ID: uuid.NewString(), ProjectID: projectID, Name: in.Name, Description: in.Description, AdminUp: or(in.AdminUp, true),
			PortID: parent.ID, Status: parent.Status, Stamp: born(),
		}
		added, err := s.store.AddTrunk(ctx, t)
		if err != nil {
			return t, err
		}
		if !added {
			return t, fault.Conflictf("port", parent.ID, "Port %s is in use by another trunk.", parent.ID).WithCode("TrunkPortInUse")
		}
		if err := s.carry(ctx, c, t, parent, in.SubPorts); err != nil {
			return t, err
		}
		if err := s.note(ctx, "trunk", t.ID, t.ProjectID, "created"); err != nil {
			return t, err
		}
		return s.store.Trunk(ctx, db.Everywhere(), t.ID)
	})
}

// untrunked refuses a port that is part of a trunk.
func (s *Service) untrunked(ctx context.Context, portIDs ...string) error {
	trunks, err := s.store.Trunks(ctx, db.Everywhere(), By("port_id", portIDs...))
	if err != nil {
		return err
	}
	for _, t := range trunks {
		return fault.Conflictf("port", t.PortID, "Port %s is currently a parent port for trunk %s.", t.PortID, t.ID).WithCode("PortInUseAsTrunkParent")
	}
	carried, err := s.store.Parents(ctx, portIDs...)
	if err != nil {
		return err
	}
	for id, by := range carried {
		return fault.Conflictf("port", id, "Port %s is currently a subport for trunk %s.", id, by.TrunkID).WithCode("PortInUseAsSubPort")
	}
	return nil
}

// carry adds sub-ports to a trunk.
func (s *Service) carry(ctx context.Context, c *auth.Caller, t Trunk, parent Port, list []SubPort) error {
	if len(list) == 0 {
		return nil
	}
	under, err := s.store.Network(ctx, db.Everywhere(), parent.NetworkID)
	if err != nil {
		return err
	}
	var ports []Port
	for _, sub := range list {
		p, err := s.subPort(ctx, c, t, under, sub)
		if err != nil {
			return err
		}
		added, err := s.store.AddSubPort(ctx, t.ID, sub)
		if err != nil {
			return err
		}
		if !added {
			return fault.Conflictf("trunk", t.ID, "segmentation_type vlan and segmentation_id %d already in use on trunk %s.", sub.VLAN, t.ID).WithCode("DuplicateSubPort")
		}
		p.DeviceID, p.DeviceOwner, p.HostID = t.ID, OwnerSubPort, parent.HostID
		ports = append(ports, p)
	}
	return s.savePorts(ctx, ports)
}

// subPort finds a port that a trunk should carry, and checks that it can.
func (s *Service) subPort(ctx context.Context, c *auth.Caller, t Trunk, under Network, sub SubPort) (Port, error) {
	if sub.VLAN < 1 || sub.VLAN > 4094 {
		return Port{}, invalid("segmentation_id", "Invalid input for operation: Invalid segmentation details: %d is not a VLAN from 1 to 4094.", sub.VLAN)
	}
	p, err := s.store.Port(ctx, c.Scope(), sub.PortID)
	if err != nil {
		return p, err
	}
	if p.ID == t.PortID {
		return p, fault.Conflictf("port", p.ID, "Port %s is currently a parent port for trunk %s.", p.ID, t.ID).WithCode("PortInUseAsTrunkParent")
	}
	if err := s.untrunked(ctx, p.ID); err != nil {
		return p, err
	}
	if p.DeviceID != "" || p.reserved() {
		return p, fault.Conflictf("port", p.ID, "Unable to complete operation on port %s for network %s. Port already has an attached device %s.",
			p.ID, p.NetworkID, p.DeviceID).WithCode("PortInUse")
	}
	n, err := s.store.Network(ctx, db.Everywhere(), p.NetworkID)
	if err == nil && n.MTU > under.MTU {
		err = fault.Conflictf("port", p.ID, "MTU %d of subport %s cannot be greater than MTU %d of trunk %s.", n.MTU, p.ID, under.MTU, t.ID).
			WithCode("SubPortMtuGreaterThanTrunkPortMtu")
	}
	return p, err
}

// ShowTrunk reads a trunk.
func (s *Service) ShowTrunk(ctx context.Context, c *auth.Caller, id string) (Trunk, error) {
	return s.store.Trunk(ctx, c.Scope(), id)
}

// Trunks lists trunks.
func (s *Service) Trunks(ctx context.Context, c *auth.Caller, q Query) ([]Trunk, error) {
	return s.store.Trunks(ctx, c.Scope(), q)
}

// TrunksOf finds the trunks whose parents some ports are, by port.
func (s *Service) TrunksOf(ctx context.Context, portIDs []string) (map[string]Trunk, error) {
	list, err := s.store.Trunks(ctx, db.Everywhere(), By("port_id", portIDs...))
	out := map[string]Trunk{}
	for _, t := range list {
		out[t.PortID] = t
	}
	return out, err
}

// ChangeTrunk changes what a trunk says of itself.
func (s *Service) ChangeTrunk(ctx context.Context, c *auth.Caller, id string, in TrunkChange) (Trunk, error) {
	return tx(ctx, s, func(ctx context.Context) (Trunk, error) {
		t, err := s.store.Trunk(ctx, c.Scope(), id)
		if err != nil {
			return t, err
		}
		if err := t.expect("trunk", id, in.Revision); err != nil {
			return t, err
		}
		set(&t.Name, in.Name)
		set(&t.Description, in.Description)
		set(&t.AdminUp, in.AdminUp)
		return t, s.saveTrunk(ctx, &t)
	})
}

func (s *Service) saveTrunk(ctx context.Context, t *Trunk) error {
	t.touch()
	if err := s.store.ChangeTrunk(ctx, *t); err != nil {
		return err
	}
	return s.note(ctx, "trunk", t.ID, t.ProjectID, "updated")
}

// AddSubPorts lets a trunk carry more ports.
func (s *Service) AddSubPorts(ctx context.Context, c *auth.Caller, id string, list []SubPort) (Trunk, error) {
	return s.changeSubPorts(ctx, c, id, func(ctx context.Context, t Trunk) error {
		parent, err := s.store.Port(ctx, db.Everywhere(), t.PortID)
		if err != nil {
			return err
		}
		return s.carry(ctx, c, t, parent, list)
	})
}

// RemoveSubPorts lets a trunk carry fewer ports.
func (s *Service) RemoveSubPorts(ctx context.Context, c *auth.Caller, id string, portIDs []string) (Trunk, error) {
	return s.changeSubPorts(ctx, c, id, func(ctx context.Context, t Trunk) error {
		for _, p := range portIDs {
			if !slices.ContainsFunc(t.SubPorts, func(sub SubPort) bool { return sub.PortID == p }) {
				return fault.New(fault.NotFound, "SubPort on trunk %s with parent port %s could not be found: it does not carry port %s.", t.ID, t.PortID, p).WithCode("SubPortNotFound")
			}
		}
		return s.uncarry(ctx, portIDs...)
	})
}

func (s *Service) changeSubPorts(ctx context.Context, c *auth.Caller, id string, change func(context.Context, Trunk) error) (Trunk, error) {
	return tx(ctx, s, func(ctx context.Context) (Trunk, error) {
		t, err := s.store.Trunk(ctx, c.Scope(), id)
		if err != nil {
			return t, err
		}
		if !t.AdminUp {
			return t, fault.Conflictf("trunk", id, "Trunk %s is currently disabled: set admin_state_up first.", id).WithCode("TrunkDisabled")
		}
		if err := s.saveTrunk(ctx, &t); err != nil {
			return t, err
		}
		if err := change(ctx, t); err != nil {
			return t, err
		}
		return s.store.Trunk(ctx, db.Everywhere(), id)
	})
}

// uncarry frees ports from their trunk.
func (s *Service) uncarry(ctx context.Context, portIDs ...string) error {
	if len(portIDs) == 0 {
		return nil
	}
	ports, err := s.store.Ports(ctx, db.Everywhere(), ByID(portIDs...))
	if err != nil {
		return err
	}
	for i := range ports {
		if err := s.store.RemoveSubPort(ctx, ports[i].ID); err != nil {
			return err
		}
		ports[i].DeviceID, ports[i].DeviceOwner, ports[i].HostID, ports[i].Status = "", "", "", StatusDown
	}
	return s.savePorts(ctx, ports)
}

// DeleteTrunk deletes a trunk; its ports stay.
func (s *Service) DeleteTrunk(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		t, err := s.store.Trunk(ctx, c.Scope(), id)
		if err != nil {
			return err
		}
		if err := t.expect("trunk", id, revision); err != nil {
			return err
		}
		return s.removeTrunk(ctx, t)
	})
}

func (s *Service) removeTrunk(ctx context.Context, t Trunk) error {
	if err := s.uncarry(ctx, ids(t.SubPorts, func(p SubPort) string { return p.PortID })...); err != nil {
		return err
	}
	if err := s.store.RemoveTrunk(ctx, t.ID); err != nil {
		return err
	}
	return s.note(ctx, "trunk", t.ID, t.ProjectID, "deleted")
}

// dropTrunks deletes the trunks whose parents go with their devices.
func (s *Service) dropTrunks(ctx context.Context, portIDs ...string) error {
	trunks, err := s.store.Trunks(ctx, db.Everywhere(), By("port_id", portIDs...))
	if err != nil {
		return err
	}
	for _, t := range trunks {
		if err := s.removeTrunk(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// bindSubPorts says of sub-ports that they are where their trunks' parents are.
func (s *Service) bindSubPorts(ctx context.Context, bound []Port) ([]Port, error) {
	trunks, err := s.store.Trunks(ctx, db.Everywhere(), By("port_id", ids(bound, func(p Port) string { return p.ID })...))
	if err != nil || len(trunks) == 0 {
		return nil, err
	}
	parents, err := s.store.Ports(ctx, db.Everywhere(), ByID(ids(trunks, func(t Trunk) string { return t.PortID })...))
	if err != nil {
		return nil, err
	}
	hosts := map[string]string{}
	for _, p := range parents {
		for _, t := range trunks {
			if t.PortID == p.ID {
				hosts[t.ID] = p.HostID
			}
		}
	}
	return s.store.BindPorts(ctx, hosts)
}
