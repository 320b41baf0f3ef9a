package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

type part struct {
	Name  string   `json:"name"`
	Sizes []int    `json:"sizes"`
	Next  *part    `json:"next,omitempty"`
	Tags  []string `json:"tags"`
}

// thing has every kind of column that services use.
type thing struct {
	bun.BaseModel `bun:"table:things,alias:th"`
	ID            string            `bun:"id,pk"`
	ProjectID     string            `bun:"project_id"`
	Name          string            `bun:"name"`
	Count         int64             `bun:"count"`
	On            bool              `bun:"is_on"`
	At            time.Time         `bun:"at"`
	Until         *time.Time        `bun:"until"`
	Labels        map[string]string `bun:"labels,type:text"`
	Words         []string          `bun:"words,type:text"`
	Part          part              `bun:"part,type:text"`
	Parts         []part            `bun:"parts,type:text"`
	Maybe         *part             `bun:"maybe,type:text"`
	Raw           json.RawMessage   `bun:"raw,type:text"`
	Bytes         []byte            `bun:"bytes"`
	Generation    int64             `bun:"generation"`
}

func tables() []db.Migrations {
	return []db.Migrations{{Name: "things", FS: fstest.MapFS{
		"00001_things.sql": {Data: []byte(`-- +goose Up
CREATE TABLE things (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, count BIGINT NOT NULL, is_on BOOLEAN NOT NULL,
    at TIMESTAMP NOT NULL, until TIMESTAMP, labels TEXT NOT NULL, words TEXT NOT NULL, part TEXT NOT NULL,
    parts TEXT NOT NULL, maybe TEXT, raw TEXT, generation BIGINT NOT NULL, UNIQUE (project_id, name)
);`)},
		"00002_bytes.sql": {Data: []byte("-- +goose Up\nALTER TABLE things ADD COLUMN bytes TEXT;")},
	}}}
}

func example(id string) *thing {
	until := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	return &thing{
		ID: id, ProjectID: "p", Name: "it's \"" + id + "\" ? \\ ü 漢 \n", Count: -1 << 62, On: true,
		At: time.Date(2026, 11, 21, 22, 3, 4, 123456000, time.UTC), Until: &until,
		Labels: map[string]string{"o'clock": "a\"b\\n", "": "€"}, Words: []string{"x", "y'z", "\\u0041"},
		Part:       part{Name: "p'", Sizes: []int{1, 2}, Tags: []string{}, Next: &part{Name: "<&>"}},
		Parts:      []part{{Name: "a"}, {Name: "b"}},
		Maybe:      &part{Name: "m"},
		Raw:        json.RawMessage(`{"k":[1,2.5,"it's"]}`),
		Generation: 1,
	}
}

func insert(ctx context.Context, d *db.DB, x *thing) error {
	_, err := d.Q(ctx).NewInsert().Model(x).Exec(ctx)
	return err
}

func put(t *testing.T, d *db.DB, xs ...*thing) {
	t.Helper()
	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
		for _, x := range xs {
			if err := insert(ctx, d, x); err != nil {
				return err
			}
		}
		return nil
	}))
}

func ids(t *testing.T, d *db.DB, s db.Scope) []string {
	t.Helper()
	got := []string{}
	require.NoError(t, d.Select(t.Context(), s, (*thing)(nil)).Column("id").Order("id").Scan(t.Context(), &got))
	return got
}

func TestColumnsComeBackAsTheyWere(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		empty := &thing{ID: "empty", ProjectID: "p", At: time.Unix(0, 0).UTC(), Labels: map[string]string{}, Words: []string{}, Parts: []part{}}
		zoned := example("zoned")
		zoned.At = zoned.At.In(time.FixedZone("there", 5*3600+1800))
		put(t, d, example("full"), empty, zoned)

		want := map[string]*thing{"full": example("full"), "empty": empty, "zoned": example("zoned")}
		for id, want := range want {
			got := &thing{}
			require.NoError(t, d.Select(t.Context(), db.Everywhere(), got).Where("id = ?", id).Scan(t.Context()))
			require.Empty(t, cmp.Diff(want, got), id)
			require.Equal(t, time.UTC, got.At.Location(), "services print times as they are")
		}
		var latest time.Time
		require.NoError(t, d.Q(t.Context()).NewSelect().Model((*thing)(nil)).ColumnExpr("MAX(at)").Scan(t.Context(), &latest))
		require.True(t, latest.Equal(example("").At), "%s", latest)
	})
}

