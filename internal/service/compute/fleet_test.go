package compute_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// fleet is a set of fake hosts, each with an agent that keeps the protocol. It implements compute.HostLink.
type fleet struct {
	w      *world
	ctx    context.Context // of the agents
	cancel func()
	done   sync.WaitGroup

	mu    sync.Mutex
	hosts map[string]*fakeHost
}

func (f *fleet) host(id string) *fakeHost {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hosts[id]
}

// fakeHost is one host. Its knobs are read under mu.
type fakeHost struct {
	info   protocol.Host
	orders chan []protocol.Server

	mu      sync.Mutex
	domains map[string]*domain
	silent  bool    // says and hears nothing
	mute    bool    // does as it is told, and says that it is there, but not what it has done
	fails   float64 // part of the builds that fail for good
	error   string
	loses   float64 // part of the pushes and reports that are lost
	asked   int     // how often it was asked to sync
}

type domain struct {
	want protocol.Server
	seen protocol.Observed
}

func newFleet(w *world, n int) *fleet {
	f := &fleet{w: w, hosts: map[string]*fakeHost{}}
	for i := range n {
		f.add(fmt.Sprintf("h%d", i+1))
	}
	return f
}

// add adds a host whose agent doesn't run yet.
func (f *fleet) add(id string) *fakeHost {
	h := &fakeHost{
		info: protocol.Host{
			ID: id, Name: "host-" + id, Version: protocol.Version, Arch: "amd64", Hypervisor: "simulated", HypervisorInfo: "QEMU 7.2.19",
			Capacity: protocol.Capacity{VCPUs: 8, MemoryMiB: 4096, DiskGiB: 100},
		},
		orders: make(chan []protocol.Server, 100), domains: map[string]*domain{},
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hosts[id] = h
	return h
}

func (f *fleet) run() {
	f.ctx, f.cancel = context.WithCancel(context.Background())
	for _, h := range f.hosts {
		f.runHost(h)
	}
}

func (f *fleet) runHost(h *fakeHost) { f.done.Go(func() { f.agent(f.ctx, h) }) }

func (f *fleet) stop() { f.cancel(); f.done.Wait() }

// agent syncs often, and does as it is told.
func (f *fleet) agent(ctx context.Context, h *fakeHost) {
	f.sync(ctx, h)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case orders := <-h.orders:
			f.report(ctx, h, h.carryOut(orders))
		case <-tick.C:
			f.sync(ctx, h)
		}
	}
}

var errSilent = errors.New("the host does not answer")

// Push implements compute.HostLink.
func (f *fleet) Push(_ context.Context, hostID string, servers []protocol.Server) error {
	h := f.host(hostID)
	if h.lost() {
		return errSilent
	}
	select {
	case h.orders <- servers:
		return nil
	default:
		return errSilent
	}
}

// AskSync implements compute.HostLink. These agents sync all the time.
func (f *fleet) AskSync(hostID string) { f.host(hostID).tune(func(h *fakeHost) { h.asked++ }) }

// Console implements compute.HostLink.
func (f *fleet) Console(_ context.Context, hostID, serverID string, lines int) (string, error) {
	return fmt.Sprintf("console of %s on %s, %d lines", serverID, hostID, lines), nil
}

// wasAsked tells whether the host was asked to sync.
func (h *fakeHost) wasAsked() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked > 0
}

func (h *fakeHost) isMute() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mute
}

// lost tells whether a message is lost.
func (h *fakeHost) lost() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.silent || rand.Float64() < h.loses
}

func (h *fakeHost) tune(fn func(*fakeHost)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fn(h)
}

// carryOut does what was ordered, once for each generation.
func (h *fakeHost) carryOut(orders []protocol.Server) []protocol.Observed {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.silent {
		return nil
	}
	var seen []protocol.Observed
	for _, want := range orders {
		d := h.domains[want.ID]
		switch {
		case d != nil && want.Generation < d.want.Generation:
			continue // an order that was overtaken
		case want.Power == protocol.Absent:
			delete(h.domains, want.ID)
			seen = append(seen, protocol.Observed{ID: want.ID, Generation: want.Generation, Power: protocol.Absent})
			continue
		case d == nil:
			d = &domain{}
			h.domains[want.ID] = d
			if rand.Float64() < h.fails {
				d.seen = protocol.Observed{ID: want.ID, Error: h.error, Final: true}
			}
		}
		d.want = want
		if d.seen.Error == "" {
			d.seen = protocol.Observed{ID: want.ID, Generation: want.Generation, Boot: want.Boot, Power: want.Power}
		}
		seen = append(seen, d.seen)
	}
	return seen
}

func (f *fleet) report(ctx context.Context, h *fakeHost, seen []protocol.Observed) {
	if len(seen) == 0 || h.isMute() || h.lost() {
		return
	}
	wait, cancel, control := f.w.control.during(ctx)
	defer cancel()
	_, _ = control.Report(wait, protocol.Report{HostID: h.info.ID, Servers: seen}) // the next sync says it again
}

func (f *fleet) sync(ctx context.Context, h *fakeHost) {
	h.mu.Lock()
	silent := h.silent
	m := protocol.Sync{Host: h.info}
	for _, d := range h.domains {
		if !h.mute {
			m.Servers = append(m.Servers, d.seen)
		}
	}
	h.mu.Unlock()
	if silent {
		return
	}
	wait, cancel, control := f.w.control.during(ctx)
	defer cancel()
	reply, err := control.Sync(wait, m)
	if err != nil {
		return
	}
	f.report(ctx, h, h.carryOut(reply.Servers))
}

// see makes a host see something of a server that nobody ordered.
func (h *fakeHost) see(id string, p protocol.Power, c protocol.Cause) {
	h.tune(func(h *fakeHost) { h.domains[id].seen.Power, h.domains[id].seen.Cause = p, c })
}

// domains lists what is on all hosts.
func (f *fleet) domains() string {
	out := ""
	for id, h := range f.hosts {
		h.mu.Lock()
		for server, d := range h.domains {
			out += fmt.Sprintf("\ndomain %s on %s: %+v", server, id, d.seen)
		}
		h.mu.Unlock()
	}
	return out
}

// where lists the hosts that have a domain of a server.
func (f *fleet) where(server string) []string {
	var out []string
	for id, h := range f.hosts {
		h.mu.Lock()
		if h.domains[server] != nil {
			out = append(out, id)
		}
		h.mu.Unlock()
	}
	return out
}

func page() query.Page { return query.Page{} }
