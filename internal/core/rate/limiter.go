// Package rate bounds how often each of many may do something.
package rate

import (
	"sync"
	"time"
)

// burst is how many seconds of its rate a key may use at once.
const burst = 10 * time.Second

// Limiter bounds a rate for each key on its own, by the generic cell rate algorithm (ITU-T I.371). It is safe for
// concurrent use, and a nil Limiter is no bound.
type Limiter struct {
	every time.Duration // between two, at the bound

	mu    sync.Mutex
	next  map[string]time.Time
	swept time.Time
}

// NewLimiter allows so many a second, and ten times as many at once. A negative rate is no bound.
func NewLimiter(perSecond int) *Limiter {
	if perSecond < 0 {
		return nil
	}
	n := time.Duration(perSecond)
	return &Limiter{every: (time.Second + n - 1) / n, next: map[string]time.Time{}} // rounded down it would let too many in
}

// Full returns how long the next has to wait, and counts none.
func (l *Limiter) Full(key string, now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := l.next[key]; at.After(now) {
		return max(0, at.Sub(now)-burst)
	}
	return 0
}

// Take counts one, and returns 0; or how long to wait.
func (l *Limiter) Take(key string, now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > time.Minute {
		l.swept = now
		for k, at := range l.next {
			if at.Before(now) {
				delete(l.next, k)
			}
		}
	}
	at := l.next[key]
	if at.Before(now) {
		at = now
	}
	if wait := at.Sub(now) - burst; wait > 0 {
		return wait
	}
	l.next[key] = at.Add(l.every)
	return 0
}
