// Package batch does at once what several callers ask for at the same moment, as databases commit in groups.
//
// Whoever comes while nobody works, works: for itself and for all who wait. Who comes meanwhile waits, and one of those
// works next. So a caller that is alone waits for nobody, and the busier it gets the more is done by one statement. There
// is no goroutine of its own, no timer, and nothing to start or stop.
package batch

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Group joins what is asked for. It is safe for concurrent use.
type Group[T any] struct {
	do   func(ctx context.Context, items []T) error
	most int
	turn chan struct{} // has something while somebody works

	mu      sync.Mutex
	waiting []*member[T]
}

type member[T any] struct {
	item T
	done chan error
}

// New returns a group that calls do with at most so many items, all of which it does or none. Its context does not end
// when a caller goes away, and carries values of one of them. When do fails with several, each half of them is tried
// again, so that one that can't be done harms no other; but not when the failure is Unavailable, as that is nobody's own.
func New[T any](most int, do func(ctx context.Context, items []T) error) *Group[T] {
	return &Group[T]{do: do, most: most, turn: make(chan struct{}, 1)}
}

// Do returns when the item is done, or has failed. Where ctx ends before anybody has begun with it, it is left out.
func (g *Group[T]) Do(ctx context.Context, item T) error {
	m := &member[T]{item: item, done: make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	g.mu.Unlock()
	select {
	case err := <-m.done:
		return err
	case <-ctx.Done():
		if g.leave(m) {
			return ctx.Err()
		}
		return <-m.done
	case g.turn <- struct{}{}:
	}
	defer func() { <-g.turn }()
	for {
		select {
		case err := <-m.done:
			return err
		default:
			g.work(context.WithoutCancel(ctx))
		}
	}
}

// leave takes out a member that nobody has begun with; false if somebody has.
func (g *Group[T]) leave(m *member[T]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.Index(g.waiting, m)
	if at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
	}
	return at >= 0
}

func (g *Group[T]) take() []*member[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), g.most)
	taken := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return taken
}

var errPanic = errors.New("what was done for several callers at once has panicked")

// work does those who have waited longest.
func (g *Group[T]) work(ctx context.Context) {
	members := g.take()
	told := false
	defer func() {
		if !told { // do panics: the panic is its caller's, and the others must not wait for ever
			for _, m := range members {
				tell(m, errPanic)
			}
		}
	}()
	g.try(ctx, members)
	told = true
}

func (g *Group[T]) try(ctx context.Context, members []*member[T]) {
	items := make([]T, len(members))
	for i, m := range members {
		items[i] = m.item
	}
	err := g.do(ctx, items)
	if err != nil && len(members) > 1 && !fault.Is(err, fault.Unavailable) {
		g.try(ctx, members[:len(members)/2])
		g.try(ctx, members[len(members)/2:])
		return
	}
	for _, m := range members {
		tell(m, err)
	}
}

// tell never blocks: done has room for the one answer that counts.
func tell[T any](m *member[T], err error) {
	select {
	case m.done <- err:
	default:
	}
}
