package fabric

import (
	"net/netip"
	"slices"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// id is a stable id for a test's object.
func id(name string) string { return uuid.NewSHA1(uuid.NameSpaceDNS, []byte(name)).String() }

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// world is what a test says the network to be.
type world struct{ network.State }

func newWorld() *world {
	everything := network.SecurityGroup{ID: id("everything"), Name: "everything", Stateful: true}
	for _, direction := range []string{network.Ingress, network.Egress} {
		for _, v6 := range []bool{false, true} {
			everything.Rules = append(everything.Rules, network.Rule{
				ID: uuid.NewString(), GroupID: everything.ID, Direction: direction, V6: v6,
			})
		}
	}
	return &world{network.State{Full: true, Groups: []network.SecurityGroup{everything}}}
}

// network adds a network with subnets, each "CIDR gateway".
func (w *world) network(name string, p network.Provider, subnets ...network.Subnet) *network.NetworkState {
	n := network.NetworkState{Network: network.Network{ID: id(name), Name: name, AdminUp: true, MTU: 1400, Provider: p}}
	for _, s := range subnets {
		s.NetworkID = n.Network.ID
		n.Subnets = append(n.Subnets, s)
	}
	w.Networks = append(w.Networks, n)
	return &w.Networks[len(w.Networks)-1]
}

func subnet(cidr, gateway string) network.Subnet {
	return network.Subnet{ID: id(cidr), CIDR: netip.MustParsePrefix(cidr), Gateway: ip(gateway), DHCP: true}
}

// port adds a port of a network.
func (w *world) port(n network.NetworkState, name, mac string, addresses ...string) *network.PortState {
	p := network.PortState{Network: n.Network, Port: network.Port{
		ID: id(name), Name: name, NetworkID: n.Network.ID, AdminUp: true, MAC: mac, PortSecurity: true, GroupIDs: []string{id("everything")},
	}}
	for _, a := range addresses {
		i := slices.IndexFunc(n.Subnets, func(s network.Subnet) bool { return s.CIDR.Contains(ip(a)) })
		p.Subnets = append(p.Subnets, n.Subnets[i])
		p.Port.FixedIPs = append(p.Port.FixedIPs, network.FixedIP{SubnetID: n.Subnets[i].ID, Address: ip(a)})
	}
	w.Ports = append(w.Ports, p)
	return &w.Ports[len(w.Ports)-1]
}

// router adds a router with a leg in each network, at its subnets' gateways, and one outside at an address, or none ("").
func (w *world) router(name string, outside network.NetworkState, address string, inside ...network.NetworkState) *network.RouterState {
	r := network.RouterState{Router: network.Router{ID: id(name), Name: name, AdminUp: true}}
	for i, n := range inside {
		for j, s := range n.Subnets {
			leg := w.port(n, name+"-"+n.Network.Name+"-"+s.CIDR.String(), mac(name, i, j), s.Gateway.String())
			leg.Port.DeviceOwner, leg.Port.DeviceID, leg.Port.PortSecurity = network.OwnerRouterInterface, r.Router.ID, false
			r.Legs = append(r.Legs, *leg)
		}
	}
	if address != "" {
		g := w.port(outside, name+"-gateway", mac(name, 255, 0), address)
		g.Port.DeviceOwner, g.Port.DeviceID, g.Port.PortSecurity = network.OwnerRouterGateway, r.Router.ID, false
		r.Gateway = g
		r.Router.Gateway = &network.Gateway{NetworkID: outside.Network.ID, SNAT: true, PortID: g.Port.ID, FixedIPs: g.Port.FixedIPs}
	}
	w.Routers = append(w.Routers, r)
	return &w.Routers[len(w.Routers)-1]
}

// mac is an address that follows from what it is for.
func mac(name string, i, j int) string {
	u := uuid.MustParse(id(name))
	return "fa:16:3e:" + hex(u[0]) + ":" + hex(byte(i)) + ":" + hex(byte(j))
}

func hex(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}
