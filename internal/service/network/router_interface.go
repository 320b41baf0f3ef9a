package network

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Interface is a router's leg in a subnet.
type Interface struct {
	Router    Router
	Port      Port
	SubnetIDs []string
}

// AddInterface joins a router to a subnet, by the subnet's gateway address, or by a port that is there.
func (s *Service) AddInterface(ctx context.Context, c *auth.Caller, routerID, subnetID, portID string, revision *int64) (Interface, error) {
	return tx(ctx, s, func(ctx context.Context) (Interface, error) {
		r, err := s.store.Router(ctx, c.Scope(), routerID)
		if err != nil {
			return Interface{}, err
		}
		if err := r.expect("router", routerID, revision); err != nil {
			return Interface{}, err
		}
		legs, err := s.interfaces(ctx, routerID)
		if err != nil {
			return Interface{}, err
		}
		var p Port
		switch {
		case (subnetID == "") == (portID == ""):
			return Interface{}, badRouter("Either subnet_id or port_id must be specified, and not both")
		case subnetID != "":
			p, err = s.legOfSubnet(ctx, c, r, legs, subnetID)
		default:
			p, err = s.legOfPort(ctx, c, r, legs, portID)
		}
		if err != nil {
			return Interface{}, err
		}
		r.touch() // two interfaces that are added at the same time meet here
		if err := s.store.ChangeRouter(ctx, r); err != nil {
			return Interface{}, err
		}
		err = s.note(ctx, "router", r.ID, r.ProjectID, "updated", Unit{KindPort, p.ID}, Unit{KindRouter, r.ID})
		return Interface{r, p, subnetsOf(p)}, err
	})
}

func subnetsOf(p Port) []string { return ids(p.FixedIPs, func(f FixedIP) string { return f.SubnetID }) }

// legOfSubnet makes a port with the subnet's gateway address.
func (s *Service) legOfSubnet(ctx context.Context, c *auth.Caller, r Router, legs []Port, subnetID string) (Port, error) {
	sub, err := s.store.Subnet(ctx, c.Scope(), subnetID)
	if err != nil {
		return Port{}, err
	}
	if err := s.mayJoin(ctx, c, sub); err != nil {
		return Port{}, err
	}
	if !sub.Gateway.IsValid() {
		return Port{}, badRouter("Subnet for router interface must have a gateway IP: %s has none; add a port of it instead", sub.ID)
	}
	if err := s.checkLeg(ctx, r, legs, []Subnet{sub}); err != nil {
		return Port{}, err
	}
	p, err := s.addPort(ctx, Port{
		ID: uuid.NewString(), NetworkID: sub.NetworkID, ProjectID: r.ProjectID, AdminUp: true, Status: StatusDown,
		DeviceID: r.ID, DeviceOwner: OwnerRouterInterface, Stamp: born(),
	})
	if err != nil {
		return p, err
	}
	if err := s.allocate(ctx, &p, [][]claim{{{sub, sub.Gateway}}}); err != nil {
		return p, err
	}
	return p, s.note(ctx, "port", p.ID, p.ProjectID, "created")
}

// mayJoin refuses to route another project's network that is not shared.
func (s *Service) mayJoin(ctx context.Context, c *auth.Caller, sub Subnet) error {
	n, err := s.store.Network(ctx, c.Scope(), sub.NetworkID)
	if err != nil {
		return err
	}
	if c.Admin() || n.Granted || n.ProjectID == c.ProjectID {
		return nil
	}
	return disallowed("add_router_interface on an external network")
}

// legOfPort makes a port that is there the router's.
func (s *Service) legOfPort(ctx context.Context, c *auth.Caller, r Router, legs []Port, portID string) (Port, error) {
	p, err := s.store.Port(ctx, c.Scope(), portID)
	if err != nil {
		return p, err
	}
	if p.DeviceID != "" || p.reserved() {
		return p, fault.Conflictf("port", p.ID, "Unable to complete operation on port %s for network %s. Port already has an attached device %s.",
			p.ID, p.NetworkID, p.DeviceID).WithCode("PortInUse")
	}
	if len(p.FixedIPs) == 0 {
		return p, badRouter("Port %s has no fixed IP: a router's port must have at least one", p.ID)
	}
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), ByID(subnetsOf(p)...))
	if err != nil {
		return p, err
	}
	if err := s.checkLeg(ctx, r, legs, subnets); err != nil {
		return p, err
	}
	p.DeviceID, p.DeviceOwner, p.GroupIDs, p.PortSecurity, p.Pairs = r.ID, OwnerRouterInterface, nil, false, nil
	p.touch()
	if err := s.store.ChangePort(ctx, p); err != nil {
		return p, err
	}
	if err := s.store.SetPortGroups(ctx, p); err != nil {
		return p, err
	}
	return p, s.note(ctx, "port", p.ID, p.ProjectID, "updated")
}

