package agent

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	disksim "github.com/aloft-cloud/aloft/internal/host/disk/simulated"
	disksuite "github.com/aloft-cloud/aloft/internal/host/disk/suite"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/simulated"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// plane is a control plane as far as a host sees one.
type plane struct {
	image *disksuite.Source

	mu       sync.Mutex
	wants    map[string]protocol.Server
	seen     map[string]protocol.Observed
	syncs    int
	beats    []protocol.Heartbeat
	deaf     error // the answer to everything, if set
	networks map[string]protocol.MetadataPort
}

func newPlane() *plane {
	return &plane{
		image: noise(), wants: map[string]protocol.Server{},
		seen: map[string]protocol.Observed{},
	}
}

// noise is an image of two pieces and a bit, made once.
func noise() *disksuite.Source {
	made := noiseOnce()
	return &disksuite.Source{Image: made.Image, Data: made.Data}
}

var noiseOnce = sync.OnceValue(func() *disksuite.Source { return disksuite.Noise(2*protocol.ImagePiece + 7) })

func (p *plane) take(servers []protocol.Observed) {
	for _, o := range servers {
		if old, ok := p.seen[o.ID]; ok && old.At.After(o.At) {
			continue
		}
		p.seen[o.ID] = o
		if w, ok := p.wants[o.ID]; ok && w.Power == protocol.Absent && o.Power == protocol.Absent && o.Generation >= w.Generation {
			delete(p.wants, o.ID)
		}
	}
}

func (p *plane) Sync(_ context.Context, s protocol.Sync) (protocol.SyncReply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf != nil {
		return protocol.SyncReply{}, p.deaf
	}
	p.syncs++
	p.take(s.Servers)
	var reply protocol.SyncReply
	for _, w := range p.wants {
		reply.Servers = append(reply.Servers, w)
	}
	return reply, nil
}

func (p *plane) Report(_ context.Context, r protocol.Report) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf != nil {
		return p.deaf
	}
	p.take(r.Servers)
	return nil
}

func (p *plane) Heartbeat(_ context.Context, h protocol.Heartbeat) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf == nil {
		p.beats = append(p.beats, h)
	}
	return p.deaf
}

func (p *plane) ReadImage(ctx context.Context, read protocol.ImageRead) (protocol.ImageData, error) {
	data, err := p.image.ReadImage(ctx, read.ID, read.Offset, read.Length)
	return protocol.ImageData{Data: data}, err
}

// Ensure implements Networks.
func (p *plane) Ensure(_ context.Context, networks map[string]protocol.MetadataPort) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.networks = maps.Clone(networks)
	return nil
}

// change changes a server's wants, with the next generation, and returns them.
func (p *plane) change(id string, change func(*protocol.Server)) protocol.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.wants[id]
	generation := w.Generation + 1
	change(&w)
	w.Generation = max(w.Generation, generation)
	p.wants[id] = w
	return w
}

func (p *plane) wanted(id string) protocol.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wants[id]
}

func (p *plane) observed(id string) protocol.Observed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[id]
}

// host is a host with its agent, which may be killed and replaced.
type host struct {
	t     *testing.T
	plane *plane
	hv    *simulated.Hypervisor
	pool  *disksim.Pool
	// Between the agent and its world, for tests that stand there; by default the world itself.
	between func(hypervisor.Hypervisor, disk.Pool) (hypervisor.Hypervisor, disk.Pool)

	agent *Agent
	stop  func()
}

func newHost(t *testing.T, hvOpts simulated.Options, poolOpts disksim.Options) *host {
	t.Helper()
	h := &host{t: t, plane: newPlane(), hv: simulated.New(hvOpts), pool: disksim.New(poolOpts)}
	t.Cleanup(func() {
		h.kill()
		require.NoError(t, h.hv.Close())
	})
	return h
}

