package network

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// PortChange is what should change of a port; nil fields stay.
type PortChange struct {
	Name, Description             *string
	DNSName, DNSDomain            *string
	AdminUp, PortSecurity         *bool
	MAC                           *string // "": a new one
	DeviceID, DeviceOwner, HostID *string
	GroupIDs                      *[]string
	FixedIPs                      *[]WantedIP
	Pairs                         *[]AddressPair
	QoSPolicyID                   *string // "": none
	DHCPOptions                   []DHCPOptionChange
	Revision                      *int64 // that it must have; nil: any
}

// ChangePort changes a port.
func (s *Service) ChangePort(ctx context.Context, c *auth.Caller, id string, in PortChange) (Port, error) {
	return tx(ctx, s, func(ctx context.Context) (Port, error) {
		p, err := s.store.Port(ctx, c.Scope(), id)
		if err != nil {
			return p, err
		}
		if err := p.expect("port", id, in.Revision); err != nil {
			return p, err
		}
		if err := s.mayChange(ctx, c, p, in); err != nil {
			return p, err
		}
		before, err := s.floated(ctx, p)
		if err != nil {
			return p, err
		}
		if err := s.alter(ctx, c, &p, in); err != nil {
			return p, err
		}
		p.touch()
		if err := s.store.ChangePort(ctx, p); err != nil {
			return p, err
		}
		if in.GroupIDs != nil {
			if err := s.store.SetPortGroups(ctx, p); err != nil {
				return p, err
			}
		}
		if in.FixedIPs != nil {
			if err := s.readdress(ctx, &p, *in.FixedIPs); err != nil {
				return p, err
			}
		}
		units, err := s.leaning(ctx, p)
		if err != nil {
			return p, err
		}
		if len(in.DHCPOptions) > 0 {
			units = append(units, Unit{KindNetwork, p.NetworkID})
		}
		units = append(units, dhcpUnits(p)...)
		return p, s.note(ctx, "port", p.ID, p.ProjectID, "updated", append(units, before...)...)
	})
}

// mayChange checks the rights of the caller over single attributes.
func (s *Service) mayChange(ctx context.Context, c *auth.Caller, p Port, in PortChange) error {
	if c.Admin() {
		return nil
	}
	if in.HostID != nil {
		return disallowed("update_port:binding:host_id")
	}
	if in.DeviceOwner != nil && (Port{DeviceOwner: *in.DeviceOwner}).reserved() && *in.DeviceOwner != p.DeviceOwner {
		return invalid("device_owner", "device_owner %s is written by the service itself", *in.DeviceOwner)
	}
	if in.MAC == nil && in.PortSecurity == nil && (in.FixedIPs == nil || !givesAddress(*in.FixedIPs)) && in.Pairs == nil {
		return nil
	}
	_, err := s.ownNetwork(ctx, c, p.NetworkID, "update_port:fixed_ips, mac_address, allowed_address_pairs or port_security_enabled")
	return err
}

// alter writes the changes into the port.
func (s *Service) alter(ctx context.Context, c *auth.Caller, p *Port, in PortChange) error {
	set(&p.Name, in.Name)
	set(&p.Description, in.Description)
	set(&p.DNSName, in.DNSName)
	set(&p.DNSDomain, in.DNSDomain)
	set(&p.AdminUp, in.AdminUp)
	set(&p.PortSecurity, in.PortSecurity)
	set(&p.DeviceID, in.DeviceID)
	set(&p.DeviceOwner, in.DeviceOwner)
	set(&p.HostID, in.HostID)
	set(&p.Pairs, in.Pairs)
	p.DHCPOptions = mergeDHCPOptions(p.DHCPOptions, in.DHCPOptions)
	if in.QoSPolicyID != nil {
		if err := s.usePolicy(ctx, c, *in.QoSPolicyID); err != nil {
			return err
		}
		if err := s.keepPortPromise(ctx, *p, *in.QoSPolicyID); err != nil {
			return err
		}
		p.QoSPolicyID = *in.QoSPolicyID
	}
	if in.MAC != nil && *in.MAC != p.MAC {
		wanted := *in.MAC
		if wanted == "" {
			wanted = newMAC()
		}
		hw, err := hardware(wanted)
		if err != nil {
			return err
		}
		if p.HostID != "" {
			return fault.Conflictf("port", p.ID, "Unable to complete operation on port %s, port is already bound: its device would keep the old MAC; unplug it first.", p.ID).
				WithCode("PortBound")
		}
		p.MAC = macText(hw)
	}
	if in.GroupIDs != nil {
		groups, err := s.groupsFor(ctx, c, *p, in.GroupIDs)
		if err != nil {
			return err
		}
		p.GroupIDs = groups
	}
	return checkPort(*p)
}

