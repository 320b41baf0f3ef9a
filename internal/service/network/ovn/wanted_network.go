package ovn

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// network adds a network's switch, its way to a physical network, and what DHCP says in its subnets.
func (b *builder) network(n network.NetworkState) {
	unit := network.Unit{Kind: network.KindNetwork, ID: n.Network.ID}
	ls := &LogicalSwitch{
		Name: n.Network.ID, ExternalIDs: map[string]string{keyName: n.Network.Name},
		OtherConfig: map[string]string{"mcast_snoop": "false", "vlan-passthru": strconv.FormatBool(n.Network.VLANTransparent)},
	}
	b.add(Object{Table: tableSwitch, UUID: uid(n.Network.ID), Unit: unit, Row: ls}, n.Network.ID, &ls.UUID, &ls.ExternalIDs)
	if n.Network.Provider.Physical != "" {
		b.localnet(n.Network, unit)
	}
	for _, s := range n.Subnets {
		if options := dhcpOptions(n, s); options != nil {
			row := &DHCPOptions{CIDR: s.CIDR.String(), Options: options}
			b.add(Object{Table: tableDHCP, UUID: uid(s.ID), Unit: unit, Row: row}, s.ID, &row.UUID, &row.ExternalIDs)
			b.portDHCP(n, s, options, unit)
		}
	}
}

func (b *builder) localnet(n network.Network, unit network.Unit) {
	p := &LogicalSwitchPort{
		Name: "localnet-" + n.ID, Type: "localnet", Addresses: []string{"unknown"},
		Options: map[string]string{"network_name": n.Provider.Physical, "mcast_flood": "false", "mcast_flood_reports": "true"},
	}
	if n.Provider.Kind == network.VLAN {
		p.Tag = ptr(n.Provider.Segment)
	}
	b.add(Object{Table: tablePort, UUID: derived("localnet", n.ID), Unit: unit, Row: p, In: []Place{inSwitch(n.ID, "ports")}},
		n.ID, &p.UUID, &p.ExternalIDs)
}

// hasDHCP tells whether OVN answers DHCP in a subnet.
func hasDHCP(s network.Subnet) bool {
	return s.DHCP && (!s.V6() || s.AddressMode == network.DHCPv6Stateful || s.AddressMode == network.DHCPv6Stateless)
}

const (
	leaseSeconds = 43200
	metadataIP   = "169.254.169.254/32"
)

// dhcpOptions are OVN's DHCP options of a subnet; nil if it has none.
func dhcpOptions(n network.NetworkState, s network.Subnet) map[string]string {
	if !hasDHCP(s) {
		return nil
	}
	if s.V6() {
		return dhcp6Options(n, s)
	}
	meta, mac := metadataAddress(n, s)
	server := meta
	if !server.IsValid() {
		server = s.Gateway
	}
	if !server.IsValid() {
		return nil // nobody has an address to answer from
	}
	out := map[string]string{
		"server_id": server.String(), "server_mac": mac, "lease_time": strconv.Itoa(leaseSeconds), "mtu": strconv.Itoa(n.Network.MTU),
	}
	if s.Gateway.IsValid() {
		out["router"] = s.Gateway.String()
	}
	if list := braced(s.DNSServers); list != "" {
		out["dns_server"] = list
	} else if meta.IsValid() {
		out["dns_server"] = meta.String() // the host's metadata service passes on what OVN has no name for
	}
	if d := strings.TrimSuffix(n.Network.DNSDomain, "."); d != "" {
		out["domain_name"] = strconv.Quote(d)
	}
	if routes := classless(s, meta); routes != "" {
		out["classless_static_route"] = routes
	}
	return out
}

// metadataAddress is the metadata port's address in a subnet, and its MAC.
func metadataAddress(n network.NetworkState, s network.Subnet) (netip.Addr, string) {
	const fallback = "fa:16:3e:00:00:01"
	if n.Metadata == nil {
		return netip.Addr{}, fallback
	}
	for _, f := range n.Metadata.FixedIPs {
		if f.SubnetID == s.ID {
			return f.Address, n.Metadata.MAC
		}
	}
	return netip.Addr{}, n.Metadata.MAC
}

// classless are the routes that DHCP gives. A client that takes them ignores the router option (RFC 3442), so the default
// route is among them.
func classless(s network.Subnet, meta netip.Addr) string {
	var out []string
	if meta.IsValid() {
		out = append(out, metadataIP+","+meta.String())
	}
	for _, r := range s.Routes {
		out = append(out, fmt.Sprintf("%s,%s", r.Destination, r.NextHop))
	}
	if len(out) == 0 {
		return ""
	}
	if s.Gateway.IsValid() {
		out = append(out, "0.0.0.0/0,"+s.Gateway.String())
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func dhcp6Options(n network.NetworkState, s network.Subnet) map[string]string {
	_, mac := metadataAddress(n, s)
	out := map[string]string{"server_id": mac}
	if s.AddressMode == network.DHCPv6Stateless {
		out["dhcpv6_stateless"] = "true"
	}
	if list := braced(s.DNSServers); list != "" {
		out["dns_server"] = list
	}
	if d := strings.TrimSuffix(n.Network.DNSDomain, "."); d != "" {
		out["domain_search"] = strconv.Quote(d)
	}
	return out
}

func braced(list []netip.Addr) string {
	var out []string
	for _, a := range list {
		out = append(out, a.String())
	}
	if len(out) == 0 {
		return ""
	}
	return "{" + strings.Join(out, ", ") + "}"
}
