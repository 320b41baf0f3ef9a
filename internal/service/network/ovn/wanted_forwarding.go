package ovn

import (
	"fmt"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// forwarding adds what forwards ports of a floating IP: for each protocol a load balancer of the router's, whose every
// address has one server. Its answers are translated back where it is: on the gateway's chassis.
func (b *builder) forwarding(routerID string, f network.ForwardingState) {
	rows := map[string]*LoadBalancer{}
	for _, one := range f.Forwardings {
		row := rows[one.Protocol]
		if row == nil {
			row = &LoadBalancer{Name: "forward-" + f.FloatingIP.ID + "-" + one.Protocol, Protocol: ptr(one.Protocol), VIPs: map[string]string{}}
			rows[one.Protocol] = row
		}
		for i := range one.External.Last - one.External.First + 1 {
			inside := min(one.Internal.First+i, one.Internal.Last)
			row.VIPs[fmt.Sprintf("%s:%d", f.FloatingIP.Address, one.External.First+i)] = fmt.Sprintf("%s:%d", one.Address, inside)
		}
	}
	unit := network.Unit{Kind: network.KindRouter, ID: routerID}
	for protocol, row := range rows {
		b.add(Object{
			Table: tableBalancer, UUID: derived("forward", f.FloatingIP.ID, protocol), Unit: unit, Row: row, In: inRouter(routerID, "load_balancer"),
		}, f.FloatingIP.ID, &row.UUID, &row.ExternalIDs)
	}
}
