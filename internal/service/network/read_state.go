package network

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// readState reads what some units say, or all. What changes between the reads is marked as dirty when it commits, and
// read again.
func (s *Service) readState(ctx context.Context, full bool, units []Unit) (State, error) {
	st := State{Full: full, Units: units}
	r := stateReader{s: s, full: full, by: map[string][]string{}}
	for _, u := range units {
		r.by[u.Kind] = append(r.by[u.Kind], u.ID)
	}
	var err error
	if st.Networks, err = r.networks(ctx); err != nil {
		return st, err
	}
	if st.Ports, err = r.ports(ctx); err != nil {
		return st, err
	}
	if st.Groups, err = r.groups(ctx); err != nil {
		return st, err
	}
	if q, ok := r.query(KindAddressGroup); ok {
		if st.AddressGroups, err = s.store.AddressGroups(ctx, db.Everywhere(), q); err != nil {
			return st, err
		}
	}
	st.Routers, err = r.routers(ctx)
	return st, err
}

type stateReader struct {
	s    *Service
	full bool
	by   map[string][]string // kind → ids
}

// query finds the objects of a kind; ok is false when there is none to find.
func (r stateReader) query(kind string) (q Query, ok bool) {
	if r.full {
		return Query{}, true
	}
	return ByID(r.by[kind]...), len(r.by[kind]) > 0
}

func (r stateReader) networks(ctx context.Context) ([]NetworkState, error) {
	q, ok := r.query(KindNetwork)
	if !ok {
		return nil, nil
	}
	networks, err := r.s.store.Networks(ctx, db.Everywhere(), q)
	if err != nil || len(networks) == 0 {
		return nil, err
	}
	list := ids(networks, func(n Network) string { return n.ID })
	subnets, err := r.s.store.Subnets(ctx, db.Everywhere(), By("network_id", list...))
	if err != nil {
		return nil, err
	}
	mq := By("network_id", list...)
	mq.Where["device_owner"] = []string{OwnerDistributed}
	metadata, err := r.s.store.Ports(ctx, db.Everywhere(), mq)
	if err != nil {
		return nil, err
	}
	oq := By("network_id", list...)
	oq.Where["dhcp_options"] = []string{"true"}
	optioned, err := r.s.store.Ports(ctx, db.Everywhere(), oq)
	if err != nil {
		return nil, err
	}
	out := make([]NetworkState, len(networks))
	at := map[string]int{}
	for i, n := range networks {
		out[i].Network = n
		at[n.ID] = i
	}
	for _, sub := range subnets {
		out[at[sub.NetworkID]].Subnets = append(out[at[sub.NetworkID]].Subnets, sub)
	}
	for _, p := range metadata {
		out[at[p.NetworkID]].Metadata = &p
	}
	for _, p := range optioned {
		out[at[p.NetworkID]].Options = append(out[at[p.NetworkID]].Options, p)
	}
	return out, nil
}

func (r stateReader) ports(ctx context.Context) ([]PortState, error) {
	q, ok := r.query(KindPort)
	if !ok {
		return nil, nil
	}
	ports, err := r.s.store.Ports(ctx, db.Everywhere(), q)
	if err != nil {
		return nil, err
	}
	ports = slices.DeleteFunc(ports, func(p Port) bool { return p.DeviceOwner == OwnerFloatingIP })
	return r.s.portStates(ctx, ports)
}

// portStates reads what ports lean on.
func (s *Service) portStates(ctx context.Context, ports []Port) ([]PortState, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	var networkIDs, subnetIDs []string
	for _, p := range ports {
		networkIDs = append(networkIDs, p.NetworkID)
		subnetIDs = append(subnetIDs, subnetsOf(p)...)
	}
	networks, err := s.store.Networks(ctx, db.Everywhere(), ByID(unique(networkIDs)...))
	if err != nil {
		return nil, err
	}
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), ByID(unique(subnetIDs)...))
	if err != nil {
		return nil, err
	}
	network := map[string]Network{}
	for _, n := range networks {
		network[n.ID] = n
	}
	subnet := map[string]Subnet{}
	for _, sub := range subnets {
		subnet[sub.ID] = sub
	}
	var policies []string
	for _, p := range ports {
		policies = append(policies, policyOf(p, network[p.NetworkID]))
	}
	qos, err := s.qosRules(ctx, policies)
	if err != nil {
		return nil, err
	}
	carried, err := s.carriedOf(ctx, ports)
	if err != nil {
		return nil, err
	}
	parents, err := s.parents(ctx, ports)
	if err != nil {
		return nil, err
	}
	out := make([]PortState, 0, len(ports))
	for _, p := range ports {
		n, ok := network[p.NetworkID]
		if !ok {
			continue // it goes just now
		}
		st := PortState{Port: p, Network: n, QoS: qos[policyOf(p, n)], Parents: parents[p.ID]}
		if by, ok := carried[p.ID]; ok {
			st.Carried = &by
		}
		for _, id := range subnetsOf(p) {
			if sub, ok := subnet[id]; ok {
				st.Subnets = append(st.Subnets, sub)
			}
		}
		out = append(out, st)
	}
	return out, nil
}

