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
	name := strings.ToLower(p.Port.DNSName)
	row := &DNS{Records: map[string]string{name: strings.Join(addresses, " ")}}
	if d := strings.ToLower(strings.Trim(p.Network.DNSDomain, ".")); d != "" {
		row.Records[name+"."+d] = row.Records[name]
		name += "." + d
	}
	for _, a := range p.Port.Addresses() {
		row.Records[reverse(a)] = name
	}
	b.add(Object{Table: tableDNS, UUID: derived("dns", p.Port.ID), Unit: unit, Row: row, In: []Place{inSwitch(p.Port.NetworkID, "dns_records")}},
		p.Port.ID, &row.UUID, &row.ExternalIDs)
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
