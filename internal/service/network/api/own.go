package api

import (
	"context"
	"net/netip"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// OwnRoutes are the network's part of Aloft's own API.
func OwnRoutes(core *network.Service) []rest.Route {
	a := &api{core}
	return append(append(a.settings(), a.hostSettings()...), []rest.Route{
		{Method: "GET", Path: "/network/audit", Policy: auth.P("aloft:network:audit", auth.AdminOnly), Doc: "Compares what the network engine holds with what it should hold, and changes nothing.", Do: rest.Do(a.audit(false))},
		{Method: "POST", Path: "/network/audit", Status: 202, Policy: auth.P("aloft:network:repair", auth.AdminOnly), Audit: "aloft.network.repair", Doc: "Compares what the network engine holds with what it should hold, and has the differences mended.", Do: rest.Do(a.audit(true))},
		{Method: "GET", Path: "/ports/{port_id}/trace", Policy: auth.P("aloft:port:trace", auth.ProjectReader), Doc: "Tells what becomes of a packet that a port's device sends: where it goes, or what drops it and which rule or route is missing.", Do: rest.Do(a.trace)},
	}...)
}

type deviationOut struct {
	Kind   string `json:"kind"` // missing, extra or altered
	Table  string `json:"table"`
	Row    string `json:"row"`
	Object string `json:"object"` // from which the row follows: network, port, router, security_group …
	ID     string `json:"object_id"`
	Text   string `json:"text"`
}

type auditOut struct {
	Audit struct {
		Deviations []deviationOut `json:"deviations"`
		Repair     bool           `json:"repair"`
	} `json:"audit"`
}

func (a *api) audit(repair bool) func(context.Context, struct{}) (auditOut, error) {
	return func(ctx context.Context, _ struct{}) (auditOut, error) {
		var out auditOut
		list, err := a.core.Audit(ctx, auth.From(ctx), repair)
		for _, d := range list {
			out.Audit.Deviations = append(out.Audit.Deviations, deviationOut{d.Kind, d.Table, d.Row, d.Unit.Kind, d.Unit.ID, d.String()})
		}
		out.Audit.Repair = repair && len(list) > 0
		return out, err
	}
}

type lackOut struct {
	SecurityGroupIDs []string `json:"security_group_ids,omitempty"`
	Direction        string   `json:"direction,omitempty"`
	RouterID         string   `json:"router_id,omitempty"`
	SubnetID         string   `json:"subnet_id,omitempty"`
}

type traceOut struct {
	Trace struct {
		From      string   `json:"from"`
		To        string   `json:"to"`
		Delivered bool     `json:"delivered"`
		Steps     []string `json:"steps"`
		Verdict   string   `json:"verdict"`
		Missing   *lackOut `json:"missing"`
	} `json:"trace"`
}

func (a *api) trace(ctx context.Context, in struct {
	PortID string `path:"port_id"`
	To     string `query:"to" check:"required"`
},
) (traceOut, error) {
	var out traceOut
	to, err := destination(in.To)
	if err != nil {
		return out, err
	}
	t, err := a.core.TracePort(ctx, auth.From(ctx), in.PortID, to)
	if err != nil {
		return out, err
	}
	out.Trace.From, out.Trace.To = t.Packet.Source.String(), in.To
	out.Trace.Delivered, out.Trace.Steps, out.Trace.Verdict = t.Delivered, t.Steps, t.Verdict
	if l := t.Lacks; l != nil {
		out.Trace.Missing = &lackOut{l.SecurityGroupIDs, l.Direction, l.RouterID, l.SubnetID}
	}
	return out, nil
}

// destination reads "10.0.0.5", which is pinged, "10.0.0.5:80", "10.0.0.5:53/udp" or "[2001:db8::1]:80/tcp".
func destination(text string) (network.Packet, error) {
	bad := fault.Invalidf("to", "%q is no destination: write ADDRESS, ADDRESS:PORT or ADDRESS:PORT/udp, an IPv6 address before a port in brackets", text)
	if at, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return network.Packet{Dest: at, Protocol: "icmp"}, nil
	}
	where, protocol, named := strings.Cut(text, "/")
	if !named {
		protocol = "tcp"
	}
	at, err := netip.ParseAddrPort(where)
	if err != nil || at.Port() == 0 || protocol != "tcp" && protocol != "udp" {
		return network.Packet{}, bad
	}
	return network.Packet{Dest: at.Addr(), Protocol: protocol, Port: int(at.Port())}, nil
}
