package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/store"
)

// crowd fills the table with servers of many projects, and lets PostgreSQL, which plans by statistics, know of them.
func crowd(t *testing.T, d *db.DB, s *store.Store) {
	t.Helper()
	servers := make([]compute.Server, 1000)
	for i := range servers {
		servers[i] = server(i, func(sv *compute.Server) { sv.ProjectID = fmt.Sprintf("p%d", i%40) })
	}
	insert(t, d, s, servers...)
	if d.Dialect() == db.Postgres {
		tx(t, d, func(ctx context.Context) error {
			_, err := d.Q(ctx).ExecContext(ctx, "ANALYZE compute_servers")
			return err
		})
	}
}

// A page is read from an index in its order: its cost does not grow with the number of servers.
func TestListsUseIndexes(t *testing.T) {
	latest := []query.Order{{Key: "created_at", Desc: true}}
	changed := []query.Order{{Key: "updated_at", Desc: true}}
	cases := map[string]struct {
		scope  db.Scope
		filter compute.ServerFilter
		page   query.Page
		index  string
	}{
		"first page":         {db.InProject("p1"), compute.ServerFilter{}, query.Page{Limit: 10, Sort: latest}, "compute_servers_project"},
		"another page":       {db.InProject("p1"), compute.ServerFilter{}, query.Page{Limit: 10, Sort: latest, Marker: "s041"}, "compute_servers_project"},
		"names":              {db.InProject("p1"), compute.ServerFilter{Names: true}, query.Page{Limit: 10, Sort: latest}, "compute_servers_project"},
		"all projects":       {db.Everywhere(), compute.ServerFilter{}, query.Page{Limit: 10, Sort: latest}, "compute_servers_created"},
		"what changed last":  {db.InProject("p1"), compute.ServerFilter{States: []compute.State{compute.Active}}, query.Page{Limit: 10, Sort: changed}, "compute_servers_changed"},
		"what changed since": {db.InProject("p1"), compute.ServerFilter{Since: &epoch}, query.Page{Limit: 10, Sort: changed}, "compute_servers_changed"},
	}
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		crowd(t, d, s)
		for name, tc := range cases {
			plans := dbtest.Plans(t, d, func() {
				_, err := s.ListServers(t.Context(), tc.scope, tc.filter, tc.page)
				require.NoError(t, err)
			})
			require.Contains(t, plans[0], tc.index, name)
			require.NotContains(t, plans[0], "TEMP B-TREE", "%s: SQLite sorts", name)
			require.NotContains(t, plans[0], "Sort Key", "%s: PostgreSQL sorts", name)
		}
		plans := dbtest.Plans(t, d, func() {
			_, err := s.FindServer(t.Context(), db.InProject("p1"), "s041")
			require.NoError(t, err)
		})
		require.Regexp(t, `sqlite_autoindex_compute_servers_1|compute_servers_pkey`, plans[0], "one server")
	})
}

// What loops read, many times a second, costs what it finds, however many servers there are.
func TestLoopsUseIndexes(t *testing.T) {
	cases := map[string]struct {
		read  func(ctx context.Context, s *store.Store) error
		index string
		sorts bool // what it finds; PostgreSQL, which Plans forbids to sort, would rather read all in order
	}{
		"what waits for a host": {func(ctx context.Context, s *store.Store) error {
			_, err := s.UnplacedServers(ctx, 10)
			return err
		}, "compute_servers_unplaced", false},
		"what a host should run": {func(ctx context.Context, s *store.Store) error {
			_, err := s.ServersOnHost(ctx, "h1")
			return err
		}, "compute_servers_host", true},
		"what hosts are to be told": {func(ctx context.Context, s *store.Store) error {
			_, err := s.UncarriedOnHost(ctx, "h1", "h2")
			return err
		}, "compute_servers_behind", true},
		"which hosts are behind": {func(ctx context.Context, s *store.Store) error {
			_, err := s.HostsBehind(ctx)
			return err
		}, "compute_servers_behind", true},
		"what a report is about": {func(ctx context.Context, s *store.Store) error {
			_, err := s.ServersByID(ctx, []string{"s001", "s002"})
			return err
		}, "sqlite_autoindex_compute_servers_1|compute_servers_pkey", false},
		"hosts": {func(ctx context.Context, s *store.Store) error {
			_, err := s.HostsByID(ctx, []string{"h1", "h2"})
			return err
		}, "sqlite_autoindex_compute_hosts|compute_hosts_pkey", false},
	}
	each(t, func(t *testing.T, d *db.DB, s *store.Store) {
		crowd(t, d, s)
		for name, tc := range cases {
			if tc.sorts && d.Dialect() == db.Postgres {
				continue
			}
			plans := dbtest.Plans(t, d, func() { require.NoError(t, tc.read(t.Context(), s)) })
			require.Len(t, plans, 1, name)
			require.Regexp(t, tc.index, plans[0], name)
		}
	})
}