// run starts an agent in place of the one before.
func (h *host) run() {
	h.t.Helper()
	h.kill()
	var hv hypervisor.Hypervisor = h.hv
	var pool disk.Pool = h.pool
	if h.between != nil {
		hv, pool = h.between(hv, pool)
	}
	h.agent = New(Config{
		Hypervisor: hv, Pool: pool, Host: Describe(HostConfig{ID: "host-1"}, h.hv, h.pool),
		Log:          slog.New(slog.NewTextHandler(io.Discard, nil)),
		StopDeadline: 400 * time.Millisecond, PressEvery: 50 * time.Millisecond,
		RelistEvery: 20 * time.Millisecond, SyncEvery: 40 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	done := make(chan error, 1)
	go func() { done <- h.agent.Run(ctx, h.plane, h.plane) }()
	h.stop = func() {
		cancel()
		require.NoError(h.t, <-done)
	}
}

// kill ends the agent, if one runs.
func (h *host) kill() {
	if h.stop != nil {
		h.stop()
		h.stop = nil
	}
}

// create wants a new server and returns its id.
func (h *host) create() string { return h.createWith(func(*protocol.Server) {}) }

// createWith is create of a server that is not like the others.
func (h *host) createWith(change func(*protocol.Server)) string {
	id, network := uuid.NewString(), "net-"+uuid.NewString()
	h.want(id, func(w *protocol.Server) {
		*w = protocol.Server{
			ID: id, Name: "s", Generation: 1, Power: protocol.Running, Boot: 1, VCPUs: 1, MemoryMiB: 64, RootGiB: 1,
			Image: h.plane.image.Image,
			NICs: []protocol.NIC{{
				PortID: uuid.NewString(), NetworkID: network, MAC: "fa:16:3e:00:00:01",
				FixedIPs: []protocol.FixedIP{{Address: "10.0.0.5"}}, Metadata: protocol.MetadataPort{PortID: "md-" + network},
			}},
		}
		change(w)
	})
	return id
}

// want changes a server's wants and tells the agent, if one runs.
func (h *host) want(id string, change func(*protocol.Server)) {
	w := h.plane.change(id, change)
	if h.stop != nil {
		h.agent.Want([]protocol.Server{w})
	}
}

// domain returns the domain of a server, or nil.
func (h *host) domain(id string) *hypervisor.Domain {
	h.t.Helper()
	found, err := h.hv.List(context.WithoutCancel(h.t.Context()), id)
	require.NoError(h.t, err)
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

// until waits until what the control plane sees of a server is as it should be.
func (h *host) until(id, what string, ok func(protocol.Observed) bool) {
	h.t.Helper()
	if !within(func() bool { return ok(h.plane.observed(id)) }) {
		h.t.Fatalf("%s; seen is %+v, the domain is %+v", what, h.plane.observed(id), h.domain(id))
	}
}

// eventually waits for what is not the control plane's to see.
func (h *host) eventually(what string, ok func() bool) {
	h.t.Helper()
	require.True(h.t, within(ok), what)
}

// within tells whether something comes true in a time that is generous for a slow machine.
func within(ok func() bool) bool {
	for deadline := time.Now().Add(3 * time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// gate holds whoever waits at it, so that a test can look at what else would pass too quickly.
type gate struct {
	open func()
	wait func()
}

func newGate() gate {
	opened := make(chan struct{})
	return gate{open: sync.OnceFunc(func() { close(opened) }), wait: func() { <-opened }}
}

// done waits until the wants have been carried out.
func (h *host) done(id string, power protocol.Power) {
	h.t.Helper()
	generation := h.plane.wanted(id).Generation
	h.until(id, "the wants were never carried out", func(o protocol.Observed) bool {
		return o.Generation >= generation && o.Power == power && o.Step == "" && o.Error == ""
	})
}

// gone waits until nothing is left of a server.
func (h *host) gone(id string) {
	h.t.Helper()
	h.eventually("the server was never reported absent", func() bool { return h.plane.wanted(id).ID == "" })
	require.Nil(h.t, h.domain(id))
	_, err := h.pool.Find(context.WithoutCancel(h.t.Context()), id)
	require.True(h.t, fault.Is(err, fault.NotFound), "its disk is left over")
}

func set(power protocol.Power) func(*protocol.Server) {
	return func(w *protocol.Server) { w.Power = power }
}

func softReboot(w *protocol.Server) { w.Boot, w.HardBoot = w.Boot+1, false }

func hardReboot(w *protocol.Server) { w.Boot, w.HardBoot = w.Boot+1, true }
