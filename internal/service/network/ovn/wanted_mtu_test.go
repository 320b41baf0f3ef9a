package ovn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// joined is the world whose router is in a second network, with MTUs for the outside and both.
func joined(outside, first, second int) network.State {
	s := world()
	r := &s.Routers[0]
	other := testNetwork("other", testSubnet("other4", "10.1.0.0/24", "10.1.0.1"))
	leg := owned(testPort(other, "leg2", "fa:16:3e:00:00:03", "10.1.0.1"), network.OwnerRouterInterface, r.Router.ID)
	s.Networks, s.Ports, r.Legs = append(s.Networks, other), append(s.Ports, leg), append(r.Legs, leg)
	r.Gateway.Network.MTU, r.Legs[0].Network.MTU, r.Legs[1].Network.MTU = outside, first, second
	return s
}

func TestWantedMTUs(t *testing.T) {
	for name, c := range map[string]struct {
		outside, first, second int
		want                   map[string]string // by leg
	}{
		"all are the same":           {1500, 1500, 1500, map[string]string{}},
		"the inside carries less":    {1500, 1442, 1442, map[string]string{"gateway": "1442"}},
		"the outside carries less":   {1400, 1442, 1442, map[string]string{"gateway": "1400"}},
		"one network inside is less": {1500, 1442, 1300, map[string]string{"gateway": "1300", "leg2": "1300"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, o := range Wanted(joined(c.outside, c.first, c.second), chassis()) {
				if row, ok := o.Row.(*LogicalRouterPort); ok && row.Options[optionMTU] != "" {
					for _, leg := range []string{"gateway", "leg", "leg2"} {
						if row.Name == legName(id(leg)) {
							got[leg] = row.Options[optionMTU]
						}
					}
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

// OVN answers what is too large, on the leg outside and inside.
func TestMTUsWorkInOVN(t *testing.T) {
	p := newPlant(t)
	p.sbctl("chassis-add", "host-1", "geneve", "127.0.0.1")
	p.sbctl("set", "Chassis", "host-1", "other_config:ovn-bridge-mappings=outside:br-outside")
	e, _ := p.engine()
	require.NoError(t, e.Apply(t.Context(), joined(1500, 1442, 1300)))
	p.settle()
	flows := p.sbctl("lflow-list", id("router"))
	for _, leg := range []string{"gateway", "leg2"} {
		port := `"` + legName(id(leg)) + `"`
		require.Regexp(t, "lr_in_chk_pkt_len.*outport == "+port+".*check_pkt_larger", flows, "what leaves by "+leg)
		require.Regexp(t, "lr_in_admission.*inport == "+port+".*check_pkt_larger", flows, "what comes in by "+leg)
	}
	require.Regexp(t, "lr_in_larger_pkts.*icmp4.code = 4;.*icmp4.frag_mtu = 1300", flows)
	require.Regexp(t, "lr_in_larger_pkts.*icmp6.type = 2;.*icmp6.frag_mtu = 1300", flows)
}
