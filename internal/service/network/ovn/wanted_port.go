package ovn

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// port adds a port, its membership in groups, and its name.
func (b *builder) port(p network.PortState) {
	unit := network.Unit{Kind: network.KindPort, ID: p.Port.ID}
	row := &LogicalSwitchPort{
		Name: p.Port.ID, Enabled: ptr(p.Port.AdminUp && p.Network.AdminUp), ExternalIDs: map[string]string{keyName: p.Port.Name},
	}
	in := []Place{inSwitch(p.Port.NetworkID, "ports")}
	switch p.Port.DeviceOwner {
	case network.OwnerRouterInterface, network.OwnerRouterGateway:
		row.Type, row.Addresses = "router", []string{"router"}
		row.Options = map[string]string{"router-port": legName(p.Port.ID)}
		if p.Port.DeviceOwner == network.OwnerRouterGateway {
			row.Options["nat-addresses"] = "router" // gratuitous ARP for all addresses of the router's NAT
		}
	case network.OwnerDistributed:
		row.Type, row.Addresses = "localport", []string{own(p.Port)}
	default:
		device(row, p)
		in = append(in, groupPlaces(p.Port)...)
		b.name(p, unit)
		b.portQoS(p, unit)
	}
	b.add(Object{Table: tablePort, UUID: uid(p.Port.ID), Unit: unit, Row: row, In: in}, p.Port.ID, &row.UUID, &row.ExternalIDs)
}

// own is a port's MAC with its addresses.
func own(p network.Port) string {
	out := p.MAC
	for _, a := range p.Addresses() {
		out += " " + a.String()
	}
	return out
}

// device fills in what only ports of devices have.
func device(row *LogicalSwitchPort, p network.PortState) {
	row.Addresses = []string{own(p.Port)}
	row.Options = options(p)
	if p.Carried != nil {
		row.ParentName, row.Tag = ptr(p.Carried.ParentID), ptr(p.Carried.VLAN)
	}
	if len(p.Parents) > 0 {
		float(row, p)
		return
	}
	if p.Port.PortSecurity {
		row.PortSecurity = security(p.Port)
	} else {
		row.Addresses = append(row.Addresses, "unknown")
	}
	for _, f := range p.Port.FixedIPs {
		for _, s := range p.Subnets {
			own, silent := hasOwnDHCP(p.Port, s.V6())
			says := ptr(uid(s.ID))
			if own {
				says = ptr(ownDHCP(p.Port.ID, s.ID))
			}
			switch {
			case s.ID != f.SubnetID || !hasDHCP(s) || silent:
			case s.V6() && row.DHCPv6 == nil:
				row.DHCPv6 = says
			case !s.V6() && row.DHCPv4 == nil:
				row.DHCPv4 = says
			}
		}
	}
}

// options are OVN's options of a device's port.
func options(p network.PortState) map[string]string {
	out := map[string]string{}
	if p.Port.HostID != "" && p.Carried == nil {
		out["requested-chassis"] = p.Port.HostID
	}
	if rate := leastRate(p); rate != "" {
		out["qos_min_rate"] = rate
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// security are the addresses that a port may send from: its own and its allowed pairs, one element a MAC.
func security(p network.Port) []string {
	byMAC := map[string]string{p.MAC: own(p)}
	order := []string{p.MAC}
	for _, pair := range p.Pairs {
		mac := strings.ToLower(pair.MAC)
		if mac == "" {
			mac = p.MAC
		}
		if _, ok := byMAC[mac]; !ok {
			byMAC[mac] = mac
			order = append(order, mac)
		}
		byMAC[mac] += " " + pair.CIDR
	}
	var out []string
	for _, mac := range order {
		out = append(out, byMAC[mac])
	}
	return out
}

// groupPlaces are the port groups of a port. One that port security guards is in the group that drops, so that without a
// rule nothing passes.
func groupPlaces(p network.Port) []Place {
	if !p.PortSecurity {
		return nil
	}
	out := []Place{{tableGroup, "ports", dropUUID(), baseUnit()}}
	for _, g := range p.GroupIDs {
		out = append(out, Place{tableGroup, "ports", uid(g), network.Unit{Kind: network.KindGroup, ID: g}})
	}
	return out
}