func TestTimesCompareInTheDatabase(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		steps := []time.Duration{0, time.Microsecond, 10 * time.Microsecond, 500 * time.Millisecond, 510 * time.Millisecond, time.Second}
		for i, step := range steps {
			x := example(string(rune('a' + i)))
			x.At = base.Add(step)
			put(t, d, x)
		}
		for i, step := range steps {
			n, err := d.Select(t.Context(), db.Everywhere(), (*thing)(nil)).Where("at < ?", base.Add(step)).Count(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, i, n, step)
			n, err = d.Select(t.Context(), db.Everywhere(), (*thing)(nil)).Where("at = ?", base.Add(step)).Count(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 1, n, step)
		}
	})
}

func TestRowsCompareByKeys(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		for _, id := range []string{"a", "b", "c"} {
			x := example(id)
			x.Count = map[string]int64{"a": 1, "b": 1, "c": 0}[id]
			put(t, d, x)
		}
		var got []string
		err := d.Q(t.Context()).NewSelect().Model((*thing)(nil)).Column("id").
			Where("(count, id) > (SELECT count, id FROM things WHERE id = ?)", "a").Scan(t.Context(), &got)
		require.NoError(t, err)
		require.Equal(t, []string{"b"}, got)
	})
}

func TestScope(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		a, b := example("a"), example("b")
		b.ProjectID = "q"
		put(t, d, a, b)
		require.Equal(t, []string{"a"}, ids(t, d, db.InProject("p")))
		require.Equal(t, []string{"a", "b"}, ids(t, d, db.Everywhere()))
		require.Empty(t, ids(t, d, db.Scope{}))
		require.Empty(t, ids(t, d, db.InProject("")))
		require.Equal(t, "p", db.InProject("p").ProjectID())
		require.Empty(t, db.Everywhere().ProjectID())
	})
}

func TestUniqueAndCompareAndSet(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		put(t, d, example("a"))
		tx := func(x *thing) error {
			return d.Tx(t.Context(), func(ctx context.Context) error { return insert(ctx, d, x) })
		}
		twin := example("b")
		twin.Name = example("a").Name
		require.True(t, db.IsUnique(tx(twin)), "a unique key")
		require.True(t, db.IsUnique(tx(example("a"))), "the primary key")
		require.False(t, db.IsUnique(errors.New("other")))
		require.False(t, db.IsUnique(nil))

		stale := fault.Conflictf("thing", "a", "it has changed")
		bump := func(from int64) error {
			return d.Tx(t.Context(), func(ctx context.Context) error {
				res, err := d.Q(ctx).NewUpdate().Model((*thing)(nil)).Set("generation = ?", from+1).
					Where("id = ?", "a").Where("generation = ?", from).Exec(ctx)
				return db.MustChange(res, err, stale)
			})
		}
		require.NoError(t, bump(1))
		require.ErrorIs(t, bump(1), stale)
		require.ErrorContains(t, db.MustChange(nil, errors.New("broken"), stale), "broken")
	})
}

func TestWritesNeedATransaction(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		err := insert(t.Context(), d, example("a"))
		require.Error(t, err)
		require.Regexp(t, "read-?only", err.Error())
		require.Empty(t, ids(t, d, db.Everywhere()))
	})
}

func TestMigrate(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		require.NoError(t, d.Migrate(t.Context(), tables()...), "again does nothing")
		put(t, d, example("a"))

		older := tables()
		delete(older[0].FS.(fstest.MapFS), "00002_bytes.sql")
		err := d.Migrate(t.Context(), older...)
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		require.ErrorContains(t, err, "newer version")

		broken := []db.Migrations{{Name: "broken", FS: fstest.MapFS{"00001_x.sql": {Data: []byte("-- +goose Up\nCREATE TABLE broken (id TEXT);\nNONSENSE;")}}}}
		require.ErrorContains(t, d.Migrate(t.Context(), broken...), "broken")
		require.Equal(t, []string{"a"}, ids(t, d, db.Everywhere()))
	})
}

func TestOpenRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"mysql://x":              "the database must be",
		"sqlite://aloft.db":      "must be absolute",
		"postgres://%zz":         "parsing its URL",
		"sqlite:///proc/no/x.db": "folder of the database",
		"postgres:///x?host=" + filepath.Join(t.TempDir(), "nowhere"): "does not answer",
	} {
		_, err := db.Open(t.Context(), url, nil)
		require.ErrorContains(t, err, want, url)
	}
}
