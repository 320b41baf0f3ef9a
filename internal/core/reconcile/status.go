package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Status is what a loop is doing, for people.
type Status struct {
	Name       string        `json:"name"`
	Ready      int           `json:"ready"`   // keys that wait for a worker
	Active     int           `json:"active"`  // keys at work
	Delayed    int           `json:"delayed"` // keys that run again later, failing ones among them
	Failing    int           `json:"failing"` // keys whose last run failed
	Runs       uint64        `json:"runs"`    // since the start, of which Failures failed
	Failures   uint64        `json:"failures"`
	Busy       time.Duration `json:"busy"`    // all runs together
	Slowest    time.Duration `json:"slowest"` // run since the start
	SweptAt    time.Time     `json:"swept_at"`
	SweptKeys  int           `json:"swept_keys"`
	SweepTook  time.Duration `json:"sweep_took"`
	SweepError string        `json:"sweep_error"` // empty when the last sweep went well
	Worst      []Failing     `json:"worst"`       // the keys that failed most often in a row, at most ten
}

// Failing is a key whose last run failed.
type Failing struct {
	Key      string    `json:"key"`
	Failures int       `json:"failures"` // in a row
	Problem  string    `json:"problem"`
	Next     time.Time `json:"next"`
}

// String is one line, and one more for each of the worst keys.
func (s Status) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d ready, %d active, %d delayed, %d failing; %d runs, %d failed, slowest %s; swept %d keys in %s",
		s.Name, s.Ready, s.Active, s.Delayed, s.Failing, s.Runs, s.Failures, s.Slowest.Round(time.Microsecond),
		s.SweptKeys, s.SweepTook.Round(time.Microsecond))
	if s.SweepError != "" {
		fmt.Fprintf(&b, ", which failed: %s", s.SweepError)
	}
	for _, f := range s.Worst {
		fmt.Fprintf(&b, "\n  %s failed %d times: %s", f.Key, f.Failures, f.Problem)
	}
	return b.String()
}

// stats is what Status needs and the items do not know.
type stats struct {
	active         int
	runs, failures uint64
	busy, slowest  time.Duration
	sweptAt        time.Time
	sweptKeys      int
	sweepTook      time.Duration
	sweepError     string
}

func (s *stats) note(err error, took time.Duration) {
	s.active--
	s.runs++
	if err != nil {
		s.failures++
	}
	s.busy += took
	s.slowest = max(s.slowest, took)
}

func (s *stats) swept(begun time.Time, keys int, err error) {
	s.sweptAt, s.sweptKeys, s.sweepTook, s.sweepError = begun, keys, time.Since(begun), ""
	if err != nil {
		s.sweepError = err.Error()
	}
}

// Status says what the loop is doing.
func (q *Queue) Status() Status {
	const worst = 10
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Status{
		Name: q.loop.Name, Ready: len(q.ready), Active: q.stats.active,
		Runs: q.stats.runs, Failures: q.stats.failures, Busy: q.stats.busy, Slowest: q.stats.slowest,
		SweptAt: q.stats.sweptAt, SweptKeys: q.stats.sweptKeys, SweepTook: q.stats.sweepTook, SweepError: q.stats.sweepError,
		Worst: []Failing{},
	}
	for key, it := range q.items {
		if it.timer != nil {
			s.Delayed++
		}
		if it.failures > 0 {
			s.Failing++
			s.Worst = append(s.Worst, Failing{Key: key, Failures: it.failures, Problem: it.problem, Next: it.due})
		}
	}
	slices.SortFunc(s.Worst, func(x, y Failing) int {
		return cmp.Or(cmp.Compare(y.Failures, x.Failures), strings.Compare(x.Key, y.Key))
	})
	s.Worst = s.Worst[:min(worst, len(s.Worst))]
	return s
}
