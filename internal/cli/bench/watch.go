package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// few is how many servers that one waits for are looked at one by one.
	few = 8
	// glance is the page of servers that have changed last; few enough to be cheap.
	glance = 200
	// errorsEvery is how often servers in ERROR are looked for, which are not what is measured.
	errorsEvery = time.Second
)

// watch learns which of a run's servers have become ACTIVE, or failed, and when.
type watch struct {
	*run

	mu       sync.Mutex
	batches  []batch
	pending  map[string]int  // ids that are known from answers and not seen yet, with their batch
	seen     map[string]bool // ids that have come to an end
	posted   bool            // nothing more comes
	accepted int
	open     int // accepted servers that are not seen yet
	news     time.Time
	first    time.Time
	last     time.Time // when the last server was seen
	lastPost time.Time
	posts    []time.Duration
	active   []time.Duration
	failed   int

	// of the looking goroutine
	looks     []time.Duration
	errorsAt  time.Time
	wholeAt   time.Time
	wholeTook time.Duration
}

// batch is the servers of one request.
type batch struct {
	begun    time.Time
	accepted bool
	seen     int
}

func newWatch(r *run, requests int) *watch {
	now := time.Now()
	return &watch{
		run: r, batches: make([]batch, requests), pending: map[string]int{}, seen: map[string]bool{},
		news: now, errorsAt: now, wholeAt: now,
	}
}

// begin notes that a request is sent.
func (w *watch) begin(batch int) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.first.IsZero() {
		w.first = now
	}
	w.batches[batch].begun = now
	return now
}

// accept notes that n servers will come, of which one's id is known.
func (w *watch) accept(batch, n int, id string, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := &w.batches[batch]
	b.accepted = true
	w.accepted += n
	w.open += n - b.seen
	w.posts = append(w.posts, took)
	w.lastPost = time.Now()
	w.news = w.lastPost
	if !w.seen[id] {
		w.pending[id] = batch
	}
}

// refused notes that a request was answered, and that nothing comes of it.
func (w *watch) refused() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastPost = time.Now()
	w.news = w.lastPost
}

func (w *watch) allPosted() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posted = true
}

// settle notes that a server was seen, ACTIVE unless there is a failure, and tells whether that is new.
func (w *watch) settle(id string, batch int, at time.Time, failure string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[id] || batch >= len(w.batches) {
		return false
	}
	w.seen[id] = true
	delete(w.pending, id)
	b := &w.batches[batch]
	b.seen++
	if b.accepted {
		w.open--
	}
	w.news, w.last = at, at
	if failure != "" {
		w.failed++
		w.failures.add("create", failure, 1)
		return true
	}
	w.active = append(w.active, at.Sub(b.begun))
	return true
}

// follow looks until all are seen, or nothing has happened for the time of the patience.
func (w *watch) follow(ctx context.Context) error {
	last := time.Time{}
	for {
		begun := time.Now()
		share, err := w.look(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		if !last.IsZero() {
			w.looks = append(w.looks, now.Sub(last))
		}
		last = now
		if w.done(now) {
			return nil
		}
		if err := pause(ctx, min(max(share*now.Sub(begun), 5*time.Millisecond), 500*time.Millisecond)); err != nil {
			return err
		}
	}
}

func (w *watch) done(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell(Stage{Phase: "create", Done: len(w.active), Of: w.plan.Count, Failed: w.failed})
	if !w.posted || w.open <= 0 {
		return w.posted
	}
	if now.Sub(w.news) < w.Patience {
		return false
	}
	w.failures.add("create", fmt.Sprintf("neither ACTIVE nor in ERROR %s after the last news", w.Patience), w.open)
	return true
}

// look finds out what is new: server by server where few are open, else by what has changed last. What changed in another
// order than it was written is found by looking at all, now and then, while there is no news. It returns how many times
// as long as it took one is to wait, so that looking remains a small part of the load.
func (w *watch) look(ctx context.Context) (share time.Duration, err error) {
	if ids := w.few(); ids != nil {
		for id, batch := range ids {
			if err := w.one(ctx, id, batch); err != nil {
				return 0, err
			}
		}
		return 1, nil
	}
	now := time.Now()
	if now.Sub(w.errorsAt) > errorsEvery {
		w.errorsAt = now
		if _, err := w.page(ctx, "ERROR", glance, false); err != nil {
			return 0, err
		}
	}
	fresh, err := w.page(ctx, "ACTIVE", glance, false)
	if err != nil || fresh > 0 || time.Since(w.wholeAt) < max(time.Second, 20*w.wholeTook) {
		return 4, err
	}
	begun := time.Now()
	_, err = w.page(ctx, "ACTIVE", 1000, true)
	w.wholeAt, w.wholeTook = time.Now(), time.Since(begun)
	return 4, err
}

// few returns the open servers if they are few and their ids are known.
func (w *watch) few() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) == 0 || len(w.pending) > few || w.open != len(w.pending) {
		return nil
	}
	ids := make(map[string]int, len(w.pending))
	for id, batch := range w.pending {
		ids[id] = batch
	}
	return ids
}