// carriedOf says how those of some ports are carried that are sub-ports.
func (s *Service) carriedOf(ctx context.Context, ports []Port) (map[string]Carried, error) {
	var subs []string
	for _, p := range ports {
		if p.DeviceOwner == OwnerSubPort {
			subs = append(subs, p.ID)
		}
	}
	return s.store.Parents(ctx, subs...)
}

// policyOf is the QoS policy that a port comes under.
func policyOf(p Port, n Network) string {
	if p.QoSPolicyID != "" {
		return p.QoSPolicyID
	}
	return n.QoSPolicyID
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func (r stateReader) groups(ctx context.Context) ([]SecurityGroup, error) {
	q, ok := r.query(KindGroup)
	if !ok {
		return nil, nil
	}
	return r.s.store.Groups(ctx, db.Everywhere(), q)
}

func (r stateReader) routers(ctx context.Context) ([]RouterState, error) {
	q, ok := r.query(KindRouter)
	if !ok {
		return nil, nil
	}
	routers, err := r.s.store.Routers(ctx, db.Everywhere(), q)
	if err != nil || len(routers) == 0 {
		return nil, err
	}
	list := ids(routers, func(n Router) string { return n.ID })
	pq := By("device_id", list...)
	pq.Where["device_owner"] = []string{OwnerRouterInterface, OwnerRouterGateway}
	ports, err := r.s.store.Ports(ctx, db.Everywhere(), pq)
	if err != nil {
		return nil, err
	}
	legs, err := r.s.portStates(ctx, ports)
	if err != nil {
		return nil, err
	}
	floating, forwards, err := r.floating(ctx, list)
	if err != nil {
		return nil, err
	}
	out := make([]RouterState, 0, len(routers))
	for _, n := range routers {
		st := RouterState{Router: n, Floating: floating[n.ID], Forwards: forwards[n.ID]}
		for _, leg := range legs {
			switch {
			case leg.Port.DeviceID != n.ID:
			case leg.Port.DeviceOwner == OwnerRouterGateway:
				st.Gateway = &leg
			default:
				st.Legs = append(st.Legs, leg)
			}
		}
		out = append(out, st)
	}
	return out, nil
}

// floating reads the floating IPs of some routers: those that lead to a port, with the ports at both ends, and those that
// only forward ports.
func (r stateReader) floating(ctx context.Context, routers []string) (map[string][]FloatingState, map[string][]ForwardingState, error) {
	all, err := r.s.store.FloatingIPs(ctx, db.Everywhere(), By("router_id", routers...))
	if err != nil || len(all) == 0 {
		return nil, nil, err
	}
	var portIDs []string
	var list, forwarding []FloatingIP
	for _, f := range all {
		if f.PortID == "" {
			forwarding = append(forwarding, f)
			continue
		}
		list = append(list, f)
		portIDs = append(portIDs, f.PortID, f.ExternalPortID)
	}
	ports, err := r.s.store.Ports(ctx, db.Everywhere(), ByID(unique(portIDs)...))
	if err != nil {
		return nil, nil, err
	}
	port := map[string]Port{}
	for _, p := range ports {
		port[p.ID] = p
	}
	qos, err := r.s.qosRules(ctx, ids(list, func(f FloatingIP) string { return f.QoSPolicyID }))
	if err != nil {
		return nil, nil, err
	}
	out := map[string][]FloatingState{}
	for _, f := range list {
		out[f.RouterID] = append(out[f.RouterID], FloatingState{f, port[f.ExternalPortID].MAC, port[f.PortID], qos[f.QoSPolicyID]})
	}
	forwards, err := r.forwards(ctx, forwarding)
	return out, forwards, err
}

// forwards reads the port forwardings of some floating IPs, by router.
func (r stateReader) forwards(ctx context.Context, list []FloatingIP) (map[string][]ForwardingState, error) {
	if len(list) == 0 {
		return nil, nil
	}
	all, err := r.s.store.Forwardings(ctx, db.Everywhere(), By("floating_ip_id", ids(list, func(f FloatingIP) string { return f.ID })...))
	if err != nil {
		return nil, err
	}
	of := map[string][]PortForwarding{}
	for _, f := range all {
		of[f.FloatingIPID] = append(of[f.FloatingIPID], f)
	}
	out := map[string][]ForwardingState{}
	for _, f := range list {
		out[f.RouterID] = append(out[f.RouterID], ForwardingState{f, of[f.ID]})
	}
	return out, nil
}
