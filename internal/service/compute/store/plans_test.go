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
