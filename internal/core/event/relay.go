package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// subject is where control nodes tell each other of events.
const subject = "aloft.event"

const (
	relayAfter = 5 * time.Second
	// markEvery is how long events that were published wait for being marked, many at a time.
	markEvery  = 500 * time.Millisecond
	batch      = 500                // events in one message, and rows in one statement
	kept       = 7 * 24 * time.Hour // how long events are kept
	pruneEvery = 10 * time.Minute
	// lastMark is how long the marking may take that ends Run. What it doesn't mark is told once more, later.
	lastMark = 10 * time.Second
)

// message is what goes over the bus.
type message struct {
	Origin string  `json:"origin"`
	Events []Event `json:"events"`
}

// Run delivers events until ctx ends: those of this process after their commits, those of other control nodes as they
// tell them, and those that a crash has left behind. It removes old ones.
func (l *Log) Run(ctx context.Context) error {
	if l.bus != nil {
		cancel, err := l.bus.Listen(subject, l.receive)
		if err != nil {
			return fmt.Errorf("listening for events: %w", err)
		}
		defer cancel()
	}
	var keeper sync.WaitGroup
	keeper.Go(func() { l.keep(ctx) }) // apart, as it waits for the database and wake-ups must not
	for ctx.Err() == nil {
		select {
		case <-l.wake:
			l.publish(l.take())
		case <-ctx.Done():
		}
	}
	l.publish(l.take()) // what was committed before the end
	keeper.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMark)
	defer cancel()
	return l.mark(last)
}

// keep marks what was published, relays what was left behind, and removes what is old.
func (l *Log) keep(ctx context.Context) {
	mark, relay, prune := time.NewTicker(markEvery), time.NewTicker(l.relayAfter), time.NewTicker(pruneEvery)
	defer mark.Stop()
	defer relay.Stop()
	defer prune.Stop()
	l.try(ctx, "relaying", l.relay)
	l.try(ctx, "removing old events", l.prune)
	for {
		select {
		case <-mark.C:
			l.try(ctx, "marking", l.mark)
		case <-relay.C:
			l.try(ctx, "relaying", l.relay)
		case <-prune.C:
			l.try(ctx, "removing old events", l.prune)
		case <-ctx.Done():
			return
		}
	}
}

func (l *Log) try(ctx context.Context, what string, fn func(context.Context) error) {
	if err := fn(ctx); err != nil && ctx.Err() == nil {
		l.log.WarnContext(ctx, "the event log will try again", "doing", what, "error", err)
	}
}

// publish delivers events here and tells the other control nodes. If it cannot, the events stay unmarked for the relay.
func (l *Log) publish(evs []Event) {
	l.deliver(evs)
	for some := range slices.Chunk(evs, batch) {
		if l.bus != nil {
			if err := l.bus.Publish(subject, message{Origin: l.origin, Events: some}); err != nil {
				l.log.Warn("other control nodes are told of events later", "events", len(some), "error", err)
				continue
			}
		}
		l.mu.Lock()
		for _, ev := range some {
			l.published = append(l.published, ev.ID)
		}
		l.mu.Unlock()
	}
}

// receive delivers the events of another control node.
func (l *Log) receive(data []byte) {
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		l.log.Error("a message about events cannot be decoded", "error", err)
		return
	}
	if m.Origin != l.origin {
		l.deliver(m.Events)
	}
}

// mark notes in the database what was published.
func (l *Log) mark(ctx context.Context) error {
	l.mu.Lock()
	ids := l.published
	l.published = nil
	l.mu.Unlock()
	for len(ids) > 0 {
		some := ids[:min(batch, len(ids))]
		err := l.db.Tx(ctx, func(ctx context.Context) error {
			_, err := l.db.Write(ctx, "UPDATE events SET published = ? WHERE id IN (?)", true, db.ListOf(some))
			return err
		})
		if err != nil {
			l.mu.Lock()
			l.published = append(ids, l.published...)
			l.mu.Unlock()
			return err
		}
		ids = ids[len(some):]
	}
	return nil
}

// relay publishes what was left behind, by whichever control node.
func (l *Log) relay(ctx context.Context) error {
	if err := l.mark(ctx); err != nil { // else this process' own would look left behind
		return err
	}
	after, before := int64(0), idAt(time.Now().Add(-l.relayAfter))
	for {
		var rows []row
		err := l.db.Q(ctx).NewSelect().Model(&rows).Where("NOT published").Where("id > ?", after).Where("id < ?", before).
			Order("id").Limit(batch).Scan(ctx)
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		if len(rows) == 0 {
			return l.mark(ctx)
		}
		evs := make([]Event, 0, len(rows))
		for _, row := range rows {
			evs = append(evs, row.event())
		}
		l.publish(evs)
		after = rows[len(rows)-1].ID
	}
}

func (r *row) event() Event {
	ev := Event{ID: r.ID, At: r.At, Type: r.Type, Object: r.Object, ObjectID: r.ObjectID, ProjectID: r.ProjectID}
	if r.Data != "" {
		ev.Data = json.RawMessage(r.Data)
	}
	return ev
}

// prune removes what is too old, a piece at a time so that others can write meanwhile.
func (l *Log) prune(ctx context.Context) error {
	old := idAt(time.Now().Add(-kept))
	done := errors.New("nothing is left")
	for {
		err := l.db.Tx(ctx, func(ctx context.Context) error {
			q := l.db.Q(ctx)
			some := q.NewSelect().Model((*row)(nil)).Column("id").Where("id < ?", old).Order("id").Limit(batch)
			res, err := q.NewDelete().Model((*row)(nil)).Where("id IN (?)", some).Exec(ctx)
			return db.MustChange(res, err, done)
		})
		if errors.Is(err, done) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
