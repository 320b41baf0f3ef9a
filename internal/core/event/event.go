// Package event tells what has happened, and never what has not.
//
// An event is a row that is written in the transaction of the change that it tells of. After the commit it is delivered
// to the subscribers in this process and, over the bus, in the other control nodes. If the process dies between, the
// row is still marked as not published, and the relay of any control node delivers it. So an event is delivered at
// least once, soon, and in no strict order: it is a wake-up, and whoever hears it reads the truth from the tables.
package event

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of events.
func Migrations() db.Migrations {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the name above is not a path
	}
	return db.Migrations{Name: "event", FS: sub}
}

// Event is one thing that happened.
type Event struct {
	ID        int64           `json:"id"`   // set before the commit; rises with time, and fits into 53 bits
	At        time.Time       `json:"at"`   // set by Add if zero
	Type      string          `json:"type"` // "compute.server.updated"
	Object    string          `json:"object"`
	ObjectID  string          `json:"object_id"`
	ProjectID string          `json:"project_id"` // empty if it belongs to none
	Data      json.RawMessage `json:"data,omitempty"`
}

// Publisher is the bus, as far as events need it.
type Publisher interface {
	Publish(subject string, v any) error
	Listen(subject string, fn func(data []byte)) (cancel func(), err error)
}

// Log is where events are added and heard of.
type Log struct {
	db     *db.DB
	bus    Publisher
	log    *slog.Logger
	origin string // of this process' events on the bus
	ids    ids
	// relayAfter is the age at which an event that is not marked is taken for left behind, and how often that is looked for.
	relayAfter time.Duration

	subs  atomic.Pointer[[]*subscriber]
	subMu sync.Mutex // held by those who replace subs

	wake chan struct{} // has something when pending is not empty

	mu        sync.Mutex
	pending   []Event // committed, and not delivered yet
	published []int64 // and not marked yet
}

type subscriber struct {
	prefix string
	fn     func(Event)
}

type row struct {
	bun.BaseModel `bun:"table:events,alias:ev"`
	ID            int64     `bun:"id,pk"`
	At            time.Time `bun:"at"`
	Type          string    `bun:"type"`
	Object        string    `bun:"object"`
	ObjectID      string    `bun:"object_id"`
	ProjectID     string    `bun:"project_id"`
	Data          string    `bun:"data"`
	Published     bool      `bun:"published"`
}

var insertEvent = db.InsertText("events", []string{"id", "at", "type", "object", "object_id", "project_id", "data", "published"},
	"ON CONFLICT (id) DO NOTHING")

// New returns the log of events. b is nil where there is one control node only.
func New(d *db.DB, b Publisher, log *slog.Logger) *Log {
	l := &Log{db: d, bus: b, log: log, origin: rand.Text(), relayAfter: relayAfter, wake: make(chan struct{}, 1)}
	l.subs.Store(&[]*subscriber{})
	return l
}

// Add writes an event in the transaction of ctx, and delivers it once that is committed. All events of a transaction
// are written by one statement, right before the commit.
func (l *Log) Add(ctx context.Context, ev Event) error {
	if ev.Type == "" {
		return errors.New("an event needs a type")
	}
	if ev.At.IsZero() {
		ev.At = time.Now()
	}
	ev.At = ev.At.UTC().Truncate(time.Microsecond)
	return l.db.Tx(ctx, func(ctx context.Context) error { return db.Join(ctx, l.db, l, ev, l.write) })
}

// write inserts the events of a transaction, with ids that no others have: another control node may have taken the same
// at the same moment.
func (l *Log) write(ctx context.Context, evs []Event) error {
	for some := range slices.Chunk(evs, batch) {
		for left := pointers(some); len(left) > 0; {
			added, err := l.insert(ctx, left)
			if err != nil {
				return fmt.Errorf("adding %d events: %w", len(left), err)
			}
			left = slices.DeleteFunc(left, func(ev *Event) bool { return added[ev.ID] })
		}
	}
	l.db.AfterCommit(ctx, func() { l.push(evs) })
	return nil
}

func pointers(evs []Event) []*Event {
	out := make([]*Event, len(evs))
	for i := range evs {
		out[i] = &evs[i]
	}
	return out
}

// insert gives events ids and inserts those whose id is not taken, which it returns.
func (l *Log) insert(ctx context.Context, evs []*Event) (map[int64]bool, error) {
	rows, now := make([][]any, len(evs)), time.Now()
	for i, ev := range evs {
		ev.ID = l.ids.next(now)
		rows[i] = []any{ev.ID, ev.At, ev.Type, ev.Object, ev.ObjectID, ev.ProjectID, string(ev.Data), false}
	}
	changed, err := l.db.WriteEach(ctx, insertEvent, rows)
	added := make(map[int64]bool, len(evs))
	for i, n := range changed {
		added[evs[i].ID] = n > 0
	}
	return added, err
}

// Subscribe calls fn for each event whose type begins with a prefix, of this process and of the other control nodes,
// while Run runs. Events wait for one another, so fn must not block: it wakes a queue. fn may still be running
// when cancel returns.
func (l *Log) Subscribe(prefix string, fn func(Event)) (cancel func()) {
	s := &subscriber{prefix: prefix, fn: fn}
	l.replace(func(subs []*subscriber) []*subscriber { return append(slices.Clone(subs), s) })
	return func() {
		l.replace(func(subs []*subscriber) []*subscriber {
			return slices.DeleteFunc(slices.Clone(subs), func(x *subscriber) bool { return x == s })
		})
	}
}

func (l *Log) replace(change func([]*subscriber) []*subscriber) {
	l.subMu.Lock()
	defer l.subMu.Unlock()
	subs := change(*l.subs.Load())
	l.subs.Store(&subs)
}

// push hands events to Run. It never blocks.
func (l *Log) push(evs []Event) {
	l.mu.Lock()
	l.pending = append(l.pending, evs...)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *Log) take() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	evs := l.pending
	l.pending = nil
	return evs
}

// deliver calls this process' subscribers.
func (l *Log) deliver(evs []Event) {
	subs := *l.subs.Load()
	for _, ev := range evs {
		for _, s := range subs {
			if strings.HasPrefix(ev.Type, s.prefix) {
				s.fn(ev)
			}
		}
	}
}
