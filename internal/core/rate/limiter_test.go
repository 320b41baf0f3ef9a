package rate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/rate"
)

// Whatever the pattern of calls, over any span no key gets more than its burst and its rate, each key on its own; and
// who waits as long as he is told is let in.
func TestLimiter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		perSecond := rapid.IntRange(1, 100).Draw(r, "rate")
		l := rate.NewLimiter(perSecond)
		start := time.Unix(1_000_000, 0)
		now := start
		taken := map[string]int{}
		for range rapid.IntRange(1, 300).Draw(r, "calls") {
			key := rapid.SampledFrom([]string{"a", "b"}).Draw(r, "key")
			now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(r, "pause")) * time.Millisecond)
			wait := l.Full(key, now)
			require.Equal(r, wait, l.Take(key, now))
			if wait > 0 {
				now = now.Add(wait)
				require.Zero(r, l.Take(key, now))
			}
			taken[key]++
			require.LessOrEqual(r, float64(taken[key]), float64(perSecond)*(10+now.Sub(start).Seconds())+1)
		}
	})
}

func TestNoBound(t *testing.T) {
	l := rate.NewLimiter(-1)
	for range 10_000 {
		require.Zero(t, l.Take("a", time.Unix(0, 0)))
		require.Zero(t, l.Full("a", time.Unix(0, 0)))
	}
}
