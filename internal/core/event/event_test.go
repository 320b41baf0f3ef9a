package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

var _ Publisher = (*bus.Bus)(nil)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func sets() []db.Migrations { return []db.Migrations{Migrations()} }

// patient is a log that takes nothing for left behind, however slow the machine: its events are told once.
func patient(d *db.DB, b Publisher) *Log {
	l := New(d, b, quiet())
	l.relayAfter = time.Hour
	return l
}

// hasty is a log that relays soon.
func hasty(d *db.DB, b Publisher) *Log {
	l := New(d, b, quiet())
	l.relayAfter = 200 * time.Millisecond
	return l
}

// running runs a log until the test's end, or until stop.
func running(t *testing.T, l *Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var err error
	group.Go(func() { err = l.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		group.Wait()
		require.NoError(t, err)
	})
	t.Cleanup(stop)
	return stop
}

func hear(l *Log, prefix string) chan Event {
	heard := make(chan Event, 10000)
	l.Subscribe(prefix, func(ev Event) { heard <- ev })
	return heard
}

func next(t *testing.T, heard chan Event) Event {
	t.Helper()
	select {
	case ev := <-heard:
		return ev
	case <-time.After(time.Minute):
		t.Fatal("no event came")
		return Event{}
	}
}

func unpublished(t *testing.T, d *db.DB) int {
	t.Helper()
	n, err := d.Q(t.Context()).NewSelect().Model((*row)(nil)).Where("NOT published").Count(t.Context())
	require.NoError(t, err)
	return int(n)
}

func onBus(t *testing.T) *bus.Server {
	t.Helper()
	s, err := bus.Start(bus.Config{}, quiet())
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func connected(t *testing.T, s *bus.Server) *bus.Bus {
	t.Helper()
	b, err := s.Connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func TestEventsAreDeliveredAfterTheCommitOnly(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		l := patient(d, nil)
		heard, all := hear(l, "compute.server."), hear(l, "")
		stop := running(t, l)
		ev := Event{
			Type: "compute.server.updated", Object: "server", ObjectID: "s1", ProjectID: "p1",
			Data: json.RawMessage(`{"it's":["so"]}`), At: time.Date(2026, 1, 2, 3, 4, 5, 6789, time.Local),
		}
		require.Error(t, d.Tx(t.Context(), func(ctx context.Context) error {
			require.NoError(t, l.Add(ctx, Event{Type: "compute.server.never"}))
			return errors.New("rolled back")
		}))
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			require.NoError(t, l.Add(ctx, ev))
			require.NoError(t, l.Add(ctx, Event{Type: "compute.servers"}))
			require.Empty(t, all)
			return nil
		}))
		got := next(t, heard)
		require.NotZero(t, got.ID)
		ev.ID, ev.At = got.ID, time.Date(2026, 1, 2, 3, 4, 5, 6000, time.Local).UTC()
		require.Equal(t, ev, got)
		require.Equal(t, "compute.server.updated", next(t, all).Type)
		require.Equal(t, "compute.servers", next(t, all).Type)

		require.NoError(t, l.Add(t.Context(), Event{Type: "x"}), "alone it is a transaction of its own")
		require.Equal(t, "x", next(t, all).Type)
		require.Error(t, l.Add(t.Context(), Event{}))
		stop()
		require.Zero(t, unpublished(t, d))
		require.Empty(t, heard)

		var stored []row
		require.NoError(t, d.Q(t.Context()).NewSelect().Model(&stored).Order("id").Scan(t.Context()))
		require.Len(t, stored, 3)
		require.Equal(t, ev, stored[0].event(), "it is kept as it was")
	})
}

func TestWhoDoesNotListenDoesNotHear(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	l := patient(d, nil)
	running(t, l)
	all := hear(l, "")
	cancelled := make(chan Event, 1)
	cancel := l.Subscribe("", func(ev Event) { cancelled <- ev })
	cancel()
	require.NoError(t, l.Add(t.Context(), Event{Type: "x"}))
	next(t, all)
	require.Empty(t, cancelled)
}

// A subscriber that hangs delays other events, but no commit.
func TestASlowSubscriberBlocksNoCommit(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	l := patient(d, nil)
	free := make(chan struct{})
	l.Subscribe("", func(Event) { <-free })
	all := hear(l, "")
	running(t, l)
	for i := range 100 {
		require.NoError(t, l.Add(t.Context(), Event{Type: fmt.Sprint(i)}))
	}
	close(free)
	for i := range 100 {
		require.Equal(t, fmt.Sprint(i), next(t, all).Type, "in their order")
	}
}

