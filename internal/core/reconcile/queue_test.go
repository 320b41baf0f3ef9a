package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// running runs a queue until the test's end, and then checks that it stops.
func running(t testing.TB, l Loop) *Queue {
	t.Helper()
	l.Name, l.Log = "test", quiet()
	q := New(l)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(time.Minute):
			t.Error("the queue does not stop")
		}
	})
	return q
}

// A wake that follows a change is followed by a run that sees the change: however keys are woken, whatever Do answers,
// no key is worked on twice at the same time, and no change is missed.
func TestNoWakeIsLostAndNoKeyIsSharedProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := storm{
			keys:      rapid.IntRange(1, 6).Draw(r, "keys"),
			wakers:    rapid.IntRange(1, 4).Draw(r, "wakers"),
			workers:   rapid.IntRange(1, 4).Draw(r, "workers"),
			failEvery: rapid.Int64Range(2, 9).Draw(r, "fail every"),
		}
		s.wakes = rapid.SliceOfN(rapid.IntRange(0, s.keys-1), 1, 300).Draw(r, "wakes")
		synctest.Test(t, s.run)
		for k := range s.keys {
			require.Equal(r, s.wanted[k].Load(), s.done[k].Load(), "a change was missed")
		}
		require.Zero(r, s.shared.Load(), "a key was worked on twice at the same time")
		require.LessOrEqual(r, s.most.Load(), int64(s.workers))
	})
}

// storm wakes keys from many sides while a loop works on them.
type storm struct {
	keys, wakers, workers int
	failEvery             int64
	wakes                 []int

	wanted, done       [6]atomic.Int64
	active             [6]atomic.Int32
	runs, shared, most atomic.Int64
	atWork             atomic.Int64
}

func (s *storm) run(t *testing.T) {
	q := New(Loop{Name: "test", Workers: s.workers, Log: quiet(), Do: s.do})
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- q.Run(ctx) }()
	var group sync.WaitGroup
	for w := range s.wakers {
		group.Go(func() {
			for i := w; i < len(s.wakes); i += s.wakers {
				s.wanted[s.wakes[i]].Add(1)
				q.Wake(fmt.Sprint(s.wakes[i]))
			}
		})
	}
	group.Wait()
	time.Sleep(time.Hour) // of the bubble: all back-offs are over
	cancel()
	require.NoError(t, <-stopped)
}

func (s *storm) do(_ context.Context, key string) (Result, error) {
	var k int
	if _, err := fmt.Sscan(key, &k); err != nil {
		return Result{}, err
	}
	if s.active[k].Add(1) > 1 {
		s.shared.Add(1)
	}
	s.most.Store(max(s.most.Load(), s.atWork.Add(1)))
	defer s.atWork.Add(-1)
	defer s.active[k].Add(-1)
	seen := s.wanted[k].Load()
	runtime.Gosched()
	if s.runs.Add(1)%s.failEvery == 0 {
		return Result{}, errors.New("by design")
	}
	s.done[k].Store(seen)
	return Result{}, nil
}

// pass lets time pass in a bubble, and all be done that then can be.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestWokenWhileAtWorkRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		begun, finish := make(chan struct{}, 2), make(chan struct{})
		q := running(t, Loop{Do: func(context.Context, string) (Result, error) {
			runs.Add(1)
			begun <- struct{}{}
			<-finish
			return Result{}, nil
		}})
		q.Wake("a")
		<-begun
		q.Wake("a")
		q.Wake("a", "a")
		finish <- struct{}{}
		<-begun
		finish <- struct{}{}
		synctest.Wait()
		require.EqualValues(t, 2, runs.Load())
		require.Equal(t, 0, len(q.items), "a key at rest costs nothing")
	})
}

func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		fail := true
		q := running(t, Loop{Do: func(context.Context, string) (Result, error) {
			at = append(at, time.Now())
			if fail {
				return Result{}, errors.New("no")
			}
			return Result{}, nil
		}})
		q.Wake("a")
		pass(5 * time.Minute)
		base := firstPause
		for i := 1; i < len(at); i++ {
			gap := at[i].Sub(at[i-1])
			require.InDelta(t, base.Seconds(), gap.Seconds(), base.Seconds()*0.21, "failure %d", i)
			base = min(lastPause, base*2)
		}
		require.Greater(t, len(at), 12)
		require.Equal(t, lastPause, base)

		failures := q.Status().Worst[0].Failures
		require.Equal(t, len(at), failures)
		woken := time.Now()
		q.Wake("a") // runs at once, and resets nothing
		synctest.Wait()
		require.Equal(t, woken, at[len(at)-1])
		require.Equal(t, failures+1, q.Status().Worst[0].Failures)

		fail = false
		q.Wake("a")
		synctest.Wait()
		require.Zero(t, q.Status().Failing)
		n := len(at)
		pass(time.Hour)
		require.Len(t, at, n, "the timers of its failures are gone")
	})
}

