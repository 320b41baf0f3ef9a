// Package db is the one way to the database, be it SQLite in process or PostgreSQL.
//
// Transactions travel in the context: a service that is called inside its caller's transaction joins it, so that what
// belongs together is written together. Writes happen in Tx only; outside of it Q is a pool of connections that the
// engine itself keeps from writing, on both engines. Isolation is serializable on both: SQLite has one writer at a
// time, PostgreSQL detects conflicts, and Tx runs the work again from the start when it lost one.
//
// SQL is portable: ids are TEXT, numbers BIGINT, times TIMESTAMP in UTC with microseconds, and what is a map, slice or
// struct in Go is JSON in a TEXT column. A row that changes carries a generation, and changes compare and set it
// (MustChange).
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The names that Dialect returns.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	dialect string
	log     *slog.Logger
	read    *bun.DB
	write   *bun.DB
	patient time.Duration // how long Tx waits for a connection
	hooks   []bun.QueryHook
	texts   sync.Map // statement → the text as the engine wants it
}

// Open opens "sqlite:///abs/path/aloft.db" (made with its folder if missing, readable by the owner only) or
// "postgres://user:password@host:port/name". It fails if the database does not answer.
func Open(ctx context.Context, url string, log *slog.Logger) (*DB, error) {
	d := &DB{log: log, patient: 30 * time.Second}
	var err error
	switch {
	case strings.HasPrefix(url, "sqlite://"):
		d.dialect = SQLite
		d.read, d.write, err = openSQLite(strings.TrimPrefix(url, "sqlite://"))
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		d.dialect = Postgres
		d.read, d.write, err = openPostgres(url)
	default:
		return nil, fault.Invalidf("database", "the database must be sqlite:///absolute/path or postgres://user@host/name")
	}
	if err != nil {
		return nil, fmt.Errorf("opening the %s database: %w", d.dialect, err)
	}
	for _, pool := range []*bun.DB{d.write, d.read} { // the writer first: it makes the SQLite file
		if err := pool.PingContext(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("the %s database does not answer: %w", d.dialect, err), d.Close())
		}
	}
	return d, nil
}

// Close closes all connections.
func (d *DB) Close() error { return errors.Join(d.read.Close(), d.write.Close()) }

// Observe calls a hook for each statement. It comes before any use of the database.
func (d *DB) Observe(hook bun.QueryHook) {
	d.read, d.write = d.read.WithQueryHook(hook), d.write.WithQueryHook(hook)
	d.hooks = append(d.hooks, hook)
}

// Dialect is SQLite or Postgres.
func (d *DB) Dialect() string { return d.dialect }

// Q is where queries of the context go: its transaction, or else a pool that can only read.
func (d *DB) Q(ctx context.Context) bun.IDB {
	if t := d.joined(ctx); t != nil {
		return t.tx
	}
	return d.read
}

// limitPool keeps idle connections, as opening one costs more than most queries.
func limitPool(pool *sql.DB, n int) {
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	pool.SetConnMaxIdleTime(0)
	pool.SetConnMaxLifetime(0)
}

func readers() int { return max(4, 2*runtime.NumCPU()) }
