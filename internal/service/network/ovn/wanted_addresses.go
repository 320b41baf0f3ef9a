package ovn

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// setName is the name of the address set that has an address group's addresses of one IP version.
func setName(id, ip string) string { return "ag_" + strings.ReplaceAll(id, "-", "_") + "_" + ip }

// addresses adds the two address sets of an address group, also empty ones: a rule may name them.
func (b *builder) addresses(g network.AddressGroup) {
	unit := network.Unit{Kind: network.KindAddressGroup, ID: g.ID}
	for _, ip := range []string{"ip4", "ip6"} {
		row := &AddressSet{Name: setName(g.ID, ip), ExternalIDs: map[string]string{keyName: g.Name}}
		for _, p := range g.Addresses {
			if p.Addr().Is6() == (ip == "ip6") {
				row.Addresses = append(row.Addresses, p.String())
			}
		}
		slices.Sort(row.Addresses) // as the database keeps sets
		b.add(Object{Table: tableAddresses, UUID: derived("addresses", g.ID, ip), Unit: unit, Row: row}, g.ID, &row.UUID, &row.ExternalIDs)
	}
}
