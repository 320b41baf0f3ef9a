package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
	"github.com/aloft-cloud/aloft/internal/service/compute/store"
)

func TestServerGroups(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		var groups []compute.ServerGroup
		for i, id := range []string{"g1", "g2", "g3"} {
			project := "p1"
			if id == "g3" {
				project = "p2"
			}
			groups = append(groups, compute.ServerGroup{
				ID: id, ProjectID: project, UserID: "u", Name: "n" + id, Policy: placement.AntiAffinity, MaxPerHost: i, Revision: 1,
				CreatedAt: epoch.Add(time.Duration(i) * time.Second),
			})
			tx(t, d, func(ctx context.Context) error { return s.InsertServerGroup(ctx, groups[i]) })
		}
		var servers []compute.Server
		for i, host := range []string{"", "h1", "h1", "h2"} {
			servers = append(servers, server(i, func(sv *compute.Server) { sv.GroupID, sv.HostID, sv.UserID = "g1", host, "u" }))
		}
		servers[3].DeletedAt = &epoch
		tx(t, d, func(ctx context.Context) error { return s.InsertServers(ctx, servers) })

		groups[0].Members = []string{servers[0].ID, servers[1].ID, servers[2].ID}
		list, err := s.ListServerGroups(t.Context(), db.InProject("p1"), 0, 0)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(groups[:2], list))
		list, err = s.ListServerGroups(t.Context(), db.Everywhere(), 1, 1)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(groups[1:2], list))
		got, err := s.FindServerGroup(t.Context(), db.InProject("p1"), "g1")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(groups[0], got))
		_, err = s.FindServerGroup(t.Context(), db.InProject("p2"), "g1")
		require.True(t, fault.Is(err, fault.NotFound))
		n, err := s.CountServerGroups(t.Context(), "p1")
		require.NoError(t, err)
		require.Equal(t, 2, n)
		n, err = s.CountGroupMembers(t.Context(), "g1", "u")
		require.NoError(t, err)
		require.Equal(t, 3, n)
		hosts, err := s.GroupHosts(t.Context(), []string{"g1", "g2"})
		require.NoError(t, err)
		require.Equal(t, map[string]map[string]int{"g1": {"h1": 2}}, hosts)

		touch := func(groups ...compute.ServerGroup) (ok bool) {
			tx(t, d, func(ctx context.Context) (err error) { ok, err = s.TouchServerGroups(ctx, groups); return err })
			return ok
		}
		require.True(t, touch())
		require.True(t, touch(groups[0], groups[1]))
		require.False(t, touch(groups[1]), "it has another revision by now")

		tx(t, d, func(ctx context.Context) error { return s.DeleteServerGroup(ctx, db.Everywhere(), "g1") })
		err = d.Tx(t.Context(), func(ctx context.Context) error { return s.DeleteServerGroup(ctx, db.InProject("p1"), "g3") })
		require.True(t, fault.Is(err, fault.NotFound))
		rows, err := s.ServersByID(t.Context(), groups[0].Members)
		require.NoError(t, err)
		for _, sv := range rows {
			require.Empty(t, sv.GroupID)
		}
	})
}

