package ovn

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/ovn-kubernetes/libovsdb/model"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// KindBase is the unit of what there is once: the group that drops what no rule lets through.
const KindBase = "base"

func baseUnit() network.Unit { return network.Unit{Kind: KindBase, ID: "drop"} }

// Chassis is a host that OVN knows, and the physical networks that it is joined to.
type Chassis struct {
	Name     string
	Physical []string
}

// Place is a list of another row that a row belongs in.
type Place struct {
	Table, Column, UUID string
	Unit                network.Unit // which makes that row
}

// Object is a row that should be there. A row outside the root tables is in at least one place.
type Object struct {
	Table string
	UUID  string
	Unit  network.Unit
	Row   model.Model
	In    []Place
}

// The keys of external_ids.
const (
	keyID   = "aloft:id"
	keyUnit = "aloft:unit"
	keyIn   = "aloft:in"
	keyName = "aloft:name"
)

// Wanted is what the northbound database should hold for a state.
func Wanted(s network.State, chassis []Chassis) []Object {
	b := &builder{chassis: chassis}
	if s.Full || slices.Contains(s.Units, baseUnit()) {
		b.base()
	}
	for _, n := range s.Networks {
		b.network(n)
	}
	for _, p := range s.Ports {
		b.port(p)
	}
	for _, g := range s.Groups {
		b.group(g)
	}
	for _, g := range s.AddressGroups {
		b.addresses(g)
	}
	for _, r := range s.Routers {
		b.router(r)
	}
	return b.out
}

type builder struct {
	chassis []Chassis
	out     []Object
}

// add adds a row with the external_ids that all rows have, and sets its UUID by way of the pointers.
func (b *builder) add(o Object, id string, uuid *string, ext *map[string]string) {
	*uuid = o.UUID
	if *ext == nil {
		*ext = map[string]string{}
	}
	slices.SortFunc(o.In, func(x, y Place) int {
		return cmp.Or(cmp.Compare(x.Table, y.Table), cmp.Compare(x.Column, y.Column), cmp.Compare(x.UUID, y.UUID))
	})
	maps.Copy(*ext, map[string]string{keyID: id, keyUnit: unitText(o.Unit)})
	if len(o.In) > 0 {
		(*ext)[keyIn] = placesText(o.In)
	}
	b.out = append(b.out, o)
}

func unitText(u network.Unit) string { return u.Kind + "/" + u.ID }

func parseUnit(s string) network.Unit {
	kind, id, _ := strings.Cut(s, "/")
	return network.Unit{Kind: kind, ID: id}
}

// placesText writes places as "Table/column/uuid/unit-kind/unit-id", separated by spaces.
func placesText(in []Place) string {
	var out []string
	for _, p := range in {
		out = append(out, p.Table+"/"+p.Column+"/"+p.UUID+"/"+unitText(p.Unit))
	}
	return strings.Join(out, " ")
}

func parsePlaces(s string) []Place {
	var out []Place
	for _, f := range strings.Fields(s) {
		if part := strings.SplitN(f, "/", 4); len(part) == 4 {
			out = append(out, Place{part[0], part[1], part[2], parseUnit(part[3])})
		}
	}
	return out
}

// uid is the UUID of the one row of a table that is for an object: the object's own id.
func uid(id string) string {
	if u, err := uuid.Parse(id); err == nil {
		return u.String()
	}
	return derived(id)
}

// derived is the UUID of a row that is for several things together.
func derived(parts ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("aloft:"+strings.Join(parts, "\x00"))).String()
}

func ptr[T any](v T) *T { return &v }

// groupName is the name of a security group's port group; OVN derives the names of its address sets from it.
func groupName(id string) string { return "pg_" + strings.ReplaceAll(id, "-", "_") }

func legName(portID string) string { return "lrp-" + portID }

func inSwitch(networkID, column string) Place {
	return Place{tableSwitch, column, uid(networkID), network.Unit{Kind: network.KindNetwork, ID: networkID}}
}

func cidr(p network.PortState, f network.FixedIP) string {
	for _, s := range p.Subnets {
		if s.ID == f.SubnetID {
			return fmt.Sprintf("%s/%d", f.Address, s.CIDR.Bits())
		}
	}
	return fmt.Sprintf("%s/%d", f.Address, f.Address.BitLen())
}
