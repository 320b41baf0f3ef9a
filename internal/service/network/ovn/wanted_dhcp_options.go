package ovn

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// ownDHCP is the UUID of what DHCP says to one port in one subnet.
func ownDHCP(portID, subnetID string) string { return derived("dhcp", portID, subnetID) }

// hasOwnDHCP tells whether DHCP says something of its own to a port in an IP version, and whether it says nothing at all.
func hasOwnDHCP(p network.Port, v6 bool) (own, silent bool) {
	for _, o := range p.DHCPOptions {
		switch {
		case o.V6 != v6:
		case o.Name == network.DHCPDisabled:
			off, err := strconv.ParseBool(o.Value)
			silent = silent || err == nil && off
		default:
			kind, ok := network.DHCPKindOf(o)
			own = own || ok && kind.Engine != ""
		}
	}
	return own, silent
}

// portDHCP adds what DHCP says to the ports of a network that have options of their own: what it says in the subnet, and
// those in place of what is there by the same name.
func (b *builder) portDHCP(n network.NetworkState, s network.Subnet, options map[string]string, unit network.Unit) {
	for _, p := range n.Options {
		own, silent := hasOwnDHCP(p, s.V6())
		in := slices.ContainsFunc(p.FixedIPs, func(f network.FixedIP) bool { return f.SubnetID == s.ID })
		if !own || silent || !in {
			continue
		}
		row := &DHCPOptions{CIDR: s.CIDR.String(), Options: maps.Clone(options)}
		for _, o := range p.DHCPOptions {
			if kind, ok := network.DHCPKindOf(o); ok && o.V6 == s.V6() && kind.Engine != "" {
				row.Options[kind.Engine] = dhcpText(kind.Value, o.Value)
			}
		}
		b.add(Object{Table: tableDHCP, UUID: ownDHCP(p.ID, s.ID), Unit: unit, Row: row}, p.ID, &row.UUID, &row.ExternalIDs)
	}
}

// dhcpText writes an option's value as OVN reads it.
func dhcpText(kind network.DHCPValue, value string) string {
	switch kind {
	case network.DHCPText:
		return strconv.Quote(value)
	case network.DHCPHost:
		if a, err := netip.ParseAddr(value); err == nil && a.Is4() {
			return value
		}
		return strconv.Quote(value)
	case network.DHCPAddresses:
		if strings.Contains(value, ",") {
			return "{" + spaced(value) + "}"
		}
	case network.DHCPRoutes:
		part := strings.Split(value, ",")
		var out []string
		for i := 0; i+1 < len(part); i += 2 {
			out = append(out, strings.TrimSpace(part[i])+","+strings.TrimSpace(part[i+1]))
		}
		return "{" + strings.Join(out, ", ") + "}"
	case network.DHCPNumber, network.DHCPSwitch:
	}
	return value
}

func spaced(list string) string {
	part := strings.Split(list, ",")
	for i := range part {
		part[i] = strings.TrimSpace(part[i])
	}
	return strings.Join(part, ", ")
}
