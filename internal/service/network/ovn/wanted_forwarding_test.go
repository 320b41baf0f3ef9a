package ovn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// forwarded is the world with a second floating IP that forwards ports.
func forwarded() network.State {
	s := world()
	s.Routers[0].Forwards = []network.ForwardingState{{
		FloatingIP: network.FloatingIP{ID: id("forwarder"), Address: ip("172.24.4.30")},
		Forwardings: []network.PortForwarding{
			{Protocol: "tcp", Address: ip("10.0.0.11"), Internal: network.PortRange{First: 22, Last: 22}, External: network.PortRange{First: 2222, Last: 2222}},
			{Protocol: "tcp", Address: ip("10.0.0.12"), Internal: network.PortRange{First: 80, Last: 81}, External: network.PortRange{First: 8080, Last: 8081}},
			{Protocol: "udp", Address: ip("10.0.0.12"), Internal: network.PortRange{First: 53, Last: 53}, External: network.PortRange{First: 53, Last: 54}},
		},
	}}
	return s
}

func TestWantedForwardings(t *testing.T) {
	equalRows(t, []string{
		"name=forward-" + id("forwarder") + "-tcp protocol=tcp vips=map[172.24.4.30:2222:10.0.0.11:22 172.24.4.30:8080:10.0.0.12:80 172.24.4.30:8081:10.0.0.12:81]",
		"name=forward-" + id("forwarder") + "-udp protocol=udp vips=map[172.24.4.30:53:10.0.0.12:53 172.24.4.30:54:10.0.0.12:53]",
	}, rows(Wanted(forwarded(), chassis()), tableBalancer))
}

func TestForwardingsWorkInOVN(t *testing.T) {
	p := newPlant(t)
	p.sbctl("chassis-add", "host-1", "geneve", "127.0.0.1")
	p.sbctl("set", "Chassis", "host-1", "other_config:ovn-bridge-mappings=outside:br-outside")
	e, _ := p.engine()
	require.Eventually(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(e.chassis) == 1 && len(e.chassis[0].Physical) == 1
	}, patience, 10*time.Millisecond)
	require.NoError(t, e.Apply(t.Context(), forwarded()))
	const toPort = `inport=="localnet-%s" && eth.src==fa:16:3e:00:99:99 && eth.dst==fa:16:3e:00:01:01 && ip4.src==172.24.4.99 && ip4.dst==172.24.4.30 && ip.ttl==64 && tcp && tcp.dst==%d`
	in := func(port int) string {
		p.settle()
		return p.run("ovn-trace", "--db="+p.sb, "--ct=new", "--lb-dst=10.0.0.11:22", "--ct=new", sprintf(toPort, id("outside"), port))
	}
	require.Contains(t, in(2222), "ct_lb")
	require.Contains(t, in(2222), "10.0.0.11:22")
	require.NotContains(t, in(2223), "10.0.0.11:22", "nothing forwards this")

	require.NoError(t, e.Apply(t.Context(), world()))
	require.Empty(t, p.nbctl("--bare", "--columns=name", "list", "Load_Balancer"))
}
