package ovn

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// rows writes rows as text, one a line, without what identifies them.
func rows(list []Object, table string) []string {
	var out []string
	for _, o := range list {
		if o.Table != table {
			continue
		}
		v := reflect.ValueOf(o.Row).Elem()
		var parts []string
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Name == "UUID" || f.Name == "ExternalIDs" || v.Field(i).IsZero() {
				continue
			}
			value := v.Field(i)
			if value.Kind() == reflect.Pointer {
				value = value.Elem()
			}
			parts = append(parts, fmt.Sprintf("%s=%v", f.Tag.Get("ovsdb"), value.Interface()))
		}
		out = append(out, strings.Join(parts, " "))
	}
	slices.Sort(out)
	return out
}

func equalRows(t *testing.T, want, got []string) {
	t.Helper()
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func chassis() []Chassis {
	return []Chassis{{"host-1", []string{"outside"}}, {"host-2", []string{"outside"}}, {"host-3", nil}}
}

func TestWantedNetwork(t *testing.T) {
	got := Wanted(world(), chassis())
	equalRows(t, []string{
		"name=" + id("inside") + " other_config=map[mcast_snoop:false vlan-passthru:false]",
		"name=" + id("outside") + " other_config=map[mcast_snoop:false vlan-passthru:false]",
	}, rows(got, tableSwitch))
	equalRows(t, []string{
		"cidr=10.0.0.0/24 options=map[classless_static_route:{169.254.169.254/32,10.0.0.2, 0.0.0.0/0,10.0.0.1} dns_server:10.0.0.2 lease_time:43200 mtu:1442 router:10.0.0.1 server_id:10.0.0.2 server_mac:fa:16:3e:00:00:02]",
	}, rows(got, tableDHCP))
	equalRows(t, []string{
		"records=map[11.0.0.10.in-addr.arpa:one one:10.0.0.11]", "records=map[12.0.0.10.in-addr.arpa:two two:10.0.0.12]",
	}, rows(got, tableDNS))
}

func TestWantedPorts(t *testing.T) {
	got := Wanted(world(), chassis())
	equalRows(t, []string{
		"name=localnet-" + id("outside") + " type=localnet options=map[mcast_flood:false mcast_flood_reports:true network_name:outside] addresses=[unknown]",
		"name=" + id("one") + " addresses=[fa:16:3e:00:00:11 10.0.0.11] port_security=[fa:16:3e:00:00:11 10.0.0.11] enabled=true dhcpv4_options=" + id("inside4"),
		"name=" + id("two") + " options=map[requested-chassis:host-2] addresses=[fa:16:3e:00:00:12 10.0.0.12] port_security=[fa:16:3e:00:00:12 10.0.0.12] enabled=true dhcpv4_options=" + id("inside4"),
		"name=" + id("meta") + " type=localport addresses=[fa:16:3e:00:00:02 10.0.0.2] enabled=true",
		"name=" + id("leg") + " type=router options=map[router-port:lrp-" + id("leg") + "] addresses=[router] enabled=true",
		"name=" + id("gateway") + " type=router options=map[nat-addresses:router router-port:lrp-" + id("gateway") + "] addresses=[router] enabled=true",
	}, rows(got, tablePort))
}

func TestWantedPortVariants(t *testing.T) {
	n := testNetwork("n", testSubnet("s", "10.0.0.0/24", "10.0.0.1"))
	p := testPort(n, "p", "fa:16:3e:00:00:11", "10.0.0.11")
	p.Port.Pairs = []network.AddressPair{{CIDR: "10.0.0.99"}, {MAC: "00:00:5E:00:01:01", CIDR: "10.0.0.0/28"}}
	got := rows(Wanted(network.State{Ports: []network.PortState{p}}, nil), tablePort)
	require.Contains(t, got[0], "port_security=[fa:16:3e:00:00:11 10.0.0.11 10.0.0.99 00:00:5e:00:01:01 10.0.0.0/28]")
	p.Port.Pairs, p.Port.PortSecurity, p.Port.AdminUp = nil, false, false
	objects := Wanted(network.State{Ports: []network.PortState{p}}, nil)
	got = rows(objects, tablePort)
	require.Contains(t, got[0], "addresses=[fa:16:3e:00:00:11 10.0.0.11 unknown] enabled=false")
	require.Len(t, objects[len(objects)-1].In, 1, "it is in no group")
}

func TestWantedRouter(t *testing.T) {
	s := world()
	s.Routers[0].Router.Routes = []network.Route{{Destination: netip.MustParsePrefix("10.9.0.0/16"), NextHop: ip("10.0.0.9")}}
	got := Wanted(s, chassis())
	equalRows(t, []string{
		"type=snat external_ip=172.24.4.10 logical_ip=10.0.0.0/24",
		"type=dnat_and_snat external_ip=172.24.4.20 external_mac=fa:16:3e:00:02:01 logical_ip=10.0.0.12 logical_port=" + id("two"),
	}, rows(got, tableNAT))
	equalRows(t, []string{
		"ip_prefix=0.0.0.0/0 nexthop=172.24.4.1 output_port=lrp-" + id("gateway"),
		"ip_prefix=10.9.0.0/16 nexthop=10.0.0.9",
	}, rows(got, tableRoute))
	equalRows(t, []string{
		"name=lrp-" + id("leg") + " mac=fa:16:3e:00:00:01 networks=[10.0.0.1/24]",
		"name=lrp-" + id("gateway") + " mac=fa:16:3e:00:01:01 networks=[172.24.4.10/24] options=map[gateway_mtu:1442] ha_chassis_group=" + derived("gateway", id("router")),
	}, rows(got, tableLeg))
	require.Len(t, rows(got, tableHAChassis), 2, "host-3 is not joined to the outside")

	s.Routers[0].Router.Gateway.SNAT = false
	s.Routers[0].Floating[0].Target.HostID = "host-3"
	equalRows(t, []string{"type=dnat_and_snat external_ip=172.24.4.20 logical_ip=10.0.0.12"}, rows(Wanted(s, chassis()), tableNAT))
}

func TestWantedRouterOfPhysicalNetworks(t *testing.T) {
	s := world()
	r := &s.Routers[0]
	r.Legs[0].Network.Provider = network.Provider{Kind: network.VLAN, Physical: "outside", Segment: 101}
	got := Wanted(s, chassis())
	equalRows(t, []string{
		"name=lrp-" + id("leg") + " mac=fa:16:3e:00:00:01 networks=[10.0.0.1/24]",
		"name=lrp-" + id("gateway") + " mac=fa:16:3e:00:01:01 networks=[172.24.4.10/24] options=map[gateway_mtu:1442 redirect-type:bridged] ha_chassis_group=" + derived("gateway", id("router")),
	}, rows(got, tableLeg))
	require.Contains(t, sprintf("%v", rows(got, tableNAT)), "logical_port="+id("two"), "translated on the server's own host")

	// In overlays too: it is on the gateway's host, with the floating IP.
	other := testNetwork("other", testSubnet("other4", "10.1.0.0/24", "10.1.0.1"))
	r.Legs = append(r.Legs, owned(testPort(other, "leg2", "fa:16:3e:00:00:03", "10.1.0.1"), network.OwnerRouterInterface, r.Router.ID))
	got = Wanted(s, chassis())
	equalRows(t, []string{
		"name=lrp-" + id("leg") + " mac=fa:16:3e:00:00:01 networks=[10.0.0.1/24] options=map[reside-on-redirect-chassis:true]",
		"name=lrp-" + id("leg2") + " mac=fa:16:3e:00:00:03 networks=[10.1.0.1/24]",
		"name=lrp-" + id("gateway") + " mac=fa:16:3e:00:01:01 networks=[172.24.4.10/24] options=map[gateway_mtu:1442] ha_chassis_group=" + derived("gateway", id("router")),
	}, rows(got, tableLeg))
	require.NotContains(t, sprintf("%v", rows(got, tableNAT)), "logical_port")
}

func TestWantedRules(t *testing.T) {
	g := network.SecurityGroup{ID: "11111111-1111-4111-8111-111111111111", Stateful: true}
	const pg = "pg_11111111_1111_4111_8111_111111111111"
	for want, r := range map[string]network.Rule{
		"inport == @" + pg + " && ip4": {Direction: network.Egress},
		"inport == @" + pg + " && ip6": {Direction: network.Egress, V6: true},
		"outport == @" + pg + " && ip4 && ip4.src == 10.0.0.0/8 && tcp && tcp.dst >= 80 && tcp.dst <= 90": {
			Direction: network.Ingress, Protocol: "tcp", PortMin: number(80), PortMax: number(90), RemotePrefix: netip.MustParsePrefix("10.0.0.0/8"),
		},
		"inport == @" + pg + " && ip4 && ip4.dst == $" + pg + "_ip4 && udp": {Direction: network.Egress, Protocol: "udp", RemoteGroupID: g.ID},
		"outport == @" + pg + " && ip4 && icmp4 && icmp4.type == 8":         {Direction: network.Ingress, Protocol: "icmp", PortMin: number(8)},
		"outport == @" + pg + " && ip6 && icmp6":                            {Direction: network.Ingress, V6: true, Protocol: "ipv6-icmp"},
		"outport == @" + pg + " && ip4 && ip.proto == 112":                  {Direction: network.Ingress, Protocol: "vrrp"},
		"outport == @" + pg + " && ip4 && tcp && tcp.dst == 22":             {Direction: network.Ingress, Protocol: "6", PortMin: number(22), PortMax: number(22), RemotePrefix: netip.MustParsePrefix("0.0.0.0/0")},
	} {
		r.GroupID = g.ID
		require.Equal(t, want, match(r))
	}
	g.Stateful, g.Rules = false, []network.Rule{{ID: "r", Direction: network.Ingress, GroupID: g.ID}}
	require.Contains(t, rows(Wanted(network.State{Groups: []network.SecurityGroup{g}}, nil), tableACL)[0], "action=allow-stateless")
}

func TestWantedBase(t *testing.T) {
	equalRows(t, []string{
		"priority=1001 direction=from-lport match=inport == @aloft_drop && ip action=drop",
		"priority=1001 direction=to-lport match=outport == @aloft_drop && ip action=drop",
		"priority=1002 direction=from-lport match=inport == @aloft_drop && ip4 && udp.src == 68 && udp.dst == 67 action=allow",
		"priority=1002 direction=from-lport match=inport == @aloft_drop && ip6 && udp.src == 546 && udp.dst == 547 action=allow",
	}, rows(Wanted(network.State{Full: true}, nil), tableACL))
	require.Empty(t, Wanted(network.State{}, nil))
}

// TestEveryRowHasAPlace checks what the comparison relies on: each row knows its unit, and all but roots are in a list.
func TestEveryRowHasAPlace(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range Wanted(world(), chassis()) {
		require.False(t, seen[o.Table+o.UUID], "%s %s is there twice", o.Table, o.UUID)
		seen[o.Table+o.UUID] = true
		ext := externalIDs(o.Row)
		require.Equal(t, o.Unit, parseUnit(ext[keyUnit]))
		require.Equal(t, o.In, parsePlaces(ext[keyIn]))
		require.True(t, root(o.Table) || len(o.In) > 0, "%+v", o)
	}
}

func TestIPv6(t *testing.T) {
	sub := testSubnet("six", "2001:db8::/64", "2001:db8::1")
	sub.RAMode, sub.AddressMode = network.DHCPv6Stateful, network.DHCPv6Stateful
	sub.DNSServers = []netip.Addr{ip("2001:db8::53")}
	n := testNetwork("n", sub)
	p := testPort(n, "p", "fa:16:3e:00:00:11", "2001:db8::11")
	leg := owned(testPort(n, "leg6", "fa:16:3e:00:00:01", "2001:db8::1"), network.OwnerRouterInterface, id("r"))
	got := Wanted(network.State{
		Networks: []network.NetworkState{n}, Ports: []network.PortState{p},
		Routers: []network.RouterState{{Router: network.Router{ID: id("r")}, Legs: []network.PortState{leg}}},
	}, nil)
	require.Contains(t, rows(got, tablePort)[0], "dhcpv6_options="+id("six"))
	equalRows(t, []string{"cidr=2001:db8::/64 options=map[dns_server:{2001:db8::53} server_id:fa:16:3e:00:00:01]"}, rows(got, tableDHCP))
	equalRows(t, []string{
		"name=lrp-" + id("leg6") + " mac=fa:16:3e:00:00:01 networks=[2001:db8::1/64] ipv6_ra_configs=map[address_mode:dhcpv6_stateful mtu:1442 rdnss:2001:db8::53 send_periodic:true]",
	}, rows(got, tableLeg))
}

func TestIPv6Modes(t *testing.T) {
	for mode, want := range map[string]struct {
		ra   string // of the router's leg
		dhcp string // of the subnet
	}{
		network.SLAAC:           {ra: "ipv6_ra_configs=map[address_mode:slaac dnssl:example.org mtu:1442 send_periodic:true]"},
		network.DHCPv6Stateful:  {ra: "address_mode:dhcpv6_stateful", dhcp: `options=map[domain_search:"example.org" server_id:fa:16:3e:00:00:01]`},
		network.DHCPv6Stateless: {ra: "address_mode:dhcpv6_stateless", dhcp: `options=map[dhcpv6_stateless:true domain_search:"example.org" server_id:fa:16:3e:00:00:01]`},
		"":                      {}, // static
	} {
		sub := testSubnet("six", "2001:db8::/64", "2001:db8::1")
		sub.RAMode, sub.AddressMode = mode, mode
		n := testNetwork("n", sub)
		n.Network.DNSDomain = "example.org."
		p := testPort(n, "p", "fa:16:3e:00:00:11", "2001:db8::11")
		leg := owned(testPort(n, "leg6", "fa:16:3e:00:00:01", "2001:db8::1"), network.OwnerRouterInterface, id("r"))
		got := Wanted(network.State{
			Networks: []network.NetworkState{n}, Ports: []network.PortState{p},
			Routers: []network.RouterState{{Router: network.Router{ID: id("r")}, Legs: []network.PortState{leg}}},
		}, nil)
		require.Contains(t, rows(got, tableLeg)[0], want.ra, mode)
		require.Equal(t, want.ra != "", strings.Contains(rows(got, tableLeg)[0], "ipv6_ra_configs"), mode)
		if want.dhcp == "" {
			require.Empty(t, rows(got, tableDHCP), mode)
			require.NotContains(t, rows(got, tablePort)[0], "dhcpv6_options", mode)
		} else {
			require.Contains(t, rows(got, tableDHCP)[0], want.dhcp, mode)
			require.Contains(t, rows(got, tablePort)[0], "dhcpv6_options="+id("six"), mode)
		}
		name := "1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
		equalRows(t, []string{"records=map[" + name + ":p.example.org p:2001:db8::11 p.example.org:2001:db8::11]"}, rows(got, tableDNS))
	}
}

func TestAddressesThatFloat(t *testing.T) {
	n := testNetwork("n", testSubnet("s", "10.0.0.0/24", "10.0.0.1"))
	p := testPort(n, "vip", "fa:16:3e:00:00:11", "10.0.0.11")
	p.Parents = []string{id("a"), id("b")}
	equalRows(t, []string{
		"name=" + id("vip") + " type=virtual options=map[virtual-ip:10.0.0.11 virtual-parents:" + id("a") + "," + id("b") + "] addresses=[fa:16:3e:00:00:11 10.0.0.11] enabled=true",
	}, rows(Wanted(network.State{Ports: []network.PortState{p}}, nil), tablePort))
}
