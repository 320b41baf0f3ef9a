package compute_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// linked adds a host with links to physical networks and more of everything else than is asked for.
func (s *site) linked(t require.TestingT, name string, links protocol.Bandwidth) string {
	id := uuid.NewString()
	s.tx(t, func(ctx context.Context) error {
		capacity := protocol.Capacity{VCPUs: 64, MemoryMiB: 1 << 20, DiskGiB: 1000, Bandwidth: links}
		return s.store.UpsertHosts(ctx, []protocol.Host{{ID: id, Name: name, Capacity: capacity}}, "nova", time.Now().UTC())
	})
	return id
}

// promising is a control node whose networks guarantee every server rates on the physical network dc.
func (s *site) promising(rates placement.Rates) *compute.Service {
	log := slog.New(slog.DiscardHandler)
	return compute.New(compute.Config{
		DB: s.db, Store: s.store, Images: fakeImages{}, Events: event.New(s.db, nil, log), Settings: s.settings, Log: log,
		Networks: &fakeNetworks{db: s.db, rates: map[string]placement.Rates{"dc": rates}},
	})
}

// Two control nodes never guarantee more than links carry; who is refused hears why, and what a server leaves is free again.
func TestBandwidthIsClaimed(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		s := newSite(d)
		one := s.linked(t, "one", "dc=10000")
		two := s.linked(t, "two", "dc=7000,outside=1000000")
		other := s.linked(t, "none", "outside=1000000")
		rates := placement.Rates{Egress: 3000, Ingress: 1000}
		ids := s.add(t, waiting(512), waiting(512), waiting(512), waiting(512), waiting(512), waiting(512))
		place(t, compute.Placer(s.promising(rates)), compute.Placer(s.promising(rates)))
		on := map[string][]string{}
		for _, sv := range s.servers(t, ids) {
			on[sv.HostID] = append(on[sv.HostID], sv.ID)
		}
		require.Len(t, on[one], 3)
		require.Len(t, on[two], 2)
		require.Len(t, on[""], 1)
		refused := s.servers(t, on[""])[0]
		require.Equal(t, compute.Failed, refused.State)
		require.Equal(t, "No valid host: 0 of 3 hosts fit: 2 lack bandwidth: 3000 kbit/s to the physical network dc can't be guaranteed, "+
			"1 has no link of known speed to the physical network dc", refused.Fault.Message)
		links, err := s.store.Links(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []compute.Link{
			{HostID: one, Physical: "dc", Kbps: 10000, Used: placement.Rates{Egress: 9000, Ingress: 3000}},
			{HostID: two, Physical: "dc", Kbps: 7000, Used: placement.Rates{Egress: 6000, Ingress: 2000}},
			{HostID: two, Physical: "outside", Kbps: 1000000},
			{HostID: other, Physical: "outside", Kbps: 1000000},
		}, links)

		s.tx(t, func(ctx context.Context) error { return s.store.ReleaseBandwidth(ctx, on[two][:1]) })
		more := s.add(t, waiting(512))
		place(t, compute.Placer(s.promising(rates)))
		require.Equal(t, two, s.servers(t, more)[0].HostID)
	})
}

// What an order of two claims makes too much of is claimed once.
func TestALinkIsNotOverclaimed(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		s := newSite(d)
		claim := func(server string, egress, ingress int) bool {
			var ok bool
			s.tx(t, func(ctx context.Context) (err error) {
				ok, err = s.store.ClaimBandwidth(ctx, []compute.BandwidthClaim{
					{ServerID: server, HostID: "h", Physical: "dc", Rates: placement.Rates{Egress: egress, Ingress: ingress}, Kbps: 100},
				})
				return err
			})
			return ok
		}
		require.True(t, claim("a", 60, 0))
		require.False(t, claim("b", 41, 0))
		require.True(t, claim("b", 40, 10))
		require.False(t, claim("c", 0, 91))
		require.True(t, claim("c", 0, 90))
		s.tx(t, func(ctx context.Context) error { return s.store.ReleaseBandwidth(ctx, []string{"a"}) })
		require.True(t, claim("d", 60, 0))
	})
}
