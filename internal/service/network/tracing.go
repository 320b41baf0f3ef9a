package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Packet is the first packet of a connection.
type Packet struct {
	InPort             string // by which it comes
	SourceMAC, DestMAC string
	Source, Dest       netip.Addr
	Protocol           string // "tcp", "udp" or "icmp", which is an echo request
	Port               int    // to which it goes; of TCP and UDP
}

// Hop is one thing that a Northbound does with a packet.
type Hop struct {
	Datapath        string // the id of the network or router in which it is
	InPort, OutPort string
	Stage           string // what looks at the packet, as the engine calls it
	Match           string // of what it found; empty: nothing
	Actions         string
	Output          string // the port by which the packet goes out; empty: it stays
	OutputType      string // "": of a device; "patch": of a router; "localnet": of a physical network
}

// Tracer is a Northbound that can tell what becomes of a packet.
type Tracer interface {
	Trace(ctx context.Context, p Packet) ([]Hop, error)
}

// Trace is what becomes of a packet, in words.
type Trace struct {
	Packet    Packet
	Delivered bool
	Steps     []string
	Verdict   string // the last of them
	Lacks     *Lack  // what would let it through, where that is known
}

// Lack is a rule or a route that is missing.
type Lack struct {
	SecurityGroupIDs   []string // to one of which the rule should be added
	Direction          string
	RouterID, SubnetID string // that should have a route to the destination, or a router
}

// TracePort tells what becomes of a packet that a port's device sends.
func (s *Service) TracePort(ctx context.Context, c *auth.Caller, portID string, to Packet) (Trace, error) {
	p, err := s.store.Port(ctx, c.Scope(), portID)
	if err != nil {
		return Trace{}, err
	}
	tracer, ok := s.north.(Tracer)
	if !ok {
		return Trace{}, fault.New(fault.Unavailable, "this cloud has no network engine that could trace a packet: it simulates its hosts")
	}
	t := Trace{Packet: to}
	t.Packet.InPort, t.Packet.SourceMAC = p.ID, p.MAC
	from, err := source(p, to.Dest)
	if err != nil {
		return t, err
	}
	t.Packet.Source = from.Address
	if err := s.firstHop(ctx, &t, p, from); err != nil || t.Verdict != "" {
		return t, err
	}
	hops, err := tracer.Trace(ctx, t.Packet)
	if err != nil {
		return t, fault.Wrap(fault.Unavailable, err, "the network engine's tracer cannot be used just now; the log says why")
	}
	r := tracing{s: s, t: &t}
	return t, r.tell(ctx, hops)
}

// source is the address by which a port sends to another.
func source(p Port, to netip.Addr) (FixedIP, error) {
	for _, f := range p.FixedIPs {
		if f.Address.Is4() == to.Is4() {
			return f, nil
		}
	}
	return FixedIP{}, invalid("to", "port %s has no address of the same IP version as %s", p.ID, to)
}

// firstHop finds whom the device sends the packet to: the destination itself, or its subnet's gateway.
func (s *Service) firstHop(ctx context.Context, t *Trace, p Port, from FixedIP) error {
	sub, err := s.store.Subnet(ctx, db.Everywhere(), from.SubnetID)
	if err != nil {
		return err
	}
	next := t.Packet.Dest
	if !sub.CIDR.Contains(next) {
		next = sub.Gateway
	}
	if !next.IsValid() {
		t.end(false, "subnet %s has no gateway, and the device no way to %s", sub.ID, t.Packet.Dest)
		t.Lacks = &Lack{SubnetID: sub.ID}
		return nil
	}
	q := By("network_id", p.NetworkID)
	q.Where["address"] = []string{next.String()}
	list, err := s.store.Ports(ctx, db.Everywhere(), q)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		t.Packet.DestMAC = list[0].MAC
		t.step("port %s sends from %s to %s, by way of port %s (%s)", p.ID, from.Address, t.Packet.Dest, list[0].ID, next)
		return nil
	}
	if next == t.Packet.Dest {
		t.end(false, "no port of network %s has the address %s", p.NetworkID, next)
		return nil
	}
	t.end(false, "no router has the gateway address %s of subnet %s: add the subnet to a router", next, sub.ID)
	t.Lacks = &Lack{SubnetID: sub.ID}
	return nil
}

