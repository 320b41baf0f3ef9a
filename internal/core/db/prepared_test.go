package db_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

const addThing = `INSERT INTO things (id, project_id, name, count, is_on, at, until, labels, words, part, parts, maybe, raw, bytes, generation)
VALUES (?, ?, ?, ?, ?, ?, ?, '{}', '[]', '{"name":"","sizes":null,"tags":null}', '[]', NULL, NULL, NULL, ?) ON CONFLICT DO NOTHING`

type word string

func values(x *thing) []any {
	return []any{x.ID, word(x.ProjectID), x.Name, x.Count, x.On, x.At, x.Until, x.Generation}
}

func TestPreparedWritesWhatBunReads(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		plain := &thing{Labels: map[string]string{}, Words: []string{}, Parts: []part{}}
		full := example("full")
		a, b := *plain, *plain
		a.ID, a.ProjectID, a.Name, a.Count, a.On, a.At, a.Until, a.Generation = "a", "p", full.Name, full.Count, true, full.At, full.Until, 7
		b.ID, b.ProjectID, b.Name, b.At = "b", "p", "", full.At.In(time.FixedZone("there", 19800))
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			changed, err := d.WriteEach(ctx, addThing, [][]any{values(&a), values(&b), values(&a)})
			require.Equal(t, []int64{1, 1, 0}, changed)
			return err
		}))
		b.At = full.At
		for _, want := range []*thing{&a, &b} {
			got := &thing{}
			require.NoError(t, d.Select(t.Context(), db.Everywhere(), got).Where("id = ?", want.ID).Scan(t.Context()))
			require.Empty(t, cmp.Diff(want, got))
		}
		n, err := d.Select(t.Context(), db.Everywhere(), (*thing)(nil)).Where("at = ?", full.At).Count(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, n, "both write times alike")
	})
}

func TestPreparedReadsWhatBunWrites(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		const many = 5000 // more than one run of a statement takes
		ids := make([]string, many)
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			var sets [][]any
			for i := range ids {
				ids[i] = fmt.Sprint(i)
				sets = append(sets, values(&thing{ID: ids[i], ProjectID: "p", Name: ids[i], At: example("").At}))
			}
			if _, err := d.WriteEach(ctx, addThing, sets); err != nil {
				return err
			}
			return insert(ctx, d, example("full"))
		}))
		for _, n := range []int{0, 1, 3, 4, 5, many} {
			seen := map[string]bool{}
			err := d.Read(t.Context(), "SELECT id FROM things WHERE project_id = ? AND id IN (?) AND at >= ?",
				[]any{"p", db.ListOf(ids[:n]), example("").At}, func(rows *sql.Rows) error {
					var id string
					defer func() { seen[id] = true }()
					return rows.Scan(&id)
				})
			require.NoError(t, err)
			require.Len(t, seen, n)
		}
		var at time.Time
		var until *time.Time
		var on bool
		var maybe sql.NullString
		require.NoError(t, d.Read(t.Context(), "SELECT at, until, is_on, maybe FROM things WHERE id = ?", []any{"full"}, func(rows *sql.Rows) error {
			return rows.Scan(&at, &until, &on, &maybe)
		}))
		require.True(t, at.Equal(example("").At))
		require.True(t, until.Equal(*example("").Until))
		require.True(t, on)
		require.JSONEq(t, `{"name":"m","sizes":null,"tags":null}`, maybe.String)

		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			n, err := d.Write(ctx, "UPDATE things SET count = count + ? WHERE id IN (?)", 3, db.ListOf(ids))
			require.EqualValues(t, many, n)
			return err
		}))
		left := 0
		require.NoError(t, d.Read(t.Context(), "SELECT COUNT(*) FROM things WHERE count <> ?", []any{3}, func(rows *sql.Rows) error { return rows.Scan(&left) }))
		require.Equal(t, 1, left)
	})
}

// While the rows of a statement are read, the same statement may run again on the same connection.
func TestPreparedStatementsNest(t *testing.T) {
	d := dbtest.SQLite(t, tables()...)
	put(t, d, example("a"), example("b"))
	count := 0
	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
		const text = "SELECT id FROM things WHERE generation = ? ORDER BY id"
		return d.Read(ctx, text, []any{1}, func(*sql.Rows) error {
			return d.Read(ctx, text, []any{1}, func(*sql.Rows) error { count++; return nil })
		})
	}))
	require.Equal(t, 4, count)
}

func TestPreparedStatementsSeeNewColumns(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		put(t, d, example("a"))
		read := func() (n int) {
			require.NoError(t, d.Read(t.Context(), "SELECT COUNT(*) FROM things WHERE generation = ?", []any{1}, func(rows *sql.Rows) error { return rows.Scan(&n) }))
			return n
		}
		require.Equal(t, 1, read())
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			_, err := d.Q(ctx).ExecContext(ctx, "ALTER TABLE things ADD COLUMN more TEXT")
			return err
		}))
		require.Equal(t, 1, read())
	})
}

func TestPreparedFailures(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		_, err := d.Write(t.Context(), addThing, values(example("a"))...)
		require.ErrorContains(t, err, "outside of a transaction")
		const add = "INSERT INTO things (id, project_id, name, count, is_on, at, labels, words, part, parts, generation) VALUES (?, 'p', 'x', 1, TRUE, ?, '', '', '', '', 1)"
		err = d.Tx(t.Context(), func(ctx context.Context) error {
			_, err := d.WriteEach(ctx, add, [][]any{{"a", time.Now()}, {"b", time.Now()}})
			return err
		})
		require.True(t, db.IsUnique(err), "%v", err)
		require.Empty(t, ids(t, d, db.Everywhere()))
		require.Error(t, d.Read(t.Context(), "SELECT nonsense FROM things WHERE id = ?", []any{""}, nil))
		put(t, d, example("a"))
		require.Equal(t, []string{"a"}, ids(t, d, db.Everywhere()), "the connection is as good as before")
	})
}

func TestPreparedReadsEndWithTheirContext(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		put(t, d, example("a"), example("b"), example("c"))
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		err := d.Read(ctx, "SELECT id FROM things WHERE generation = ?", []any{1}, func(*sql.Rows) error { seen++; cancel(); return nil })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1, seen)
		err = d.Read(ctx, "SELECT id FROM things WHERE generation = ?", []any{1}, func(*sql.Rows) error { seen++; return nil })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1, seen)
	})
}

func BenchmarkPreparedRead(b *testing.B) {
	d := dbtest.SQLite(b, tables()...)
	ctx := b.Context()
	if err := d.Tx(ctx, func(ctx context.Context) error { return insert(ctx, d, example("a")) }); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var x thing
		err := d.Read(ctx, "SELECT id, project_id, name, count, at FROM things WHERE id = ?", []any{"a"}, func(rows *sql.Rows) error {
			return rows.Scan(&x.ID, &x.ProjectID, &x.Name, &x.Count, &x.At)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