func TestOtherControlNodesHear(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		s := onBus(t)
		one, two := patient(d, connected(t, s)), patient(d, connected(t, s))
		atOne, atTwo := hear(one, ""), hear(two, "")
		running(t, one)
		running(t, two)
		for listening := false; !listening; { // the first ones may come before the second listens
			require.NoError(t, one.Add(t.Context(), Event{Type: "probe"}))
			next(t, atOne)
			select {
			case <-atTwo:
				listening = true
			case <-time.After(10 * time.Millisecond):
			}
		}
		require.NoError(t, one.Add(t.Context(), Event{Type: "last", Data: json.RawMessage(`{}`)}))
		for next(t, atTwo).Type != "last" { // of probes, more may be on their way
		}
		require.Equal(t, "last", next(t, atOne).Type)
		require.Empty(t, atOne, "each is heard once where it happened")
	})
}

func TestTheRelayFindsWhatACrashLeft(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		s := onBus(t)
		dead := New(d, connected(t, s), quiet()) // its Run never runs
		require.NoError(t, dead.Add(t.Context(), Event{Type: "fresh"}))
		const many = batch + 10
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			old := idAt(time.Now().Add(-time.Minute))
			for i := range many {
				_, err := d.Q(ctx).NewInsert().Model(&row{ID: old + int64(i), At: time.Now(), Type: "left"}).Exec(ctx)
				if err != nil {
					return err
				}
			}
			return nil
		}))
		l, other := hasty(d, connected(t, s)), patient(d, connected(t, s))
		here, there := hear(l, ""), hear(other, "")
		stop := listen(t, other)
		running(t, l)
		for range many {
			require.Equal(t, "left", next(t, here).Type)
			require.Equal(t, "left", next(t, there).Type)
		}
		require.Equal(t, "fresh", next(t, here).Type, "once it is old enough")
		stop()
		require.Eventually(t, func() bool { return unpublished(t, d) == 0 }, time.Minute, 10*time.Millisecond)
	})
}

// listen makes a log hear the bus without relaying anything itself.
func listen(t *testing.T, l *Log) (stop func()) {
	t.Helper()
	cancel, err := l.bus.Listen(subject, l.receive)
	require.NoError(t, err)
	return cancel
}

// broken is a bus that has no connection while it is told so.
type broken struct {
	Publisher
	mu   sync.Mutex
	down bool
}

func (b *broken) Publish(subject string, v any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return errors.New("disconnected")
	}
	return b.Publisher.Publish(subject, v)
}

func TestEventsOutliveALostBus(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	s := onBus(t)
	b := &broken{Publisher: connected(t, s), down: true}
	l, other := hasty(d, b), patient(d, connected(t, s))
	here, there := hear(l, ""), hear(other, "")
	listen(t, other)
	running(t, l)
	require.NoError(t, l.Add(t.Context(), Event{Type: "x"}))
	require.Equal(t, "x", next(t, here).Type, "this process does not wait for the others")
	require.NoError(t, l.mark(t.Context()))
	require.Equal(t, 1, unpublished(t, d))
	b.mu.Lock()
	b.down = false
	b.mu.Unlock()
	require.Equal(t, "x", next(t, there).Type)
}

func TestOldEventsAreRemoved(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			var rows []row
			for i := range batch + 3 {
				rows = append(rows, row{ID: idAt(time.Now().Add(-kept-time.Hour)) + int64(i), At: time.Now(), Type: "old"})
			}
			rows = append(rows, row{ID: idAt(time.Now().Add(-kept + time.Hour)), At: time.Now(), Type: "new"})
			_, err := d.Q(ctx).NewInsert().Model(&rows).Exec(ctx)
			return err
		}))
		require.NoError(t, New(d, nil, quiet()).prune(t.Context()))
		var left []string
		require.NoError(t, d.Q(t.Context()).NewSelect().Model((*row)(nil)).Column("type").Scan(t.Context(), &left))
		require.Equal(t, []string{"new"}, left)
	})
}

func TestIDsRiseProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var i ids
		now, last := time.Now(), int64(0)
		for _, step := range rapid.SliceOf(rapid.Int64Range(-5e6, 5e6)).Draw(r, "steps") { // clocks go back, too
			now = now.Add(time.Duration(step))
			id := i.next(now)
			require.Greater(r, id, last)
			require.Less(r, id, int64(1)<<53)
			last = id
		}
	})
}

func TestATakenIDIsNoFailure(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		l := New(d, nil, quiet())
		l.ids.last = idAt(time.Now().Add(time.Hour)) // so that the next ones are known
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error {
			for i := range int64(3) {
				_, err := d.Q(ctx).NewInsert().Model(&row{ID: l.ids.last + 1 + i, At: time.Now(), Type: "theirs"}).Exec(ctx)
				if err != nil {
					return err
				}
			}
			return l.Add(ctx, Event{Type: "ours"})
		}))
	})
}
