package agent

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/reconcile"
)

// Crew runs the agents of the hosts that one process speaks for: one on a real host, thousands in a laboratory. All of
// them wait in three queues, whose workers come and go with the work, so that a host at rest costs no goroutine.
type Crew struct {
	log     *slog.Logger
	servers *reconcile.Queue // keys are host/server
	chores  *reconcile.Queue // keys are chore/host
	beats   *reconcile.Queue // keys are hosts; a heartbeat waits for no chore, or hosts would be lost where many Sync

	mu     sync.RWMutex
	agents map[string]*Agent
}

// Limits bound what a crew does at the same time.
type Limits struct {
	Servers int // that are worked on
	Chores  int // talks with the control plane, and looks at all domains
	// SweepEvery is how often each server is worked on that nobody has waked.
	SweepEvery time.Duration
}

// Of a crew of one: its chores never wait for one another.
const (
	choresAlone = 3
	sweepAlone  = 30 * time.Second
)

// beatsAtOnce is few, as nothing answers a heartbeat.
const beatsAtOnce = 2

// chore is what an agent does beside its work on servers. Each has its own clock; none waits for another.
type chore string

const (
	looking   chore = "look"   // at all domains, as events may be lost
	calling   chore = "call"   // the control plane: Sync
	reporting chore = "report" // what has changed
)

// NewCrew returns a crew without agents.
func NewCrew(limits Limits, log *slog.Logger) *Crew {
	c := &Crew{log: log, agents: map[string]*Agent{}}
	c.servers = reconcile.New(reconcile.Loop{
		Name: "agent servers", Workers: limits.Servers, Period: limits.SweepEvery, Do: c.work, Log: log,
		Keys: func(context.Context) ([]string, error) { return c.known(), nil },
	})
	c.chores = reconcile.New(reconcile.Loop{Name: "agent chores", Workers: limits.Chores, Do: c.chore, Log: log})
	c.beats = reconcile.New(reconcile.Loop{Name: "agent heartbeats", Workers: beatsAtOnce, Do: c.beat, Log: log})
	return c
}

// Add adds the agent of a host, which begins at once if the crew runs.
func (c *Crew) Add(id string, cfg Config, control Control, networks Networks) *Agent {
	a := newAgent(id, cfg, c)
	a.control, a.networks = control, networks
	c.mu.Lock()
	c.agents[id] = a
	c.mu.Unlock()
	a.begin()
	return a
}

// Remove ends the agent of a host, as a kill of its process would, and waits for what it is doing. Its servers know
// nothing of it.
func (c *Crew) Remove(id string) {
	c.mu.Lock()
	a := c.agents[id]
	delete(c.agents, id)
	c.mu.Unlock()
	if a != nil {
		a.end()
	}
}

// Run works until ctx ends. It is called once.
func (c *Crew) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, q := range []*reconcile.Queue{c.chores, c.beats} {
		all.Go(func() { _ = q.Run(ctx) }) // it never fails
	}
	err := c.servers.Run(ctx)
	all.Wait()
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, a := range c.agents {
		a.Hypervisor.Watch(nil)
	}
	return err
}

// agent returns the agent of a host; nil if there is none.
func (c *Crew) agent(id string) *Agent {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.agents[id]
}

// all are the agents.
func (c *Crew) all() []*Agent {
	c.mu.RLock()
	defer c.mu.RUnlock()
	agents := make([]*Agent, 0, len(c.agents))
	for _, a := range c.agents {
		agents = append(agents, a)
	}
	return agents
}

// known are the servers that something is known of.
func (c *Crew) known() (keys []string) {
	for _, a := range c.all() {
		keys = append(keys, a.keys(a.known())...)
	}
	return keys
}

// work works on one server.
func (c *Crew) work(ctx context.Context, key string) (reconcile.Result, error) {
	host, server, _ := strings.Cut(key, "/")
	return c.as(ctx, host, func(ctx context.Context, a *Agent) (reconcile.Result, error) { return a.work(ctx, server) })
}

// chore does one chore.
func (c *Crew) chore(ctx context.Context, key string) (reconcile.Result, error) {
	what, host, _ := strings.Cut(key, "/")
	return c.as(ctx, host, func(ctx context.Context, a *Agent) (reconcile.Result, error) {
		switch chore(what) {
		case looking:
			return reconcile.Result{Again: a.lookAround(ctx)}, nil
		case calling:
			return reconcile.Result{Again: a.call(ctx)}, nil
		default:
			return reconcile.Result{Again: a.report(ctx)}, nil
		}
	})
}

// beat tells that a host is there.
func (c *Crew) beat(ctx context.Context, host string) (reconcile.Result, error) {
	return c.as(ctx, host, func(ctx context.Context, a *Agent) (reconcile.Result, error) {
		return reconcile.Result{Again: a.heartbeat(ctx)}, nil
	})
}

// as does something as an agent, unless that has ended.
func (c *Crew) as(ctx context.Context, host string, do func(context.Context, *Agent) (reconcile.Result, error)) (reconcile.Result, error) {
	a := c.agent(host)
	if a == nil {
		return reconcile.Result{}, nil
	}
	ctx, done := a.attempt(ctx)
	defer done()
	res, err := do(ctx, a)
	if err != nil && a.over() {
		return reconcile.Result{}, nil
	}
	return res, err
}
