// Package dbtest gives tests a database of each engine, empty but for the tables that they ask for. SQLite is a file in
// the test's folder; PostgreSQL is Debian's, a private server for each test binary, which is gone when the binary is,
// however that ends.
package dbtest

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// Each runs fn once with each engine, as the subtests "sqlite" and "postgres". The latter is skipped, with the reason,
// where PostgreSQL is not installed.
func Each(t *testing.T, sets []db.Migrations, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t, sets...)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t, sets...)) })
}

// SQLite makes and opens a database for one test, and closes it at its end.
func SQLite(t testing.TB, sets ...db.Migrations) *db.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aloft.db")
	if len(sets) > 0 {
		copySQLite(t, path, sets)
	}
	return open(t, "sqlite://"+path)
}

// Postgres makes and opens a database for one test, and drops it at its end.
func Postgres(t testing.TB, sets ...db.Migrations) *db.DB {
	t.Helper()
	c := running(t)
	if len(sets) == 0 {
		return open(t, c.create(t, "template1"))
	}
	return open(t, c.create(t, c.template(t, sets)))
}

// Open opens one more handle on a database, as another control node would, and closes it at the test's end.
func Open(t testing.TB, url string, sets ...db.Migrations) *db.DB {
	t.Helper()
	d := open(t, url)
	require.NoError(t, d.Migrate(t.Context(), sets...))
	return d
}

func open(t testing.TB, url string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url, slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}
