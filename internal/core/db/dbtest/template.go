package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// Taking the steps of a service takes longer than most tests do. Each test binary takes them once with each engine, and
// gives every test a copy of what came of it.

// made are the templates of this binary by the name of their kind and key.
var made = struct {
	sync.Mutex
	by map[string]func() ([]byte, error)
}{by: map[string]func() ([]byte, error){}}

// template makes what stands for a key once, and returns it to all that ask.
func template(kind, key string, make func() ([]byte, error)) ([]byte, error) {
	made.Lock()
	once := made.by[kind+key]
	if once == nil {
		once = sync.OnceValues(make)
		made.by[kind+key] = once
	}
	made.Unlock()
	return once()
}

// key names tables by the steps that lead to them, so that sets of the same steps share a template.
func key(sets []db.Migrations) (string, error) {
	h := sha256.New()
	for _, set := range sets {
		fmt.Fprintf(h, "set %q\n", set.Name)
		err := fs.WalkDir(set.FS, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(set.FS, path)
			fmt.Fprintf(h, "%q %d\n%s", path, len(text), text)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("reading the steps of %s: %w", set.Name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// migrate opens a database, takes the steps and closes it.
func migrate(ctx context.Context, url string, sets []db.Migrations) error {
	d, err := db.Open(ctx, url, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(d.Migrate(ctx, sets...), d.Close())
}

// copySQLite writes a database file that has the tables of sets.
func copySQLite(t testing.TB, path string, sets []db.Migrations) {
	t.Helper()
	k, err := key(sets)
	require.NoError(t, err)
	ctx := context.WithoutCancel(t.Context()) // others than this test use what it makes
	file, err := template("sqlite", k, func() ([]byte, error) {
		dir, err := os.MkdirTemp("", "aloft-db-")
		if err != nil {
			return nil, fmt.Errorf("making a folder for the template: %w", err)
		}
		defer func() { _ = os.RemoveAll(dir) }() // it is but a temporary folder
		path := filepath.Join(dir, "aloft.db")
		if err := migrate(ctx, "sqlite://"+path, sets); err != nil {
			return nil, err
		}
		if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
			return nil, fmt.Errorf("the template still has a log of %d bytes", log.Size())
		}
		return os.ReadFile(path)
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, file, 0o600))
}

// template returns the name of a database that has the tables of sets and nobody is connected to.
func (c *cluster) template(t testing.TB, sets []db.Migrations) string {
	t.Helper()
	k, err := key(sets)
	require.NoError(t, err)
	ctx := context.WithoutCancel(t.Context())
	name, err := template("postgres", k, func() ([]byte, error) {
		name := "template_" + k
		if err := c.exec(ctx, "CREATE DATABASE "+name); err != nil {
			return nil, err
		}
		if err := migrate(ctx, c.url(name), sets); err != nil {
			return nil, err
		}
		return []byte(name), c.exec(ctx, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false")
	})
	require.NoError(t, err)
	return string(name)
}
