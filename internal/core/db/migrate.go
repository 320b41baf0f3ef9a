package db

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Migrations are the numbered steps to one service's tables: goose's .sql files ("00001_servers.sql") at the root of
// FS. They only go forward, and a step that was released never changes.
type Migrations struct {
	Name string // of the service; the table "schema_<name>" remembers the steps that were taken
	FS   fs.FS
}

// Migrate takes the steps that were not taken yet, set by set. Several control nodes may do so at the same time. It
// refuses a database that a newer program has written.
func (d *DB) Migrate(ctx context.Context, sets ...Migrations) error {
	for _, set := range sets {
		if err := d.migrate(ctx, set); err != nil {
			return fmt.Errorf("migrating the tables of %s: %w", set.Name, err)
		}
	}
	return nil
}

func (d *DB) migrate(ctx context.Context, set Migrations) error {
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{
		goose.WithTableName("schema_" + set.Name),
		goose.WithSlog(d.log),
		goose.WithDisableGlobalRegistry(true),
	}
	if d.dialect == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120), lock.WithUnlockTimeout(1, 10))
		if err != nil {
			return fmt.Errorf("making the lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, d.write.DB, set.FS, options...)
	if err != nil {
		return fmt.Errorf("reading the steps: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("taking the steps: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the version: %w", err)
	}
	if current > target {
		return fault.New(fault.Unavailable,
			"the database is at step %d of %q and this program knows only %d: it was written by a newer version; use that one",
			current, set.Name, target)
	}
	return nil
}