func (t *Trace) step(format string, args ...any) {
	t.Steps = append(t.Steps, fmt.Sprintf(format, args...))
}

func (t *Trace) end(delivered bool, format string, args ...any) {
	t.step(format, args...)
	t.Delivered, t.Verdict = delivered, t.Steps[len(t.Steps)-1]
}

// tracing turns hops into words.
type tracing struct {
	s     *Service
	t     *Trace
	asked bool   // a router had to ask who has the next address
	where string // the network in which it asked, and is heard by devices
}

func (r *tracing) tell(ctx context.Context, hops []Hop) error {
	for _, h := range hops {
		if err := r.hop(ctx, h); err != nil || r.t.Verdict != "" {
			return err
		}
	}
	switch {
	case r.where != "":
		r.t.end(false, "a router asks in network %s who has the next address on the way to %s, and no port of it is known to", r.where, r.t.Packet.Dest)
	case len(hops) > 0:
		h := hops[len(hops)-1]
		r.t.end(false, "nothing in %s says where the packet goes on; it is dropped (%s)", h.Datapath, h.Stage)
	default:
		r.t.end(false, "the engine does not know port %s yet: is its server running?", r.t.Packet.InPort)
	}
	return nil
}

func (r *tracing) hop(ctx context.Context, h Hop) error {
	acl := strings.HasPrefix(h.Stage, "ls_in_acl") || strings.HasPrefix(h.Stage, "ls_out_acl")
	drops := strings.Contains(h.Actions, "drop;") || h.Match == ""
	switch {
	case h.Output != "":
		return r.output(ctx, h)
	case acl && drops && h.Match != "":
		return r.refused(ctx, h)
	case acl:
		return r.admitted(ctx, h)
	case strings.HasSuffix(h.Stage, "apply_port_sec") && drops:
		r.t.end(false, "port security drops it: port %s may not send from %s with the MAC %s", h.InPort, r.t.Packet.Source, r.t.Packet.SourceMAC)
	case strings.HasPrefix(h.Stage, "lr_in_ip_routing") && drops:
		r.t.end(false, "router %s has no route to %s", h.Datapath, r.t.Packet.Dest)
		r.t.Lacks = &Lack{RouterID: h.Datapath}
	case h.Stage == "lr_in_ip_routing":
		r.t.step("router %s takes its route to %s", h.Datapath, after(h.Match, ".dst == "))
	case h.Stage == "lr_in_arp_request" && (strings.Contains(h.Actions, "arp {") || strings.Contains(h.Actions, "nd_ns {")):
		r.asked = true
	case strings.Contains(h.Actions, "ct_snat("):
		r.t.step("router %s hides the source behind %s", h.Datapath, within(h.Actions, "ct_snat("))
	case strings.Contains(h.Actions, "ct_dnat("):
		r.t.step("router %s leads it to %s", h.Datapath, within(h.Actions, "ct_dnat("))
	case drops && h.Match != "" && strings.TrimSpace(h.Actions) == "drop;", h.Match == "":
		r.t.end(false, "%s drops it (%s)", h.Datapath, h.Stage)
	}
	return nil
}

// after is the word that follows a mark in a match.
func after(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	word, _, _ := strings.Cut(rest, " ")
	return strings.TrimSuffix(word, ")")
}

// within is what is between a mark and the next parenthesis.
func within(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	word, _, _ := strings.Cut(rest, ")")
	return word
}

