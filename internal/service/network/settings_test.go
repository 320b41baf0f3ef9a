package network_test

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/store"
)

// someHosts are hosts that note who was asked to Sync.
type someHosts struct {
	list  []network.Host
	asked []string
}

func (h *someHosts) Hosts(context.Context) ([]network.Host, error) { return h.list, nil }

func (h *someHosts) AskSync(ids ...string) { h.asked = append(h.asked, ids...) }

// withHosts is a service that knows hosts.
func withHosts(t *testing.T, d *db.DB, h *someHosts) *network.Service {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	return network.New(network.Config{Hosts: h}, store.New(d), d, event.New(d, nil, log), nil, log)
}

// New networks have the MTU of what carries them, and those that are there keep theirs.
func TestTheMTUOfNewNetworks(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		s := withHosts(t, d, &someHosts{})
		create := func(in network.NewNetwork) (network.Network, error) { return s.CreateNetwork(t.Context(), admin(), in) }
		vlan := &network.Provider{Kind: network.VLAN, Physical: "dc", Segment: 7}
		old, err := create(network.NewNetwork{Name: "old"})
		require.NoError(t, err)
		require.Equal(t, 1442, old.MTU)
		is, err := s.SetSettings(t.Context(), func(is *network.Settings) { is.UnderlayMTU = 9000 })
		require.NoError(t, err)
		require.Equal(t, network.Settings{UnderlayMTU: 9000, PhysicalMTU: 1500}, is)
		for provider, want := range map[*network.Provider]int{nil: 8942, vlan: 1500} {
			n, err := create(network.NewNetwork{Provider: provider})
			require.NoError(t, err)
			require.Equal(t, want, n.MTU)
		}
		kept, err := s.ShowNetwork(t.Context(), admin(), old.ID)
		require.NoError(t, err)
		require.Equal(t, 1442, kept.MTU)
		more := 8942
		kept, err = s.ChangeNetwork(t.Context(), admin(), old.ID, network.NetworkChange{MTU: &more})
		require.NoError(t, err)
		require.Equal(t, 8942, kept.MTU)
		more++
		_, err = s.ChangeNetwork(t.Context(), admin(), old.ID, network.NetworkChange{MTU: &more})
		require.ErrorContains(t, err, "8943 is not between 68 and 8942")
	})
}

// Hosts are asked to hear of DNS forwarders when they have changed, and for nothing else.
func TestHostsHearOfForwarders(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		h := &someHosts{list: []network.Host{{ID: "a"}, {ID: "b"}}}
		s := withHosts(t, d, h)
		forwarders := []netip.Addr{netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("2620:fe::fe")}
		for range 2 {
			_, err := s.SetSettings(t.Context(), func(is *network.Settings) { is.DNSForwarders = slices.Clone(forwarders) })
			require.NoError(t, err)
		}
		_, err := s.SetSettings(t.Context(), func(is *network.Settings) { is.PhysicalMTU = 1400 })
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, h.asked)
		st, err := s.HostSynced(t.Context(), "a", nil)
		require.NoError(t, err)
		require.Equal(t, forwarders, st.DNSForwarders)
	})
}

func TestSettingsThatAreRefused(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	h := &someHosts{list: []network.Host{{ID: "a"}}}
	s := withHosts(t, d, h)
	for names, change := range map[string]func(*network.Settings){
		"underlay_mtu must be from 1338 to 65535": func(is *network.Settings) { is.UnderlayMTU = 1337 },
		"physical_mtu must be from 1280 to 65535": func(is *network.Settings) { is.PhysicalMTU = 65536 },
		"but one is \"0.0.0.0\"":                  func(is *network.Settings) { is.DNSForwarders = []netip.Addr{netip.IPv4Unspecified()} },
		"but one is \"224.0.0.1\"":                func(is *network.Settings) { is.DNSForwarders = []netip.Addr{netip.MustParseAddr("224.0.0.1")} },
		"but one is \"fe80::1%eth0\"":             func(is *network.Settings) { is.DNSForwarders = []netip.Addr{netip.MustParseAddr("fe80::1%eth0")} },
		"has 9.9.9.9 twice": func(is *network.Settings) {
			is.DNSForwarders = []netip.Addr{netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("9.9.9.9")}
		},
		"must be 8 addresses at most, but are 9": func(is *network.Settings) {
			is.DNSForwarders = slices.Repeat([]netip.Addr{netip.MustParseAddr("9.9.9.9")}, 9)
		},
	} {
		_, err := s.SetSettings(t.Context(), change)
		require.ErrorContains(t, err, names)
		require.True(t, fault.Is(err, fault.Invalid))
	}
	is, err := s.Settings(t.Context())
	require.NoError(t, err)
	require.Equal(t, network.DefaultSettings(), is)
	require.Empty(t, h.asked)
}
