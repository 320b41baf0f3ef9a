package store_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/store"
)

func each(t *testing.T, fn func(t *testing.T, d *db.DB, s *store.Store)) {
	dbtest.Each(t, []db.Migrations{store.Migrations()}, func(t *testing.T, d *db.DB) { fn(t, d, store.New(d)) })
}

// tx runs fn in a transaction that must succeed.
func tx(t *testing.T, d *db.DB, fn func(ctx context.Context) error) {
	t.Helper()
	require.NoError(t, d.Tx(t.Context(), fn))
}

var epoch = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func server(i int, change ...func(*compute.Server)) compute.Server {
	at := epoch.Add(time.Duration(i) * time.Second)
	s := compute.Server{
		ID: fmt.Sprintf("s%03d", i), ProjectID: "p1", UserID: "u1", Name: fmt.Sprintf("web-%d", i), Hostname: "web",
		State: compute.Building, Task: compute.Placing, Wanted: protocol.Running, Generation: 1, Revision: 1,
		Tried: []string{}, Size: compute.Resources{VCPUs: 1, MemoryMiB: 128, DiskGiB: 1},
		Flavor: compute.FlavorCopy{ID: "1", Name: "m1.tiny", VCPUs: 1, MemoryMiB: 128, DiskGiB: 1, Specs: map[string]string{"a": "b"}},
		Image:  compute.Image{Image: protocol.Image{ID: "i1", Format: "qcow2", Size: 5, SHA512: "ff"}, Name: "tiny", Status: "active"},
		Keys:   []protocol.Key{{Name: "k", Type: "ssh", Data: "ssh-ed25519 AAAA"}}, KeyName: "k",
		Metadata: map[string]string{"role": "<web>"}, Tags: []string{}, UserData: "aGVsbG8=", CreatedAt: at, UpdatedAt: at,
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func insert(t *testing.T, d *db.DB, s *store.Store, servers ...compute.Server) {
	t.Helper()
	tx(t, d, func(ctx context.Context) error { return s.InsertServers(ctx, servers) })
}

func TestServersComeBackAsTheyWent(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		text, later := "a \"quoted\" text", epoch.Add(1234567*time.Microsecond)
		want := server(1, func(sv *compute.Server) {
			sv.Description, sv.LaunchedAt, sv.PlacedAt = &text, &later, &later
			sv.Fault = &compute.Fault{Code: 500, Message: "no", Details: "why", At: later}
			sv.Tags, sv.Tried = []string{"a", "ü"}, []string{"h1"}
			sv.HostID, sv.HostName, sv.Zone, sv.Boot, sv.HardBoot = "h1", "one", "nova", 2, true
		})
		insert(t, d, s, want)
		got, err := s.FindServer(t.Context(), db.InProject("p1"), "s001")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, got))

		got.Name, got.Fault, got.LaunchedAt, got.Metadata = "other", nil, nil, map[string]string{}
		tx(t, d, func(ctx context.Context) error { return s.SaveServers(ctx, []compute.Server{got}) })
		got.Revision++
		again, err := s.FindServer(t.Context(), db.Everywhere(), "s001")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(got, again))
	})
}

func TestSavingComparesAndSets(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		a, b := server(1), server(2)
		insert(t, d, s, a, b)
		b.Revision = 7
		a.Name = "changed"
		err := d.Tx(t.Context(), func(ctx context.Context) error { return s.SaveServers(ctx, []compute.Server{a, b}) })
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		got, err := s.FindServer(t.Context(), db.Everywhere(), "s001")
		require.NoError(t, err)
		require.Equal(t, "web-1", got.Name, "all or nothing")
	})
}

func TestScopes(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		insert(t, d, s, server(1), server(2, func(sv *compute.Server) { sv.ProjectID = "p2" }))
		for scope, want := range map[db.Scope]int{db.InProject("p1"): 1, db.InProject("p3"): 0, {}: 0, db.Everywhere(): 2} {
			got, err := s.ListServers(t.Context(), scope, compute.ServerFilter{}, query.Page{})
			require.NoError(t, err)
			require.Len(t, got, want)
		}
		_, err := s.FindServer(t.Context(), db.InProject("p2"), "s001")
		require.True(t, fault.Is(err, fault.NotFound))
	})
}

