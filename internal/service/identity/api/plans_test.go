package api_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/service/identity/api"
	"github.com/aloft-cloud/aloft/internal/service/identity/store"
)

// many is how many rows each table has, so that to scan one is not the cheapest way.
const many = "5000"

// rows fills the tables that grow with their tenants. numbers (i) are 1 to many.
var rows = []string{
	`INSERT INTO identity_projects SELECT 'p' || i, 'p' || i, 'default', 'default', FALSE, TRUE, '', '[]', '{}', '{}', '2026-01-01', 1 FROM numbers`,
	`INSERT INTO identity_projects SELECT 'd' || i, 'd' || i, '', '', TRUE, TRUE, '', '[]', '{}', '{}', '2026-01-01', 1 FROM numbers`,
	`INSERT INTO identity_users (id, name, domain_id, default_project_id, enabled, description, extra, password_hash, password_changed_at, created_at, revision)
		SELECT 'u' || i, 'u' || i, 'default', '', TRUE, '', '{}', '', '2026-01-01', '2026-01-01', 1 FROM numbers`,
	`INSERT INTO identity_groups SELECT 'g' || i, 'g' || i, 'default', '', '2026-01-01', 1, '{}' FROM numbers`,
	`INSERT INTO identity_roles SELECT 'r' || i, 'r' || i, '', '', '{}', '2026-01-01', 1, '{}' FROM numbers`,
	`INSERT INTO identity_assignments SELECT 'user', 'u' || i, 'project', 'p' || i, 'r' || i, FALSE FROM numbers`,
	`INSERT INTO identity_credentials SELECT 'z' || i, 'u' || i, 'p' || i, 'cert', 'x', '{}', 0, '2026-01-01', 1 FROM numbers`,
	`INSERT INTO identity_trusts SELECT 't' || i, 'u' || i, 'u' || i, 'p' || i, FALSE, '[]', NULL, NULL, 0, NULL, '2026-01-01' FROM numbers`,
	`INSERT INTO identity_app_creds SELECT 'a' || i, 'a' || i, 'u' || i, 'p' || i, '', '[]', FALSE, '', NULL, '2026-01-01' FROM numbers`,
	`INSERT INTO identity_registered_limits SELECT 'l1', 's1', '', 'things', 1, '', '2026-01-01', 1 FROM numbers WHERE i = 1`,
	`INSERT INTO identity_limits SELECT 'L' || i, 'l1', 'p' || i, FALSE, 's1', '', 'things', 1, '', '2026-01-01', 1 FROM numbers`,
}

const numbers = `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ` + many + `) `

// TestListsReadNoTable asks both engines how they read the first page of each list that there is: from an index in the
// order of the list, or what an index selects, and neither a whole table nor one that must be sorted first.
func TestListsReadNoTable(t *testing.T) {
	dbtest.Each(t, []db.Migrations{store.Migrations(), event.Migrations()}, func(t *testing.T, d *db.DB) {
		c := newCloudOn(t, d)
		admin := c.token("admin", adminPassword, inAdmin)
		call := func(path string) answer {
			return c.call("GET", path, "", "X-Auth-Token", admin, "X-Subject-Token", admin)
		}
		me := call("/v3/auth/tokens").at("token", "user", "id").(string)
		made := c.call("POST", "/v3/credentials", `{"credential":{"type":"cert","blob":"x","user_id":"`+me+`"}}`, "X-Auth-Token", admin)
		require.Equal(t, 201, made.status, made.raw)
		fill(t, d)
		ids := strings.NewReplacer("{user_id}", me, "{project_id}", "p1", "{domain_id}", "d1", "{group_id}", "g1", "{role_id}", "r1", "{trust_id}", "t1", "{prior_role_id}", "r1")
		seen := &queries{}
		d.Q(t.Context()).(*bun.DB).AddQueryHook(seen) //nolint:staticcheck // what is listened to is the store's own handle
		var asked []string
		for _, r := range api.Service(c.core).Routes {
			if path := ids.Replace(r.Path); r.Method == http.MethodGet && !strings.Contains(path, "{") {
				asked = append(asked, path+"?limit=1")
			}
		}
		require.Greater(t, len(asked), 40)
		for _, filter := range []string{
			"users?domain_id=default", "users?name=u7", "users?domain_id=default&name=u7", "groups?domain_id=default", "groups?name=g7",
			"projects?domain_id=default", "projects?name=p7", "projects?parent_id=default", "projects?domain_id=default&enabled=true", "domains?name=d7",
			"roles?name=r7", "roles?domain_id=d1", "credentials?user_id=" + me, "credentials?type=cert&user_id=" + me, "role_assignments?user.id=u7",
			"role_assignments?role.id=r7", "role_assignments?scope.project.id=p7", "role_assignments?scope.system=all",
			"role_assignments?scope.project.id=p7&effective", "limits?project_id=p7", "limits?service_id=s1", "limits?resource_name=things",
		} {
			asked = append(asked, "/v3/"+filter+"&limit=1")
		}
		for _, path := range asked {
			seen.take()
			a := call(path)
			require.Less(t, a.status, 500, "%s: %s", path, a.raw)
			for _, q := range seen.take() {
				for _, bad := range wasteful(t, d, q) {
					t.Errorf("GET %s: %s\n%s", path, bad, q)
				}
			}
		}
	})
}

