package network

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// setGateway gives a router, which has none, a gateway port. It returns the units that this changed.
func (s *Service) setGateway(ctx context.Context, c *auth.Caller, r *Router, in WantedGateway) ([]Unit, error) {
	n, err := s.store.Network(ctx, c.Scope(), in.NetworkID)
	if err != nil {
		return nil, err
	}
	if !n.External {
		return nil, badRouter("Network %s is not an external network: choose one with router:external", n.ID)
	}
	if !c.Admin() && (in.SNAT != nil || givesAddress(in.FixedIPs)) {
		return nil, disallowed("update_router:external_gateway_info:enable_snat or external_fixed_ips")
	}
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("network_id", n.ID))
	if err != nil {
		return nil, err
	}
	legs, err := s.interfaces(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if err := s.noOverlap(ctx, legs, subnets); err != nil {
		return nil, err
	}
	p, err := s.addPort(ctx, Port{
		ID: uuid.NewString(), NetworkID: n.ID, AdminUp: true, Status: StatusDown, DeviceID: r.ID,
		DeviceOwner: OwnerRouterGateway, Stamp: born(),
	})
	if err != nil {
		return nil, err
	}
	wanted, err := plan(p, subnets, in.FixedIPs)
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		return nil, badRouter("the external network %s has no subnet: the gateway would have no address", n.ID)
	}
	if err := s.allocate(ctx, &p, wanted); err != nil {
		return nil, err
	}
	r.Gateway = &Gateway{NetworkID: n.ID, SNAT: or(in.SNAT, true), PortID: p.ID, FixedIPs: p.FixedIPs}
	return []Unit{{KindPort, p.ID}, {KindRouter, r.ID}}, s.note(ctx, "port", p.ID, p.ProjectID, "created")
}

// clearGateway takes a router's gateway away. Floating IPs must not depend on it.
func (s *Service) clearGateway(ctx context.Context, r *Router) ([]Unit, error) {
	if r.Gateway == nil {
		return nil, nil
	}
	list, err := s.store.FloatingIPs(ctx, db.Everywhere(), By("router_id", r.ID))
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		return nil, fault.Conflictf("router", r.ID, "Gateway cannot be updated for router %s, since a gateway to external network %s is required by one or more floating IPs: %s. Disassociate them first.",
			r.ID, r.Gateway.NetworkID, list[0].Address).WithCode("RouterExternalGatewayInUseByFloatingIp")
	}
	id := r.Gateway.PortID
	if err := s.store.RemovePorts(ctx, id); err != nil {
		return nil, err
	}
	r.Gateway = nil
	return []Unit{{KindPort, id}, {KindRouter, r.ID}}, s.note(ctx, "port", id, "", "deleted")
}

// changeGateway makes a router's gateway the one that is asked for, and keeps the port where it can.
func (s *Service) changeGateway(ctx context.Context, c *auth.Caller, r *Router, in *WantedGateway) ([]Unit, error) {
	if in == nil {
		return s.clearGateway(ctx, r)
	}
	if g := r.Gateway; g != nil && g.NetworkID == in.NetworkID && (in.FixedIPs == nil || s.holds(*g, in.FixedIPs)) {
		if in.SNAT != nil && !c.Admin() && *in.SNAT != g.SNAT {
			return nil, disallowed("update_router:external_gateway_info:enable_snat")
		}
		set(&g.SNAT, in.SNAT)
		return []Unit{{KindRouter, r.ID}}, nil
	}
	before, err := s.clearGateway(ctx, r)
	if err != nil {
		return nil, err
	}
	after, err := s.setGateway(ctx, c, r, *in)
	return append(before, after...), err
}

// holds tells whether a gateway has the addresses that are asked for, and no others.
func (s *Service) holds(g Gateway, wanted []WantedIP) bool {
	if len(g.FixedIPs) != len(wanted) {
		return false
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(g.FixedIPs, func(f FixedIP) bool {
			return (w.SubnetID == "" || w.SubnetID == f.SubnetID) && (!w.Address.IsValid() || w.Address == f.Address)
		}) {
			return false
		}
	}
	return true
}

// interfaces are the ports by which a router is in networks of tenants.
func (s *Service) interfaces(ctx context.Context, routerID string) ([]Port, error) {
	q := By("device_id", routerID)
	q.Where["device_owner"] = []string{OwnerRouterInterface}
	return s.store.Ports(ctx, db.Everywhere(), q)
}

// noOverlap refuses subnets that overlap with those that a router is in.
func (s *Service) noOverlap(ctx context.Context, legs []Port, more []Subnet) error {
	var in []string
	for _, p := range legs {
		for _, f := range p.FixedIPs {
			in = append(in, f.SubnetID)
		}
	}
	if len(in) == 0 {
		return nil
	}
	there, err := s.store.Subnets(ctx, db.Everywhere(), ByID(in...))
	if err != nil {
		return err
	}
	for _, t := range there {
		for _, m := range more {
			if t.ID == m.ID {
				return badRouter("Router already has a port on subnet %s", m.ID)
			}
			if t.CIDR.Overlaps(m.CIDR) {
				return badRouter("Cidr %s of subnet %s overlaps with cidr %s of subnet %s", m.CIDR, m.ID, t.CIDR, t.ID)
			}
		}
	}
	return nil
}

func badRouter(format string, args ...any) error {
	return fault.Invalidf("router", "Bad router request: "+format+".", args...).WithCode("BadRequest")
}
