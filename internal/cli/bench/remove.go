package bench

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// again is how long after an empty list it is looked at once more: a request that was broken off may have made a server.
const again = 300 * time.Millisecond

// removal is the deletion of all that a run has made.
type removal struct {
	*run
	asked   map[string]bool // the servers that were asked to go
	begun   time.Time       // of the first such request
	left    int             // servers at the last look
	changed time.Time       // when there last was news
	empty   time.Time       // since when no server is listed; zero: one is

	mu    sync.Mutex
	times []time.Duration
	looks []time.Duration
}

// remove deletes all servers of the run and returns when none is listed, or when nothing has changed for the time of the
// patience. What comes up late is deleted too.
func (r *run) remove(ctx context.Context) (Delete, error) {
	now := time.Now()
	x := &removal{run: r, asked: map[string]bool{}, begun: now, changed: now}
	for last := (time.Time{}); ; {
		start := time.Now()
		ids, err := r.mineOnly(ctx)
		if err != nil {
			return Delete{}, err
		}
		now := time.Now()
		fresh := x.note(ids, now)
		if len(fresh) > 0 {
			if err := x.ask(ctx, fresh); err != nil {
				return Delete{}, err
			}
			last = time.Time{} // what comes next is no gap between two looks
			continue
		}
		if !last.IsZero() && len(ids) > 0 {
			x.looks = append(x.looks, now.Sub(last))
		}
		last = now
		if x.over(now) {
			return x.report(), nil
		}
		if err := pause(ctx, min(max(4*now.Sub(start), 5*time.Millisecond), again)); err != nil {
			return Delete{}, err
		}
	}
}

// note takes down which servers are listed, and returns those that have not been asked to go.
func (x *removal) note(ids []string, now time.Time) (fresh []string) {
	if len(ids) != x.left {
		x.left, x.changed = len(ids), now
	}
	switch {
	case len(ids) > 0:
		x.empty = time.Time{}
	case x.empty.IsZero():
		x.empty = now
	}
	for _, id := range ids {
		if !x.asked[id] {
			fresh = append(fresh, id)
		}
	}
	x.tell(Stage{Phase: "delete", Done: max(0, len(x.asked)-len(ids)), Of: max(len(x.asked), len(ids))})
	return fresh
}

// ask asks for the deletion of servers, as many at a time as there are clients.
func (x *removal) ask(ctx context.Context, ids []string) error {
	if len(x.asked) == 0 {
		x.begun = time.Now()
	}
	for _, id := range ids {
		x.asked[id] = true
	}
	err := work(ctx, x.plan.Concurrency, len(ids), func(ctx context.Context, k int) {
		begun := time.Now()
		_, err := x.call(ctx, http.MethodDelete, "/servers/"+ids[k], nil)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !gone(err) {
			x.failures.add("delete", err.Error(), 1)
			return
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.times = append(x.times, time.Since(begun))
	})
	x.changed = time.Now()
	return err
}

func (x *removal) over(now time.Time) bool {
	return (!x.empty.IsZero() && now.Sub(x.empty) > again) || now.Sub(x.changed) > x.Patience
}

func (x *removal) report() Delete {
	took := x.changed.Sub(x.begun)
	if !x.empty.IsZero() {
		took = x.empty.Sub(x.begun)
	}
	return Delete{
		Servers: len(x.asked), Left: x.left, Seconds: took.Seconds(), Rate: rate(len(x.asked)-x.left, took),
		Times: timesOf(x.times), Look: timesOf(x.looks),
	}
}
