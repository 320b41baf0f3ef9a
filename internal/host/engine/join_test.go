package engine

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// told is what a host has been told of its networks.
type told struct {
	network atomic.Pointer[protocol.HostNetwork]
	changes atomic.Int64
}

// id is one of the external ids of the switch.
func id(t *testing.T, key string) string {
	t.Helper()
	return strings.Trim(output(t, "ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids:"+key), `"`)
}

// TestNetworksAreSetWhileTheEnginesRun changes bridge mappings and the address of tunnels of a host that runs, and takes all
// of it back.
func TestNetworksAreSetWhileTheEnginesRun(t *testing.T) {
	e := fixture(t)
	var now told
	e.cfg.Network, e.cfg.Changed = now.network.Load, func() { now.changes.Add(1) }
	for _, d := range []string{"eth7", "eth8", "tun7"} {
		output(t, "ip", "link", "add", d, "type", "veth", "peer", "name", d+"-far")
	}
	output(t, "ip", "addr", "add", "10.66.0.11/24", "dev", "tun7")
	output(t, "ip", "link", "set", "tun7", "up")
	was := world(t)
	require.NoError(t, e.Ensure(deadline(t), nil))
	require.Equal(t, &protocol.NetworkSeen{BridgeMappings: []protocol.BridgeMapping{{PhysicalNetwork: "outside", Bridge: "br-outside"}}, EncapAddress: "127.0.0.1"}, e.Seen(), "the flags' values")

	ctx, cancel := context.WithCancel(deadline(t))
	done := make(chan error, 1)
	go func() { done <- e.Watch(ctx) }()
	set := func(n protocol.HostNetwork) protocol.NetworkSeen {
		t.Helper()
		n.Generation = 1
		if before := now.network.Load(); before != nil {
			n.Generation = before.Generation + 1
		}
		now.network.Store(&n)
		e.Wake()
		wait(t, "the engines have heard", func() bool { return e.Seen().Generation == n.Generation })
		return *e.Seen()
	}
	dc, lab := protocol.BridgeMapping{PhysicalNetwork: "dc", Bridge: "br-dc", Device: "eth7"}, protocol.BridgeMapping{PhysicalNetwork: "lab", Bridge: "br-lab", Device: "eth9"}

	seen := set(protocol.HostNetwork{BridgeMappings: []protocol.BridgeMapping{dc, lab}, EncapAddress: "10.66.0.11"})
	require.Equal(t, []protocol.BridgeMapping{dc}, seen.BridgeMappings)
	require.Contains(t, seen.Error, "physical network lab: the device eth9 for the bridge br-lab is not there")
	require.Equal(t, "10.66.0.11", seen.EncapAddress)
	require.Equal(t, "dc:br-dc", id(t, "ovn-bridge-mappings"))
	require.Equal(t, "dc:"+ChassisMAC(e.cfg.HostID, "dc"), id(t, "ovn-chassis-mac-mappings"))
	require.Equal(t, "br-dc", output(t, "ovs-vsctl", "port-to-br", "eth7"))
	require.NotContains(t, output(t, "ovs-vsctl", "list-br"), "br-outside")
	wait(t, "the way out is closed", func() bool { return !strings.Contains(output(t, "nft", "list", "ruleset"), "172.24.4.0/24") })
	if !KernelDatapath() {
		require.Equal(t, TunnelBridge, output(t, "ovs-vsctl", "port-to-br", "tun7"))
		require.Contains(t, output(t, "ip", "addr", "show", TunnelBridge), "10.66.0.11/24")
		require.NotContains(t, output(t, "ip", "addr", "show", "tun7"), "10.66.0.11")
	}

	output(t, "ip", "link", "add", "eth9", "type", "veth", "peer", "name", "eth9-far")
	e.Wake()
	wait(t, "what was missing is used when it is there", func() bool { return e.Seen().Error == "" })
	require.Equal(t, "dc:br-dc,lab:br-lab", id(t, "ovn-bridge-mappings"))

	dc.Device, lab.Device = "eth8", "eth7"
	seen = set(protocol.HostNetwork{BridgeMappings: []protocol.BridgeMapping{dc, lab}, EncapAddress: "10.66.0.99"})
	require.Equal(t, "encapsulation address: no device of this host has the address 10.66.0.99 for tunnels", seen.Error)
	require.Equal(t, "10.66.0.11", seen.EncapAddress, "tunnels end where they have ended")
	require.Equal(t, "br-lab", output(t, "ovs-vsctl", "port-to-br", "eth7"), "a device moves from bridge to bridge")
	require.NotContains(t, output(t, "ovs-vsctl", "list-ports", "br-lab"), "eth9")

	output(t, "ovs-vsctl", "add-br", "br-theirs", "--", "set", "Bridge", "br-theirs", "datapath_type=netdev", "--", "add-port", "br-theirs", "eth9")
	lab.Device = "eth9"
	seen = set(protocol.HostNetwork{BridgeMappings: []protocol.BridgeMapping{lab}})
	require.Contains(t, seen.Error, "is in the bridge br-theirs already, where somebody else has put it")
	output(t, "ovs-vsctl", "del-br", "br-theirs")
	output(t, "ip", "link", "del", "eth9")

	seen = set(protocol.HostNetwork{})
	require.Empty(t, seen.Error)
	require.Equal(t, "outside:br-outside", id(t, "ovn-bridge-mappings"))
	require.Equal(t, "127.0.0.1", id(t, "ovn-encap-ip"))
	require.ElementsMatch(t, []string{"br-int", "br-outside"}, strings.Fields(output(t, "ovs-vsctl", "list-br")))
	require.Contains(t, output(t, "ip", "addr", "show", "tun7"), "10.66.0.11/24")
	wait(t, "the way out is open", func() bool { return strings.Contains(output(t, "nft", "list", "ruleset"), "172.24.4.0/24") })
	require.Greater(t, now.changes.Load(), int64(5), "each change was told")

	cancel()
	require.NoError(t, <-done)
	require.NoError(t, e.Stop(deadline(t)))
	is := world(t)
	require.NotContains(t, is["links"], "br-")
	delete(was, "links") // another test's bridge may have been on its way out
	delete(is, "links")
	require.Equal(t, was, is)
}
