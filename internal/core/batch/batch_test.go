package batch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// gate is a do that says when it begins and waits to be let on.
type gate struct {
	begun chan []int
	on    chan error
}

func newGate() *gate { return &gate{make(chan []int), make(chan error)} }

func (g *gate) do(_ context.Context, items []int) error {
	g.begun <- slices.Clone(items)
	return <-g.on
}

func (g *gate) next(t *testing.T) []int {
	t.Helper()
	select {
	case items := <-g.begun:
		return items
	case <-time.After(time.Minute):
		require.FailNow(t, "nobody works")
		return nil
	}
}

// waiting waits until so many wait in a group.
func waiting[T any](t *testing.T, g *Group[T], n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.waiting) == n
	}, time.Minute, time.Millisecond)
}

func ask(g *Group[int], ctx context.Context, item int) <-chan error {
	out := make(chan error, 1)
	go func() { out <- g.Do(ctx, item) }()
	return out
}

func TestThoseWhoComeMeanwhileAreDoneTogether(t *testing.T) {
	gate := newGate()
	g := New(2, gate.do)
	first := ask(g, t.Context(), 1)
	require.Equal(t, []int{1}, gate.next(t))
	second := ask(g, t.Context(), 2)
	waiting(t, g, 1)
	third := ask(g, t.Context(), 3)
	waiting(t, g, 2)
	fourth := ask(g, t.Context(), 4)
	waiting(t, g, 3)
	gate.on <- nil
	require.NoError(t, <-first)
	require.Equal(t, []int{2, 3}, gate.next(t), "as many as there may be")
	gate.on <- nil
	require.Equal(t, []int{4}, gate.next(t))
	gate.on <- nil
	for _, c := range []<-chan error{second, third, fourth} {
		require.NoError(t, <-c)
	}
}

func TestWhoGoesAwayIsLeftOut(t *testing.T) {
	gate := newGate()
	g := New(10, gate.do)
	going, goAway := context.WithCancel(t.Context())
	first := ask(g, going, 1)
	require.Equal(t, []int{1}, gate.next(t))
	second := ask(g, going, 2)
	waiting(t, g, 1)
	goAway()
	require.ErrorIs(t, <-second, context.Canceled)
	third := ask(g, t.Context(), 3)
	waiting(t, g, 1)
	gate.on <- nil
	require.NoError(t, <-first, "what was begun is done")
	require.Equal(t, []int{3}, gate.next(t))
	gate.on <- nil
	require.NoError(t, <-third)
}

var errOdd = errors.New("odd")

func TestOneThatFailsHarmsNoOther(t *testing.T) {
	var mu sync.Mutex
	var done []int
	gate := newGate()
	g := New(100, func(ctx context.Context, items []int) error {
		if slices.Equal(items, []int{0}) {
			return gate.do(ctx, items)
		}
		if slices.ContainsFunc(items, func(i int) bool { return i%7 == 3 }) {
			return errOdd
		}
		mu.Lock()
		defer mu.Unlock()
		done = append(done, items...)
		return nil
	})
	first := ask(g, t.Context(), 0)
	gate.next(t)
	var answers []<-chan error
	for i := 1; i <= 50; i++ {
		answers = append(answers, ask(g, t.Context(), i))
	}
	waiting(t, g, 50)
	gate.on <- nil
	require.NoError(t, <-first)
	for i, c := range answers {
		if (i+1)%7 == 3 {
			require.ErrorIs(t, <-c, errOdd)
		} else {
			require.NoError(t, <-c)
		}
	}
	require.Len(t, done, 50-7)
}

func TestUnavailableIsNobodysOwnFault(t *testing.T) {
	gate := newGate()
	calls := 0
	g := New(100, func(ctx context.Context, items []int) error {
		if slices.Equal(items, []int{0}) {
			return gate.do(ctx, items)
		}
		calls++
		return fault.New(fault.Unavailable, "busy")
	})
	first := ask(g, t.Context(), 0)
	gate.next(t)
	a, b := ask(g, t.Context(), 1), ask(g, t.Context(), 2)
	waiting(t, g, 2)
	gate.on <- nil
	require.NoError(t, <-first)
	require.True(t, fault.Is(<-a, fault.Unavailable))
	require.True(t, fault.Is(<-b, fault.Unavailable))
	require.Equal(t, 1, calls)
}

func TestAPanicLeavesNobodyWaiting(t *testing.T) {
	gate := newGate()
	g := New(100, func(ctx context.Context, items []int) error {
		if slices.Equal(items, []int{0}) {
			return gate.do(ctx, items)
		}
		panic("ouch")
	})
	first := ask(g, t.Context(), 0)
	gate.next(t)
	answers := make(chan any, 3)
	for i := range 3 {
		go func() {
			defer func() {
				if p := recover(); p != nil {
					answers <- p
				}
			}()
			answers <- g.Do(t.Context(), i+1)
		}()
	}
	waiting(t, g, 3)
	gate.on <- nil
	require.NoError(t, <-first)
	panics := 0
	for range 3 {
		if a := <-answers; a == "ouch" {
			panics++
		} else {
			require.ErrorIs(t, a.(error), errPanic)
		}
	}
	require.Equal(t, 1, panics)
}
