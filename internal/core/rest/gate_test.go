package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// queued lets a client wait at the gate; what it tells is the client, when it is let in.
func queued(t *testing.T, ctx context.Context, g *gate, client string, entered chan<- string) {
	t.Helper()
	g.mu.Lock()
	before := g.waiting
	g.mu.Unlock()
	go func() {
		leave, err := g.enter(ctx, client)
		if err != nil {
			entered <- err.Error()
			return
		}
		entered <- client
		leave()
	}()
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.waiting == before+1
	}, time.Minute, 100*time.Microsecond)
}

func (g *gate) idle(working int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.free == working && g.waiting == 0 && len(g.lines) == 0 && g.turns.Len() == 0
}

func TestGateRefusesWhenTooManyWait(t *testing.T) {
	g := newGate(1, 3, 2)
	leave, err := g.enter(t.Context(), "a")
	require.NoError(t, err)
	waiting, cancel := context.WithCancel(t.Context())
	entered := make(chan string, 3)
	queued(t, waiting, g, "a", entered)
	queued(t, waiting, g, "a", entered)
	_, err = g.enter(t.Context(), "a")
	require.True(t, fault.Is(err, fault.RateLimited), "the client has its share: %v", err)
	queued(t, waiting, g, "b", entered)
	for _, client := range []string{"b", "c"} {
		_, err = g.enter(t.Context(), client)
		require.True(t, fault.Is(err, fault.Unavailable), "the server is full: %v", err)
	}
	require.Positive(t, fault.Of(err).RetryAfter)
	cancel()
	for range 3 {
		require.Equal(t, context.Canceled.Error(), <-entered)
	}
	leave()
	require.True(t, g.idle(1))
	_, err = g.enter(waiting, "a")
	require.ErrorIs(t, err, context.Canceled, "no place for who has gone")
	require.True(t, g.idle(1))
}

func TestClientsTakeTurns(t *testing.T) {
	g := newGate(1, 100, 0)
	leave, err := g.enter(t.Context(), "greedy")
	require.NoError(t, err)
	entered := make(chan string)
	for range 20 {
		queued(t, t.Context(), g, "greedy", entered)
	}
	for range 2 {
		queued(t, t.Context(), g, "modest", entered)
	}
	leave()
	var order []string
	for range 22 {
		order = append(order, <-entered)
	}
	require.Equal(t, []string{"greedy", "modest", "greedy", "modest", "greedy"}, order[:5])
	require.Eventually(t, func() bool { return g.idle(1) }, time.Minute, time.Millisecond)
}

// Many clients come, work, and go away while they wait: never do more work than may, and in the end all places are free.
func TestGateKeepsItsBounds(t *testing.T) {
	const working = 3
	g := newGate(working, 60, 20)
	var inside, most atomic.Int64
	var refused, worked atomic.Int64
	var wg sync.WaitGroup
	for i := range 2000 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			if i%3 == 0 {
				go func() {
					for range rand.IntN(100) {
						runtime.Gosched()
					}
					cancel()
				}()
			}
			defer cancel()
			leave, err := g.enter(ctx, fmt.Sprint(i%5))
			if err != nil {
				refused.Add(1)
				return
			}
			n := inside.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			worked.Add(1)
			inside.Add(-1)
			leave()
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most.Load(), int64(working))
	require.EqualValues(t, 2000, worked.Load()+refused.Load())
	require.True(t, g.idle(working))
}
