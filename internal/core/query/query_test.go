package query_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

type thing struct {
	bun.BaseModel `bun:"table:things,alias:th"`
	ID            string `bun:"id,pk"`
	ProjectID     string `bun:"project_id"`
	Name          string `bun:"name"`
	Size          int64  `bun:"size"`
}

func tables() []db.Migrations {
	return []db.Migrations{{Name: "things", FS: fstest.MapFS{"00001_things.sql": {Data: []byte(`-- +goose Up
CREATE TABLE things (id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, size BIGINT NOT NULL);`)}}}}
}

var columns = map[string]string{"display_name": "name", "size": "size"}

func fill(t *testing.T, d *db.DB) []thing {
	rows := make([]thing, 0, 60)
	for i := range 60 {
		rows = append(rows, thing{
			ID: fmt.Sprintf("id-%02d", i), ProjectID: []string{"a", "b"}[i%2],
			Name: string(rune('a' + rand.IntN(3))), Size: int64(rand.IntN(3)),
		})
	}
	_, err := d.Q(t.Context()).NewInsert().Model(&rows).Exec(t.Context())
	require.Error(t, err, "outside of a transaction nothing is written")
	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
		_, err := d.Q(ctx).NewInsert().Model(&rows).Exec(ctx)
		return err
	}))
	return rows
}

// Whatever the order, the pages one after the other are the whole list in that order.
func TestPagesMakeTheList(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		all := fill(t, d)
		rapid.Check(t, func(r *rapid.T) {
			order := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) query.Order {
				return query.Order{Key: rapid.SampledFrom([]string{"display_name", "size", "id"}).Draw(r, "key"), Desc: rapid.Bool().Draw(r, "desc")}
			}), 0, 4).Draw(r, "order")
			limit := rapid.IntRange(1, 40).Draw(r, "limit")
			want := slices.DeleteFunc(slices.Clone(all), func(x thing) bool { return x.ProjectID != "a" })
			slices.SortFunc(want, func(x, y thing) int { return compare(x, y, order) })
			var got []thing
			for marker := ""; ; marker = got[len(got)-1].ID {
				page := page(t, d, query.Page{Limit: limit, Marker: marker, Sort: order})
				got = append(got, page...)
				if len(page) < limit {
					break
				}
			}
			require.Equal(r, want, got)
			got = nil
			for marker := ""; ; marker = got[0].ID {
				page := page(t, d, query.Page{Limit: limit, Marker: marker, Sort: order, Reverse: true})
				got = append(page, got...)
				if len(page) < limit {
					break
				}
			}
			require.Equal(r, want, got, "backwards")
		})
	})
}

func page(t *testing.T, d *db.DB, p query.Page) []thing {
	t.Helper()
	rows := []thing{}
	q, err := p.Apply(d.Select(t.Context(), db.InProject("a"), &rows), "things", columns)
	require.NoError(t, err)
	require.NoError(t, q.Scan(t.Context()))
	return query.Ordered(p, rows)
}

func compare(x, y thing, order []query.Order) int {
	desc := false
	seen := map[string]bool{}
	for _, o := range order {
		if seen[o.Key] {
			continue // it has decided already
		}
		seen[o.Key] = true
		c := map[string]int{
			"display_name": strings.Compare(x.Name, y.Name), "size": int(x.Size - y.Size), "id": strings.Compare(x.ID, y.ID),
		}[o.Key]
		if desc = o.Desc; desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	if desc {
		return strings.Compare(y.ID, x.ID)
	}
	return strings.Compare(x.ID, y.ID)
}

func TestRefusals(t *testing.T) {
	d := dbtest.SQLite(t, tables()...)
	q := func() *bun.SelectQuery { return d.Select(t.Context(), db.Everywhere(), (*thing)(nil)) }

	_, err := query.Page{Sort: []query.Order{{Key: "secret"}}}.Apply(q(), "things", columns)
	require.True(t, fault.Is(err, fault.Invalid))
	require.EqualError(t, err, `cannot sort by "secret"; it must be one of display_name, size`)
	_, err = query.Page{Limit: -1}.Apply(q(), "things", columns)
	require.True(t, fault.Is(err, fault.Invalid))
}

func TestCheckMarker(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		fill(t, d)
		check := func(marker string) error {
			return query.Page{Marker: marker}.CheckMarker(t.Context(), d.Q(t.Context()), "things")
		}
		require.NoError(t, check(""))
		require.NoError(t, check("id-03"))
		require.Equal(t, "marker", fault.Of(check("gone")).Field)
		require.Empty(t, page(t, d, query.Page{Marker: "gone"}))
	})
}
