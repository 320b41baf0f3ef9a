package network_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// What is set for a host is told to that host, and what comes of it is seen, until the host says otherwise.
func TestHowHostsAreJoined(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		h := &someHosts{list: []network.Host{{ID: "a", Name: "one"}, {ID: "b", Name: "two"}}}
		s := withHosts(t, d, h)
		st, err := s.HostSynced(t.Context(), "a", nil)
		require.NoError(t, err)
		require.Zero(t, st.Generation)
		mappings := []network.BridgeMapping{{Physical: "dc", Bridge: "br-dc", Device: "eth1"}}
		set := func(n *network.HostNetwork) { n.Mappings, n.Encap = &mappings, "10.0.0.11" }
		for range 2 { // the second time it changes nothing
			made, err := s.SetHostNetwork(t.Context(), "a", set)
			require.NoError(t, err)
			require.Equal(t, network.HostNetwork{HostID: "a", Name: "one", Generation: 1, Mappings: &mappings, Encap: "10.0.0.11"}, made)
			require.Equal(t, network.HostPending, made.State())
		}
		require.Equal(t, []string{"a"}, h.asked)
		flags := network.HostJoined{Mappings: []network.BridgeMapping{{Physical: "outside", Bridge: "br-outside"}}, Encap: "10.0.0.1"}
		failed := network.HostJoined{Generation: 1, Encap: "10.0.0.11", Error: "physical network dc: the device eth1 is not there"}
		applied := network.HostJoined{Generation: 1, Mappings: mappings, Encap: "10.0.0.11"}
		for _, now := range []struct {
			joined *network.HostJoined
			state  string
		}{{&flags, network.HostPending}, {&failed, network.HostFailed}, {nil, network.HostFailed}, {&applied, network.HostApplied}} {
			st, err := s.HostSynced(t.Context(), "a", now.joined)
			require.NoError(t, err)
			require.Equal(t, mappings, *st.Mappings)
			require.EqualValues(t, 1, st.Generation)
			shown, err := s.ShowHostNetwork(t.Context(), "a")
			require.NoError(t, err)
			require.Equal(t, now.state, shown.State())
		}
		none := []network.BridgeMapping{}
		made, err := s.SetHostNetwork(t.Context(), "a", func(n *network.HostNetwork) { n.Mappings, n.Encap = &none, "" })
		require.NoError(t, err)
		require.Equal(t, network.HostPending, made.State())
		st, err = s.HostSynced(t.Context(), "a", nil)
		require.NoError(t, err)
		require.Equal(t, &none, st.Mappings, "no physical network, which is not the flags'")
		require.Empty(t, st.Encap)
		_, err = s.HostSynced(t.Context(), "b", &flags)
		require.NoError(t, err)
		list, err := s.HostNetworks(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, network.HostApplied, list[1].State(), "nothing was ever set, and it is as its flags say")
		require.Equal(t, &flags, list[1].Joined)
	})
}

func TestHostNetworksThatAreRefused(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	h := &someHosts{list: []network.Host{{ID: "a", Name: "one"}, {ID: "b", Name: "two"}, {ID: "c", Name: "three"}}}
	s := withHosts(t, d, h)
	_, err := s.SetHostNetwork(t.Context(), "b", func(n *network.HostNetwork) { n.Encap = "10.0.0.12" })
	require.NoError(t, err)
	_, err = s.HostSynced(t.Context(), "c", &network.HostJoined{Encap: "10.0.0.13"})
	require.NoError(t, err)
	vlan := network.Provider{Kind: network.VLAN, Physical: "dc", Segment: 7}
	n, err := s.CreateNetwork(t.Context(), admin(), network.NewNetwork{Provider: &vlan})
	require.NoError(t, err)
	host := "a"
	p, err := s.CreatePort(t.Context(), admin(), network.NewPort{NetworkID: n.ID, HostID: host})
	require.NoError(t, err)
	mapped := func(list ...network.BridgeMapping) func(*network.HostNetwork) {
		return func(n *network.HostNetwork) { n.Mappings = &list }
	}
	encap := func(a string) func(*network.HostNetwork) { return func(n *network.HostNetwork) { n.Encap = a } }
	dc := network.BridgeMapping{Physical: "dc", Bridge: "br-dc", Device: "eth1"}
	for names, change := range map[string]func(*network.HostNetwork){
		`physical_network must be up to 64 letters`:      mapped(network.BridgeMapping{Physical: "dc:1", Bridge: "br-dc"}),
		`bridge must be the name of a bridge`:            mapped(network.BridgeMapping{Physical: "dc", Bridge: "br-of-the-data-centre"}),
		`other than br-int and br-tunnel`:                mapped(network.BridgeMapping{Physical: "dc", Bridge: "br-int"}),
		`device must be the name`:                        mapped(network.BridgeMapping{Physical: "dc", Bridge: "br-dc", Device: "a b"}),
		`the physical network dc twice`:                  mapped(dc, network.BridgeMapping{Physical: "dc", Bridge: "br-two"}),
		`has br-dc twice`:                                mapped(dc, network.BridgeMapping{Physical: "two", Bridge: "br-dc"}),
		`has eth1 twice`:                                 mapped(dc, network.BridgeMapping{Physical: "two", Bridge: "br-two", Device: "eth1"}),
		`but is "10.0.0"`:                                encap("10.0.0"),
		`but is "127.0.0.1"`:                             encap("127.0.0.1"),
		`but is "2001:db8::1"`:                           encap("2001:db8::1"),
		`10.0.0.12 is that of host two`:                  encap("10.0.0.12"),
		`10.0.0.13 is that of host three`:                encap("10.0.0.13"),
		"must keep physical network dc, as port " + p.ID: mapped(network.BridgeMapping{Physical: "lab", Bridge: "br-lab"}),
	} {
		_, err := s.SetHostNetwork(t.Context(), host, change)
		require.ErrorContains(t, err, names)
	}
	_, err = s.SetHostNetwork(t.Context(), "nobody", encap("10.0.0.14"))
	require.True(t, fault.Is(err, fault.NotFound), err)
	require.Equal(t, []string{"b"}, h.asked)
	_, err = s.SetHostNetwork(t.Context(), host, mapped(dc))
	require.NoError(t, err)
}
