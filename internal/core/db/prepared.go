package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
)

// What is read or written by the thousand has a text that never changes: the engine parses it once for each connection,
// and values travel beside it. Read, Write and WriteEach take such texts, with a ? for each value. A text is a constant:
// what depends on a request does not belong into it, as each one is kept.

// List stands for some values where a text says IN (?).
type List []any

// ListOf makes a List.
func ListOf[T any](values []T) List {
	out := make(List, len(values))
	for i := range values {
		out[i] = values[i]
	}
	return out
}

// mostListed is how many values of a List one run of a statement has; a longer List takes several.
const mostListed = 4096

// padded repeats the last value until there are as many as a power of four, so that there are few texts.
func padded(l List) List {
	n := 1
	for n < len(l) {
		n *= 4
	}
	out := slices.Grow(l[:len(l):len(l)], n-len(l))
	for len(out) < n {
		out = append(out, l[len(l)-1])
	}
	return out
}

// Read runs a SELECT in the transaction of ctx, or else on a connection that can only read, and calls each for each row.
// One of the args may be a List; where it is empty there are no rows, and the rows of a long one come in several runs.
func (d *DB) Read(ctx context.Context, text string, args []any, each func(*sql.Rows) error) error {
	return d.parts(args, func(args []any) error {
		full, bound := d.bind(text, args)
		return d.observed(ctx, text, args, func() error { return d.readAll(ctx, full, bound, each) })
	})
}

