package db

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// openSQLite opens a pool of readers and the one writer. The write-ahead log lets both go on at the same time;
// synchronous=NORMAL survives the death of the process, and of the machine up to the last commits, consistently.
func openSQLite(path string) (read, write *bun.DB, err error) {
	if !filepath.IsAbs(path) {
		return nil, nil, fault.Invalidf("database", "the path of a SQLite database must be absolute: sqlite:///path, not %q", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, fmt.Errorf("making the folder of the database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite itself would let others read it
	if err != nil {
		return nil, nil, fmt.Errorf("making the file of the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, nil, fmt.Errorf("making the file of the database: %w", err)
	}
	w, err := newKeepingConnector(sqliteDSN(path, url.Values{"_txlock": {"immediate"}}))
	if err != nil {
		return nil, nil, fmt.Errorf("opening the writer: %w", err)
	}
	r, err := newKeepingConnector(sqliteDSN(path, url.Values{"_query_only": {"on"}}))
	if err != nil {
		return nil, nil, fmt.Errorf("opening the readers: %w", err)
	}
	writer, pool := sql.OpenDB(w), sql.OpenDB(r)
	limitPool(writer, 1)
	limitPool(pool, readers())
	return bun.NewDB(pool, sqlitedialect.New()), bun.NewDB(writer, sqlitedialect.New()), nil
}

func sqliteDSN(path string, v url.Values) string {
	v.Set("_busy_timeout", "5000")
	v.Set("_foreign_keys", "on")
	v.Set("_journal_mode", "WAL")
	v.Set("_synchronous", "NORMAL")
	v.Set("_timezone", "UTC")
	v["_pragma"] = []string{
		"cache_size(-16384)",
		"mmap_size(2147418112)", // the most there is: each commit empties the caches of all readers, which then need no copy
		"temp_store(memory)",
		"wal_autocheckpoint(4000)", // checkpoints sync the disk inside of a commit; four times the default makes them rarer
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: v.Encode()}).String()
}