// seenServer is a server as lists and shows have it.
type seenServer struct {
	ID, Name, Status string
	Fault            struct{ Message string }
}

// failure is why a server is in ERROR, if it is. The short form of a list has no status, and is asked for ACTIVE ones only.
func (s *seenServer) failure() string {
	switch {
	case s.Status != "ERROR":
		return ""
	case s.Fault.Message == "":
		return "in ERROR, without a reason"
	}
	return s.Fault.Message
}

func (w *watch) one(ctx context.Context, id string, batch int) error {
	var out struct{ Server seenServer }
	err := w.get(ctx, "/servers/"+id, &out)
	at := time.Now()
	switch {
	case gone(err):
		w.settle(id, batch, at, "the server was accepted, and is not there")
		return nil
	case err != nil:
		return w.tolerate(ctx, err)
	case out.Server.Status == "ACTIVE" || out.Server.Status == "ERROR":
		w.settle(id, batch, at, out.Server.failure())
	}
	return nil
}

// page reads the servers of a status that have changed last, page by page until one brings nothing new, or all of them.
func (w *watch) page(ctx context.Context, status string, limit int, all bool) (fresh int, err error) {
	q := url.Values{"status": {status}, "sort_key": {"updated_at"}, "sort_dir": {"desc"}, "limit": {strconv.Itoa(limit)}}
	path := "/servers?"
	if status == "ERROR" {
		path = "/servers/detail?" // which says why
	}
	for {
		raw, err := w.call(ctx, http.MethodGet, path+q.Encode(), nil)
		at := time.Now()
		if err != nil {
			return fresh, w.tolerate(ctx, err)
		}
		page, more, err := readPage(raw)
		if err != nil {
			return fresh, err
		}
		news := w.settleAll(page, at)
		fresh += news
		if len(page) == 0 || !more || (news == 0 && !all) {
			return fresh, nil
		}
		q.Set("marker", page[len(page)-1].ID)
	}
}

// settleAll settles the run's servers of a page, and returns how many of them are new.
func (w *watch) settleAll(page []seenServer, at time.Time) (fresh int) {
	for i := range page {
		batch, ok := w.batchOf(page[i].Name)
		if ok && w.settle(page[i].ID, batch, at, page[i].failure()) {
			fresh++
		}
	}
	return fresh
}

// tolerate counts a look that failed, and lets the watch go on unless the run has ended.
func (w *watch) tolerate(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var r *refusal
	if errors.As(err, &r) && (r.status == http.StatusUnauthorized || r.status == http.StatusForbidden) {
		return fmt.Errorf("looking for servers: %w", err)
	}
	w.failures.add("look", err.Error(), 1)
	return nil
}

// batchOf reads the number of the request from a server's name; clouds add a number of their own behind it where one
// request made several.
func (w *watch) batchOf(name string) (int, bool) {
	if !w.mine(name) {
		return 0, false
	}
	digits, _, _ := strings.Cut(strings.TrimPrefix(name, w.name+"-"), "-")
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 0
}

func (w *watch) report() *Create {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &Create{
		Accepted: w.accepted, Active: len(w.active), Failed: w.failed, Unseen: max(0, w.open),
		Post: timesOf(w.posts), ToActive: timesOf(w.active), Look: timesOf(w.looks),
	}
	if !w.lastPost.IsZero() {
		c.PostSeconds, c.PostRate = w.lastPost.Sub(w.first).Seconds(), rate(w.accepted, w.lastPost.Sub(w.first))
	}
	if !w.last.IsZero() {
		c.Seconds, c.ActiveRate = w.last.Sub(w.first).Seconds(), rate(len(w.active), w.last.Sub(w.first))
	}
	return c
}