// output tells where a packet goes out.
func (r *tracing) output(ctx context.Context, h Hop) error {
	switch {
	case h.OutputType == "patch":
		return nil
	case h.OutputType == "localnet":
		n, err := r.s.store.Network(ctx, db.Everywhere(), h.Datapath)
		if err == nil {
			r.t.end(true, "it leaves by network %s for the physical network %s", n.ID, n.Provider.Physical)
		}
		return err
	case r.asked:
		r.where = h.Datapath // a physical network may hear it as well
		return nil
	}
	r.t.end(true, "it reaches port %s", h.Output)
	return nil
}

// admitted tells which rule lets a packet through.
func (r *tracing) admitted(ctx context.Context, h Hop) error {
	_, rest, ok := strings.Cut(h.Match, "@pg_")
	if !ok || len(rest) < 36 {
		return nil
	}
	id := strings.ReplaceAll(rest[:36], "_", "-")
	list, err := r.s.store.Groups(ctx, db.Everywhere(), ByID(id))
	if err != nil || len(list) == 0 {
		return err
	}
	direction, port := r.direction(h)
	for _, rule := range list[0].Rules {
		fits, err := r.names(ctx, rule)
		if err != nil {
			return err
		}
		if fits && rule.Direction == direction && r.fits(rule) {
			r.t.step("rule %s of security group %s (%s) lets it %s port %s", rule.ID, list[0].Name, id, map[string]string{Egress: "out of", Ingress: "into"}[direction], port)
			return nil
		}
	}
	r.t.step("security group %s (%s) lets it pass", list[0].Name, id)
	return nil
}

// names tells whether a rule's address group has the far end, if it names one.
func (r *tracing) names(ctx context.Context, rule Rule) (bool, error) {
	if rule.AddressGroupID == "" {
		return true, nil
	}
	groups, err := r.s.store.AddressGroups(ctx, db.Everywhere(), ByID(rule.AddressGroupID))
	return slices.ContainsFunc(first(groups).Addresses, func(p netip.Prefix) bool { return p.Contains(r.far(rule.Direction)) }), err
}

// far is the address at the other end, as a port sees it that a packet comes into or goes out of.
func (r *tracing) far(direction string) netip.Addr {
	if direction == Ingress {
		return r.t.Packet.Source
	}
	return r.t.Packet.Dest
}

func (r *tracing) direction(h Hop) (direction, portID string) {
	if strings.HasPrefix(h.Stage, "ls_out_acl") {
		return Ingress, h.OutPort
	}
	return Egress, h.InPort
}

// fits tells whether a rule may be the one that lets the packet through, as far as it names no group of remotes.
func (r *tracing) fits(rule Rule) bool {
	p, far := r.t.Packet, r.far(rule.Direction)
	if rule.V6 == far.Is4() || rule.RemotePrefix.IsValid() && !rule.RemotePrefix.Contains(far) {
		return false
	}
	if rule.Protocol == "" {
		return true
	}
	n, _ := ProtocolNumber(rule.Protocol)
	if n != map[string]int{"tcp": 6, "udp": 17, "icmp": 1}[p.Protocol] && (p.Protocol != "icmp" || n != 58) {
		return false
	}
	return p.Protocol == "icmp" || rule.PortMin == nil || rule.PortMax == nil || *rule.PortMin <= p.Port && p.Port <= *rule.PortMax
}

// refused tells which groups lack a rule.
func (r *tracing) refused(ctx context.Context, h Hop) error {
	direction, portID := r.direction(h)
	what := r.t.Packet.Protocol
	if what != "icmp" {
		what = fmt.Sprintf("%s to port %d", what, r.t.Packet.Port)
	}
	list, err := r.s.store.Ports(ctx, db.Everywhere(), ByID(portID))
	if err != nil {
		return err
	}
	groups := slices.Clone(first(list).GroupIDs)
	where := "the port is in no security group, so nothing passes"
	if len(groups) > 0 {
		where = "add one to security group " + strings.Join(groups, " or ")
	}
	r.t.end(false, "no %s rule of port %s lets %s pass (remote %s): %s", direction, portID, what, r.far(direction), where)
	r.t.Lacks = &Lack{SecurityGroupIDs: groups, Direction: direction}
	return nil
}
