package ovn

import (
	"net/netip"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// id is a stable id for a test's object.
func id(name string) string { return uuid.NewSHA1(uuid.NameSpaceDNS, []byte(name)).String() }

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func testNetwork(name string, subnets ...network.Subnet) network.NetworkState {
	n := network.NetworkState{Network: network.Network{
		ID: id(name), Name: name, AdminUp: true, MTU: 1442, PortSecurity: true, Provider: network.Provider{Kind: network.Geneve},
	}}
	for _, s := range subnets {
		s.NetworkID = n.Network.ID
		n.Subnets = append(n.Subnets, s)
	}
	return n
}

func testSubnet(name, cidr, gateway string) network.Subnet {
	return network.Subnet{ID: id(name), Name: name, CIDR: netip.MustParsePrefix(cidr), Gateway: ip(gateway), DHCP: true}
}

func testPort(n network.NetworkState, name, mac, address string, groups ...network.SecurityGroup) network.PortState {
	p := network.PortState{Network: n.Network, Port: network.Port{
		ID: id(name), Name: name, NetworkID: n.Network.ID, AdminUp: true, MAC: mac, PortSecurity: true, DNSName: name,
	}}
	for _, s := range n.Subnets {
		if s.CIDR.Contains(ip(address)) {
			p.Subnets = append(p.Subnets, s)
			p.Port.FixedIPs = append(p.Port.FixedIPs, network.FixedIP{SubnetID: s.ID, Address: ip(address)})
		}
	}
	for _, g := range groups {
		p.Port.GroupIDs = append(p.Port.GroupIDs, g.ID)
	}
	return p
}

func owned(p network.PortState, owner, device string) network.PortState {
	p.Port.DeviceOwner, p.Port.DeviceID, p.Port.PortSecurity, p.Port.DNSName = owner, device, false, ""
	return p
}

func number(n int) *int { return &n }

// world is a tenant's network with two servers, behind a router with SNAT, one of them with a floating IP.
func world() network.State {
	inside := testNetwork("inside", testSubnet("inside4", "10.0.0.0/24", "10.0.0.1"))
	outside := testNetwork("outside", testSubnet("outside4", "172.24.4.0/24", "172.24.4.1"))
	outside.Subnets[0].DHCP = false
	outside.Network.External, outside.Network.MTU = true, 1500
	outside.Network.Provider = network.Provider{Kind: network.Flat, Physical: "outside"}
	office := network.AddressGroup{ID: id("office"), Name: "office", Addresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32"), netip.MustParsePrefix("2001:db8::/64")}}
	web := network.SecurityGroup{ID: id("web"), Name: "web", Stateful: true}
	web.Rules = []network.Rule{
		{ID: id("out"), GroupID: web.ID, Direction: network.Egress},
		{ID: id("ssh"), GroupID: web.ID, Direction: network.Ingress, Protocol: "tcp", PortMin: number(22), PortMax: number(22)},
		{ID: id("members"), GroupID: web.ID, Direction: network.Ingress, Protocol: "icmp", RemoteGroupID: web.ID},
	}
	one := testPort(inside, "one", "fa:16:3e:00:00:11", "10.0.0.11", web)
	two := testPort(inside, "two", "fa:16:3e:00:00:12", "10.0.0.12", web)
	two.Port.HostID = "host-2"
	meta := owned(testPort(inside, "meta", "fa:16:3e:00:00:02", "10.0.0.2"), network.OwnerDistributed, "meta")
	inside.Metadata = &meta.Port
	router := network.Router{ID: id("router"), Name: "router", AdminUp: true}
	leg := owned(testPort(inside, "leg", "fa:16:3e:00:00:01", "10.0.0.1"), network.OwnerRouterInterface, router.ID)
	gateway := owned(testPort(outside, "gateway", "fa:16:3e:00:01:01", "172.24.4.10"), network.OwnerRouterGateway, router.ID)
	router.Gateway = &network.Gateway{NetworkID: outside.Network.ID, SNAT: true, PortID: gateway.Port.ID, FixedIPs: gateway.Port.FixedIPs}
	return network.State{
		Full: true, Networks: []network.NetworkState{inside, outside},
		Ports: []network.PortState{one, two, meta, leg, gateway}, Groups: []network.SecurityGroup{web},
		AddressGroups: []network.AddressGroup{office},
		Routers: []network.RouterState{{
			Router: router, Gateway: &gateway, Legs: []network.PortState{leg},
			Floating: []network.FloatingState{{
				FloatingIP: network.FloatingIP{ID: id("floating"), Address: ip("172.24.4.20"), FixedAddress: ip("10.0.0.12")},
				MAC:        "fa:16:3e:00:02:01", Target: two.Port,
			}},
		}},
	}
}
