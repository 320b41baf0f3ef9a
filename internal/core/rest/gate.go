package rest

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// gate bounds how many requests are worked on and how many wait for it, so that an overload costs the callers time and
// never the server its memory. Clients that wait take turns: one with thousands of requests does not keep another's few
// waiting for all of them.
type gate struct {
	most, share int // how many may wait: of all clients, of one

	mu      sync.Mutex
	free    int // places for work; while there is one, nobody waits
	waiting int
	lines   map[string]*line
	turns   list.List // of *line: whose turn it is next
}

// line is the requests of one client that wait.
type line struct {
	client string
	queue  list.List // of *waiter
	turn   *list.Element
}

type waiter struct {
	ready   chan struct{}
	granted bool
}

func newGate(working, waiting, share int) *gate {
	if working == 0 {
		working = 256
	}
	if waiting == 0 {
		waiting = 25_000
	}
	if share == 0 {
		share = waiting * 9 / 10
	}
	return &gate{free: working, most: waiting, share: max(1, min(share, waiting)), lines: map[string]*line{}}
}

// enter waits for a place and returns the function that gives it back.
func (g *gate) enter(ctx context.Context, client string) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	if g.free > 0 {
		g.free--
		g.mu.Unlock()
		return g.leave, nil
	}
	l, at, err := g.join(client)
	g.mu.Unlock()
	if err != nil {
		return nil, err
	}
	w := at.Value.(*waiter)
	select {
	case <-w.ready:
	case <-ctx.Done():
		g.mu.Lock()
		if !w.granted {
			g.remove(l, at)
		}
		g.mu.Unlock()
	}
	if err := ctx.Err(); err != nil { // nobody waits for this answer any more
		if w.granted {
			g.leave()
		}
		return nil, err
	}
	return g.leave, nil
}

// join puts a request at the end of its client's line.
func (g *gate) join(client string) (*line, *list.Element, error) {
	l := g.lines[client]
	if l != nil && l.queue.Len() >= g.share {
		return nil, nil, &fault.Error{Class: fault.RateLimited, Message: "too many of your requests are waiting: try again in a second, with fewer at a time", RetryAfter: time.Second}
	}
	if g.waiting >= g.most {
		return nil, nil, busy("too many requests are waiting: try again in a second")
	}
	if l == nil {
		l = &line{client: client}
		l.turn = g.turns.PushBack(l)
		g.lines[client] = l
	}
	g.waiting++
	return l, l.queue.PushBack(&waiter{ready: make(chan struct{})}), nil
}

// remove takes a request out of its client's line.
func (g *gate) remove(l *line, at *list.Element) {
	g.waiting--
	l.queue.Remove(at)
	if l.queue.Len() == 0 {
		g.turns.Remove(l.turn)
		delete(g.lines, l.client)
	}
}

// leave gives a place to the next who waits.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	turn := g.turns.Front()
	if turn == nil {
		g.free++
		return
	}
	l := turn.Value.(*line)
	g.turns.MoveToBack(turn)
	at := l.queue.Front()
	g.remove(l, at)
	w := at.Value.(*waiter)
	w.granted = true
	close(w.ready)
}

func busy(message string) error {
	return &fault.Error{Class: fault.Unavailable, Message: message, RetryAfter: time.Second}
}
