package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Plan is what a run does.
type Plan struct {
	Count       int // servers
	Concurrency int // clients
	Multi       int // servers a request

	Image, Flavor, Network             string // ids; no network: none
	ImageName, FlavorName, NetworkName string // for the report

	Connections int           // that show servers
	ReadFor     time.Duration // how long lists and shows are measured, each
	Keep        bool          // don't delete the servers
}

// Stage is how far a run is.
type Stage struct {
	Phase    string
	Done, Of int
	Failed   int
}

type run struct {
	*client
	plan     Plan
	name     string
	tell     func(Stage)
	failures failures
	report   Report
}

// Run carries a plan out and deletes what it made, also where it is interrupted by the end of the context or fails. What
// the report has is true in any case. Errors of single requests are in the report; the error returned is what ended
// the run before its time. tell is called now and then, from one goroutine at a time.
func Run(ctx context.Context, cloud Cloud, plan Plan, tell func(Stage)) (Report, error) {
	r := &run{client: &client{Cloud: cloud}, plan: plan, name: "bench-" + strings.ToLower(rand.Text()[:8]), tell: tell}
	r.report = Report{
		Cloud: cloud.Compute, Run: r.name, Started: time.Now().UTC(), Count: plan.Count, Concurrency: plan.Concurrency, Multi: plan.Multi,
		Image: plan.ImageName, Flavor: plan.FlavorName, Network: plan.NetworkName,
		Hosts: r.hosts(ctx), Client: Client{Cores: runtime.NumCPU(), SameMachine: sameMachine(ctx, cloud.Compute)},
	}
	cpu := cpuTime()
	mem := newMemory(cloud)
	var following sync.WaitGroup
	looking, stop := context.WithCancel(ctx)
	if mem.look(ctx) {
		following.Go(func() { mem.follow(looking) })
	}
	err := r.measure(ctx)
	if err != nil && !plan.Keep {
		err = errors.Join(err, r.cleanUp(ctx))
	}
	stop()
	following.Wait()
	mem.look(context.WithoutCancel(ctx))
	r.report.Memory = mem.report()
	r.report.Errors = r.failures.list()
	r.report.Interrupted = ctx.Err() != nil
	c := &r.report.Client
	c.CPUSeconds = (cpuTime() - cpu).Seconds()
	c.Requests, c.ToldToWait, c.TokenRenewed = r.sent.Load(), r.waited.Load(), r.renewed.Load()
	return r.report, err
}

// measure does the phases one after the other.
func (r *run) measure(ctx context.Context) error {
	if err := r.create(ctx); err != nil {
		return fmt.Errorf("creating: %w", err)
	}
	ids, err := r.list(ctx)
	if err != nil {
		return fmt.Errorf("listing: %w", err)
	}
	if err := r.show(ctx, ids); err != nil {
		return fmt.Errorf("showing: %w", err)
	}
	if r.plan.Keep {
		r.report.Kept = true
		return nil
	}
	d, err := r.remove(ctx)
	if err != nil {
		return fmt.Errorf("deleting: %w", err)
	}
	r.report.Delete = &d
	if d.Left > 0 {
		r.failures.add("delete", fmt.Sprintf("still listed %s after the last change", r.Patience), d.Left)
	}
	return nil
}

// cleanUp deletes what a run left that did not come to its end, even after the context has ended; a second interrupt
// ends it.
func (r *run) cleanUp(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d, err := r.remove(ctx)
	if err == nil && d.Left > 0 {
		err = fmt.Errorf("%d are left", d.Left)
	}
	if err != nil {
		return fmt.Errorf("servers whose names begin with %s could not all be deleted: %w", r.name, err)
	}
	return nil
}

// mine tells whether a server is one of the run's.
func (r *run) mine(name string) bool { return strings.HasPrefix(name, r.name+"-") }

// work has n workers do count jobs, until one of them fails or the context ends.
func work(ctx context.Context, n, count int, do func(ctx context.Context, job int)) error {
	jobs := make(chan int)
	var workers sync.WaitGroup
	for range min(n, count) {
		workers.Go(func() {
			for job := range jobs {
				do(ctx, job)
			}
		})
	}
	var err error
	for job := range count {
		select {
		case jobs <- job:
			continue
		case <-ctx.Done():
			err = ctx.Err()
		}
		break
	}
	close(jobs)
	workers.Wait()
	return errors.Join(err, ctx.Err())
}
