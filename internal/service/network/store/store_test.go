package store_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/store"
)

func sets() []db.Migrations { return []db.Migrations{store.Migrations()} }

func stamp(second int) network.Stamp {
	t := time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC)
	return network.Stamp{CreatedAt: t, UpdatedAt: t, Revision: 1}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		s, all := store.New(d), db.Everywhere()
		n := network.Network{
			ID: "n", ProjectID: "one", Name: "net", Description: "d", AdminUp: true, External: true, PortSecurity: true, MTU: 1500,
			Provider:  network.Provider{Kind: network.VLAN, Physical: "dc", Segment: 7},
			DNSDomain: "example.org.", ZoneHints: []string{"nova"}, SubnetIDs: []string{"s"}, Stamp: stamp(1),
		}
		sub := network.Subnet{
			ID: "s", NetworkID: "n", ProjectID: "one", CIDR: netip.MustParsePrefix("2001:db8::/64"), Gateway: netip.MustParseAddr("2001:db8::1"),
			DHCP: true, Pools: []network.Range{{First: netip.MustParseAddr("2001:db8::2"), Last: netip.MustParseAddr("2001:db8::9")}},
			DNSServers: []netip.Addr{netip.MustParseAddr("2001:db8::53")}, RAMode: network.SLAAC, AddressMode: network.SLAAC,
			Routes: []network.Route{{Destination: netip.MustParsePrefix("2001:db8:1::/64"), NextHop: netip.MustParseAddr("2001:db8::7")}}, Stamp: stamp(2),
		}
		port := network.Port{
			ID: "p", NetworkID: "n", ProjectID: "one", Name: "port", AdminUp: true, Status: network.StatusDown, MAC: "fa:16:3e:00:00:01",
			DeviceID: "server", DeviceOwner: "compute:nova", HostID: "host", PortSecurity: true, GroupIDs: []string{"g"}, DNSName: "name", DNSDomain: "of.example.org.",
			ForDevice: true, Pairs: []network.AddressPair{{MAC: "fa:16:3e:00:00:02", CIDR: "10.0.0.0/8"}}, Stamp: stamp(3),
			FixedIPs: []network.FixedIP{{SubnetID: "s", Address: netip.MustParseAddr("2001:db8::5")}, {SubnetID: "s", Address: netip.MustParseAddr("2001:db8::4")}},
		}
		rule := network.Rule{ID: "r", GroupID: "g", ProjectID: "one", Direction: network.Ingress, Protocol: "tcp", RemotePrefix: netip.MustParsePrefix("10.0.0.0/8"), Stamp: stamp(5)}
		group := network.SecurityGroup{ID: "g", ProjectID: "one", Name: "default", Default: true, Stateful: true, Rules: []network.Rule{rule}, Stamp: stamp(4)}
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			require.NoError(t, s.AddNetwork(ctx, n))
			require.NoError(t, s.AddSubnet(ctx, sub))
			added, err := s.AddPorts(ctx, []*network.Port{&port})
			require.NoError(t, err)
			require.True(t, added[port.ID])
			for i, f := range port.FixedIPs {
				took, err := s.TakeAddress(ctx, port, f, i)
				require.NoError(t, err)
				require.True(t, took)
			}
			_, err = s.AddGroup(ctx, group)
			require.NoError(t, err)
			_, err = s.AddRules(ctx, rule)
			return err
		}))
		gotN, err := s.Network(t.Context(), all, "n")
		require.NoError(t, err)
		require.Equal(t, n, gotN)
		gotS, err := s.Subnet(t.Context(), all, "s")
		require.NoError(t, err)
		_, err = s.Subnet(t.Context(), db.InProject("two"), "s")
		require.True(t, fault.Is(err, fault.NotFound), "its network is external, and not shared")
		require.Equal(t, sub, gotS)
		gotP, err := s.Port(t.Context(), all, "p")
		require.NoError(t, err)
		require.Equal(t, port, gotP)
		gotG, err := s.Group(t.Context(), all, "g")
		require.NoError(t, err)
		require.Equal(t, group, gotG)
		_, err = s.Port(t.Context(), db.InProject("two"), "p")
		require.True(t, fault.Is(err, fault.NotFound))
		_, err = s.Port(t.Context(), db.Scope{}, "p")
		require.True(t, fault.Is(err, fault.NotFound), "nobody sees nothing")
	})
}

func TestFiltersAndPages(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		s, all := store.New(d), db.Everywhere()
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			for i := range 5 {
				n := network.Network{ID: fmt.Sprint("n", i), ProjectID: "one", Name: fmt.Sprint("name", i%2), Shared: i == 4, Stamp: stamp(i)}
				require.NoError(t, s.AddNetwork(ctx, n))
			}
			return nil
		}))
		list := func(q network.Query) string {
			out := ""
			got, err := s.Networks(t.Context(), all, q)
			require.NoError(t, err)
			for _, n := range got {
				out += n.ID + " "
			}
			return out
		}
		newest := query.Page{Sort: []query.Order{{Key: "created_at", Desc: true}}, Limit: 2}
		require.Equal(t, "n4 n3 ", list(network.Query{Page: newest}))
		newest.Marker = "n3"
		require.Equal(t, "n2 n1 ", list(network.Query{Page: newest}))
		require.Equal(t, "n1 n3 ", list(network.By("name", "name1")))
		require.Equal(t, "n4 ", list(network.By("shared", "True")))
		require.Equal(t, "", list(network.ByID()))
		_, err := s.Networks(t.Context(), all, network.By("shared", "perhaps"))
		require.True(t, fault.Is(err, fault.Invalid))
		_, err = s.Networks(t.Context(), all, network.By("colour", "blue"))
		require.True(t, fault.Is(err, fault.Invalid))
	})
}

