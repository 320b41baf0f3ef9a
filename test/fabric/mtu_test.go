package fabric

import (
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// refusesLarge waits until a machine is told how large its packets to an address may be.
func (m *Machine) refusesLarge(address, mtu string) {
	m.f.t.Helper()
	m.f.eventually("what is too large for "+address+" is refused", func() bool {
		m.Run("ip", "route", "flush", "cache") // what was learned before
		out, err := m.Try("ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", "1400", address)
		return err != nil && strings.Contains(out, "Frag needed and DF set (mtu = "+mtu+")")
	})
}

// TestRoutersAnswerWhatIsTooLarge sends packets that may not be cut up from networks with a larger MTU to one with a smaller.
func TestRoutersAnswerWhatIsTooLarge(t *testing.T) {
	f := New(t)
	h := f.Host(id("one"), true)
	out := f.Outside(0, "172.24.4.99/24")
	w := newWorld()
	outside := *w.network("outside", network.Provider{Kind: network.Flat, Physical: Physical}, subnet("172.24.4.0/24", "172.24.4.99"))
	wide := *w.network("wide", network.Provider{Kind: network.Geneve}, subnet("10.0.0.0/24", "10.0.0.1"))
	narrow := *w.network("narrow", network.Provider{Kind: network.Geneve}, subnet("10.1.0.0/24", "10.1.0.1"))
	outside.Network.MTU, wide.Network.MTU, narrow.Network.MTU = 1500, 1500, 1300
	w.Networks = []network.NetworkState{outside, wide, narrow}
	w.port(wide, "a", "fa:16:3e:00:00:11", "10.0.0.11").Port.HostID = h.ID
	server := *w.port(narrow, "b", "fa:16:3e:00:00:12", "10.1.0.12")
	server.Port.HostID = h.ID
	w.Ports[len(w.Ports)-1] = server
	w.router("router", outside, "172.24.4.10", wide, narrow)
	w.Routers[0].Floating = []network.FloatingState{{
		FloatingIP: network.FloatingIP{ID: id("floating"), Address: ip("172.24.4.20"), FixedAddress: ip("10.1.0.12")},
		MAC:        "fa:16:3e:00:02:01", Target: server.Port,
	}}
	f.Apply(w.State)
	a := h.Guest(id("a"), "fa:16:3e:00:00:11", "10.0.0.1", "10.0.0.11/24")
	h.Guest(id("b"), "fa:16:3e:00:00:12", "10.1.0.1", "10.1.0.12/24")
	a.Reaches("10.1.0.12")
	a.refusesLarge("10.1.0.12", "1300")
	out.Reaches("172.24.4.20")
	out.refusesLarge("172.24.4.20", "1300")
}