func (d *DB) readAll(ctx context.Context, text string, bound []any, each func(*sql.Rows) error) error {
	var on interface {
		QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	}
	if t := d.joined(ctx); t != nil {
		on = t.tx.Tx
	} else {
		conn, err := d.read.DB.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }() // it can only say that it is closed
		on = conn
	}
	unwatched, err := d.unwatched(ctx)
	if err != nil {
		return err
	}
	rows, err := on.QueryContext(unwatched, text, bound...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// unwatched is a context that SQLite's driver does not watch while a statement runs: the goroutines that do cost as much as
// a statement that finds its row by an index, and whoever reads many rows looks at the context itself between them.
func (d *DB) unwatched(ctx context.Context) (context.Context, error) {
	if d.dialect == SQLite {
		return context.WithoutCancel(ctx), ctx.Err()
	}
	return ctx, nil
}

// Write runs a statement in the transaction of ctx, and returns how many rows it changed. One of the args may be a List.
func (d *DB) Write(ctx context.Context, text string, args ...any) (changed int64, err error) {
	err = d.parts(args, func(args []any) error {
		n, err := d.WriteEach(ctx, text, [][]any{args})
		if err == nil {
			changed += n[0]
		}
		return err
	})
	return changed, err
}

// WriteEach runs a statement in the transaction of ctx with each of some sets of values, and returns how many rows each
// of them changed. It costs one round trip. Lists must be of one length.
func (d *DB) WriteEach(ctx context.Context, text string, sets [][]any) (changed []int64, err error) {
	if len(sets) == 0 {
		return nil, nil
	}
	t := d.joined(ctx)
	if t == nil {
		return nil, fmt.Errorf("a write outside of a transaction: %s", text)
	}
	full, bound := "", make([][]any, len(sets))
	for i, args := range sets {
		full, bound[i] = d.bind(text, args)
	}
	changed = make([]int64, len(sets))
	err = d.observed(ctx, text, sets[0], func() error {
		if d.dialect == Postgres && len(sets) > 1 {
			return t.pipeline(ctx, full, bound, changed)
		}
		for i := range bound {
			unwatched, err := d.unwatched(ctx)
			if err != nil {
				return err
			}
			res, err := t.tx.Tx.ExecContext(unwatched, full, bound[i]...)
			if err != nil {
				return err
			}
			if changed[i], err = res.RowsAffected(); err != nil {
				return err
			}
		}
		return nil
	})
	return changed, err
}

// pipeline sends all runs of a statement to PostgreSQL before it waits for the first answer.
func (t *transaction) pipeline(ctx context.Context, text string, sets [][]any, changed []int64) error {
	return t.conn.Raw(func(c any) error {
		conn := c.(*stdlib.Conn).Conn()
		if _, err := conn.Prepare(ctx, text, text); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, args := range sets {
			batch.Queue(text, args[1:]...) // the first is for database/sql
		}
		results := conn.SendBatch(ctx, batch)
		for i := range sets {
			tag, err := results.Exec()
			if err != nil {
				_ = results.Close() // with the same error
				return err
			}
			changed[i] = tag.RowsAffected()
		}
		return results.Close()
	})
}

// parts runs something with parts of a long List, and not at all with an empty one.
func (d *DB) parts(args []any, run func(args []any) error) error {
	at := slices.IndexFunc(args, func(a any) bool { _, is := a.(List); return is })
	if at < 0 {
		return run(args)
	}
	for part := range slices.Chunk(args[at].(List), mostListed) {
		some := slices.Clone(args)
		some[at] = padded(part)
		if err := run(some); err != nil {
			return err
		}
	}
	return nil
}

// statement finds the text of a statement whose Lists have so many values.
type statement struct {
	text   string
	listed int
}

// bind is a statement as the engine wants it, and its values.
func (d *DB) bind(text string, args []any) (string, []any) {
	key := statement{text: text}
	bound := make([]any, 0, len(args)+1)
	if d.dialect == Postgres {
		bound = append(bound, pgx.QueryExecModeCacheStatement)
	}
	for _, a := range args {
		if list, is := a.(List); is {
			key.listed = len(list)
			for _, v := range list {
				bound = append(bound, d.value(v))
			}
			continue
		}
		bound = append(bound, d.value(a))
	}
	if full, ok := d.texts.Load(key); ok {
		return full.(string), bound
	}
	full := text
	if key.listed > 0 {
		full = strings.Replace(full, "IN (?)", "IN (?"+strings.Repeat(", ?", key.listed-1)+")", 1)
	}
	if d.dialect == Postgres {
		full = numbered(full)
	}
	d.texts.Store(key, full)
	return full, bound
}

// numbered writes $1, $2 … for each ?.
func numbered(text string) string {
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(text, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("$" + strconv.Itoa(n))
		text = after
	}
}

// sqliteTime is how bun writes times into SQLite, where they are compared as text.
const sqliteTime = "2006-01-02 15:04:05.999999-07:00"

// value is a value as the engine keeps it: times are in UTC, and to the microsecond.
func (d *DB) value(v any) any {
	switch t := v.(type) {
	case time.Time:
		if d.dialect == SQLite {
			return t.UTC().Format(sqliteTime)
		}
		return t.UTC()
	case *time.Time:
		if t == nil {
			return nil
		}
		return d.value(*t)
	}
	return v
}

// observed tells the hooks of a statement.
func (d *DB) observed(ctx context.Context, text string, args []any, run func() error) error {
	if len(d.hooks) == 0 {
		return run()
	}
	shown := make([]any, len(args))
	for i, a := range args {
		if list, is := a.(List); is {
			a = bun.List(list)
		}
		shown[i] = a
	}
	event := &bun.QueryEvent{DB: d.read, Query: string(d.read.QueryGen().AppendQuery(nil, text, shown...)), QueryTemplate: text, QueryArgs: args, StartTime: time.Now()}
	for _, hook := range d.hooks {
		ctx = hook.BeforeQuery(ctx, event)
	}
	event.Err = run()
	for _, hook := range d.hooks {
		hook.AfterQuery(ctx, event)
	}
	return event.Err
}

// InsertText is an INSERT of a row with these columns, for WriteEach. What is in rest, such as ON CONFLICT, follows.
func InsertText(table string, columns []string, rest string) string {
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ") " + rest
}

// UpdateText is an UPDATE of these columns where a condition holds, for WriteEach.
func UpdateText(table string, columns []string, where string) string {
	return "UPDATE " + table + " SET " + strings.Join(columns, " = ?, ") + " = ? WHERE " + where
}

// JSON is a value that is kept as JSON in a TEXT column. Both drivers take what it returns.
func JSON(v any) driver.Valuer { return jsonValue{v} }

type jsonValue struct{ v any }

// Value implements driver.Valuer.
func (j jsonValue) Value() (driver.Value, error) {
	text, err := json.Marshal(j.v)
	return string(text), err
}

// ReadIn is Read of what a scope sees. The text ends with its conditions, on a table that has a project_id.
func (d *DB) ReadIn(ctx context.Context, s Scope, text string, args []any, each func(*sql.Rows) error) error {
	switch {
	case s.everywhere:
	case s.projectID == "":
		return nil
	default:
		text, args = text+" AND project_id = ?", append(slices.Clone(args), s.projectID)
	}
	return d.Read(ctx, text, args, each)
}
