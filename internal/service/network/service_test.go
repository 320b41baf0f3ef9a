package network_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/store"
)

func sets() []db.Migrations { return []db.Migrations{event.Migrations(), store.Migrations()} }

func tenant(project string) *auth.Caller {
	return &auth.Caller{UserID: "user", ProjectID: project, Roles: []string{"member", "reader"}}
}

func admin() *auth.Caller {
	return &auth.Caller{UserID: "root", ProjectID: "admin", Roles: []string{"admin", "member", "reader"}}
}

// bench is a service with a database of its own.
type bench struct {
	*network.Service
	db     *db.DB
	events *event.Log
	t      testing.TB
}

func newBench(t testing.TB, d *db.DB, north network.Northbound) *bench {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	events := event.New(d, nil, log)
	return &bench{network.New(network.Config{}, store.New(d), d, events, north, log), d, events, t}
}

// start runs the loops until the test ends.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(b.t.Context())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{b.Run, b.events.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				b.t.Errorf("a loop ended: %v", err)
			}
		})
	}
	b.t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}

// segment makes a network with one subnet.
func (b *bench) segment(c *auth.Caller, cidr string) (network.Network, network.Subnet) {
	b.t.Helper()
	n, err := b.CreateNetwork(b.t.Context(), c, network.NewNetwork{Name: "n"})
	require.NoError(b.t, err)
	return n, b.subnet(c, n, cidr)
}

func (b *bench) subnet(c *auth.Caller, n network.Network, cidr string) network.Subnet {
	b.t.Helper()
	p := netip.MustParsePrefix(cidr)
	version := 4
	if p.Addr().Is6() {
		version = 6
	}
	s, err := b.CreateSubnet(b.t.Context(), c, network.NewSubnet{NetworkID: n.ID, IPVersion: version, CIDR: p})
	require.NoError(b.t, err)
	return s
}

func (b *bench) port(c *auth.Caller, n network.Network) network.Port {
	b.t.Helper()
	p, err := b.CreatePort(b.t.Context(), c, network.NewPort{NetworkID: n.ID})
	require.NoError(b.t, err)
	return p
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

// TestAddressesAreGivenOnce plays creates, deletes and changes in any order against a model of which address is whose.
func TestAddressesAreGivenOnce(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		dbtest.Check(t, func(rt *rapid.T) {
			b := newBench(t, d, nil)
			c := tenant("one")
			n, sub := b.segment(c, "10.0.0.0/28") // 13 addresses, one of which is the metadata port's
			held := map[netip.Addr]string{}
			var ports []network.Port
			rt.Repeat(map[string]func(*rapid.T){
				"create": func(rt *rapid.T) {
					p, err := b.CreatePort(t.Context(), c, network.NewPort{NetworkID: n.ID})
					if len(held) == 12 {
						require.Equal(rt, "IpAddressGenerationFailure", code(err))
						return
					}
					require.NoError(rt, err, "%d of 12 are taken", len(held))
					require.Empty(rt, held[p.FixedIPs[0].Address])
					held[p.FixedIPs[0].Address] = p.ID
					ports = append(ports, p)
				},
				"choose": func(rt *rapid.T) {
					at := netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(3, 14).Draw(rt, "host"))})
					p, err := b.CreatePort(t.Context(), c, network.NewPort{NetworkID: n.ID, FixedIPs: []network.WantedIP{{SubnetID: sub.ID, Address: at}}})
					if held[at] != "" {
						require.Equal(rt, "IpAddressInUse", code(err))
						return
					}
					require.NoError(rt, err)
					held[at] = p.ID
					ports = append(ports, p)
				},
				"move": func(rt *rapid.T) {
					if len(ports) == 0 {
						return
					}
					i := rapid.IntRange(0, len(ports)-1).Draw(rt, "port")
					at := netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(3, 14).Draw(rt, "host"))})
					before := ports[i].FixedIPs[0].Address
					p, err := b.ChangePort(t.Context(), c, ports[i].ID, network.PortChange{FixedIPs: &[]network.WantedIP{{Address: at}}})
					if held[at] != "" && at != before {
						require.Equal(rt, "IpAddressInUse", code(err))
						return
					}
					require.NoError(rt, err)
					delete(held, before)
					held[at] = p.ID
					ports[i] = p
				},
				"delete": func(rt *rapid.T) {
					if len(ports) == 0 {
						return
					}
					i := rapid.IntRange(0, len(ports)-1).Draw(rt, "port")
					require.NoError(rt, b.DeletePort(t.Context(), c, ports[i].ID, nil))
					delete(held, ports[i].FixedIPs[0].Address)
					ports = append(ports[:i], ports[i+1:]...)
				},
				"": func(rt *rapid.T) {
					list, err := b.Ports(t.Context(), c, network.By("network_id", n.ID))
					require.NoError(rt, err)
					require.Len(rt, list, len(held)+1)
					for _, p := range list {
						if p.DeviceOwner != network.OwnerDistributed {
							require.Equal(rt, p.ID, held[p.FixedIPs[0].Address])
						}
					}
				},
			})
			for _, p := range ports {
				require.NoError(rt, b.DeletePort(t.Context(), c, p.ID, nil))
			}
			require.NoError(rt, b.DeleteNetwork(t.Context(), c, n.ID, nil))
		})
	})
}

