package ovn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// limited is the world with rules for the port "one" and for the floating IP.
func limited() network.State {
	s := world()
	s.Ports[0].QoS = []network.QoSRule{
		{Kind: network.BandwidthLimit, Direction: network.Egress, Rate: 1000, Burst: 100},
		{Kind: network.DSCPMarking, Direction: network.Egress, DSCP: 26},
		{Kind: network.BandwidthLimit, Direction: network.Ingress, Rate: 2000},
		{Kind: network.MinimumBandwidth, Direction: network.Ingress, Rate: 400},
		{Kind: network.MinimumBandwidth, Direction: network.Egress, Rate: 500},
	}
	s.Routers[0].Floating[0].QoS = []network.QoSRule{{Kind: network.BandwidthLimit, Direction: network.Ingress, Rate: 300}}
	return s
}

func TestWantedQoS(t *testing.T) {
	s := limited()
	equalRows(t, []string{
		`priority=2002 direction=from-lport match=inport == "` + id("one") + `" action=map[dscp:26] bandwidth=map[burst:100 rate:1000]`,
		`priority=2002 direction=to-lport match=outport == "` + id("one") + `" bandwidth=map[rate:2000]`,
		`priority=2003 direction=to-lport match=outport == "` + id("gateway") + `" && ip4.dst == 172.24.4.20 bandwidth=map[rate:300]`,
	}, rows(Wanted(s, chassis()), tableQoS))

	require.NotContains(t, rows(Wanted(s, nil), tablePort)[0], "qos_min_rate", "an overlay keeps no rates")
	s.Ports[0].Network.Provider = network.Provider{Kind: network.Flat, Physical: "dc"}
	require.Contains(t, sprintf("%v", rows(Wanted(s, nil), tablePort)), "qos_min_rate:500000")
}

func TestQoSWorksInOVN(t *testing.T) {
	p := newPlant(t)
	e, _ := p.engine()
	require.NoError(t, e.Apply(t.Context(), limited()))
	p.settle()
	flows := p.sbctl("lflow-list", id("inside"))
	require.Contains(t, flows, "set_meter(1000, 100)")
	require.Contains(t, flows, "set_meter(2000)")
	require.Contains(t, flows, "ip.dscp = 26")
	require.NoError(t, e.Apply(t.Context(), world()))
	require.Empty(t, p.nbctl("--bare", "--columns=match", "list", "QoS"))
}
