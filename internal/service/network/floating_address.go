package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// An address floats between ports, as VRRP has it, where a port that is bound to no host holds it and others have it among
// their allowed address pairs: those are its parents.

// addressOf is the one address that a pair allows; ok is false if it allows a whole network.
func (p AddressPair) addressOf() (a netip.Addr, ok bool) {
	if prefix, err := netip.ParsePrefix(p.CIDR); err == nil {
		return prefix.Addr(), prefix.IsSingleIP()
	}
	a, err := netip.ParseAddr(p.CIDR)
	return a, err == nil
}

// parents finds the parents of those of some ports whose address floats, in the order of their ids.
func (s *Service) parents(ctx context.Context, ports []Port) (map[string][]string, error) {
	var networks []string
	for _, p := range ports {
		if p.mayFloat() {
			networks = append(networks, p.NetworkID)
		}
	}
	if len(networks) == 0 {
		return nil, nil
	}
	paired, err := s.store.PairedPorts(ctx, unique(networks)...)
	if err != nil || len(paired) == 0 {
		return nil, err
	}
	type spot struct {
		network string
		address netip.Addr
	}
	at := map[spot][]string{}
	for _, q := range paired {
		for _, pair := range q.Pairs {
			if a, ok := pair.addressOf(); ok {
				at[spot{q.NetworkID, a}] = append(at[spot{q.NetworkID, a}], q.ID)
			}
		}
	}
	out := map[string][]string{}
	for _, p := range ports {
		if !p.mayFloat() {
			continue
		}
		for _, a := range p.Addresses() {
			out[p.ID] = append(out[p.ID], at[spot{p.NetworkID, a}]...)
		}
		out[p.ID] = unique(slices.DeleteFunc(out[p.ID], func(id string) bool { return id == p.ID }))
	}
	return out, nil
}

// mayFloat tells whether a port's address could be one that floats.
func (p Port) mayFloat() bool { return p.HostID == "" && !p.reserved() && len(p.FixedIPs) > 0 }

// floated are the units of the ports whose addresses some ports allow among their pairs.
func (s *Service) floated(ctx context.Context, ports ...Port) ([]Unit, error) {
	var networks, addresses []string
	for _, p := range ports {
		for _, pair := range p.Pairs {
			if a, ok := pair.addressOf(); ok {
				networks, addresses = append(networks, p.NetworkID), append(addresses, a.String())
			}
		}
	}
	if len(addresses) == 0 {
		return nil, nil
	}
	q := By("network_id", unique(networks)...)
	q.Where["address"] = unique(addresses)
	list, err := s.store.Ports(ctx, db.Everywhere(), q)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, p := range list {
		if p.mayFloat() {
			units = append(units, Unit{KindPort, p.ID})
		}
	}
	return units, nil
}