func TestFilters(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		gone := epoch.Add(time.Hour)
		insert(t, d, s,
			server(1, func(sv *compute.Server) { sv.Tags, sv.State = []string{"red", "blue"}, compute.Active }),
			server(2, func(sv *compute.Server) { sv.Tags, sv.Name = []string{"red_x"}, "100%_DB" }),
			server(3, func(sv *compute.Server) { sv.HostID, sv.HostName, sv.Zone = "h1", "one", "west" }),
			server(4, func(sv *compute.Server) { sv.State, sv.DeletedAt, sv.UpdatedAt = compute.Deleted, &gone, gone }),
		)
		later := epoch.Add(3 * time.Second)
		for name, tc := range map[string]struct {
			f    compute.ServerFilter
			want []string
		}{
			"all":           {compute.ServerFilter{}, []string{"s001", "s002", "s003"}},
			"part of name":  {compute.ServerFilter{Name: "WEB"}, []string{"s001", "s003"}},
			"wild cards":    {compute.ServerFilter{Name: "%_d"}, []string{"s002"}},
			"exact name":    {compute.ServerFilter{ExactName: "web-1"}, []string{"s001"}},
			"state":         {compute.ServerFilter{States: []compute.State{compute.Active}}, []string{"s001"}},
			"no state":      {compute.ServerFilter{States: []compute.State{}}, nil},
			"host by name":  {compute.ServerFilter{Host: "one"}, []string{"s003"}},
			"host by id":    {compute.ServerFilter{Host: "h1"}, []string{"s003"}},
			"zone":          {compute.ServerFilter{Zone: "west"}, []string{"s003"}},
			"tag":           {compute.ServerFilter{Tags: query.Tags{All: []string{"red"}}}, []string{"s001"}},
			"tags":          {compute.ServerFilter{Tags: query.Tags{All: []string{"red", "blue"}}}, []string{"s001"}},
			"any tag":       {compute.ServerFilter{Tags: query.Tags{Any: []string{"blue", "red_x"}}}, []string{"s001", "s002"}},
			"not these":     {compute.ServerFilter{Tags: query.Tags{NotAll: []string{"red", "green"}}}, []string{"s001", "s002", "s003"}},
			"none of these": {compute.ServerFilter{Tags: query.Tags{NotAny: []string{"red"}}}, []string{"s002", "s003"}},
			"since":         {compute.ServerFilter{Since: &later}, []string{"s003", "s004"}},
			"before":        {compute.ServerFilter{Before: &later}, []string{"s001", "s002", "s003"}},
			"deleted":       {compute.ServerFilter{Deleted: true}, []string{"s004"}},
			"ids":           {compute.ServerFilter{IDs: []string{"s002", "s009"}}, []string{"s002"}},
		} {
			got, err := s.ListServers(t.Context(), db.Everywhere(), tc.f, query.Page{})
			require.NoError(t, err, name)
			var ids []string
			for _, sv := range got {
				ids = append(ids, sv.ID)
				require.Empty(t, sv.UserData, "lists leave it out")
			}
			require.ElementsMatch(t, tc.want, ids, name)
		}
	})
}

func TestPages(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		insert(t, d, s, server(1), server(2), server(3))
		page := query.Page{Limit: 2, Sort: []query.Order{{Key: "created_at", Desc: true}}}
		first, err := s.ListServers(t.Context(), db.InProject("p1"), compute.ServerFilter{}, page)
		require.NoError(t, err)
		require.Equal(t, "s003", first[0].ID)
		page.Marker = first[1].ID
		second, err := s.ListServers(t.Context(), db.InProject("p1"), compute.ServerFilter{}, page)
		require.NoError(t, err)
		require.Len(t, second, 1)
		require.Equal(t, "s001", second[0].ID)
		page.Marker = "nobody"
		_, err = s.ListServers(t.Context(), db.InProject("p1"), compute.ServerFilter{}, page)
		require.True(t, fault.Is(err, fault.Invalid))
	})
}

func TestWorkOfTheLoops(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		on := func(sv *compute.Server) { sv.HostID, sv.Task = "h1", compute.Spawning }
		insert(t, d, s, server(2), server(1), server(3, on), server(4, on, func(sv *compute.Server) { sv.Carried = 1 }),
			server(5, on, func(sv *compute.Server) { sv.State, sv.DeletedAt = compute.Deleted, &epoch }))
		waiting, err := s.UnplacedServers(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, waiting, 2)
		require.Equal(t, "s001", waiting[0].ID, "the oldest first")
		all, err := s.ServersOnHost(t.Context(), "h1")
		require.NoError(t, err)
		require.Len(t, all, 3)
		require.Equal(t, "aGVsbG8=", all[0].UserData)
		behind, err := s.UncarriedOnHost(t.Context(), "h1")
		require.NoError(t, err)
		require.Len(t, behind, 2)
		hosts, err := s.HostsBehind(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"h1"}, hosts)
	})
}