// checkLeg refuses subnets that overlap with each other, the router's others, or its gateway's.
func (s *Service) checkLeg(ctx context.Context, r Router, legs []Port, subnets []Subnet) error {
	for _, sub := range subnets {
		for _, p := range legs {
			if slices.Contains(subnetsOf(p), sub.ID) {
				return badRouter("Router already has a port on subnet %s", sub.ID)
			}
		}
	}
	if g := r.Gateway; g != nil {
		legs = append(legs, Port{FixedIPs: g.FixedIPs})
	}
	return s.noOverlap(ctx, legs, subnets)
}

// RemoveInterface takes a router out of a subnet, and deletes the port.
func (s *Service) RemoveInterface(ctx context.Context, c *auth.Caller, routerID, subnetID, portID string, revision *int64) (Interface, error) {
	return tx(ctx, s, func(ctx context.Context) (Interface, error) {
		r, err := s.store.Router(ctx, c.Scope(), routerID)
		if err != nil {
			return Interface{}, err
		}
		if err := r.expect("router", routerID, revision); err != nil {
			return Interface{}, err
		}
		if subnetID == "" && portID == "" {
			return Interface{}, badRouter("Either subnet_id or port_id must be specified")
		}
		legs, err := s.interfaces(ctx, routerID)
		if err != nil {
			return Interface{}, err
		}
		at := slices.IndexFunc(legs, func(p Port) bool {
			return (portID == "" || p.ID == portID) && (subnetID == "" || slices.Contains(subnetsOf(p), subnetID))
		})
		if at < 0 {
			return Interface{}, noInterface(routerID, subnetID, portID)
		}
		p := legs[at]
		if err := s.checkUnused(ctx, r, p); err != nil {
			return Interface{}, err
		}
		if err := s.removePorts(ctx, p); err != nil {
			return Interface{}, err
		}
		r.touch()
		if err := s.store.ChangeRouter(ctx, r); err != nil {
			return Interface{}, err
		}
		return Interface{r, p, subnetsOf(p)}, s.note(ctx, "router", r.ID, r.ProjectID, "updated", Unit{KindRouter, r.ID})
	})
}

func noInterface(routerID, subnetID, portID string) error {
	if subnetID != "" {
		return fault.New(fault.NotFound, "Router %s has no interface on subnet %s", routerID, subnetID).WithCode("RouterInterfaceNotFoundForSubnet")
	}
	return fault.New(fault.NotFound, "Router %s does not have an interface with id %s", routerID, portID).WithCode("RouterInterfaceNotFound")
}

// checkUnused refuses to remove a leg through which floating IPs or routes lead.
func (s *Service) checkUnused(ctx context.Context, r Router, p Port) error {
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), ByID(subnetsOf(p)...))
	if err != nil {
		return err
	}
	floating, err := s.store.FloatingIPs(ctx, db.Everywhere(), By("router_id", r.ID))
	if err != nil {
		return err
	}
	forwards, err := s.store.Forwardings(ctx, db.Everywhere(), By("floating_ip_id", ids(floating, func(f FloatingIP) string { return f.ID })...))
	if err != nil {
		return err
	}
	for _, sub := range subnets {
		for _, f := range floating {
			if sub.CIDR.Contains(f.FixedAddress) {
				return fault.Conflictf("router", r.ID, "Router interface for subnet %s on router %s cannot be deleted, as it is required by the floating IP %s.",
					sub.ID, r.ID, f.Address).WithCode("RouterInterfaceInUseByFloatingIP")
			}
		}
		for _, f := range forwards {
			if sub.CIDR.Contains(f.Address) {
				return fault.Conflictf("router", r.ID, "Router interface for subnet %s on router %s cannot be deleted, as it is required by the port forwarding %s.",
					sub.ID, r.ID, f.ID).WithCode("RouterInterfaceInUseByFloatingIP")
			}
		}
		for _, route := range r.Routes {
			if sub.CIDR.Contains(route.NextHop) {
				return fault.Conflictf("router", r.ID, "Router interface for subnet %s on router %s cannot be deleted, as it is required by the route to %s.",
					sub.ID, r.ID, route.Destination).WithCode("RouterInterfaceInUseByRoute")
			}
		}
	}
	return nil
}
