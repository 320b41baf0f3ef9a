package fabric

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// TestTheGatewayMovesWhenItsHostDies cuts the power of the host that carries a router's outside port.
func TestTheGatewayMovesWhenItsHostDies(t *testing.T) {
	f := New(t)
	hosts := map[string]*Host{}
	for _, name := range []string{"g1", "g2"} {
		h := f.Host(id(name), true)
		hosts[h.ID] = h
	}
	inner := f.Host(id("inner"), false) // not joined to the outside: it needs a gateway
	out := f.Outside(0, "172.24.4.99/24")

	w := newWorld()
	outside := w.network("outside", network.Provider{Kind: network.Flat, Physical: Physical}, subnet("172.24.4.0/24", "172.24.4.99"))
	inside := w.network("inside", network.Provider{Kind: network.Geneve}, subnet("10.0.0.0/24", "10.0.0.1"))
	server := w.port(*inside, "server", "fa:16:3e:00:00:11", "10.0.0.11")
	server.Port.HostID = inner.ID
	r := w.router("router", *outside, "172.24.4.10", *inside)
	f.Apply(w.State)
	guest := inner.Guest(id("server"), "fa:16:3e:00:00:11", "10.0.0.1", "10.0.0.11/24")
	guest.Reaches("172.24.4.99")
	out.Reaches("172.24.4.10")

	active := func() string {
		port := f.SB("--bare", "--columns=chassis", "find", "Port_Binding", "logical_port=cr-lrp-"+r.Gateway.Port.ID)
		if port == "" {
			return ""
		}
		return f.SB("--bare", "--columns=name", "list", "Chassis", port)
	}
	first := active()
	require.Contains(t, hosts, first, "only hosts that are joined to the outside are gateways")
	require.Contains(t, inner.vsctl("--bare", "--columns=bfd", "find", "Interface", "type=geneve"), "enable=true", "hosts watch each other")
	hosts[first].Kill()
	died := time.Now()
	guest.Reaches("172.24.4.99")
	out.Reaches("172.24.4.10")
	t.Logf("the outside is reached again %s after its gateway died", time.Since(died).Round(10*time.Millisecond))
	f.eventually("the other host has the port", func() bool { a := active(); return a != "" && a != first })
}
