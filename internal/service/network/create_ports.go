package network

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

// CreatePorts makes ports as CreatePort does, all of them or none. Those that are alike, on one network with the same
// groups, cost as many statements as one.
func (s *Service) CreatePorts(ctx context.Context, c *auth.Caller, in []NewPort) ([]Port, error) {
	return tx(ctx, s, func(ctx context.Context) ([]Port, error) {
		sites := newPortSites(s)
		ports, subnets, more := make([]Port, len(in)), make([][]Subnet, len(in)), map[string]int{}
		for i := range in {
			var err error
			if ports[i], subnets[i], err = s.newPort(ctx, c, in[i], sites); err != nil {
				return nil, err
			}
			ports[i].CreatedAt = ports[0].CreatedAt.Add(time.Duration(i) * time.Microsecond) // a device's keep their order
			more[ports[i].ProjectID]++
		}
		for projectID, n := range more {
			if err := s.room(ctx, "port", projectID, n); err != nil {
				return nil, err
			}
		}
		if err := s.addPorts(ctx, ports); err != nil {
			return nil, err
		}
		plans := make([][][]claim, len(in))
		for i := range in { // now that the MACs are known, from which some addresses follow
			var err error
			if plans[i], err = plan(ports[i], subnets[i], in[i].FixedIPs); err != nil {
				return nil, err
			}
		}
		if err := s.allocateAll(ctx, ports, plans); err != nil {
			return nil, err
		}
		floated, err := s.floated(ctx, ports...)
		if err != nil {
			return nil, err
		}
		for _, p := range ports {
			units := append(append(dhcpUnits(p), floated...), Unit{KindPort, p.ID})
			if err := s.note(ctx, "port", p.ID, p.ProjectID, "created", units...); err != nil {
				return nil, err
			}
			floated = nil // the first event tells them all
		}
		return ports, nil
	})
}

// portSites keeps what was read for one new port for those after it, in one transaction.
type portSites struct {
	s        *Service
	networks map[string]portSite
	groupIDs map[string][]string
}

type portSite struct {
	network Network
	subnets []Subnet // in order of creation
}

func newPortSites(s *Service) *portSites {
	return &portSites{s: s, networks: map[string]portSite{}, groupIDs: map[string][]string{}}
}

// network reads a network that the caller sees, and its subnets.
func (k *portSites) network(ctx context.Context, c *auth.Caller, id string) (Network, []Subnet, error) {
	if site, ok := k.networks[id]; ok {
		return site.network, site.subnets, nil
	}
	n, err := k.s.bareNetwork(ctx, c, id)
	if err != nil {
		return n, nil, err
	}
	subnets, err := k.s.store.Subnets(ctx, c.Scope(), By("network_id", id))
	if err != nil {
		return n, nil, err
	}
	slices.SortFunc(subnets, func(a, b Subnet) int { return a.CreatedAt.Compare(b.CreatedAt) })
	k.networks[id] = portSite{n, subnets}
	return n, subnets, nil
}

// groups finds the security groups of a port, as groupsFor does.
func (k *portSites) groups(ctx context.Context, c *auth.Caller, p Port, wanted *[]string) ([]string, error) {
	key := "default of " + p.ProjectID
	switch {
	case wanted != nil:
		key = strings.Join(*wanted, " ")
	case !p.PortSecurity || p.reserved():
		key = "none"
	}
	if ids, ok := k.groupIDs[key]; ok {
		return slices.Clone(ids), nil
	}
	ids, err := k.s.groupsFor(ctx, c, p, wanted)
	if err == nil {
		k.groupIDs[key] = ids
	}
	return slices.Clone(ids), err
}