func TestStaleChangesAreRefused(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		s := store.New(d)
		n := network.Network{ID: "n", ProjectID: "one", Stamp: stamp(0)}
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error { return s.AddNetwork(ctx, n) }))
		n.Revision = 2
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error { return s.ChangeNetwork(ctx, n) }))
		err := d.Tx(t.Context(), func(ctx context.Context) error { return s.ChangeNetwork(ctx, n) })
		require.True(t, fault.Is(err, fault.Conflict))
	})
}

func TestPortsAreAddedAndAddressedTogether(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		s := store.New(d)
		port := func(id, mac string) *network.Port {
			return &network.Port{
				ID: id, NetworkID: "net", ProjectID: "p", MAC: mac, DeviceID: "device-" + id, Status: network.StatusDown, GroupIDs: []string{"g"},
				Stamp: stamp(1),
			}
		}
		address := func(port, a string) network.Taking {
			return network.Taking{PortID: port, NetworkID: "net", FixedIP: network.FixedIP{SubnetID: "sub", Address: netip.MustParseAddr(a)}}
		}
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			added, err := s.AddPorts(ctx, []*network.Port{port("a", "fa:16:3e:00:00:01"), port("b", "fa:16:3e:00:00:01"), port("c", "fa:16:3e:00:00:03")})
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"a": true, "c": true}, added, "a MAC is had once")
			added, err = s.AddPorts(ctx, []*network.Port{port("b", "fa:16:3e:00:00:03")})
			require.NoError(t, err)
			require.Empty(t, added)
			got, err := s.TakeAddresses(ctx, []network.Taking{address("a", "10.0.0.5"), address("c", "10.0.0.5"), address("c", "10.0.0.6")})
			require.NoError(t, err)
			require.Equal(t, []bool{true, false, true}, got, "an address is had once")
			bound, err := s.BindPorts(ctx, map[string]string{"device-a": "host", "device-c": "", "": "host"})
			require.NoError(t, err)
			require.Equal(t, []network.Port{{ID: "a", ProjectID: "p"}}, bound)
			bound, err = s.BindPorts(ctx, map[string]string{"device-a": "host"})
			require.NoError(t, err)
			require.Empty(t, bound, "it is there already")
			changed, err := s.SetPortStatus(ctx, []string{"a", "c", "none"}, network.StatusActive)
			require.NoError(t, err)
			require.Len(t, changed, 2)
			changed, err = s.SetPortStatus(ctx, []string{"a"}, network.StatusActive)
			require.NoError(t, err)
			require.Empty(t, changed)
			p, err := s.Port(ctx, db.InProject("p"), "a")
			require.NoError(t, err)
			require.Equal(t, "host", p.HostID)
			require.Equal(t, network.StatusActive, p.Status)
			require.EqualValues(t, 3, p.Revision)
			require.Equal(t, []network.FixedIP{{SubnetID: "sub", Address: netip.MustParseAddr("10.0.0.5")}}, p.FixedIPs)
			return err
		}))
	})
}

// What is empty in most rows has an index of the others only, which SQLite takes only where the query says so. PostgreSQL
// knows by itself, and takes what its statistics say is cheapest.
func TestSparseFiltersUseTheirIndex(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	s, ctx, all := store.New(d), t.Context(), db.Everywhere()
	for index, read := range map[string]func() error{
		"ports_device":    func() error { _, err := s.Ports(ctx, all, network.By("device_id", "a", "b")); return err },
		"routers_gateway": func() error { _, err := s.Routers(ctx, all, network.By("gateway_network_id", "a")); return err },
	} {
		plans := dbtest.Plans(t, d, func() { require.NoError(t, read()) })
		require.NotEmpty(t, plans)
		require.Contains(t, plans[0], index)
	}
	plans := dbtest.Plans(t, d, func() {
		_, err := s.Plugs(ctx, []string{"a", "b"})
		require.NoError(t, err)
	})
	for _, index := range []string{"ports_device", "port_addresses_port", "floating_ips_target"} {
		require.Contains(t, plans[0], index)
	}
	plans = dbtest.Plans(t, d, func() {
		_, err := s.Sites(ctx, []string{"a", "b"})
		require.NoError(t, err)
	})
	for i, indexes := range [][]string{{"sqlite_autoindex_networks", "subnets_network"}, {"ports_owner", "port_addresses_port"}} {
		for _, index := range indexes {
			require.Contains(t, plans[i], index)
		}
	}
}
