// Package store keeps compute's rows. Nobody else touches its tables.
package store

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the steps to compute's tables.
func Migrations() db.Migrations {
	dir, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the name is a constant, and a valid one
	}
	return db.Migrations{Name: "compute", FS: dir}
}

// Store implements compute.Store.
type Store struct{ db *db.DB }

var _ compute.Store = (*Store)(nil)

// New returns the store in a database that Migrations were applied to.
func New(d *db.DB) *Store { return &Store{db: d} }

// missing turns "no rows" into NotFound.
func missing(err error, object, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Missing(object, id)
	}
	if err != nil {
		return fmt.Errorf("reading %s %s: %w", object, id, err)
	}
	return nil
}

// convert maps rows to nouns.
func convert[R, N any](rows []R, f func(*R) N) []N {
	out := make([]N, len(rows))
	for i := range rows {
		out[i] = f(&rows[i])
	}
	return out
}
