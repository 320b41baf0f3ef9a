package network

import (
	"context"
	"net/netip"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewFloatingIP is what a floating IP is made of.
type NewFloatingIP struct {
	ProjectID, Description string
	NetworkID              string     // the external network
	SubnetID               string     // of which the address should be; empty: any
	Address                netip.Addr // invalid: any; admin only
	PortID                 string     // to which it should lead; may be empty
	FixedAddress           netip.Addr // of the port; invalid: its only IPv4 address
	QoSPolicyID            string
	DNSName, DNSDomain     string // both or none
}

// CreateFloatingIP takes an address of an external network, and lets it lead to a port.
func (s *Service) CreateFloatingIP(ctx context.Context, c *auth.Caller, in NewFloatingIP) (FloatingIP, error) {
	return tx(ctx, s, func(ctx context.Context) (FloatingIP, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return FloatingIP{}, err
		}
		n, err := s.store.Network(ctx, c.Scope(), in.NetworkID)
		if err != nil {
			return FloatingIP{}, err
		}
		if !n.External {
			return FloatingIP{}, badFloating("floating_network_id", "Network %s is not a valid external network.", n.ID)
		}
		if in.Address.IsValid() && !c.Admin() {
			return FloatingIP{}, disallowed("create_floatingip:floating_ip_address")
		}
		if err := s.room(ctx, "floatingip", projectID, 1); err != nil {
			return FloatingIP{}, err
		}
		f := FloatingIP{
			ID: uuid.NewString(), ProjectID: projectID, Description: in.Description, NetworkID: n.ID, Status: StatusDown,
			QoSPolicyID: in.QoSPolicyID, DNSName: in.DNSName, DNSDomain: in.DNSDomain, Stamp: born(),
		}
		if err := checkFloatingName(f); err != nil {
			return f, err
		}
		if err := s.usePolicy(ctx, c, f.QoSPolicyID); err != nil {
			return f, err
		}
		if err := s.takeOutside(ctx, &f, in); err != nil {
			return f, err
		}
		units := []Unit{}
		if in.PortID != "" {
			if err := s.attach(ctx, c, &f, in.PortID, in.FixedAddress); err != nil {
				return f, err
			}
			units = append(units, Unit{KindRouter, f.RouterID})
		}
		if err := s.store.AddFloatingIP(ctx, f); err != nil {
			return f, err
		}
		return f, s.note(ctx, "floatingip", f.ID, f.ProjectID, "created", units...)
	})
}

// takeOutside makes the port that holds a floating IP's address.
func (s *Service) takeOutside(ctx context.Context, f *FloatingIP, in NewFloatingIP) error {
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("network_id", f.NetworkID))
	if err != nil {
		return err
	}
	var v4 []Subnet
	for _, sub := range subnets {
		if !sub.V6() {
			v4 = append(v4, sub)
		}
	}
	if len(v4) == 0 {
		return badFloating("floating_network_id", "Network %s does not contain any IPv4 subnet.", f.NetworkID)
	}
	p, err := s.addPort(ctx, Port{
		ID: uuid.NewString(), NetworkID: f.NetworkID, AdminUp: true, Status: StatusNone, DeviceID: f.ID,
		DeviceOwner: OwnerFloatingIP, Stamp: born(),
	})
	if err != nil {
		return err
	}
	var wish []WantedIP
	if in.SubnetID != "" || in.Address.IsValid() {
		wish = []WantedIP{{in.SubnetID, in.Address}}
	}
	wanted, err := plan(p, v4, wish)
	if err != nil {
		return err
	}
	if err := s.allocate(ctx, &p, wanted); err != nil {
		return err
	}
	f.ExternalPortID, f.Address = p.ID, p.FixedIPs[0].Address
	return nil
}

// attach lets a floating IP lead to an address of a port. A router must join the port's subnet and the external network.
func (s *Service) attach(ctx context.Context, c *auth.Caller, f *FloatingIP, portID string, fixed netip.Addr) error {
	p, err := s.store.Port(ctx, c.Scope(), portID)
	if err != nil {
		return err
	}
	at, err := target(p, fixed)
	if err != nil {
		return err
	}
	r, err := s.routerBetween(ctx, at.SubnetID, f.NetworkID)
	if err != nil {
		return err
	}
	if r == "" {
		return fault.New(fault.NotFound, "External network %s is not reachable from subnet %s. Therefore, cannot associate Port %s with a Floating IP. Add the subnet to a router whose gateway is in that network.",
			f.NetworkID, at.SubnetID, p.ID).WithCode("ExternalGatewayForFloatingIPNotFound")
	}
	f.PortID, f.FixedAddress, f.RouterID, f.Status = p.ID, at.Address, r, StatusActive
	return s.notForwarded(ctx, *f)
}

// target is the address of a port that a floating IP should lead to.
func target(p Port, fixed netip.Addr) (FixedIP, error) {
	var found []FixedIP
	for _, f := range p.FixedIPs {
		if f.Address.Is4() && (!fixed.IsValid() || f.Address == fixed) {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return FixedIP{}, badFloating("fixed_ip_address", "Port %s has multiple fixed IPv4 addresses. Must provide a specific IPv4 address when assigning a floating IP.", p.ID)
	case fixed.IsValid():
		return FixedIP{}, badFloating("fixed_ip_address", "Port %s does not have fixed ip %s.", p.ID, fixed)
	}
	return FixedIP{}, badFloating("port_id", "Cannot add floating IP to port %s that has no fixed IPv4 addresses.", p.ID)
}

// routerBetween is the router that joins a subnet and an external network; "" if none does.
func (s *Service) routerBetween(ctx context.Context, subnetID, externalID string) (string, error) {
	q := By("subnet_id", subnetID)
	q.Where["device_owner"] = []string{OwnerRouterInterface}
	legs, err := s.store.Ports(ctx, db.Everywhere(), q)
	if err != nil || len(legs) == 0 {
		return "", err
	}
	routers, err := s.store.Routers(ctx, db.Everywhere(), ByID(ids(legs, func(p Port) string { return p.DeviceID })...))
	if err != nil {
		return "", err
	}
	for _, r := range routers {
		if r.Gateway != nil && r.Gateway.NetworkID == externalID {
			return r.ID, nil
		}
	}
	return "", nil
}

func badFloating(field, format string, args ...any) error {
	return fault.Invalidf(field, "Bad floatingip request: "+format, args...).WithCode("BadRequest")
}
