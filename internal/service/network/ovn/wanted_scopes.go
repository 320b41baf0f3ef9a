package ovn

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// The priorities of a router's policies: what is translated passes, and then what would pass between address scopes as
// it is does not.
const (
	priorityTranslated = 120
	priorityScope      = 110
)

// scopeOf is the address scope of a network's subnets of an IP version; empty: none.
func scopeOf(n network.Network, v6 bool) string {
	if v6 {
		return n.V6ScopeID
	}
	return n.V4ScopeID
}

// sameScope tells whether packets pass between two networks as they are.
func sameScope(a, b network.Network, v6 bool) bool { return scopeOf(a, v6) == scopeOf(b, v6) }

// natNeeded tells whether the addresses of a network inside must be hidden: not where the network outside knows them, as
// both are in one address scope.
func natNeeded(inside, outside network.Network) bool {
	return inside.V4ScopeID == "" || inside.V4ScopeID != outside.V4ScopeID
}

// scopes keeps what comes in by a leg from leaving into another address scope as it is. Source translation happens after
// the policies, so that what is going to be translated has to be let through by name.
func (b *builder) scopes(r network.RouterState) {
	for _, leg := range r.Legs {
		for _, s := range leg.Subnets {
			ip := ipOf(s.V6())
			in := `inport == "` + legName(leg.Port.ID) + `" && ` + ip
			for _, other := range r.Legs {
				if other.Port.ID == leg.Port.ID || sameScope(leg.Network, other.Network, s.V6()) {
					continue
				}
				if there := prefixesOf(other, s.V6()); len(there) > 0 {
					b.policy(r.Router.ID, priorityScope, in+" && "+ip+".dst == {"+strings.Join(there, ", ")+"}", "drop")
				}
			}
			b.outsideScope(r, leg, s, in, ip)
		}
	}
}

// outsideScope does the same for what leaves by the gateway.
func (b *builder) outsideScope(r network.RouterState, leg network.PortState, s network.Subnet, in, ip string) {
	if r.Gateway == nil || sameScope(leg.Network, r.Gateway.Network, s.V6()) {
		return
	}
	translated := !s.V6() && r.Router.Gateway != nil && r.Router.Gateway.SNAT
	if translated {
		return
	}
	var inside []string
	for _, other := range r.Legs {
		inside = append(inside, prefixesOf(other, s.V6())...)
	}
	for _, route := range r.Router.Routes {
		if route.Destination.Addr().Is6() == s.V6() && route.Destination.Bits() > 0 {
			inside = append(inside, route.Destination.String())
		}
	}
	slices.Sort(inside)
	inside = slices.Compact(inside)
	b.policy(r.Router.ID, priorityScope, in+" && "+ip+".dst != {"+strings.Join(inside, ", ")+"}", "drop")
	for _, f := range r.Floating {
		if !s.V6() && s.CIDR.Contains(f.FloatingIP.FixedAddress) {
			b.policy(r.Router.ID, priorityTranslated, in+" && ip4.src == "+f.FloatingIP.FixedAddress.String()+" && ip4.dst != {"+strings.Join(inside, ", ")+"}", "allow")
		}
	}
}

func ipOf(v6 bool) string {
	if v6 {
		return "ip6"
	}
	return "ip4"
}

// prefixesOf are the prefixes of a leg's subnets of an IP version.
func prefixesOf(leg network.PortState, v6 bool) []string {
	var out []string
	for _, s := range leg.Subnets {
		if s.V6() == v6 {
			out = append(out, s.CIDR.String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (b *builder) policy(routerID string, priority int, match, action string) {
	unit := network.Unit{Kind: network.KindRouter, ID: routerID}
	row := &RouterPolicy{Priority: priority, Match: match, Action: action}
	b.add(Object{Table: tablePolicy, UUID: derived("policy", routerID, match), Unit: unit, Row: row, In: inRouter(routerID, "policies")},
		routerID, &row.UUID, &row.ExternalIDs)
}