func TestAggregates(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		var one, two compute.Aggregate
		tx(t, d, func(ctx context.Context) (err error) {
			if one, err = s.InsertAggregate(ctx, compute.Aggregate{ID: "1", Name: "one", Metadata: map[string]string{"k": "v"}, CreatedAt: epoch}); err != nil {
				return err
			}
			two, err = s.InsertAggregate(ctx, compute.Aggregate{ID: "2", Name: "two", CreatedAt: epoch})
			return err
		})
		require.Equal(t, []int64{1, 2}, []int64{one.Number, two.Number})
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			_, err := s.InsertAggregate(ctx, compute.Aggregate{ID: "3", Name: "two", CreatedAt: epoch})
			return err
		})
		require.True(t, db.IsUnique(err))
		one.Hosts, one.UpdatedAt, one.Metadata = []string{"h1", "h2"}, &epoch, map[string]string{"k": "w"}
		tx(t, d, func(ctx context.Context) error { return s.SaveAggregate(ctx, one) })
		err = d.Tx(t.Context(), func(ctx context.Context) error { return s.SaveAggregate(ctx, one) })
		require.True(t, fault.Is(err, fault.Conflict))
		one.Revision++
		got, err := s.FindAggregate(t.Context(), 1)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(one, got))
		one.Hosts = []string{"h2"}
		tx(t, d, func(ctx context.Context) error { return s.SaveAggregate(ctx, one) })
		all, err := s.Aggregates(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.Equal(t, []string{"h2"}, all[0].Hosts)
		tx(t, d, func(ctx context.Context) error { return s.DeleteAggregate(ctx, one) })
		_, err = s.FindAggregate(t.Context(), 1)
		require.True(t, fault.Is(err, fault.NotFound))
	})
}

func TestPlacementsAndTuning(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		p := placement.New(placement.Spread, nil)
		p.Put(placement.Host{Kind: placement.Kind{Condition: placement.Lost}, ID: "h", Name: "host"})
		refused := compute.Placement{ServerID: "s", ProjectID: "p1", At: epoch, Report: p.Explain(&placement.Request{})}
		placed := refused
		placed.HostName, placed.Placed, placed.Report = "host", true, p.Brief(&placement.Request{})
		for _, want := range []compute.Placement{refused, placed} {
			tx(t, d, func(ctx context.Context) error { return s.SavePlacements(ctx, []compute.Placement{want}) })
			got, err := s.FindPlacement(t.Context(), db.InProject("p1"), "s")
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(want, got))
		}
		_, err := s.FindPlacement(t.Context(), db.InProject("p2"), "s")
		require.True(t, fault.Is(err, fault.NotFound))

		defaults := compute.Defaults().Tuning
		got, err := s.Tuning(t.Context(), defaults)
		require.NoError(t, err)
		require.Equal(t, defaults, got)
		changed := defaults
		for _, ratio := range []float64{1.5, 2} {
			changed.CPURatio, changed.Pack = ratio, true
			tx(t, d, func(ctx context.Context) error { return s.SetTuning(ctx, changed) })
		}
		got, err = s.Tuning(t.Context(), defaults)
		require.NoError(t, err)
		require.Equal(t, changed, got)
	})
}

func TestHostsInMaintenanceTakeNoClaims(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		tx(t, d, func(ctx context.Context) error {
			return s.UpsertHosts(ctx, []protocol.Host{{ID: "h", Name: "host"}}, "nova", epoch)
		})
		limits := compute.Resources{VCPUs: 1, MemoryMiB: 1, DiskGiB: 1}
		claim := func() (ok bool) {
			_ = d.Tx(t.Context(), func(ctx context.Context) (err error) {
				ok, err = s.Claim(ctx, []compute.Claim{{HostID: "h", Servers: 1, Limits: limits}})
				require.NoError(t, err)
				return err
			})
			return ok
		}
		tx(t, d, func(ctx context.Context) error { return s.SetHostMaintenance(ctx, "h", true) })
		require.False(t, claim())
		tx(t, d, func(ctx context.Context) error { return s.SetHostMaintenance(ctx, "h", false) })
		require.True(t, claim())
		tx(t, d, func(ctx context.Context) error { return s.SetHostZones(ctx, []string{"h"}, "east") })
		there, err := s.AnyHost(t.Context(), "east")
		require.NoError(t, err)
		require.True(t, there)
		there, err = s.AnyHost(t.Context(), "nova")
		require.NoError(t, err)
		require.False(t, there)
		h, err := s.HostByName(t.Context(), "host")
		require.NoError(t, err)
		require.Equal(t, "h", h.ID)
	})
}
