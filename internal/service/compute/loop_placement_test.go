package compute_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
	"github.com/aloft-cloud/aloft/internal/service/compute/store"
)

// site is a database with hosts that nobody serves, on which control nodes only place.
type site struct {
	db       *db.DB
	store    *store.Store
	settings compute.Settings
}

func newSite(d *db.DB) *site {
	s := &site{db: d, store: store.New(d), settings: compute.Defaults()}
	s.settings.HostTimeout, s.settings.HostWait = time.Hour, 0
	return s
}

// node is one more control node.
func (s *site) node() *compute.Service {
	log := slog.New(slog.DiscardHandler)
	return compute.New(compute.Config{
		DB: s.db, Store: s.store, Networks: &fakeNetworks{db: s.db}, Images: fakeImages{}, Events: event.New(s.db, nil, log),
		Settings: s.settings, Log: log,
	})
}

func (s *site) tx(t require.TestingT, fn func(ctx context.Context) error) {
	require.NoError(t, s.db.Tx(context.Background(), fn))
}

// host adds a host on which servers of memory MiB in all have room.
func (s *site) host(t require.TestingT, name string, memory int) string {
	id := uuid.NewString()
	s.tx(t, func(ctx context.Context) error {
		capacity := protocol.Capacity{VCPUs: 64, MemoryMiB: memory + s.settings.ReservedMemoryMiB, DiskGiB: 1000}
		return s.store.UpsertHosts(ctx, []protocol.Host{{ID: id, Name: name, Capacity: capacity}}, "nova", time.Now().UTC())
	})
	return id
}

func waiting(memory int, change ...func(*compute.Server)) compute.Server {
	now := time.Now().UTC()
	sv := compute.Server{
		ID: uuid.NewString(), ProjectID: "p1", UserID: "u1", State: compute.Building, Task: compute.Placing, Generation: 1, Revision: 1,
		Wanted: protocol.Running, Size: compute.Resources{VCPUs: 1, MemoryMiB: memory, DiskGiB: 1}, CreatedAt: now, UpdatedAt: now,
	}
	for _, c := range change {
		c(&sv)
	}
	return sv
}

func (s *site) add(t require.TestingT, servers ...compute.Server) []string {
	s.tx(t, func(ctx context.Context) error { return s.store.InsertServers(ctx, servers) })
	ids := make([]string, len(servers))
	for i := range servers {
		ids[i] = servers[i].ID
	}
	return ids
}

// place lets control nodes place all that waits, at the same time.
func place(t require.TestingT, nodes ...func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var g errgroup.Group
	for _, n := range nodes {
		g.Go(func() error { return n(ctx) })
	}
	require.NoError(t, g.Wait())
}

func (s *site) servers(t require.TestingT, ids []string) []compute.Server {
	rows, err := s.store.ServersByID(context.Background(), ids)
	require.NoError(t, err)
	require.Len(t, rows, len(ids))
	return rows
}

// Two control nodes that place at the same time never give a host more than it has, refuse no server that a host has
// room for, and keep apart what is to be apart.
func TestControlNodesThatPlaceAtTheSameTimeNeverOverclaim(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		dbtest.Check(t, func(r *rapid.T) {
			s := newSite(d)
			limits := map[string]int{}
			for i := range rapid.IntRange(1, 4).Draw(r, "hosts") {
				memory := rapid.IntRange(0, 8).Draw(r, "GiB") * 1024
				limits[s.host(r, fmt.Sprint("host-", i), memory)] = memory
			}
			defer s.empty(r)
			group := compute.ServerGroup{ID: uuid.NewString(), ProjectID: "p1", Policy: placement.AntiAffinity, CreatedAt: time.Now().UTC()}
			s.tx(r, func(ctx context.Context) error { return s.store.InsertServerGroup(ctx, group) })
			one, two := compute.Placer(s.node()), compute.Placer(s.node())
			var all []string
			for range rapid.IntRange(1, 3).Draw(r, "waves") {
				var wave []compute.Server
				for range rapid.IntRange(1, 6).Draw(r, "servers") {
					apart := rapid.Bool().Draw(r, "apart")
					wave = append(wave, waiting(rapid.SampledFrom([]int{512, 1024, 3072}).Draw(r, "MiB"), func(sv *compute.Server) {
						if apart {
							sv.GroupID = group.ID
						}
					}))
				}
				all = append(all, s.add(r, wave...)...)
				place(r, one, two)
			}
			used, grouped, refused := map[string]int{}, map[string]int{}, 1<<30
			for _, sv := range s.servers(r, all) {
				switch {
				case sv.HostID == "":
					require.Equal(r, compute.Failed, sv.State)
					require.Contains(r, sv.Fault.Message, "No valid host")
					if sv.GroupID == "" {
						refused = min(refused, sv.Size.MemoryMiB)
					}
					continue
				case sv.GroupID != "":
					grouped[sv.HostID]++
				}
				used[sv.HostID] += sv.Size.MemoryMiB
			}
			hosts, err := s.store.Hosts(context.Background())
			require.NoError(r, err)
			for _, h := range hosts {
				require.Equal(r, used[h.ID], h.Used.MemoryMiB, "what is claimed is what is there")
				require.LessOrEqual(r, h.Used.MemoryMiB, limits[h.ID])
				require.Less(r, limits[h.ID]-h.Used.MemoryMiB, refused, "a server was refused that has room")
				require.LessOrEqual(r, grouped[h.ID], 1)
			}
		})
	})
}

