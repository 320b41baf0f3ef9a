package ovn

import (
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// The priorities of ACLs: what a rule lets through, and what is left.
const (
	priorityAllow = 1002
	priorityDrop  = 1001
)

const dropName = "aloft_drop"

func dropUUID() string { return derived("group", dropName) }

// base adds the group of all ports that port security guards: what no rule lets through is dropped, save DHCP.
func (b *builder) base() {
	row := &PortGroup{Name: dropName}
	b.add(Object{Table: tableGroup, UUID: dropUUID(), Unit: baseUnit(), Row: row}, dropName, &row.UUID, &row.ExternalIDs)
	const in, out = "inport == @" + dropName, "outport == @" + dropName
	for id, acl := range map[string]*ACL{
		"drop-from": {Priority: priorityDrop, Direction: "from-lport", Match: in + " && ip", Action: "drop"},
		"drop-to":   {Priority: priorityDrop, Direction: "to-lport", Match: out + " && ip", Action: "drop"},
		"dhcp4":     {Priority: priorityAllow, Direction: "from-lport", Match: in + " && ip4 && udp.src == 68 && udp.dst == 67", Action: "allow"},
		"dhcp6":     {Priority: priorityAllow, Direction: "from-lport", Match: in + " && ip6 && udp.src == 546 && udp.dst == 547", Action: "allow"},
	} {
		b.acl(acl, derived("acl", id), id, baseUnit(), dropUUID())
	}
}

func (b *builder) acl(row *ACL, uuid, id string, unit network.Unit, group string) {
	b.add(Object{Table: tableACL, UUID: uuid, Unit: unit, Row: row, In: []Place{{tableGroup, "acls", group, unit}}},
		id, &row.UUID, &row.ExternalIDs)
}

// group adds a security group with an ACL for each rule.
func (b *builder) group(g network.SecurityGroup) {
	unit := network.Unit{Kind: network.KindGroup, ID: g.ID}
	row := &PortGroup{Name: groupName(g.ID), ExternalIDs: map[string]string{keyName: g.Name}}
	b.add(Object{Table: tableGroup, UUID: uid(g.ID), Unit: unit, Row: row}, g.ID, &row.UUID, &row.ExternalIDs)
	action := "allow-related"
	if !g.Stateful {
		action = "allow-stateless"
	}
	for _, r := range g.Rules {
		acl := &ACL{Priority: priorityAllow, Direction: "from-lport", Match: match(r), Action: action}
		if r.Direction == network.Ingress {
			acl.Direction = "to-lport"
		}
		b.acl(acl, uid(r.ID), r.ID, unit, uid(g.ID))
	}
}

// match is the expression of the packets that a rule lets through.
func match(r network.Rule) string {
	port, remote, ip := "inport", "dst", "ip4"
	if r.Direction == network.Ingress {
		port, remote = "outport", "src"
	}
	if r.V6 {
		ip = "ip6"
	}
	out := []string{port + " == @" + groupName(r.GroupID), ip}
	switch {
	case r.RemoteGroupID != "":
		out = append(out, fmt.Sprintf("%s.%s == $%s_%s", ip, remote, groupName(r.RemoteGroupID), ip))
	case r.AddressGroupID != "":
		out = append(out, fmt.Sprintf("%s.%s == $%s", ip, remote, setName(r.AddressGroupID, ip)))
	case r.RemotePrefix.IsValid() && r.RemotePrefix.Bits() > 0:
		out = append(out, fmt.Sprintf("%s.%s == %s", ip, remote, r.RemotePrefix))
	}
	return strings.Join(append(out, matchProtocol(r)...), " && ")
}

func matchProtocol(r network.Rule) []string {
	if r.Protocol == "" {
		return nil
	}
	n, _ := network.ProtocolNumber(r.Protocol)
	switch n {
	case 1, 58:
		name := "icmp4"
		if n == 58 {
			name = "icmp6"
		}
		out := []string{name}
		if r.PortMin != nil {
			out = append(out, fmt.Sprintf("%s.type == %d", name, *r.PortMin))
		}
		if r.PortMax != nil {
			out = append(out, fmt.Sprintf("%s.code == %d", name, *r.PortMax))
		}
		return out
	case 6, 17, 132:
		return matchPorts(map[int]string{6: "tcp", 17: "udp", 132: "sctp"}[n], r)
	}
	return []string{fmt.Sprintf("ip.proto == %d", n)}
}

func matchPorts(name string, r network.Rule) []string {
	switch {
	case r.PortMin == nil || r.PortMax == nil:
		return []string{name}
	case *r.PortMin == *r.PortMax:
		return []string{name, fmt.Sprintf("%s.dst == %d", name, *r.PortMin)}
	}
	return []string{name, fmt.Sprintf("%s.dst >= %d", name, *r.PortMin), fmt.Sprintf("%s.dst <= %d", name, *r.PortMax)}
}