func TestTheLastAddressHasOneWinner(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b := newBench(t, d, nil)
		c := tenant("one")
		n, _ := b.segment(c, "10.0.0.0/28")
		var won, lost atomic.Int32
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := b.CreatePort(t.Context(), c, network.NewPort{NetworkID: n.ID})
				switch {
				case err == nil:
					won.Add(1)
				case code(err) == "IpAddressGenerationFailure":
					lost.Add(1)
				default:
					t.Errorf("unexpected: %v", err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 12, won.Load())
		require.EqualValues(t, 8, lost.Load())
		_, err := b.CreatePort(t.Context(), c, network.NewPort{NetworkID: n.ID})
		require.ErrorContains(t, err, "all 13 addresses of subnet")
	})
}

func TestARollbackGivesTheAddressBack(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b := newBench(t, d, nil)
		c := tenant("one")
		n, _ := b.segment(c, "10.0.0.0/30") // the gateway and one more, which the metadata port takes
		sub := b.subnet(c, n, "10.0.1.0/29")
		want := []network.WantedIP{{SubnetID: sub.ID, Address: netip.MustParseAddr("10.0.1.5")}}
		stop := fmt.Errorf("stop")
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			_, err := b.CreatePort(ctx, c, network.NewPort{NetworkID: n.ID, FixedIPs: want})
			require.NoError(t, err)
			return stop
		})
		require.ErrorIs(t, err, stop)
		_, err = b.CreatePort(t.Context(), c, network.NewPort{NetworkID: n.ID, FixedIPs: want})
		require.NoError(t, err)
	})
}

func TestDefaultGroupIsMadeOnce(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b := newBench(t, d, nil)
		var wg sync.WaitGroup
		seen := make([]network.SecurityGroup, 8)
		for i := range seen {
			wg.Go(func() {
				g, err := b.DefaultGroup(t.Context(), "one")
				if err != nil {
					t.Errorf("unexpected: %v", err)
				}
				seen[i] = g
			})
		}
		wg.Wait()
		for _, g := range seen {
			require.Equal(t, seen[0].ID, g.ID)
		}
		g, err := b.ShowSecurityGroup(t.Context(), tenant("one"), seen[0].ID)
		require.NoError(t, err)
		require.Len(t, g.Rules, 4)
		_, err = b.ShowSecurityGroup(t.Context(), tenant("two"), seen[0].ID)
		require.True(t, fault.Is(err, fault.NotFound))
	})
}

