package ovn

import (
	"fmt"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// The priorities of QoS rows: a floating IP's goes before its port's.
const (
	priorityPortQoS     = 2002
	priorityFloatingQoS = 2003
)

// portQoS adds what QoS rules ask of a port.
func (b *builder) portQoS(p network.PortState, unit network.Unit) {
	for direction, row := range qosRows(p.QoS, priorityPortQoS) {
		row.Match = fmt.Sprintf("inport == %q", p.Port.ID)
		if direction == network.Ingress {
			row.Match = fmt.Sprintf("outport == %q", p.Port.ID)
		}
		b.qos(row, derived("qos", p.Port.ID, direction), p.Port.ID, p.Port.NetworkID, unit)
	}
}

// floatingQoS adds what QoS rules ask of a floating IP, where its packets cross the outside network.
func (b *builder) floatingQoS(r network.RouterState, f network.FloatingState) {
	for direction, row := range qosRows(f.QoS, priorityFloatingQoS) {
		row.Match = fmt.Sprintf("inport == %q && ip4.src == %s", r.Gateway.Port.ID, f.FloatingIP.Address)
		if direction == network.Ingress {
			row.Match = fmt.Sprintf("outport == %q && ip4.dst == %s", r.Gateway.Port.ID, f.FloatingIP.Address)
		}
		b.qos(row, derived("qos", f.FloatingIP.ID, direction), f.FloatingIP.ID, r.Gateway.Port.NetworkID, network.Unit{Kind: network.KindRouter, ID: r.Router.ID})
	}
}

func (b *builder) qos(row *QoS, uuid, id, networkID string, unit network.Unit) {
	b.add(Object{Table: tableQoS, UUID: uuid, Unit: unit, Row: row, In: []Place{inSwitch(networkID, "qos_rules")}}, id, &row.UUID, &row.ExternalIDs)
}

// qosRows are the rows of some rules, without their matches: one a direction.
func qosRows(rules []network.QoSRule, priority int) map[string]*QoS {
	out := map[string]*QoS{}
	row := func(r network.QoSRule) *QoS {
		if out[r.Direction] == nil {
			out[r.Direction] = &QoS{Priority: priority, Direction: "from-lport"}
			if r.Direction == network.Ingress {
				out[r.Direction].Direction = "to-lport"
			}
		}
		return out[r.Direction]
	}
	for _, r := range rules {
		switch {
		case r.Kind == network.DSCPMarking:
			row(r).Action = map[string]int{"dscp": r.DSCP}
		case r.Kind == network.BandwidthLimit && r.Rate > 0:
			row(r).Bandwidth = map[string]int{"rate": r.Rate}
			if r.Burst > 0 {
				row(r).Bandwidth["burst"] = r.Burst
			}
		}
	}
	return out
}

// leastRate is the rate that what a port's device sends has for themselves on a physical network, in bit/s; "" if none.
func leastRate(p network.PortState) string {
	for _, r := range p.QoS {
		if r.Kind == network.MinimumBandwidth && r.Direction == network.Egress && p.Network.Provider.Physical != "" {
			return strconv.Itoa(r.Rate * 1000)
		}
	}
	return ""
}
