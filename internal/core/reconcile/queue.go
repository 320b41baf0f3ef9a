package reconcile

import (
	"context"
	"sync"
	"time"
)

// Queue holds the keys of one loop. Its methods may be called at any time, before Run too.
type Queue struct {
	loop Loop

	mu      sync.Mutex
	hire    func() // starts a worker; nil before Run and after its end
	workers int    // that run; where nothing is ready there are none
	items   map[string]*item
	ready   []string // in the order of their waking
	stats   stats
}

// item is a key that waits, is at work, or has failed. A key without an item is at rest.
type item struct {
	queued   bool // in ready
	active   bool
	woken    bool        // while active
	timer    *time.Timer // set while it waits for a later run
	due      time.Time
	failures int // in a row
	problem  string
}

// New returns the queue of a loop.
func New(l Loop) *Queue {
	l.Workers = max(1, l.Workers)
	return &Queue{loop: l, items: map[string]*item{}}
}

// Wake makes keys run at once, or as soon as their present run is over. It never blocks.
func (q *Queue) Wake(keys ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, key := range keys {
		if !q.owns(key) {
			continue
		}
		it := q.item(key)
		if it.active {
			it.woken = true
			continue
		}
		q.push(key, it)
	}
}

// Run works on keys until ctx ends, and returns nil when all workers have stopped.
func (q *Queue) Run(ctx context.Context) error {
	var done sync.WaitGroup
	q.open(func() { done.Go(func() { q.worker(ctx) }) })
	q.sweeper(ctx)
	q.open(nil)
	done.Wait()
	q.clear()
	return nil
}

// worker works until nothing is ready, or ctx ends.
func (q *Queue) worker(ctx context.Context) {
	for ctx.Err() == nil {
		key, ok := q.take()
		if !ok {
			return
		}
		if !q.owns(key) {
			q.drop(key)
			continue
		}
		begun := time.Now()
		res, err := q.loop.attempt(ctx, key)
		if err != nil && ctx.Err() != nil {
			return // it was interrupted: the next process sweeps
		}
		again, failures := q.settle(key, res, err, time.Since(begun))
		if err != nil {
			q.loop.Log.WarnContext(ctx, "reconciling failed", "loop", q.loop.Name, "key", key, "error", err,
				"failures", failures, "again", again)
		}
	}
}

// take marks the next key as being at work; false ends the worker.
func (q *Queue) take() (string, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ready) == 0 || q.hire == nil {
		q.workers--
		return "", false
	}
	key := q.ready[0]
	q.ready = q.ready[1:]
	it := q.items[key]
	it.queued, it.active = false, true
	q.stats.active++
	return key, true
}

// settle says what happens next to a key that was at work.
func (q *Queue) settle(key string, res Result, err error, took time.Duration) (again time.Duration, failures int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it := q.items[key]
	woken := it.woken
	it.active, it.woken = false, false
	q.stats.note(err, took)
	again = res.Again
	it.failures, it.problem = nextFailure(it.failures, err)
	if err != nil {
		again = backOff(it.failures)
		if woken {
			again = min(again, wokenPause)
		}
	}
	switch {
	case woken && err == nil:
		again = 0
		q.push(key, it)
	case again > 0:
		q.later(key, it, again)
	default:
		delete(q.items, key)
	}
	return again, it.failures
}

func nextFailure(before int, err error) (int, string) {
	if err == nil {
		return 0, ""
	}
	return before + 1, err.Error()
}

// drop forgets a key that others own by now.
func (q *Queue) drop(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.active--
	delete(q.items, key)
}

// push makes a key ready that is not at work. The caller holds mu, as for all that follow.
func (q *Queue) push(key string, it *item) {
	if it.timer != nil {
		it.timer.Stop()
		it.timer = nil
	}
	if it.queued {
		return
	}
	it.queued = true
	q.ready = append(q.ready, key)
	q.staff()
}

// staff sees to it that there are workers for what is ready.
func (q *Queue) staff() {
	for q.hire != nil && q.workers < min(q.loop.Workers, len(q.ready)+q.stats.active) {
		q.workers++
		q.hire()
	}
}

func (q *Queue) later(key string, it *item, after time.Duration) {
	var mine *time.Timer
	mine = time.AfterFunc(after, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if it.timer == mine { // else it ran meanwhile, and this timer was stopped too late
			q.push(key, it)
		}
	})
	it.timer, it.due = mine, time.Now().Add(after)
}

func (q *Queue) item(key string) *item {
	it := q.items[key]
	if it == nil {
		it = &item{}
		q.items[key] = it
	}
	return it
}

func (q *Queue) owns(key string) bool { return q.loop.Owner == nil || q.loop.Owner.Owns(key) }

// open lets workers start; nil lets no more start, and ends those that run once they are done with their key.
func (q *Queue) open(hire func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hire = hire
	q.staff()
}

func (q *Queue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range q.items {
		if it.timer != nil {
			it.timer.Stop()
			it.timer = nil
		}
	}
}