// readdress gives a port other addresses. Those that stay are taken again; a subnet that is named without an address
// keeps the one that the port has of it.
func (s *Service) readdress(ctx context.Context, p *Port, wanted []WantedIP) error {
	if p.DeviceOwner == OwnerFloatingIP || p.DeviceOwner == OwnerDistributed {
		return invalid("fixed_ips", "the addresses of a %s port cannot be changed", p.DeviceOwner)
	}
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("network_id", p.NetworkID))
	if err != nil {
		return err
	}
	held := slices.Clone(p.FixedIPs)
	for i, w := range wanted {
		if w.Address.IsValid() || w.SubnetID == "" {
			continue
		}
		if at := slices.IndexFunc(held, func(f FixedIP) bool { return f.SubnetID == w.SubnetID }); at >= 0 {
			wanted[i].Address = held[at].Address
			held = slices.Delete(held, at, at+1)
		}
	}
	if wanted == nil {
		wanted = []WantedIP{}
	}
	claims, err := plan(*p, subnets, wanted)
	if err != nil {
		return err
	}
	before := p.FixedIPs
	if err := s.store.FreeAddresses(ctx, p.ID); err != nil {
		return err
	}
	if err := s.allocate(ctx, p, claims); err != nil {
		return err
	}
	if err := s.keepsFloating(ctx, *p, before); err != nil {
		return err
	}
	return s.dropForwardings(ctx, func(f PortForwarding) bool { return !slices.Contains(p.Addresses(), f.Address) }, p.ID)
}

// keepsFloating refuses to take an address away that a floating IP leads to.
func (s *Service) keepsFloating(ctx context.Context, p Port, before []FixedIP) error {
	gone := slices.DeleteFunc(slices.Clone(before), func(f FixedIP) bool { return slices.Contains(p.FixedIPs, f) })
	if len(gone) == 0 {
		return nil
	}
	list, err := s.store.FloatingIPs(ctx, db.Everywhere(), By("port_id", p.ID))
	if err != nil {
		return err
	}
	for _, f := range list {
		if slices.Contains(allAddresses(gone), f.FixedAddress) {
			return fault.Conflictf("port", p.ID, "fixed IP %s of port %s has the floating IP %s (%s): disassociate it first.",
				f.FixedAddress, p.ID, f.Address, f.ID).WithCode("PortInUse")
		}
	}
	return nil
}

// leaning are the units that depend on a port: itself, its router, and the routers of its floating IPs.
func (s *Service) leaning(ctx context.Context, ports ...Port) ([]Unit, error) {
	var units []Unit
	var plain []string
	for _, p := range ports {
		units = append(units, Unit{KindPort, p.ID})
		switch p.DeviceOwner {
		case OwnerRouterGateway, OwnerRouterInterface:
			units = append(units, Unit{KindRouter, p.DeviceID})
		case OwnerDistributed:
			units = append(units, Unit{KindNetwork, p.NetworkID})
		default:
			plain = append(plain, p.ID)
		}
	}
	more, err := s.floated(ctx, ports...)
	if err != nil {
		return nil, err
	}
	units = append(units, more...)
	if len(plain) == 0 {
		return units, nil
	}
	list, err := s.store.FloatingIPs(ctx, db.Everywhere(), By("port_id", plain...))
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		units = append(units, Unit{KindRouter, f.RouterID})
	}
	return units, nil
}

// DeletePort deletes a port. Those of routers, floating IPs and networks go with these only.
func (s *Service) DeletePort(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		p, err := s.store.Port(ctx, c.Scope(), id)
		if err != nil {
			return err
		}
		if err := p.expect("port", id, revision); err != nil {
			return err
		}
		if p.reserved() {
			return fault.Conflictf("port", id, "Port %s cannot be deleted directly via the port API: has device owner %s. Delete %s instead.",
				id, p.DeviceOwner, ownerWord(p)).WithCode("ServicePortInUse")
		}
		if err := s.untrunked(ctx, id); err != nil {
			return err
		}
		return s.removePorts(ctx, p)
	})
}

func ownerWord(p Port) string {
	switch p.DeviceOwner {
	case OwnerRouterInterface:
		return "the interface of router " + p.DeviceID
	case OwnerRouterGateway:
		return "the gateway of router " + p.DeviceID
	case OwnerFloatingIP:
		return "the floating IP " + p.DeviceID
	}
	return "the network " + p.NetworkID
}

// removePorts deletes ports, and leaves their floating IPs to lead nowhere.
func (s *Service) removePorts(ctx context.Context, ports ...Port) error {
	if len(ports) == 0 {
		return nil
	}
	units, err := s.leaning(ctx, ports...)
	if err != nil {
		return err
	}
	list := ids(ports, func(p Port) string { return p.ID })
	floating, err := s.store.FloatingIPs(ctx, db.Everywhere(), By("port_id", list...))
	if err != nil {
		return err
	}
	for _, f := range floating {
		if err := s.detach(ctx, f); err != nil {
			return err
		}
	}
	if err := s.dropTrunks(ctx, list...); err != nil {
		return err
	}
	if err := s.dropForwardings(ctx, func(PortForwarding) bool { return true }, list...); err != nil {
		return err
	}
	if err := s.store.RemovePorts(ctx, list...); err != nil {
		return err
	}
	for i, p := range ports {
		mine := dhcpUnits(p)
		if i == 0 {
			mine = append(mine, units...)
		}
		if err := s.note(ctx, "port", p.ID, p.ProjectID, "deleted", mine...); err != nil {
			return err
		}
	}
	return nil
}
