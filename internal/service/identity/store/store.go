// Package store keeps the rows of the identity service; nobody else touches its tables.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"reflect"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the steps to the service's tables.
func Migrations() db.Migrations {
	steps, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // only a malformed path can do this, and this one is a constant
	}
	return db.Migrations{Name: "identity", FS: steps}
}

// Store is the tables of the service in one database.
type Store struct{ db *db.DB }

// New returns the tables as the service wants them.
func New(d *db.DB) identity.Stores {
	s := &Store{db: d}
	stores := identity.Stores{Projects: s, Users: s, Groups: s, Roles: s, Assignments: s, Tokens: s, AppCreds: s, Credentials: s, Trusts: s, Guards: s, Configs: s}
	s.addResources(&stores)
	return stores
}

// get reads the one row that where selects; NotFound if there is none.
func get[Row any](ctx context.Context, s *Store, kind, id, where string, args ...any) (Row, error) {
	var row Row
	err := s.db.Q(ctx).NewSelect().Model(&row).Where(where, args...).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, fault.New(fault.NotFound, "Could not find %s: %s.", kind, id)
	}
	if err != nil {
		return row, fmt.Errorf("reading %s %s: %w", kind, id, err)
	}
	return row, nil
}

// insert writes a new row; Conflict if its name or id is taken.
func (s *Store) insert(ctx context.Context, kind, name string, row any) error {
	_, err := s.db.Q(ctx).NewInsert().Model(row).Exec(ctx)
	return written(err, kind, name)
}

// update writes all of a row but its id and creation time, if it still has the revision before the row's.
func (s *Store) update(ctx context.Context, kind, name string, row any, before int64) error {
	res, err := s.db.Q(ctx).NewUpdate().Model(row).ExcludeColumn("id", "created_at").WherePK().Where("revision = ?", before).Exec(ctx)
	return changed(res, err, kind, name)
}

// changed is a Conflict where no row had the revision.
func changed(res sql.Result, err error, kind, name string) error {
	return db.MustChange(res, written(err, kind, name),
		fault.New(fault.Conflict, "Conflict occurred attempting to store %s - %s was changed or deleted meanwhile; read it again and repeat.", kind, name))
}

func written(err error, kind, name string) error {
	if db.IsUnique(err) {
		return fault.Wrap(fault.Conflict, err, "Conflict occurred attempting to store %s - Duplicate entry found with name %s; names are unique within a domain.", kind, name)
	}
	if err != nil {
		return fmt.Errorf("writing %s %s: %w", kind, name, err)
	}
	return nil
}

// remove deletes by a condition what the model is of.
func (s *Store) remove(ctx context.Context, kind string, model any, where string, args ...any) (int64, error) {
	res, err := s.db.Q(ctx).NewDelete().Model(model).Where(where, args...).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("deleting %s: %w", kind, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("deleting %s: %w", kind, err)
	}
	return n, nil
}

// removeOne deletes the row of an id; NotFound if there is none.
func (s *Store) removeOne(ctx context.Context, kind, id string, model any) error {
	n, err := s.remove(ctx, kind, model, "id = ?", id)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.NotFound, "Could not find %s: %s.", kind, id)
	}
	return nil
}

// list reads one page of what q selects and turns rows into nouns.
func list[Row, Noun any](ctx context.Context, s *Store, page query.Page, table string, noun func(Row) Noun, narrow func(*bun.SelectQuery) *bun.SelectQuery) ([]Noun, error) {
	var rows []Row
	columns := map[string]string{"id": "id"}
	if s.db.Q(ctx).Dialect().Tables().Get(reflect.TypeFor[Row]()).HasField("name") {
		columns["name"] = "name"
	}
	q, err := page.Apply(narrow(s.db.Q(ctx).NewSelect().Model(&rows)), table, columns)
	if err != nil {
		return nil, err
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing %s: %w", table, err)
	}
	if len(rows) == 0 {
		if err := page.CheckMarker(ctx, s.db.Q(ctx), table); err != nil {
			return nil, err
		}
	}
	nouns := make([]Noun, len(rows))
	for i, row := range rows {
		nouns[i] = noun(row)
	}
	return nouns, nil
}

// equals adds a condition for each column whose value is set.
func equals(q *bun.SelectQuery, pairs ...string) *bun.SelectQuery {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q = q.Where("?TableAlias.? = ?", bun.Ident(pairs[i]), pairs[i+1])
		}
	}
	return q
}
