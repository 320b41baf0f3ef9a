package ovn

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// router adds a router with its legs, routes and translations.
func (b *builder) router(r network.RouterState) {
	unit := network.Unit{Kind: network.KindRouter, ID: r.Router.ID}
	row := &LogicalRouter{
		Name: r.Router.ID, Enabled: ptr(r.Router.AdminUp), ExternalIDs: map[string]string{keyName: r.Router.Name},
		Options: map[string]string{"always_learn_from_arp_request": "false", "dynamic_neigh_routers": "true", "mac_binding_age_threshold": "300"},
	}
	b.add(Object{Table: tableRouter, UUID: uid(r.Router.ID), Unit: unit, Row: row}, r.Router.ID, &row.UUID, &row.ExternalIDs)
	for _, leg := range r.Legs {
		b.leg(leg, r.Legs, unit, r.Gateway != nil && !bridged(r))
	}
	for _, route := range r.Router.Routes {
		b.route(r.Router.ID, route.Destination.String(), route.NextHop.String(), nil)
	}
	b.scopes(r)
	if r.Gateway != nil {
		b.gateway(r, unit)
	}
}

func inRouter(routerID, column string) []Place {
	return []Place{{tableRouter, column, uid(routerID), network.Unit{Kind: network.KindRouter, ID: routerID}}}
}

// newLeg is the router's side of a port.
func newLeg(p network.PortState) *LogicalRouterPort {
	row := &LogicalRouterPort{Name: legName(p.Port.ID), MAC: p.Port.MAC}
	for _, f := range p.Port.FixedIPs {
		row.Networks = append(row.Networks, cidr(p, f))
	}
	slices.Sort(row.Networks)
	return row
}

func (b *builder) addLeg(row *LogicalRouterPort, p network.PortState, unit network.Unit) {
	if len(row.Networks) == 0 {
		return
	}
	b.add(Object{Table: tableLeg, UUID: derived("leg", p.Port.ID), Unit: unit, Row: row, In: inRouter(unit.ID, "ports")},
		p.Port.ID, &row.UUID, &row.ExternalIDs)
}

// bridged tells whether a router has physical segments inside, and nothing else. Then every host routes for its own
// servers, and what has to go by way of the gateway's chassis gets there on the segment. In a router that is in overlays
// too it would go by tunnels, which need not carry a physical segment's MTU.
func bridged(r network.RouterState) bool {
	return len(r.Legs) > 0 && !slices.ContainsFunc(r.Legs, func(l network.PortState) bool { return l.Network.Provider.Physical == "" })
}

// leg adds one of the legs inside. One on a physical segment is on the gateway's chassis only if it is centralized.
func (b *builder) leg(p network.PortState, legs []network.PortState, unit network.Unit, centralized bool) {
	row := newLeg(p)
	if p.Network.Provider.Physical != "" && centralized {
		row.option("reside-on-redirect-chassis", "true")
	}
	if _, most := mtus(legs...); most > p.Network.MTU {
		row.option(optionMTU, strconv.Itoa(p.Network.MTU))
	}
	for _, s := range p.Subnets {
		modes := map[string]string{
			network.SLAAC: "slaac", network.DHCPv6Stateful: "dhcpv6_stateful", network.DHCPv6Stateless: "dhcpv6_stateless",
		}
		if mode := modes[s.RAMode]; mode != "" {
			row.IPv6RAConfigs = map[string]string{"address_mode": mode, "send_periodic": "true", "mtu": strconv.Itoa(p.Network.MTU)}
			if len(s.DNSServers) > 0 { // OVN announces one
				row.IPv6RAConfigs["rdnss"] = s.DNSServers[0].String()
			}
			if d := strings.TrimSuffix(p.Network.DNSDomain, "."); d != "" {
				row.IPv6RAConfigs["dnssl"] = d
			}
		}
	}
	b.addLeg(row, p, unit)
}

func (p *LogicalRouterPort) option(name, value string) {
	if p.Options == nil {
		p.Options = map[string]string{}
	}
	p.Options[name] = value
}

// optionMTU has OVN answer packets that come in or leave by a leg and are larger than an MTU with "fragmentation needed",
// or IPv6's "packet too big". On the leg outside it is the least of all the router's networks: what comes in there is
// judged before addresses are translated, so that the sender recognizes its own packet in the answer.
const optionMTU = "gateway_mtu"

