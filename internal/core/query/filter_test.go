package query_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

type note struct {
	bun.BaseModel `bun:"table:notes,alias:n"`
	ID            string   `bun:"id,pk"`
	Name          string   `bun:"name"`
	Tags          []string `bun:"tags,type:text"`
}

type noteTag struct {
	bun.BaseModel `bun:"table:note_tags,alias:nt"`
	NoteID        string `bun:"note_id"`
	Tag           string `bun:"tag"`
}

func noteTables() []db.Migrations {
	return []db.Migrations{{Name: "notes", FS: fstest.MapFS{"00001_notes.sql": {Data: []byte(`-- +goose Up
CREATE TABLE notes (id TEXT PRIMARY KEY, name TEXT NOT NULL, tags TEXT NOT NULL);
CREATE TABLE note_tags (note_id TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (note_id, tag));`)}}}}
}

// hard are the pieces of texts that are wildcards, escapes or quotes for some part of the way to the database, and
// letters that differ by their case only.
var hard = []string{"a", "A", "b", "B", "%", "_", `\`, "'", `"`, "[", "]", "*", "?", "!", "^", "$", "日", "🙂", "<", "&", ":", "--", " "}

func texts(most int) *rapid.Generator[string] {
	return rapid.Custom(func(r *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(hard), 0, most).Draw(r, "pieces"), "")
	})
}

// keep replaces all notes.
func keep(t require.TestingT, d *db.DB, notes []note) {
	require.NoError(t, d.Tx(context.Background(), func(ctx context.Context) error {
		for _, table := range []any{(*note)(nil), (*noteTag)(nil)} {
			if _, err := d.Q(ctx).NewDelete().Model(table).Where("1 = 1").Exec(ctx); err != nil {
				return err
			}
		}
		for _, n := range notes {
			if _, err := d.Q(ctx).NewInsert().Model(&n).Exec(ctx); err != nil {
				return err
			}
			for _, tag := range n.Tags {
				if _, err := d.Q(ctx).NewInsert().Model(&noteTag{NoteID: n.ID, Tag: tag}).Exec(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// found are the ids of the notes that a filter leaves.
func found(t require.TestingT, d *db.DB, narrow func(*bun.SelectQuery) *bun.SelectQuery) []string {
	var rows []note
	require.NoError(t, narrow(d.Q(context.Background()).NewSelect().Model(&rows)).Order("id").Scan(context.Background()))
	ids := []string{}
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// expected are the ids of the notes that a condition is true of.
func expected(notes []note, is func(note) bool) []string {
	ids := []string{}
	for _, n := range notes {
		if is(n) {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// A match finds the same on both engines, and no character of it means anything but itself.
func TestMatch(t *testing.T) {
	dbtest.Each(t, noteTables(), func(t *testing.T, d *db.DB) {
		rapid.Check(t, func(r *rapid.T) {
			var notes []note
			for i, name := range rapid.SliceOfN(texts(6), 1, 8).Draw(r, "names") {
				notes = append(notes, note{ID: string(rune('a' + i)), Name: name, Tags: []string{}})
			}
			keep(r, d, notes)
			for range 4 {
				m := query.Match{
					Text: texts(3).Draw(r, "text"), Fold: rapid.Bool().Draw(r, "fold"),
					Where: rapid.SampledFrom([]query.Where{query.Anywhere, query.AtStart, query.AtEnd}).Draw(r, "where"),
				}
				want := expected(notes, func(n note) bool {
					name, text := n.Name, m.Text
					if m.Fold {
						name, text = strings.ToLower(name), strings.ToLower(text)
					}
					is := map[query.Where]func(string, string) bool{query.Anywhere: strings.Contains, query.AtStart: strings.HasPrefix, query.AtEnd: strings.HasSuffix}
					return is[m.Where](name, text)
				})
				require.Equal(r, want, found(r, d, func(q *bun.SelectQuery) *bun.SelectQuery { return m.Apply(q, "name") }), "%+v", m)
			}
		})
	})
}

// Tags in JSON and tags in a table are the same to a filter, on both engines.
func TestTags(t *testing.T) {
	dbtest.Each(t, noteTables(), func(t *testing.T, d *db.DB) {
		list := func(r *rapid.T, name string) []string {
			return rapid.SliceOfNDistinct(texts(2), 0, 3, rapid.ID).Draw(r, name)
		}
		rapid.Check(t, func(r *rapid.T) {
			var notes []note
			for i := range 6 {
				tags := list(r, "tags of a note")
				if tags == nil {
					tags = []string{}
				}
				notes = append(notes, note{ID: string(rune('a' + i)), Tags: tags})
			}
			keep(r, d, notes)
			f := query.Tags{All: list(r, "all"), Any: list(r, "any"), NotAll: list(r, "not all"), NotAny: list(r, "not any")}
			want := expected(notes, func(n note) bool {
				has := func(tag string) bool { return slices.Contains(n.Tags, tag) }
				lacks := func(tag string) bool { return !has(tag) }
				return !slices.ContainsFunc(f.All, lacks) && !slices.ContainsFunc(f.NotAny, has) &&
					(len(f.Any) == 0 || slices.ContainsFunc(f.Any, has)) && (len(f.NotAll) == 0 || slices.ContainsFunc(f.NotAll, lacks))
			})
			raw, err := json.Marshal(f)
			require.NoError(r, err)
			for _, has := range []query.Holds{query.TagsInJSON("tags"), query.TagsInTable("note_tags", "note_id", "tag")} {
				require.Equal(r, want, found(r, d, func(q *bun.SelectQuery) *bun.SelectQuery { return f.Apply(q, has) }), "%s", raw)
			}
		})
	})
}
