package identity

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// cheap is for tests of what the cost has no part in.
func cheap() *hasher { return newHasher(HashCost{Passes: 1, MemoryKiB: 8}) }

func TestPasswordHash(t *testing.T) {
	ctx := t.Context()
	usual, err := newHasher(usualCost()).hash(ctx, "x")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(usual, "$argon2id$v=19$m=19456,t=4,p=1$"), usual)

	h := cheap()
	one, err := h.hash(ctx, "pässword")
	require.NoError(t, err)
	two, err := h.hash(ctx, "pässword")
	require.NoError(t, err)
	require.NotEqual(t, one, two, "each has a salt of its own")

	for _, c := range []struct {
		hash, password string
		want           bool
	}{{one, "pässword", true}, {one, "password", false}, {one, "", false}, {"", "", false}, {"", "x", false}} {
		got, err := h.matches(ctx, c.hash, c.password)
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%q", c.password)
	}
	for _, damaged := range []string{"x", "$argon2id$v=19$m=1$$", "$argon2id$v=19$m=8,t=1,p=1$!$AAAA", "$argon2id$v=19$m=8,t=1,p=1$AAAA$!", "$2b$12$abc"} {
		_, err := h.matches(ctx, damaged, "x")
		require.Error(t, err, damaged)
	}
	_, err = h.hash(ctx, strings.Repeat("x", maxPassword+1))
	require.True(t, fault.Is(err, fault.Invalid))
	// A hash of another cost than the present one stays valid.
	got, err := h.matches(ctx, "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$q0Bxdzf04dXz4ul8v0SXhYl0m0Qu8zKg5h1QZQ0WJtk", "x")
	require.NoError(t, err)
	require.False(t, got)
}

func TestPasswordFloodIsBounded(t *testing.T) {
	h := cheap()
	for range cap(h.slots) { // all cores are at work
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range cap(h.slots) * queuedPerSlot {
		wg.Go(func() {
			_, err := h.hash(ctx, "x")
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
	require.Eventually(t, func() bool { return h.waiting.Load() == int64(cap(h.slots)*queuedPerSlot) }, time.Minute, time.Millisecond)
	_, err := h.hash(t.Context(), "x")
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	require.Positive(t, fault.Of(err).RetryAfter)
	cancel()
	wg.Wait()
	require.Zero(t, h.waiting.Load())
}

func TestClosure(t *testing.T) {
	chain := []Implication{{"a", "b"}, {"b", "c"}, {"c", "a"}, {"x", "y"}}
	require.Equal(t, []string{"b", "c", "a"}, closure([]string{"b"}, chain), "a loop ends")
	name := rapid.StringMatching(`[a-f]`)
	rapid.Check(t, func(rt *rapid.T) {
		var all []Implication
		for range rapid.IntRange(0, 12).Draw(rt, "n") {
			all = append(all, Implication{name.Draw(rt, "role"), name.Draw(rt, "implied")})
		}
		start := []string{name.Draw(rt, "start")}
		got := closure(start, all)
		require.Contains(rt, got, start[0])
		require.ElementsMatch(rt, got, closure(got, all), "it is closed")
		for _, imp := range all {
			if slices.Contains(got, imp.RoleID) {
				require.Contains(rt, got, imp.ImpliedID)
			}
		}
	})
}

func BenchmarkPasswordHash(b *testing.B) {
	h := newHasher(usualCost())
	for b.Loop() {
		if _, err := h.hash(b.Context(), "password"); err != nil {
			b.Fatal(err)
		}
	}
}
