package ovn

import (
	"cmp"
	"hash/fnv"
	"slices"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// mostGateways is how many chassis may stand in for one another; each watches the others.
const mostGateways = 5

// chassisGroup adds the chassis that may be a router's gateway. The highest priority that lives is: with two and more, OVN
// has them watch one another by BFD. It returns the group's UUID.
func (b *builder) chassisGroup(routerID, physical string, unit network.Unit) string {
	group := derived("gateway", routerID)
	row := &HAChassisGroup{Name: "gateway-" + routerID}
	b.add(Object{Table: tableHAGroup, UUID: group, Unit: unit, Row: row}, routerID, &row.UUID, &row.ExternalIDs)
	for i, name := range gateways(routerID, physical, b.chassis) {
		c := &HAChassis{ChassisName: name, Priority: 100 - i}
		b.add(Object{
			Table: tableHAChassis, UUID: derived("gateway", routerID, name), Unit: unit, Row: c,
			In: []Place{{tableHAGroup, "ha_chassis", group, unit}},
		}, name, &c.UUID, &c.ExternalIDs)
	}
	return group
}

// gateways are the chassis that may be a router's gateway, the best first: of those that are joined to the physical
// network, or of all where it is none. The order is another for each router, so that the load is spread, and by rendezvous
// hashing, so that a chassis that comes or goes moves no router but those for which it is the best.
func gateways(routerID, physical string, chassis []Chassis) []string {
	var names []string
	for _, c := range chassis {
		if physical == "" || slices.Contains(c.Physical, physical) {
			names = append(names, c.Name)
		}
	}
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(cmp.Compare(rank(routerID, y), rank(routerID, x)), cmp.Compare(x, y))
	})
	return names[:min(len(names), mostGateways)]
}

// rank is how good a chassis is for a router. FNV alone gives names that differ at their ends similar values.
func rank(routerID, chassis string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(routerID + "/" + chassis)) // never fails
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