// Do that notes its failure where an event wakes the key must not run hot.
func TestAKeyThatWakesItselfAndFailsDoesNotRunHot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q *Queue
		runs := 0
		q = running(t, Loop{Do: func(_ context.Context, key string) (Result, error) {
			runs++
			q.Wake(key)
			return Result{}, errors.New("no")
		}})
		q.Wake("a")
		pass(time.Minute)
		require.InDelta(t, 60, runs, 20)
	})
}

func TestAgainAndPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		q := running(t, Loop{Do: func(context.Context, string) (Result, error) {
			runs++
			switch runs {
			case 1:
				return Result{Again: time.Minute}, nil
			case 2:
				panic("ouch")
			}
			return Result{}, nil
		}})
		q.Wake("a")
		pass(59 * time.Second)
		require.Equal(t, 1, runs)
		require.Equal(t, 1, q.Status().Delayed)
		pass(1100 * time.Millisecond)
		require.Equal(t, 2, runs)
		require.Contains(t, q.Status().Worst[0].Problem, "ouch")
		require.Contains(t, q.Status().String(), "a failed 1 times: panic: ouch")
		pass(time.Second)
		require.Equal(t, 3, runs)
		require.Equal(t, "test: 0 ready, 0 active, 0 delayed, 0 failing; 3 runs, 1 failed, slowest 0s; swept 0 keys in 0s", q.Status().String())
	})
}

// diary counts runs and says how sweeps fail.
type diary struct {
	mu      sync.Mutex
	runs    map[string]int
	problem error
}

func (d *diary) keys(context.Context) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return []string{"a", "b", "failing"}, d.problem
}

func (d *diary) do(_ context.Context, key string) (Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runs[key]++
	if key == "failing" {
		return Result{}, errors.New("no")
	}
	return Result{}, nil
}

func (d *diary) of(key string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.runs[key]
}

func (d *diary) fail(problem error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.problem = problem
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{runs: map[string]int{}}
		q := running(t, Loop{Period: time.Minute, Keys: d.keys, Do: d.do})
		synctest.Wait()
		require.Equal(t, []int{1, 1, 1}, []int{d.of("a"), d.of("b"), d.of("failing")}, "at the start")
		pass(10*time.Minute + time.Second)
		require.Equal(t, 11, d.of("a"))
		require.Less(t, d.of("failing"), 40, "a sweep does not undo the back-off")
		d.fail(errors.New("the database is away"))
		pass(time.Minute)
		require.Equal(t, "the database is away", q.Status().SweepError)
		d.fail(nil)
		before := d.of("a")
		pass(1100 * time.Millisecond)
		require.Equal(t, before+1, d.of("a"), "a failed sweep is tried again soon")
	})
}

// switchable is an Owner whose answer the test changes.
type switchable struct {
	mu      sync.Mutex
	owns    bool
	changed chan struct{}
}

func (s *switchable) Owns(string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owns
}

func (s *switchable) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *switchable) set(owns bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owns = owns
	close(s.changed)
	s.changed = make(chan struct{})
}

func TestKeysOfOthersAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		owner := &switchable{changed: make(chan struct{})}
		runs := 0
		q := running(t, Loop{
			Period: time.Hour, Owner: owner,
			Keys: func(context.Context) ([]string, error) { return []string{"a"}, nil },
			Do: func(context.Context, string) (Result, error) {
				runs++
				return Result{Again: time.Minute}, nil
			},
		})
		q.Wake("a")
		synctest.Wait()
		require.Zero(t, runs)
		owner.set(true)
		synctest.Wait()
		require.Equal(t, 1, runs, "what is ours now is swept at once")
		owner.set(false)
		pass(10 * time.Minute)
		require.Equal(t, 1, runs, "what was put off is dropped when it is not ours any more")
		require.Zero(t, q.Status().Active)
	})
}

func TestStopIsPrompt(t *testing.T) {
	begun := make(chan struct{})
	q := New(Loop{Name: "test", Log: quiet(), Workers: 3, Do: func(ctx context.Context, _ string) (Result, error) {
		close(begun)
		<-ctx.Done()
		return Result{}, ctx.Err()
	}})
	for i := range 1000 {
		q.Wake(fmt.Sprint("idle ", i))
	}
	_ = q.Status()
	q = New(q.loop)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- q.Run(ctx) }()
	q.Wake("a")
	<-begun
	cancel()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		t.Fatal("the queue does not stop")
	}
}

func BenchmarkQueue(b *testing.B) {
	var done sync.WaitGroup
	q := running(b, Loop{Workers: 4, Do: func(context.Context, string) (Result, error) {
		done.Done()
		return Result{}, nil
	}})
	keys := make([]string, 1024)
	for i := range keys {
		keys[i] = fmt.Sprint(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		done.Add(len(keys))
		q.Wake(keys...)
		done.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(keys)), "ns/key")
}