func TestPurgeKeepsWhatIsThereOrClaims(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		gone := func(sv *compute.Server) { sv.State, sv.DeletedAt = compute.Deleted, &epoch }
		insert(t, d, s, server(1), server(2, gone), server(3, gone, func(sv *compute.Server) { sv.HostID = "h1" }))
		tx(t, d, func(ctx context.Context) error {
			return s.InsertActions(ctx, []compute.Action{{ID: "1", ServerID: "s002", ProjectID: "p1", StartedAt: epoch, UpdatedAt: epoch}})
		})
		tx(t, d, func(ctx context.Context) error { return s.PurgeServers(ctx, epoch) })
		left, err := s.ServersByID(t.Context(), []string{"s001", "s002", "s003"})
		require.NoError(t, err)
		require.Len(t, left, 3)
		tx(t, d, func(ctx context.Context) error { return s.PurgeServers(ctx, epoch.Add(time.Second)) })
		left, err = s.ServersByID(t.Context(), []string{"s001", "s002", "s003"})
		require.NoError(t, err)
		require.Len(t, left, 2)
		actions, err := s.Actions(t.Context(), db.Everywhere(), "s002", compute.ActionSearch{})
		require.NoError(t, err)
		require.Empty(t, actions)
	})
}

func TestHosts(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		h := protocol.Host{ID: "h1", Name: "one", Version: 1, Arch: "amd64", Hypervisor: "libvirt", Capacity: protocol.Capacity{VCPUs: 2, MemoryMiB: 1000, DiskGiB: 10, Bandwidth: "dc=10000"}}
		tx(t, d, func(ctx context.Context) error { return s.UpsertHosts(ctx, []protocol.Host{h}, "nova", epoch) })
		tx(t, d, func(ctx context.Context) error {
			return s.UpsertHosts(ctx, []protocol.Host{{ID: "h2", Name: "two"}}, "nova", epoch)
		})
		ok := false
		claim := compute.Claim{HostID: "h1", Servers: 2, Size: compute.Resources{VCPUs: 2, MemoryMiB: 600, DiskGiB: 1}, Limits: compute.Resources{VCPUs: 4, MemoryMiB: 1000, DiskGiB: 10}}
		tx(t, d, func(ctx context.Context) (err error) { ok, err = s.Claim(ctx, []compute.Claim{claim}); return err })
		require.True(t, ok)
		tx(t, d, func(ctx context.Context) (err error) { ok, err = s.Claim(ctx, []compute.Claim{claim}); return err })
		require.False(t, ok, "there is no more memory")

		h.BootID = "new"
		tx(t, d, func(ctx context.Context) error {
			return s.UpsertHosts(ctx, []protocol.Host{h}, "other", epoch.Add(time.Second))
		})
		got, err := s.FindHost(t.Context(), "h1")
		require.NoError(t, err)
		require.Equal(t, h, got.Host)
		require.Equal(t, compute.Resources{VCPUs: 2, MemoryMiB: 600, DiskGiB: 1}, got.Used, "what is claimed stays")
		require.Equal(t, 2, got.Servers)
		require.Equal(t, "nova", got.Zone, "the zone is not the host's to say")
		require.EqualValues(t, 1, got.Number)

		tx(t, d, func(ctx context.Context) error { return s.Release(ctx, []compute.Claim{claim}) })
		tx(t, d, func(ctx context.Context) error { return s.SetHostDisabled(ctx, "h1", true, "repair") })
		tx(t, d, func(ctx context.Context) (err error) { ok, err = s.Claim(ctx, []compute.Claim{claim}); return err })
		require.False(t, ok, "a disabled host takes nothing")
		tx(t, d, func(ctx context.Context) error {
			return s.TouchHosts(ctx, []string{"h1", "h2"}, epoch.Add(time.Minute))
		})
		hosts, err := s.Hosts(t.Context())
		require.NoError(t, err)
		require.Len(t, hosts, 2)
		require.Equal(t, compute.Resources{}, hosts[0].Used)
		require.Equal(t, epoch.Add(time.Minute), hosts[1].SeenAt)
		require.EqualValues(t, 2, hosts[1].Number)
	})
}

