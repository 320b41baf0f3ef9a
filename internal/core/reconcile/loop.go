// Package reconcile runs the loops that make what is wanted true.
//
// A loop is level-triggered: it is told which key may need work and never why, so Do reads everything that it needs,
// acts on the difference and may be run again at any moment. An event wakes a key at once; a periodic sweep over all
// keys catches what was missed; failures back off. Nothing here outlives the process, and nothing needs to: after a
// crash the first sweep finds all work again.
//
// With several control nodes, Members spreads the keys over the live ones. While nodes come and go two of them may work
// on one key for a moment: Do compares and sets, as it must anyway.
package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// Loop says what a queue works on.
type Loop struct {
	Name    string
	Workers int           // how many keys are worked on at the same time; 0 means 1
	Period  time.Duration // between sweeps; 0 sweeps only at the start and when keys change hands
	// Keys is the sweep: every key that may need work. nil means that there is no sweep.
	Keys func(ctx context.Context) ([]string, error)
	// Do works on one key. It is never run for one key twice at the same time. An error makes it run again later.
	Do    func(ctx context.Context, key string) (Result, error)
	Owner Owner // nil: all keys are ours
	Log   *slog.Logger
}

// Result is what Do says when it has not failed.
type Result struct {
	Again time.Duration // run again after this time; 0 when it is done until someone wakes it
}

// Owner tells which keys this process works on.
type Owner interface {
	Owns(key string) bool
}

// changing is an Owner whose answers change; the channel is closed when they do.
type changing interface {
	Changed() <-chan struct{}
}

// The back-off after failures: doubled each time, give or take a fifth so that keys which failed together part.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 30 * time.Second
	// wokenPause is the longest that a key waits which was woken during the run that failed. It is not 0, as Do may
	// well have woken its own key by noting its failure.
	wokenPause = time.Second
)

func backOff(failures int) time.Duration {
	pause := lastPause
	if doublings := failures - 1; doublings < 8 {
		pause = min(lastPause, firstPause<<doublings)
	}
	return pause*4/5 + rand.N(pause*2/5)
}

// attempt runs Do; a panic is a failure of this key only.
func (l *Loop) attempt(ctx context.Context, key string) (res Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return l.Do(ctx, key)
}
