package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// txKey finds a database's transaction in a context; by database, as a process may have several.
type txKey struct{ d *DB }

// transaction is an outermost transaction. One goroutine uses it at a time.
type transaction struct {
	tx     bun.Tx
	conn   bun.Conn    // that it is on
	joint  map[any]any // what Join keeps
	before []func(ctx context.Context) error
	after  []func()
	doomed error // of an inner Tx: half of its writes may be there
	over   atomic.Bool
}

// joined is the transaction of a context, if it is not over.
func (d *DB) joined(ctx context.Context) *transaction {
	t, _ := ctx.Value(txKey{d}).(*transaction)
	if t == nil || t.over.Load() {
		return nil
	}
	return t
}

// tries is how often Tx runs its work before it gives up on conflicts with others.
const tries = 12

// Tx runs fn in a transaction, and commits if fn returns nil. Within another Tx it joins that one: everything commits
// with the outermost or not at all, so when an inner one fails, the outermost is rolled back even if the error between
// them is dropped. fn must use the context that it is given, and may run several times: when the engine reports a
// conflict with another transaction, the outermost starts again. What must happen once goes to AfterCommit.
func (d *DB) Tx(ctx context.Context, fn func(ctx context.Context) error) error {
	if t := d.joined(ctx); t != nil {
		err := fn(ctx)
		if err != nil && t.doomed == nil {
			t.doomed = err
		}
		return err
	}
	var err error
	for try := range tries {
		if try > 0 {
			if stop := pause(ctx, try); stop != nil {
				return errors.Join(stop, err)
			}
		}
		err = d.once(ctx, fn)
		if err == nil || !isConflict(err) {
			return err
		}
	}
	f := fault.Wrap(fault.Unavailable, err, "too many requests changed the same things at the same time; try again")
	f.RetryAfter = time.Second
	return f
}

// once runs fn in one transaction, and after its commit what was put off until then.
func (d *DB) once(ctx context.Context, fn func(ctx context.Context) error) error {
	t, err := d.commit(ctx, fn)
	if err != nil {
		return err
	}
	for _, f := range t.after {
		f()
	}
	return nil
}

// commit runs fn in one transaction and gives its connection back.
func (d *DB) commit(ctx context.Context, fn func(ctx context.Context) error) (*transaction, error) {
	conn, err := d.connection(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // it can only say that it is closed
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("beginning a transaction: %w", err)
	}
	t := &transaction{tx: tx, conn: conn}
	defer func() {
		t.over.Store(true)
		_ = tx.Rollback() // does nothing after the commit, and else the cause is on its way
	}()
	within := context.WithValue(ctx, txKey{d}, t)
	if err := fn(within); err != nil {
		return nil, err
	}
	if err := t.finish(within); err != nil {
		return nil, err
	}
	if t.doomed != nil {
		return nil, fmt.Errorf("a part of the transaction failed: %w", t.doomed)
	}
	if err := tx.Commit(); err != nil {
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil { // database/sql rolled it back when the context ended
			err = errors.Join(ctx.Err(), err)
		}
		return nil, fmt.Errorf("committing: %w", err)
	}
	return t, nil
}

// connection waits for a connection that may write, but not for ever: a Tx inside another one's fn that was not given
// its context would otherwise wait for itself.
func (d *DB) connection(ctx context.Context) (bun.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, d.patient)
	defer cancel()
	conn, err := d.write.Conn(wait)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return bun.Conn{}, fault.Wrap(fault.Unavailable, err, "the database was busy writing for %s; try again later", d.patient)
	default:
		return bun.Conn{}, fmt.Errorf("getting a connection to the database: %w", err)
	}
}

// AfterCommit runs fn once, after the outermost transaction of ctx is committed, in the order of the calls; if it is
// rolled back, never. Without a transaction it runs at once.
func (d *DB) AfterCommit(ctx context.Context, fn func()) {
	if t := d.joined(ctx); t != nil {
		t.after = append(t.after, fn)
		return
	}
	fn()
}

// Join puts an item to those that were given with the same key in the outermost transaction of ctx. Right before its
// commit write is called, once, with all of them: so that what many calls have to write costs one statement. write is
// called at once where there is no transaction.
func Join[T any](ctx context.Context, d *DB, key any, item T, write func(ctx context.Context, items []T) error) error {
	t := d.joined(ctx)
	if t == nil {
		return write(ctx, []T{item})
	}
	if items, ok := t.joint[key].(*[]T); ok {
		*items = append(*items, item)
		return nil
	}
	items := &[]T{item}
	if t.joint == nil {
		t.joint = map[any]any{}
	}
	t.joint[key] = items
	t.before = append(t.before, func(ctx context.Context) error {
		delete(t.joint, key) // what write itself adds is written after it
		return write(ctx, *items)
	})
	return nil
}

// finish writes what Join has put off.
func (t *transaction) finish(ctx context.Context) error {
	for t.doomed == nil && len(t.before) > 0 {
		write := t.before[0]
		t.before = t.before[1:]
		if err := write(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pause waits before a try, longer each time, up to a quarter of a second.
func pause(ctx context.Context, try int) error {
	most := min(time.Millisecond<<try, 250*time.Millisecond)
	timer := time.NewTimer(most/2 + rand.N(most/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