// However many claim and release at the same time, no host is given more than its limit, and at the end the books match.
func TestClaimsNeverExceedTheLimit(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		round := 0
		dbtest.Check(t, func(r *rapid.T) {
			round++
			host := fmt.Sprintf("h%d", round)
			limits := compute.Resources{VCPUs: rapid.IntRange(1, 8).Draw(r, "cpus"), MemoryMiB: rapid.IntRange(1, 64).Draw(r, "memory"), DiskGiB: 1000}
			sizes := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) compute.Resources {
				return compute.Resources{VCPUs: rapid.IntRange(1, 4).Draw(r, "v"), MemoryMiB: rapid.IntRange(1, 32).Draw(r, "m"), DiskGiB: 1}
			}), 1, 8).Draw(r, "sizes")
			tx(t, d, func(ctx context.Context) error {
				return s.UpsertHosts(ctx, []protocol.Host{{ID: host, Name: host}}, "nova", epoch)
			})
			var g errgroup.Group
			won := make([]bool, len(sizes))
			for i, size := range sizes {
				g.Go(func() error {
					return d.Tx(context.Background(), func(ctx context.Context) error {
						ok, err := s.Claim(ctx, []compute.Claim{{HostID: host, Servers: 1, Size: size, Limits: limits}})
						won[i] = ok
						return err
					})
				})
			}
			require.NoError(r, g.Wait())
			var sum compute.Resources
			n := 0
			for i, size := range sizes {
				if won[i] {
					n++
					sum = compute.Resources{VCPUs: sum.VCPUs + size.VCPUs, MemoryMiB: sum.MemoryMiB + size.MemoryMiB, DiskGiB: sum.DiskGiB + size.DiskGiB}
				}
			}
			got, err := s.FindHost(context.Background(), host)
			require.NoError(r, err)
			require.Equal(r, sum, got.Used)
			require.Equal(r, n, got.Servers)
			require.LessOrEqual(r, sum.VCPUs, limits.VCPUs)
			require.LessOrEqual(r, sum.MemoryMiB, limits.MemoryMiB)
		})
	})
}

func TestUsageStaysWithinTheQuota(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		quota := compute.Quota{Servers: 5, VCPUs: -1, MemoryMiB: 1000}
		var g errgroup.Group
		won := make([]bool, 12)
		for i := range won {
			g.Go(func() error {
				return d.Tx(t.Context(), func(ctx context.Context) (err error) {
					won[i], err = s.Use(ctx, "p1", compute.Usage{Servers: 1, VCPUs: 50, MemoryMiB: 10}, quota)
					return err
				})
			})
		}
		require.NoError(t, g.Wait())
		n := 0
		for _, w := range won {
			if w {
				n++
			}
		}
		require.Equal(t, 5, n)
		tx(t, d, func(ctx context.Context) error {
			ok, err := s.Use(ctx, "p1", compute.Usage{Servers: -2, VCPUs: -100, MemoryMiB: -20}, compute.Quota{})
			require.True(t, ok)
			return err
		})
		used, err := s.Usage(t.Context(), "p1")
		require.NoError(t, err)
		require.Equal(t, compute.Usage{Servers: 3, VCPUs: 150, MemoryMiB: 30}, used)

		own := compute.Quota{Servers: 1, VCPUs: 2, MemoryMiB: 3, KeyPairs: 4, MetadataItems: 5}
		for _, q := range []compute.Quota{own, {Servers: 9}} {
			tx(t, d, func(ctx context.Context) error { return s.SetQuota(ctx, "p1", q) })
			got, err := s.Quota(t.Context(), "p1", quota)
			require.NoError(t, err)
			require.Equal(t, q, got)
		}
		got, err := s.Quota(t.Context(), "p2", quota)
		require.NoError(t, err)
		require.Equal(t, quota, got)
	})
}

func TestFlavors(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		shipped, err := s.ListFlavors(t.Context(), compute.FlavorFilter{MinRAMMiB: 4096}, query.Page{})
		require.NoError(t, err)
		require.Len(t, shipped, 3)
		text := "big"
		want := compute.Flavor{
			FlavorCopy:  compute.FlavorCopy{ID: "x", Name: "x.big", VCPUs: 64, MemoryMiB: 1, DiskGiB: 2, Specs: map[string]string{"k": "v"}},
			Description: &text, RxTxFactor: 1.5, CreatedAt: epoch,
		}
		tx(t, d, func(ctx context.Context) error { return s.InsertFlavor(ctx, want) })
		got, err := s.FindFlavor(t.Context(), "x")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, got))
		err = d.Tx(t.Context(), func(ctx context.Context) error { return s.InsertFlavor(ctx, want) })
		require.True(t, db.IsUnique(err))
		private := false
		hidden, err := s.ListFlavors(t.Context(), compute.FlavorFilter{Public: &private}, query.Page{})
		require.NoError(t, err)
		require.Len(t, hidden, 1)
		tx(t, d, func(ctx context.Context) error { return s.DeleteFlavor(ctx, "x") })
		err = d.Tx(t.Context(), func(ctx context.Context) error { return s.DeleteFlavor(ctx, "x") })
		require.True(t, fault.Is(err, fault.NotFound))
	})
}