func TestADevicesPorts(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b := newBench(t, d, nil)
		ctx, c := t.Context(), tenant("one")
		n, sub := b.segment(c, "10.0.0.0/24")
		mine := b.port(c, n)
		made, err := b.CreatePort(ctx, c, network.NewPort{NetworkID: n.ID, DeviceID: "server", DeviceOwner: "compute:nova", ForDevice: true})
		require.NoError(t, err)
		named, err := b.CreatePort(ctx, c, network.NewPort{NetworkID: n.ID, DNSName: "db"})
		require.NoError(t, err)
		_, err = b.AttachPort(ctx, c, named.ID, "server", "compute:nova", "web")
		require.Equal(t, "PortNotUsableDNS", code(err))
		given, err := b.AttachPort(ctx, c, mine.ID, "server", "compute:nova", "web")
		require.NoError(t, err)
		require.Equal(t, "web", given.DNSName)
		_, err = b.AttachPort(ctx, c, mine.ID, "other", "compute:nova", "web")
		require.Equal(t, "PortInUse", code(err))
		_, err = b.AttachPort(ctx, tenant("two"), mine.ID, "other", "compute:nova", "web")
		require.Equal(t, "PortNotFound", code(err))

		require.NoError(t, b.BindPorts(ctx, "server", "host-1"))
		sites, err := b.SitesOf(ctx, []string{n.ID, "nowhere"})
		require.NoError(t, err)
		require.Len(t, sites, 1)
		require.Equal(t, 1442, sites[n.ID].MTU)
		require.Equal(t, map[string]network.SiteSubnet{sub.ID: {CIDR: sub.CIDR, Gateway: sub.Gateway, DNSServers: sub.DNSServers}}, sites[n.ID].Subnets)
		require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")}, sites[n.ID].Metadata.Addresses)
		bound, err := b.ShowPort(ctx, c, made.ID)
		require.NoError(t, err)
		require.Equal(t, "host-1", bound.HostID)

		plugs, err := b.PlugsOf(ctx, []string{"server", "nobody"})
		require.NoError(t, err)
		require.Len(t, plugs, 1)
		require.Len(t, plugs["server"], 2)
		require.Equal(t, mine.ID, plugs["server"][0].PortID)
		require.Equal(t, network.Plug{
			PortID: made.ID, NetworkID: n.ID, NetworkName: n.Name, MAC: made.MAC, Status: bound.Status,
			Addresses: []network.PlugAddress{{SubnetID: sub.ID, Address: made.FixedIPs[0].Address.String()}},
			Groups:    []network.PlugGroup{{ID: made.GroupIDs[0], Name: "default"}},
		}, plugs["server"][1])

		require.NoError(t, b.ReleasePorts(ctx, "server"))
		_, err = b.ShowPort(ctx, c, made.ID)
		require.Equal(t, "PortNotFound", code(err))
		left, err := b.ShowPort(ctx, c, mine.ID)
		require.NoError(t, err)
		require.Empty(t, left.DeviceID+left.HostID+left.DNSName)
	})
}

func TestStatusFollowsTheLink(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	u := network.NewUnwired()
	b := newBench(t, d, u)
	heard := make(chan string, 100)
	cancel := b.events.Subscribe("network.port.updated", func(ev event.Event) { heard <- ev.ObjectID })
	t.Cleanup(cancel)
	b.start()
	ctx, c := t.Context(), tenant("one")
	n, _ := b.segment(c, "10.0.0.0/24")
	p, err := b.CreatePort(ctx, c, network.NewPort{NetworkID: n.ID, DeviceID: "server"})
	require.NoError(t, err)
	status := func(want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			now, err := b.ShowPort(ctx, c, p.ID)
			return err == nil && now.Status == want
		}, patience, 5*time.Millisecond)
	}
	status(network.StatusDown)
	require.NoError(t, b.BindPorts(ctx, "server", "host"))
	status(network.StatusActive)
	require.Equal(t, p.ID, <-heard)
	require.NoError(t, b.BindPorts(ctx, "server", ""))
	status(network.StatusDown)
}

func TestSharedAndExternalNetworks(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		b := newBench(t, d, nil)
		ctx, yes := t.Context(), true
		shared, err := b.CreateNetwork(ctx, admin(), network.NewNetwork{Shared: &yes})
		require.NoError(t, err)
		b.subnet(admin(), shared, "10.1.0.0/24")
		outside, err := b.CreateNetwork(ctx, admin(), network.NewNetwork{External: &yes, Provider: &network.Provider{Kind: network.Flat, Physical: "outside"}})
		require.NoError(t, err)
		b.subnet(admin(), outside, "172.24.4.0/24")
		_, err = b.CreateNetwork(ctx, admin(), network.NewNetwork{Provider: &network.Provider{Kind: network.Flat, Physical: "outside"}})
		require.Equal(t, "FlatNetworkInUse", code(err))
		c := tenant("one")
		p := b.port(c, shared)
		require.Len(t, p.FixedIPs, 1)
		_, err = b.CreatePort(ctx, c, network.NewPort{NetworkID: outside.ID})
		require.Equal(t, "PolicyNotAuthorized", code(err))
		no := false
		_, err = b.ChangeNetwork(ctx, admin(), shared.ID, network.NetworkChange{Shared: &no})
		require.Equal(t, "InvalidSharedSetting", code(err))
		usable, err := b.NetworkFor(ctx, c)
		require.NoError(t, err)
		require.Len(t, usable, 1)
		_, err = b.ChangeNetwork(ctx, c, shared.ID, network.NetworkChange{Shared: &no})
		require.Equal(t, "PolicyNotAuthorized", code(err))
	})
}
