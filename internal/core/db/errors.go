package db

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// PostgreSQL's error codes, of its manual's appendix A.
const (
	pgUnique        = "23505"
	pgSerialization = "40001"
	pgDeadlock      = "40P01"
)

// codes are what the engine said, in either's numbers; empty and 0 if it said nothing.
func codes(err error) (pg string, lite int) {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return p.Code, 0
	}
	var s *sqlite.Error
	if errors.As(err, &s) {
		return "", s.Code()
	}
	return "", 0
}

// IsUnique tells whether a write failed because a row with the same primary or unique key is there.
func IsUnique(err error) bool {
	pg, lite := codes(err)
	switch lite {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return pg == pgUnique
}

// isConflict tells whether the same work may succeed when it is done again from the start.
func isConflict(err error) bool {
	pg, lite := codes(err)
	const primary = 0xff // the rest of SQLite's code only says more precisely why
	return pg == pgSerialization || pg == pgDeadlock || lite&primary == sqlite3.SQLITE_BUSY
}

// MustChange is for writes that compare and set: it returns err if there is one, and stale if no row was changed.
func MustChange(res sql.Result, err, stale error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("counting the changed rows: %w", err)
	}
	if n == 0 {
		return stale
	}
	return nil
}
