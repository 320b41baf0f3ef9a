package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

func TestNestedJoins(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			if err := d.Tx(ctx, func(ctx context.Context) error { return insert(ctx, d, example("inner")) }); err != nil {
				return err
			}
			n, err := d.Select(ctx, db.Everywhere(), (*thing)(nil)).Count(ctx)
			require.EqualValues(t, 1, n, "a transaction reads its own writes")
			require.Empty(t, ids(t, d, db.Everywhere()), "and nobody else does")
			return err
		}))
		require.Equal(t, []string{"inner"}, ids(t, d, db.Everywhere()))
	})
}

func TestAnInnerFailureRollsBackAll(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		broken := errors.New("broken")
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			require.NoError(t, insert(ctx, d, example("outer")))
			inner := d.Tx(ctx, func(ctx context.Context) error {
				require.NoError(t, insert(ctx, d, example("inner")))
				return broken
			})
			require.ErrorIs(t, inner, broken)
			return nil // dropping the error does not help
		})
		require.ErrorIs(t, err, broken)
		require.Empty(t, ids(t, d, db.Everywhere()))
	})
}

func TestPanicAndCancelRollBack(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		require.PanicsWithValue(t, "ouch", func() {
			_ = d.Tx(t.Context(), func(ctx context.Context) error {
				require.NoError(t, insert(ctx, d, example("a")))
				panic("ouch")
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Tx(ctx, func(ctx context.Context) error {
			require.NoError(t, insert(ctx, d, example("b")))
			cancel()
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
		put(t, d, example("c")) // the connection is free again
		require.Equal(t, []string{"c"}, ids(t, d, db.Everywhere()))
	})
}

func TestAfterCommit(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		var said []string
		say := func(s string) func() { return func() { said = append(said, s) } }
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			d.AfterCommit(ctx, say("one"))
			err := d.Tx(ctx, func(ctx context.Context) error {
				d.AfterCommit(ctx, func() {
					say("two")()
					require.Equal(t, []string{"a"}, ids(t, d, db.Everywhere()), "it is committed")
					d.AfterCommit(ctx, say("at once"))
					require.NoError(t, d.Tx(ctx, func(ctx context.Context) error { return insert(ctx, d, example("b")) }))
				})
				return insert(ctx, d, example("a"))
			})
			d.AfterCommit(ctx, say("three"))
			require.Empty(t, said)
			return err
		}))
		require.Equal(t, []string{"one", "two", "at once", "three"}, said)
		require.Equal(t, []string{"a", "b"}, ids(t, d, db.Everywhere()))

		said = nil
		require.Error(t, d.Tx(t.Context(), func(ctx context.Context) error {
			d.AfterCommit(ctx, say("never"))
			return errors.New("no")
		}))
		require.Empty(t, said)
		d.AfterCommit(t.Context(), say("now"))
		require.Equal(t, []string{"now"}, said)
	})
}

// Each writer reads a sum and writes one more; only isolation and retries make the sum right.
func TestConcurrentWriters(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		x := example("counter")
		x.Count = 0
		put(t, d, x)
		const writers, each = 8, 10
		var commits atomic.Int64
		var done sync.WaitGroup
		for w := range writers {
			done.Go(func() {
				for i := range each {
					for { // giving up is allowed, and being told so
						err := d.Tx(t.Context(), func(ctx context.Context) error {
							d.AfterCommit(ctx, func() { commits.Add(1) })
							return increment(ctx, d, fmt.Sprintf("w%d-%d", w, i))
						})
						if !fault.Is(err, fault.Unavailable) {
							require.NoError(t, err)
							break
						}
					}
				}
			})
		}
		done.Wait()
		require.EqualValues(t, writers*each, commits.Load())
		got := &thing{}
		require.NoError(t, d.Select(t.Context(), db.Everywhere(), got).Where("id = ?", "counter").Scan(t.Context()))
		require.EqualValues(t, writers*each, got.Count)
		require.Len(t, ids(t, d, db.Everywhere()), writers*each+1)
	})
}

func increment(ctx context.Context, d *db.DB, id string) error {
	got := &thing{}
	if err := d.Select(ctx, db.Everywhere(), got).Where("id = ?", "counter").Scan(ctx); err != nil {
		return err
	}
	_, err := d.Q(ctx).NewUpdate().Model((*thing)(nil)).Set("count = ?", got.Count+1).Where("id = ?", "counter").Exec(ctx)
	if err != nil {
		return err
	}
	return insert(ctx, d, example(id))
}

// Two transactions that each read what the other writes cannot both be right, though they change different rows.
func TestIsolationIsSerializable(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		var runs atomic.Int64
		var both sync.WaitGroup
		for _, id := range []string{"a", "b"} {
			both.Go(func() {
				require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
					runs.Add(1)
					n, err := d.Select(ctx, db.Everywhere(), (*thing)(nil)).Count(ctx)
					if err != nil || n > 0 { // a quota of one
						return err
					}
					return insert(ctx, d, example(id))
				}))
			})
		}
		both.Wait()
		require.Len(t, ids(t, d, db.Everywhere()), 1)
	})
}

func TestATransactionOfAnotherContextDoesNotWaitForEver(t *testing.T) {
	d := dbtest.SQLite(t, tables()...)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.NoError(t, d.Tx(t.Context(), func(context.Context) error {
		err := d.Tx(ctx, func(context.Context) error { return nil }) // not the context that it was given
		require.ErrorIs(t, err, context.DeadlineExceeded)
		return nil
	}))
}

func BenchmarkTx(b *testing.B) {
	d := dbtest.SQLite(b, tables()...)
	ctx := b.Context()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if err := d.Tx(ctx, func(ctx context.Context) error { return insert(ctx, d, example(fmt.Sprint(i))) }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	d := dbtest.SQLite(b, tables()...)
	ctx := b.Context()
	if err := d.Tx(ctx, func(ctx context.Context) error { return insert(ctx, d, example("a")) }); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		x := &thing{}
		if err := d.Select(ctx, db.InProject("p"), x).Where("id = ?", "a").Scan(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func TestJoinedItemsAreWrittenOnceBeforeTheCommit(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		var calls [][]string
		write := func(ctx context.Context, items []string) error {
			calls = append(calls, items)
			for _, id := range items {
				if err := insert(ctx, d, example(id)); err != nil {
					return err
				}
			}
			if items[0] == "a" {
				return db.Join(ctx, d, "key", "of the write itself", func(ctx context.Context, items []string) error {
					calls = append(calls, items)
					return nil
				})
			}
			return nil
		}
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			require.NoError(t, db.Join(ctx, d, "key", "a", write))
			return d.Tx(ctx, func(ctx context.Context) error {
				require.Empty(t, calls)
				return db.Join(ctx, d, "key", "b", write)
			})
		}))
		require.Equal(t, [][]string{{"a", "b"}, {"of the write itself"}}, calls)
		require.Equal(t, []string{"a", "b"}, ids(t, d, db.Everywhere()))

		broken := errors.New("broken")
		require.ErrorIs(t, d.Tx(t.Context(), func(ctx context.Context) error {
			require.NoError(t, insert(ctx, d, example("c")))
			return db.Join(ctx, d, "key", "d", func(context.Context, []string) error { return broken })
		}), broken)
		require.Equal(t, []string{"a", "b"}, ids(t, d, db.Everywhere()), "a failure to write rolls back")
	})
}