func TestKeyPairs(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		for _, name := range []string{"c", "a", "b"} {
			k := compute.KeyPair{UserID: "u1", Name: name, PublicKey: "ssh-rsa AAAA", Fingerprint: "aa:bb", CreatedAt: epoch}
			tx(t, d, func(ctx context.Context) error { return s.InsertKeyPair(ctx, k) })
		}
		got, err := s.ListKeyPairs(t.Context(), "u1", "a", 1)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, "b", got[0].Name)
		other, err := s.ListKeyPairs(t.Context(), "u2", "", 0)
		require.NoError(t, err)
		require.Empty(t, other)
		tx(t, d, func(ctx context.Context) error { return s.DeleteKeyPair(ctx, "u1", "a") })
		_, err = s.FindKeyPair(t.Context(), "u1", "a")
		require.True(t, fault.Is(err, fault.NotFound))
	})
}

func TestActions(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		tx(t, d, func(ctx context.Context) error {
			return s.InsertActions(ctx, []compute.Action{
				{ID: "1", ServerID: "s1", ProjectID: "p1", Name: "create", StartedAt: epoch, UpdatedAt: epoch},
				{ID: "2", ServerID: "s2", ProjectID: "p1", Name: "create", StartedAt: epoch, UpdatedAt: epoch},
			})
		})
		done := epoch.Add(time.Second)
		tx(t, d, func(ctx context.Context) error { return s.FinishActions(ctx, []string{"s1"}, "broken", done) })
		tx(t, d, func(ctx context.Context) error {
			return s.FinishActions(ctx, []string{"s1"}, "again", done.Add(time.Hour))
		})
		got, err := s.Actions(t.Context(), db.InProject("p1"), "s1", compute.ActionSearch{})
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, "broken", got[0].Message, "what is finished stays as it is")
		require.Equal(t, &done, got[0].FinishedAt)
		got, err = s.Actions(t.Context(), db.InProject("p1"), "s2", compute.ActionSearch{})
		require.NoError(t, err)
		require.Nil(t, got[0].FinishedAt)
	})
}

func TestActionsInPages(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		at := func(seconds int) *time.Time { at := epoch.Add(time.Duration(seconds) * time.Second); return &at }
		tx(t, d, func(ctx context.Context) error {
			var actions []compute.Action
			for i, started := range []int{0, 1, 1, 2} { // two at once
				id := strconv.Itoa(i)
				actions = append(actions, compute.Action{ID: id, ServerID: "s1", ProjectID: "p1", RequestID: "req-" + id, StartedAt: *at(started), UpdatedAt: *at(started)})
			}
			return s.InsertActions(ctx, append(actions, compute.Action{ID: "x", ServerID: "s2", ProjectID: "p1", RequestID: "req-x", StartedAt: *at(0), UpdatedAt: *at(0)}))
		})
		for _, tc := range []struct {
			search compute.ActionSearch
			want   string
		}{
			{compute.ActionSearch{}, "3210"},
			{compute.ActionSearch{Limit: 2}, "32"},
			{compute.ActionSearch{Limit: 2, After: "req-2"}, "10"},
			{compute.ActionSearch{After: "req-0"}, ""},
			{compute.ActionSearch{Since: at(1)}, "321"},
			{compute.ActionSearch{Before: at(1)}, "210"},
			{compute.ActionSearch{Since: at(1), Before: at(1), After: "req-2"}, "1"},
			{compute.ActionSearch{Since: at(3)}, ""},
		} {
			got, err := s.Actions(t.Context(), db.InProject("p1"), "s1", tc.search)
			require.NoError(t, err)
			ids := ""
			for _, a := range got {
				ids += a.ID
			}
			require.Equal(t, tc.want, ids, "%+v", tc.search)
		}
		for _, scope := range []db.Scope{db.InProject("p1"), db.InProject("p2")} {
			_, err := s.Actions(t.Context(), scope, "s1", compute.ActionSearch{After: "req-x"})
			require.Equal(t, "marker", fault.Of(err).Field, "it is another server's")
		}
	})
}
