package fabric

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// TestIPv6 has two networks whose servers make their addresses from what the router announces, and speak through it.
func TestIPv6(t *testing.T) {
	f := New(t)
	one, two := f.Host(id("one"), false), f.Host(id("two"), false)
	w := newWorld()
	var nets []network.NetworkState
	macs := []string{"fa:16:3e:00:00:11", "fa:16:3e:00:00:12"}
	addresses := []string{"2001:db8:1:0:f816:3eff:fe00:11", "2001:db8:2:0:f816:3eff:fe00:12"} // EUI-64 of the MACs
	for i, cidr := range []string{"2001:db8:1::/64", "2001:db8:2::/64"} {
		s := subnet(cidr, netip.MustParsePrefix(cidr).Addr().Next().String())
		s.RAMode, s.AddressMode = network.SLAAC, network.SLAAC
		n := w.network(cidr, network.Provider{Kind: network.Geneve}, s)
		w.port(*n, "p"+cidr, macs[i], addresses[i])
		nets = append(nets, *n)
	}
	w.router("router", network.NetworkState{}, "", nets...)
	f.Apply(w.State)
	a := one.Guest(id("p2001:db8:1::/64"), macs[0], "")
	b := two.Guest(id("p2001:db8:2::/64"), macs[1], "")
	for i, g := range []*Machine{a, b} {
		f.eventually("the guest has made its address", func() bool {
			return strings.Contains(g.Run("ip", "-6", "addr", "show", "dev", "eth0", "scope", "global", "-tentative"), addresses[i])
		})
		require.Equal(t, "1400", g.Run("cat", "/proc/sys/net/ipv6/conf/eth0/mtu"), "the announcement says the network's MTU")
	}
	a.Reaches(addresses[1])
	b.Reaches(addresses[0])
}

// TestAnAddressMovesBetweenPorts has two servers that share an address as VRRP does, beside their own, behind a router.
func TestAnAddressMovesBetweenPorts(t *testing.T) {
	f := New(t)
	one, two := f.Host(id("one"), false), f.Host(id("two"), false)
	w := newWorld()
	n := w.network("n", network.Provider{Kind: network.Geneve}, subnet("10.0.0.0/24", "10.0.0.1"))
	m := w.network("m", network.Provider{Kind: network.Geneve}, subnet("10.1.0.0/24", "10.1.0.1"))
	for i, name := range []string{"a", "b"} {
		w.port(*n, name, mac("guest", 0, i), fmt.Sprintf("10.0.0.1%d", i+1)).Port.Pairs = []network.AddressPair{{CIDR: "10.0.0.50"}}
	}
	w.port(*n, "vip", "fa:16:3e:00:00:50", "10.0.0.50").Parents = []string{id("a"), id("b")}
	w.port(*m, "client", "fa:16:3e:00:00:99", "10.1.0.99")
	w.router("router", network.NetworkState{}, "", *n, *m)
	f.Apply(w.State)
	a := one.Guest(id("a"), mac("guest", 0, 0), "10.0.0.1", "10.0.0.11/24")
	b := two.Guest(id("b"), mac("guest", 0, 1), "10.0.0.1", "10.0.0.12/24")
	client := one.Guest(id("client"), "fa:16:3e:00:00:99", "10.1.0.1", "10.1.0.99/24")
	client.Reaches("10.0.0.11")
	require.False(t, client.pings("10.0.0.50"), "nobody has it yet")
	from := a
	for _, to := range []*Machine{a, b, a} {
		_, _ = from.Try("ip", "addr", "del", "10.0.0.50/32", "dev", "eth0") // the first has nothing to give up
		to.Run("ip", "addr", "add", "10.0.0.50/32", "dev", "eth0")
		to.Run("busybox", "arping", "-U", "-c", "1", "-I", "eth0", "10.0.0.50")
		client.Reaches("10.0.0.50")
		from = to
	}
}
