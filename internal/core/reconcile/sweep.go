package reconcile

import (
	"context"
	"time"
)

// retrySweep is when a sweep that failed is tried again, unless the next one comes first.
const retrySweep = time.Second

// sweeper sweeps at the start, every period, and when keys have changed hands.
func (q *Queue) sweeper(ctx context.Context) {
	if q.loop.Keys == nil {
		<-ctx.Done()
		return
	}
	for ctx.Err() == nil {
		changed := q.changed() // before the sweep, so that no change is lost
		wait(ctx, q.sweep(ctx), changed)
	}
}

// wait waits for a time, unless it is 0, or until there is a reason not to.
func wait(ctx context.Context, after time.Duration, changed <-chan struct{}) {
	var tick <-chan time.Time
	if after > 0 {
		timer := time.NewTimer(after)
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-ctx.Done():
	case <-tick:
	case <-changed:
	}
}

func (q *Queue) changed() <-chan struct{} {
	if o, ok := q.loop.Owner.(changing); ok {
		return o.Changed()
	}
	return nil
}

// sweep wakes every key that is at rest, and leaves alone those that wait or are at work. It returns when to sweep next.
func (q *Queue) sweep(ctx context.Context) time.Duration {
	begun := time.Now()
	keys, err := q.loop.Keys(ctx)
	if err != nil && ctx.Err() != nil {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.swept(begun, len(keys), err)
	if err != nil {
		q.loop.Log.WarnContext(ctx, "sweeping failed", "loop", q.loop.Name, "error", err)
		if q.loop.Period > 0 {
			return min(retrySweep, q.loop.Period)
		}
		return retrySweep
	}
	for _, key := range keys {
		if q.items[key] == nil && q.owns(key) {
			q.push(key, q.item(key))
		}
	}
	return q.loop.Period
}
