package ovn

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// name adds the DNS names of a port, and the name of each of its addresses. Each port has a row of its own, so that one
// more name costs the same in a large network as in a small one.
func (b *builder) name(p network.PortState, unit network.Unit) {
	if p.Port.DNSName == "" || len(p.Port.FixedIPs) == 0 {
		return
	}
	var addresses []string
	for _, a := range p.Port.Addresses() {
		addresses = append(addresses, a.String())
	}
	names := namesOf(p)
	if len(names) == 0 {
		return
	}
	row := &DNS{Records: map[string]string{}}
	for _, name := range names {
		row.Records[name] = strings.Join(addresses, " ")
	}
	for _, a := range p.Port.Addresses() {
		row.Records[reverse(a)] = names[len(names)-1]
	}
	b.add(Object{Table: tableDNS, UUID: derived("dns", p.Port.ID), Unit: unit, Row: row, In: []Place{inSwitch(p.Port.NetworkID, "dns_records")}},
		p.Port.ID, &row.UUID, &row.ExternalIDs)
}

// namesOf are the names of a port, the fullest last. In another project's network all that have dots are in the network's
// domain: else a port could pass for any site that its neighbours look up.
func namesOf(p network.PortState) []string {
	name := strings.ToLower(p.Port.DNSName)
	label := strings.TrimSuffix(name, ".")
	own, full := p.Port.ProjectID == p.Network.ProjectID, name != label
	domain := strings.ToLower(strings.Trim(p.Network.DNSDomain, "."))
	var out []string
	if own || !strings.Contains(label, ".") {
		out = append(out, label)
	}
	if domain != "" && (!own || !full) {
		out = append(out, label+"."+domain)
	}
	if mine := strings.ToLower(strings.Trim(p.Port.DNSDomain, ".")); mine != "" && own && !full {
		out = append(out, label+"."+mine)
	}
	return out
}

// floatingName adds the name of a floating IP in the networks of its project that its router is in.
func (b *builder) floatingName(r network.RouterState, f network.FloatingIP) {
	if f.DNSName == "" {
		return
	}
	var in []Place
	for _, leg := range r.Legs {
		if leg.Network.ProjectID == f.ProjectID {
			in = append(in, inSwitch(leg.Network.ID, "dns_records"))
		}
	}
	if len(in) == 0 {
		return
	}
	name := strings.ToLower(strings.Trim(network.FullName(f.DNSName, f.DNSDomain), "."))
	row := &DNS{Records: map[string]string{name: f.Address.String()}}
	b.add(Object{Table: tableDNS, UUID: derived("dns", f.ID), Unit: network.Unit{Kind: network.KindRouter, ID: r.Router.ID}, Row: row, In: in},
		f.ID, &row.UUID, &row.ExternalIDs)
}

// reverse is the name at which DNS has an address's own name: RFC 1035, section 3.5, and RFC 3596, section 2.5.
func reverse(a netip.Addr) string {
	var labels []string
	for _, octet := range a.AsSlice() {
		if a.Is4() {
			labels = append(labels, fmt.Sprint(octet))
		} else {
			labels = append(labels, fmt.Sprintf("%x", octet>>4), fmt.Sprintf("%x", octet&15))
		}
	}
	slices.Reverse(labels)
	zone := "ip6.arpa"
	if a.Is4() {
		zone = "in-addr.arpa"
	}
	return strings.Join(labels, ".") + "." + zone
}
