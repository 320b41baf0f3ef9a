package network_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// outside makes an external network with one subnet.
func (b *bench) outside() network.Network {
	b.t.Helper()
	yes := true
	n, err := b.CreateNetwork(b.t.Context(), admin(), network.NewNetwork{Name: "outside", External: &yes})
	require.NoError(b.t, err)
	b.subnet(admin(), n, "172.24.4.0/24")
	return n
}

// routed makes a network of a tenant's behind a router to the outside.
func (b *bench) routed(outside network.Network, cidr string) (network.Network, network.Subnet, network.Router) {
	b.t.Helper()
	c := tenant("one")
	n, sub := b.segment(c, cidr)
	r, err := b.CreateRouter(b.t.Context(), c, network.NewRouter{Gateway: &network.WantedGateway{NetworkID: outside.ID}})
	require.NoError(b.t, err)
	_, err = b.AddInterface(b.t.Context(), c, r.ID, sub.ID, "", nil)
	require.NoError(b.t, err)
	return n, sub, r
}

func ports(first, last int) network.PortRange { return network.PortRange{First: first, Last: last} }

func TestPortForwardings(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b, c, ctx := newBench(t, d, nil), tenant("one"), t.Context()
		outside := b.outside()
		n, sub, r := b.routed(outside, "10.0.0.0/24")
		p := b.port(c, n)
		fip, err := b.CreateFloatingIP(ctx, c, network.NewFloatingIP{NetworkID: outside.ID})
		require.NoError(t, err)
		spec := network.NewForwarding{FloatingIPID: fip.ID, Description: "web", Protocol: "tcp", PortID: p.ID, Internal: ports(80, 80), External: ports(8080, 8080)}
		f, err := b.CreateForwarding(ctx, c, spec)
		require.NoError(t, err)
		require.Equal(t, p.FixedIPs[0].Address, f.Address)
		fip, err = b.ShowFloatingIP(ctx, c, fip.ID)
		require.NoError(t, err)
		require.Equal(t, r.ID, fip.RouterID)
		require.Empty(t, fip.PortID)

		t.Run("what is refused", func(t *testing.T) {
			for want, change := range map[string]func(*network.NewForwarding){
				"BadRequest":         func(f *network.NewForwarding) { f.External = ports(8000, 8090) },
				"InvalidInput":       func(f *network.NewForwarding) { f.Protocol = "icmp" },
				"PortNotFound":       func(f *network.NewForwarding) { f.PortID = b.port(tenant("two"), segmentOf(b, "two")).ID },
				"FloatingIPNotFound": func(f *network.NewForwarding) { f.FloatingIPID = "nothing" },
				"ExternalGatewayForFloatingIPNotFound": func(f *network.NewForwarding) {
					f.PortID, f.External = b.port(c, segmentOf(b, "one")).ID, ports(1, 1)
				},
			} {
				bad := spec
				change(&bad)
				_, err := b.CreateForwarding(ctx, c, bad)
				require.Equal(t, want, code(err), "%v", err)
			}
			for _, bad := range []network.NewForwarding{
				{Protocol: "tcp", Internal: ports(0, 0), External: ports(1, 1)},
				{Protocol: "tcp", Internal: ports(1, 1), External: ports(65536, 65536)},
				{Protocol: "tcp", Internal: ports(90, 80), External: ports(1, 1)},
			} {
				bad.FloatingIPID, bad.PortID = fip.ID, p.ID
				_, err := b.CreateForwarding(ctx, c, bad)
				require.Equal(t, "InvalidInput", code(err), "%+v", bad)
			}
			_, err := b.CreateForwarding(ctx, c, network.NewForwarding{FloatingIPID: fip.ID, PortID: p.ID, Protocol: "tcp", Internal: ports(1, 2), External: ports(1, 3)})
			require.Equal(t, "BadRequest", code(err))
			_, err = b.CreateForwarding(ctx, c, network.NewForwarding{FloatingIPID: fip.ID, PortID: p.ID, Protocol: "tcp", Internal: ports(80, 80), External: ports(9, 9)})
			require.Equal(t, "BadRequest", code(err), "the inner port is forwarded to already")
			_, err = b.ChangeFloatingIP(ctx, c, fip.ID, network.FloatingIPChange{PortID: &p.ID})
			require.Equal(t, "FipInUseByPortForwarding", code(err))
			_, err = b.CreateFloatingIP(ctx, c, network.NewFloatingIP{NetworkID: outside.ID, PortID: p.ID})
			require.Equal(t, "PortHasPortForwarding", code(err))
			_, err = b.RemoveInterface(ctx, c, r.ID, sub.ID, "", nil)
			require.Equal(t, "RouterInterfaceInUseByFloatingIP", code(err))
			_, err = b.ShowForwarding(ctx, c, "another", f.ID)
			require.Equal(t, "PortForwardingNotFound", code(err))
			_, err = b.ShowForwarding(ctx, tenant("two"), fip.ID, f.ID)
			require.Equal(t, "PortForwardingNotFound", code(err))
		})

		t.Run("it is changed", func(t *testing.T) {
			wide, udp := ports(9000, 9009), "udp"
			changed, err := b.ChangeForwarding(ctx, c, fip.ID, f.ID, network.ForwardingChange{External: &wide, Protocol: &udp})
			require.NoError(t, err)
			require.Equal(t, f.Address, changed.Address)
			list, err := b.Forwardings(ctx, c, fip.ID, network.By("protocol", "udp"))
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.Equal(t, wide, list[0].External)
		})

		t.Run("it goes with the address of its port", func(t *testing.T) {
			_, err := b.ChangePort(ctx, c, p.ID, network.PortChange{FixedIPs: &[]network.WantedIP{{Address: netip.MustParseAddr("10.0.0.200")}}})
			require.NoError(t, err)
			list, err := b.Forwardings(ctx, c, fip.ID, network.Query{Where: map[string][]string{}})
			require.NoError(t, err)
			require.Empty(t, list)
			fip, err := b.ShowFloatingIP(ctx, c, fip.ID)
			require.NoError(t, err)
			require.Empty(t, fip.RouterID)
			require.Equal(t, network.StatusDown, fip.Status)
		})

		t.Run("it goes with its port and with its floating IP", func(t *testing.T) {
			f, err := b.CreateForwarding(ctx, c, spec)
			require.NoError(t, err)
			require.NoError(t, b.DeletePort(ctx, c, p.ID, nil))
			_, err = b.ShowForwarding(ctx, c, fip.ID, f.ID)
			require.Equal(t, "PortForwardingNotFound", code(err))
			spec.PortID = b.port(c, n).ID
			f, err = b.CreateForwarding(ctx, c, spec)
			require.NoError(t, err)
			require.NoError(t, b.DeleteFloatingIP(ctx, c, fip.ID, nil))
			_, err = b.ShowForwarding(ctx, c, fip.ID, f.ID)
			require.Equal(t, "PortForwardingNotFound", code(err))
		})
	})
}

// segmentOf makes a network that is joined to nothing.
func segmentOf(b *bench, project string) network.Network {
	n, _ := b.segment(tenant(project), "10.77.0.0/24")
	return n
}