// empty forgets all that a run has left.
func (s *site) empty(t require.TestingT) {
	s.tx(t, func(ctx context.Context) error {
		for _, table := range []string{"compute_hosts", "compute_servers", "compute_placements", "compute_server_groups"} {
			if _, err := s.db.Q(ctx).NewDelete().Table(table).Where("1 = 1").Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// Whatever happens to hosts beside placement is heard of before the next batch, without reading all of them.
func TestThePictureHearsOfChanges(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		s := newSite(d)
		a := s.host(t, "a", 1024)
		node := s.node()
		run := compute.Placer(node)
		placed := func(change ...func(*compute.Server)) compute.Server {
			t.Helper()
			ids := s.add(t, waiting(1024, change...))
			place(t, run)
			return s.servers(t, ids)[0]
		}
		require.Equal(t, a, placed().HostID)
		require.Equal(t, "No valid host: 0 of 1 hosts fit: 1 lacks memory (largest free 0.0 GiB)", placed().Fault.Message)

		s.tx(t, func(ctx context.Context) error {
			return s.store.Release(ctx, []compute.Claim{{HostID: a, Servers: 1, Size: compute.Resources{VCPUs: 1, MemoryMiB: 1024, DiskGiB: 1}}})
		})
		_, err := node.DisableHost(t.Context(), a, true, "broken")
		require.NoError(t, err)
		require.Equal(t, "No valid host: 0 of 1 hosts fit: 1 is disabled", placed().Fault.Message)
		_, err = node.DisableHost(t.Context(), a, false, "")
		require.NoError(t, err)
		require.Equal(t, a, placed().HostID, "the room that is free again is seen, too")

		_, err = node.SetTuning(t.Context(), func(t *compute.Tuning) { t.MemoryRatio = 2 })
		require.NoError(t, err)
		require.Equal(t, a, placed().HostID, "there is twice the room")
		_, err = node.SetTuning(t.Context(), func(t *compute.Tuning) { t.MemoryRatio = 0 })
		require.Error(t, err)
	})
}

func TestPlacementIsExplained(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		s := newSite(d)
		s.host(t, "big", 2048)
		s.host(t, "small", 512)
		off := s.host(t, "off", 4096)
		node := s.node()
		host, err := node.MaintainHost(t.Context(), off, true)
		require.NoError(t, err)
		require.Equal(t, placement.Maintenance, host.Condition())
		ids := s.add(t, waiting(1024), waiting(3072))
		_, err = node.Explain(t.Context(), caller(), ids[0])
		require.Equal(t, "server "+ids[0]+" has not been placed yet: it is building", fault.Of(err).Message)
		place(t, compute.Placer(node))

		got, err := node.Explain(t.Context(), admin(), ids[0])
		require.NoError(t, err)
		require.True(t, got.Placed)
		require.Equal(t, "big", got.HostName)
		require.Equal(t, 3, got.Report.Hosts)
		require.Equal(t, 2, got.Report.Fit())
		got, err = node.Explain(t.Context(), caller(), ids[0])
		require.NoError(t, err)
		require.True(t, got.Placed)
		require.Empty(t, got.HostName)

		got, err = node.Explain(t.Context(), admin(), ids[1])
		require.NoError(t, err)
		require.False(t, got.Placed)
		require.Equal(t, "No valid host: 0 of 3 hosts fit: 2 lack memory (largest free 1.0 GiB), 1 is in maintenance", got.Report.Refusal())
		require.Equal(t, got.Report.Refusal(), s.servers(t, ids[1:])[0].Fault.Message)
		require.ElementsMatch(t, []string{"big", "small"}, got.Report.Groups[0].Names)
		require.Equal(t, []string{"off"}, got.Report.Groups[1].Names)
		got, err = node.Explain(t.Context(), caller(), ids[1])
		require.NoError(t, err)
		require.Equal(t, 2, got.Report.Groups[0].Hosts)
		require.Empty(t, got.Report.Groups[0].Names, "the names of hosts are for admins")
		_, err = node.Explain(t.Context(), &auth.Caller{UserID: "x", ProjectID: "other", Roles: []string{"member"}}, ids[1])
		require.True(t, fault.Is(err, fault.NotFound))

		_, err = node.MaintainHost(t.Context(), off, false)
		require.NoError(t, err)
		ids = s.add(t, waiting(3072))
		place(t, compute.Placer(node))
		require.Equal(t, off, s.servers(t, ids)[0].HostID)
		_, err = node.MaintainHost(t.Context(), "nothing", true)
		require.True(t, fault.Is(err, fault.NotFound))
	})
}
