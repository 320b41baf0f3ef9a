package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Config is what an agent works with. Zero durations and counts mean the defaults in brackets.
type Config struct {
	Hypervisor hypervisor.Hypervisor
	Pool       disk.Pool
	// Host describes the host; it is called at every Sync.
	Host func(ctx context.Context) (protocol.Host, error)
	// Settings takes what an operator has set for the host; nil: it has nothing that could be set.
	Settings Settings
	Log      *slog.Logger

	Workers      int           // servers that are worked on at the same time [16]
	StopDeadline time.Duration // that a guest has to heed the power button [30 s]
	PressEvery   time.Duration // between two presses: a guest that is still booting misses some [5 s]
	RelistEvery  time.Duration // between two looks at all domains, which catch what events missed [2 s]; negative: one look
	SyncEvery    time.Duration // between two Syncs [as the control plane asks]
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.StopDeadline, 30*time.Second)
	set(&c.PressEvery, 5*time.Second)
	set(&c.RelistEvery, 2*time.Second)
	if c.Workers == 0 {
		c.Workers = 16
	}
	return c
}

// Agent is the agent of one host.
type Agent struct {
	Config
	id       string // of the host in its crew
	crew     *Crew
	control  Control
	networks Networks
	ensuring sync.Mutex     // one Networks.Ensure at a time
	busy     sync.WaitGroup // attempts

	mu       sync.Mutex
	servers  map[string]*server
	looks    int64         // counts looks at the world, so that an older one never overwrites a newer
	listed   bool          // all domains have been seen once
	synced   bool          // all wants have been heard once
	host     protocol.Host // as last described
	restart  bool          // the hypervisor was away: what failed since need not wait
	calls    calls
	stepsAt  time.Time // since when there is nothing to report but steps; zero: there is nothing, or more
	ended    bool
	attempts map[*context.CancelFunc]struct{}
}

// New returns an agent that is alone in its crew; it does nothing before Run.
func New(cfg Config) *Agent {
	cfg = cfg.withDefaults()
	c := NewCrew(Limits{Servers: cfg.Workers, Chores: choresAlone, SweepEvery: sweepAlone}, cfg.Log)
	a := newAgent("", cfg, c)
	c.agents[a.id] = a
	return a
}

func newAgent(id string, cfg Config, c *Crew) *Agent {
	return &Agent{Config: cfg.withDefaults(), id: id, crew: c, servers: map[string]*server{}}
}

// Run works until ctx ends. It is called once, and for agents that New has made.
func (a *Agent) Run(ctx context.Context, control Control, networks Networks) error {
	a.control, a.networks = control, networks
	a.begin()
	return a.crew.Run(ctx)
}

// begin starts what an agent does unasked.
func (a *Agent) begin() {
	a.Hypervisor.Watch(a.happened)
	a.due(looking)
	a.due(calling)
	a.crew.beats.Wake(a.id)
}

// end cancels all attempts, waits for them, and has no more begin.
func (a *Agent) end() {
	a.Hypervisor.Watch(nil)
	a.mu.Lock()
	a.ended = true
	for cancel := range a.attempts {
		(*cancel)()
	}
	a.mu.Unlock()
	a.busy.Wait()
}

// attempt is the context of something that the agent does; the caller calls done when it has been done.
func (a *Agent) attempt(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		cancel()
		return ctx, func() {}
	}
	a.busy.Add(1)
	if a.attempts == nil {
		a.attempts = map[*context.CancelFunc]struct{}{}
	}
	a.attempts[&cancel] = struct{}{}
	return ctx, func() {
		cancel()
		a.mu.Lock()
		if delete(a.attempts, &cancel); len(a.attempts) == 0 {
			a.attempts = nil
		}
		a.mu.Unlock()
		a.busy.Done()
	}
}

// over tells whether the agent has ended.
func (a *Agent) over() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ended
}

// due has a chore done.
func (a *Agent) due(c chore) { a.crew.chores.Wake(string(c) + "/" + a.id) }

// wake has servers worked on.
func (a *Agent) wake(ids ...string) { a.crew.servers.Wake(a.keys(ids)...) }

// keys are the keys of servers in the crew's queue.
func (a *Agent) keys(ids []string) []string {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = a.id + "/" + id
	}
	return keys
}

// Want hears which servers' wants have changed. Wants that are older than what is known are dropped.
func (a *Agent) Want(servers []protocol.Server) { a.wake(a.hear(servers)...) }

// SyncNow makes the agent Sync at once, as when messages may have been lost.
func (a *Agent) SyncNow() {
	a.mu.Lock()
	a.calls.sync = time.Time{}
	a.mu.Unlock()
	a.due(calling)
}

// Console returns the end of a server's serial console.
func (a *Agent) Console(ctx context.Context, read protocol.ConsoleRead) (protocol.ConsoleOutput, error) {
	text, err := a.Hypervisor.ConsoleLog(ctx, read.ServerID, read.Lines)
	return protocol.ConsoleOutput{Text: text}, err
}

// known are the servers that something is known of.
func (a *Agent) known() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]string, 0, len(a.servers))
	for id := range a.servers {
		ids = append(ids, id)
	}
	return ids
}

// interrupted tells whether an error comes from the end of a context.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled)
}