// mtus are the least and the greatest MTU of the networks that some legs are in.
func mtus(legs ...network.PortState) (least, most int) {
	for i, l := range legs {
		if mtu := l.Network.MTU; i == 0 || mtu < least {
			least = mtu
		}
		most = max(most, l.Network.MTU)
	}
	return least, most
}

func (b *builder) route(routerID, prefix, hop string, out *string) {
	row := &StaticRoute{IPPrefix: prefix, Nexthop: hop, OutputPort: out}
	unit := network.Unit{Kind: network.KindRouter, ID: routerID}
	b.add(Object{Table: tableRoute, UUID: derived("route", routerID, prefix, hop), Unit: unit, Row: row, In: inRouter(routerID, "static_routes")},
		routerID, &row.UUID, &row.ExternalIDs)
}

// gateway adds the leg outside, the chassis that may carry it, the default routes and the translations.
func (b *builder) gateway(r network.RouterState, unit network.Unit) {
	g := *r.Gateway
	group := b.chassisGroup(r.Router.ID, g.Network.Provider.Physical, unit)
	row := newLeg(g)
	row.HAChassisGroup = &group
	if bridged(r) {
		row.option("redirect-type", "bridged")
	}
	if least, most := mtus(append([]network.PortState{g}, r.Legs...)...); least < most {
		row.option(optionMTU, strconv.Itoa(least))
	}
	b.addLeg(row, g, unit)
	var outside string
	for _, f := range g.Port.FixedIPs {
		if f.Address.Is4() && outside == "" {
			outside = f.Address.String()
		}
	}
	for _, s := range g.Subnets {
		if !s.Gateway.IsValid() {
			continue
		}
		everything := "0.0.0.0/0"
		if s.V6() {
			everything = "::/0"
		}
		b.route(r.Router.ID, everything, s.Gateway.String(), ptr(row.Name))
	}
	if r.Router.Gateway != nil && r.Router.Gateway.SNAT && outside != "" {
		b.snat(r, outside)
	}
	for _, f := range r.Floating {
		b.floating(r, f, g.Network.Provider.Physical)
	}
	for _, f := range r.Forwards {
		b.forwarding(r.Router.ID, f)
		b.floatingName(r, f.FloatingIP)
	}
}

// snat hides the IPv4 subnets inside behind the gateway's address.
func (b *builder) snat(r network.RouterState, outside string) {
	for _, leg := range r.Legs {
		for _, s := range leg.Subnets {
			if !s.V6() && natNeeded(leg.Network, r.Gateway.Network) {
				b.nat(&NAT{Type: "snat", ExternalIP: outside, LogicalIP: s.CIDR.String()}, derived("snat", r.Router.ID, s.ID), s.ID, r.Router.ID)
			}
		}
	}
}

func (b *builder) nat(row *NAT, uuid, id, routerID string) {
	unit := network.Unit{Kind: network.KindRouter, ID: routerID}
	b.add(Object{Table: tableNAT, UUID: uuid, Unit: unit, Row: row, In: inRouter(routerID, "nat")}, id, &row.UUID, &row.ExternalIDs)
}

// floating adds a floating IP. It is translated on the host of its port where that host is joined to the physical network,
// and else on the gateway's.
func (b *builder) floating(r network.RouterState, f network.FloatingState, physical string) {
	row := &NAT{Type: "dnat_and_snat", ExternalIP: f.FloatingIP.Address.String(), LogicalIP: f.FloatingIP.FixedAddress.String()}
	if f.Target.HostID != "" && b.joined(f.Target.HostID, physical) && (bridged(r) || overlay(r, f.Target.NetworkID)) {
		row.LogicalPort, row.ExternalMAC = ptr(f.Target.ID), ptr(f.MAC)
	}
	b.nat(row, uid(f.FloatingIP.ID), f.FloatingIP.ID, r.Router.ID)
	b.floatingQoS(r, f)
	b.floatingName(r, f.FloatingIP)
}

// overlay tells whether a network that a router is in is not a physical one.
func overlay(r network.RouterState, networkID string) bool {
	return slices.ContainsFunc(r.Legs, func(l network.PortState) bool {
		return l.Network.ID == networkID && l.Network.Provider.Physical == ""
	})
}

// joined tells whether a host can send to a physical network.
func (b *builder) joined(host, physical string) bool {
	return physical != "" && slices.ContainsFunc(b.chassis, func(c Chassis) bool {
		return c.Name == host && slices.Contains(c.Physical, physical)
	})
}
