package dbtest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// recorded keeps the SELECTs that a database is asked.
type recorded struct {
	mu      sync.Mutex
	queries []string
}

// BeforeQuery implements bun.QueryHook.
func (r *recorded) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

// AfterQuery implements bun.QueryHook.
func (r *recorded) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	if strings.HasPrefix(e.Query, "SELECT") {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.queries = append(r.queries, e.Query)
	}
}

// Plans does what fn does, and tells of each of its SELECTs how the engine finds the rows, in the engine's own words.
// PostgreSQL, which reads small tables whole, is told to avoid it, so that it shows what it could do.
func Plans(t testing.TB, d *db.DB, fn func()) []string {
	t.Helper()
	r := &recorded{}
	d.Observe(r)
	fn()
	r.mu.Lock()
	queries := r.queries
	r.queries = nil
	r.mu.Unlock()
	plans := make([]string, 0, len(queries))
	for _, q := range queries {
		plans = append(plans, plan(t, d, q))
	}
	return plans
}

func plan(t testing.TB, d *db.DB, q string) string {
	t.Helper()
	var lines []string
	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
		tx := d.Q(ctx)
		if d.Dialect() == db.Postgres {
			if _, err := tx.ExecContext(ctx, "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"); err != nil {
				return err
			}
			return tx.NewRaw("EXPLAIN "+strings.ReplaceAll(q, "?", "\\?")).Scan(ctx, &lines)
		}
		var steps []struct {
			ID, Parent int
			Unused     int `bun:"notused"`
			Detail     string
		}
		if err := tx.NewRaw("EXPLAIN QUERY PLAN "+strings.ReplaceAll(q, "?", "\\?")).Scan(ctx, &steps); err != nil {
			return err
		}
		for _, s := range steps {
			lines = append(lines, s.Detail)
		}
		return nil
	}))
	return q + "\n" + strings.Join(lines, "\n")
}