// fill fills the tables.
func fill(t *testing.T, d *db.DB) {
	t.Helper()
	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
		for _, statement := range rows {
			into, from, _ := strings.Cut(statement, "SELECT")
			if d.Dialect() == db.Postgres {
				from = strings.ReplaceAll(from, "'2026-01-01'", "TIMESTAMP '2026-01-01'")
			}
			if _, err := d.Q(ctx).ExecContext(ctx, into+numbers+"SELECT"+from); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	}))
	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
		_, err := d.Q(ctx).ExecContext(ctx, "ANALYZE")
		return err
	}))
}

// queries notes what is asked of a database.
type queries struct {
	mu  sync.Mutex
	all []string
}

func (q *queries) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (q *queries) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if strings.HasPrefix(e.Query, "SELECT") {
		q.all = append(q.all, e.Query)
	}
}

func (q *queries) take() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.all
	q.all = nil
	return all
}

// wasteful are the steps of a query that read much more than is asked for.
func wasteful(t *testing.T, d *db.DB, query string) (bad []string) {
	t.Helper()
	if d.Dialect() == db.Postgres {
		for _, line := range plan(t, d, "EXPLAIN (ANALYZE, TIMING OFF) "+query, 1) {
			for _, n := range figures.FindAllStringSubmatch(line, -1) {
				if count, err := strconv.Atoi(n[1]); err == nil && count > enough {
					bad = append(bad, strings.TrimSpace(line))
				}
			}
		}
		return bad
	}
	steps := plan(t, d, "EXPLAIN QUERY PLAN "+query, 4)
	for i, line := range steps {
		sorts := line == "USE TEMP B-TREE FOR ORDER BY" && slices.ContainsFunc(steps[:i], func(s string) bool { return selectsMuch.MatchString(s) })
		if sorts || scans.MatchString(line) {
			bad = append(bad, strings.Join(steps, "; "))
		}
	}
	return bad
}

// enough is how many rows a query for one may read.
const enough = 500

var (
	figures = regexp.MustCompile(`(?:actual rows|Rows Removed by Filter:|Rows Removed by Join Filter:) ?=?(\d+)`)
	scans   = regexp.MustCompile(`^SCAN (p|u|g|r|a|c|t|ac|l|identity_\w+)$`)
	// selectsMuch is a step whose index selects a great part of a table.
	selectsMuch = regexp.MustCompile(`^SCAN (p|u|g|r|a|c|t|ac|l)\b|\((is_domain|domain_id|target_kind)=\?[^a-z]*\)|\(domain_id=\? AND is_domain=\?\)`)
)

// plan is the last column of what the engine says of a query.
func plan(t *testing.T, d *db.DB, query string, columns int) (lines []string) {
	t.Helper()
	got, err := d.Q(t.Context()).QueryContext(t.Context(), query)
	require.NoError(t, err, query)
	defer func() { require.NoError(t, got.Close()) }()
	for got.Next() {
		into := make([]any, columns)
		for i := range into {
			into[i] = new(any)
		}
		require.NoError(t, got.Scan(into...))
		lines = append(lines, fmt.Sprint(*into[columns-1].(*any)))
	}
	require.NoError(t, got.Err())
	return lines
}
