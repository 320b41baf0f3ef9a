// Package store keeps the rows of the images: one of the image, and one for each of its tags, properties and members,
// so that lists can be filtered by them on every engine.
package store

import (
	"context"
	"embed"
	"io/fs"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the steps to this service's tables.
func Migrations() db.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is in the program
	}
	return db.Migrations{Name: "image", FS: sub}
}

// Store implements image.Store.
type Store struct{ db *db.DB }

var _ image.Store = (*Store)(nil)

// New makes a store on a migrated database.
func New(d *db.DB) *Store { return &Store{d} }

// Tx implements image.Store.
func (s *Store) Tx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.db.Tx(ctx, fn)
}

// AfterCommit implements image.Store.
func (s *Store) AfterCommit(ctx context.Context, fn func()) { s.db.AfterCommit(ctx, fn) }
