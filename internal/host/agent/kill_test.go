package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/host/disk"
	disksim "github.com/aloft-cloud/aloft/internal/host/disk/simulated"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/simulated"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// reaper ends an agent at one of the calls that change its world: just before the call or just after.
type reaper struct {
	after bool
	die   chan struct{} // closed when the time has come

	mu   sync.Mutex
	left int // calls until then
	dead bool
}

func newReaper(call int, after bool) *reaper {
	return &reaper{after: after, left: call, die: make(chan struct{})}
}

// change runs a call, or not, and holds an agent that is dead until it is ended: a dead one does nothing more.
func (r *reaper) change(ctx context.Context, call func() error) error {
	r.mu.Lock()
	due := false
	if !r.dead {
		r.left--
		due = r.left == 0
	}
	blocked := r.dead || due && !r.after
	if due {
		r.dead = true
	}
	r.mu.Unlock()
	if due && r.after {
		if err := call(); err != nil {
			return err
		}
	}
	if due {
		close(r.die)
	}
	if blocked || due {
		<-ctx.Done()
		return ctx.Err()
	}
	return call()
}

// mortalHypervisor and mortalPool stand between an agent and its world.
type mortalHypervisor struct {
	hypervisor.Hypervisor
	reaper *reaper
}

func (m mortalHypervisor) Define(ctx context.Context, spec hypervisor.Spec) error {
	return m.reaper.change(ctx, func() error { return m.Hypervisor.Define(ctx, spec) })
}

func (m mortalHypervisor) Start(ctx context.Context, id string) error {
	return m.reaper.change(ctx, func() error { return m.Hypervisor.Start(ctx, id) })
}

func (m mortalHypervisor) Shutdown(ctx context.Context, id string) error {
	return m.reaper.change(ctx, func() error { return m.Hypervisor.Shutdown(ctx, id) })
}

func (m mortalHypervisor) Destroy(ctx context.Context, id string) error {
	return m.reaper.change(ctx, func() error { return m.Hypervisor.Destroy(ctx, id) })
}

func (m mortalHypervisor) Undefine(ctx context.Context, id string) error {
	return m.reaper.change(ctx, func() error { return m.Hypervisor.Undefine(ctx, id) })
}

func (m mortalHypervisor) SetMetadata(ctx context.Context, id string, meta hypervisor.Metadata) error {
	return m.reaper.change(ctx, func() error { return m.Hypervisor.SetMetadata(ctx, id, meta) })
}

type mortalPool struct {
	disk.Pool
	reaper *reaper
}

func (m mortalPool) Image(ctx context.Context, image protocol.Image, from disk.Source, progress disk.Progress) error {
	return m.reaper.change(ctx, func() error { return m.Pool.Image(ctx, image, from, progress) })
}

func (m mortalPool) Create(ctx context.Context, server string, image protocol.Image, gib int) (d disk.Disk, err error) {
	err = m.reaper.change(ctx, func() error {
		d, err = m.Pool.Create(ctx, server, image, gib)
		return err
	})
	return d, err
}

func (m mortalPool) Delete(ctx context.Context, server string) error {
	return m.reaper.change(ctx, func() error { return m.Pool.Delete(ctx, server) })
}

// scenario is a change of wants that an agent is killed in.
type scenario struct {
	change func(*protocol.Server) // nil: the server is created
	power  protocol.Power
	starts int // of the domain in all, at the end
}

// TestKilledAtEachStep kills the agent just before and just after each call that changes the world, and demands that the
// next agent brings the work to the same end, with no start too many.
func TestKilledAtEachStep(t *testing.T) {
	for name, s := range map[string]scenario{
		"create":      {nil, protocol.Running, 1},
		"stop":        {set(protocol.Stopped), protocol.Stopped, 1},
		"soft reboot": {softReboot, protocol.Running, 2},
		"hard reboot": {hardReboot, protocol.Running, 2},
		"delete":      {set(protocol.Absent), protocol.Absent, 0},
	} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after=%t", name, after), func(t *testing.T) {
				call := 1
				for killedAt(t, s, call, after) {
					call++
				}
				require.Greater(t, call, 2, "it must have been killed more than once")
			})
		}
	}
}

// killedAt plays a scenario with a kill at the given call, and tells whether there was such a call.
func killedAt(t *testing.T, s scenario, call int, after bool) bool {
	h := newHost(t, simulated.Options{}, disksim.Options{})
	defer h.kill()
	h.run()
	id := ""
	if s.change != nil {
		id = h.create()
		h.done(id, protocol.Running)
	}
	r := newReaper(call, after)
	h.between = func(hv hypervisor.Hypervisor, p disk.Pool) (hypervisor.Hypervisor, disk.Pool) {
		return mortalHypervisor{hv, r}, mortalPool{p, r}
	}
	h.run()
	if s.change == nil {
		id = h.create()
	} else {
		h.want(id, s.change)
	}
	killed := h.diesOrEnds(r, id, s)
	h.between = nil
	h.run()
	if s.power == protocol.Absent {
		h.gone(id)
		return killed
	}
	h.done(id, s.power)
	// The agent has nothing more to do, after a restart neither.
	h.run()
	h.waitSyncs(h.synced() + 3)
	h.done(id, s.power)
	require.Equal(t, s.starts, h.hv.Starts(id), "starts, killed at call %d", call)
	return killed
}

// diesOrEnds waits until the agent is dead or has brought the scenario to its end.
func (h *host) diesOrEnds(r *reaper, id string, s scenario) (killed bool) {
	h.t.Helper()
	over := within(func() bool {
		select {
		case <-r.die:
			killed = true
			return true
		default:
		}
		want, o := h.plane.wanted(id), h.plane.observed(id)
		return want.ID == "" && s.power == protocol.Absent ||
			want.ID != "" && o.Generation >= want.Generation && o.Power == s.power && o.Step == ""
	})
	if !over {
		h.t.Fatalf("it neither died nor ended; seen is %+v", h.plane.observed(id))
	}
	return killed
}

// TestManyServersOnABadHost has a hypervisor that fails now and then and agents that are killed, and demands that in the
// end everything is as wanted, and that nothing is left when all is deleted.
func TestManyServersOnABadHost(t *testing.T) {
	rates := map[simulated.Operation]float64{
		simulated.Define: 0.05, simulated.Start: 0.05, simulated.Shutdown: 0.05, simulated.Destroy: 0.05,
		simulated.Undefine: 0.05, simulated.SetMetadata: 0.05, simulated.List: 0.02,
	}
	h := newHost(t, simulated.Options{FailureRate: rates, LateRate: rates, Seed: 7, StopDelay: time.Millisecond}, disksim.Options{})
	dice := rand.New(rand.NewPCG(7, 7))
	h.run()
	var ids []string
	for range 40 {
		ids = append(ids, h.create())
	}
	changes := []func(*protocol.Server){set(protocol.Running), set(protocol.Stopped), softReboot, hardReboot}
	for range 4 {
		for _, id := range ids {
			h.want(id, changes[dice.IntN(len(changes))])
		}
		h.run() // kills the one before
	}
	for _, id := range ids {
		h.done(id, h.plane.wanted(id).Power)
	}
	for _, id := range ids {
		h.want(id, set(protocol.Absent))
	}
	h.run()
	h.eventually("all are gone", func() bool {
		h.plane.mu.Lock()
		defer h.plane.mu.Unlock()
		return len(h.plane.wants) == 0
	})
	h.kill()
	left, err := h.pool.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, left)
	h.eventually("no domain is left", func() bool { // List may be told to fail
		domains, err := h.hv.List(t.Context())
		return err == nil && len(domains) == 0
	})
}

// TestPlanComesToAnEnd plays plans against a model of a domain: from any state, what is wanted is reached in a few rounds
// and then nothing but settling is planned.
func TestPlanComesToAnEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := protocol.Server{
			ID: "x", Generation: rapid.Int64Range(1, 5).Draw(t, "generation"), Boot: rapid.Int64Range(1, 3).Draw(t, "boot"),
			Power: rapid.SampledFrom([]protocol.Power{protocol.Running, protocol.Stopped, protocol.Absent}).Draw(t, "power"),
		}
		d := anyDomain(t, want)
		stays := d != nil && want.Power == protocol.Running && d.Power == protocol.Stopped && !mayRun(want, d)
		paused := d != nil && d.Power == protocol.Paused && d.Meta.Boot >= want.Boot && want.Power == protocol.Running
		for range 3 {
			steps, err := plan(want, d)
			if err != nil {
				t.Fatal(err)
			}
			d = played(steps, want, d)
		}
		switch {
		case want.Power == protocol.Absent:
			if d != nil {
				t.Fatalf("left: %+v", *d)
			}
		case d == nil || d.Meta.Generation < want.Generation:
			t.Fatalf("not carried out: %+v", d)
		case stays && (d.Power != protocol.Stopped || !d.Meta.Halted):
			t.Fatalf("stopped on purpose, and now %+v", *d)
		case !stays && !paused && d.Power != want.Power:
			t.Fatalf("want %s, have %+v", want.Power, *d)
		case d.Power == protocol.Running && d.Meta.Boot < want.Boot:
			t.Fatalf("never rebooted: %+v", *d)
		}
	})
}

func anyDomain(t *rapid.T, want protocol.Server) *hypervisor.Domain {
	if rapid.Bool().Draw(t, "missing") {
		return nil
	}
	d := &hypervisor.Domain{
		ID:    "x",
		Power: rapid.SampledFrom([]protocol.Power{protocol.Running, protocol.Stopped, protocol.Paused}).Draw(t, "is"),
		Meta: hypervisor.Metadata{
			Generation: rapid.Int64Range(0, want.Generation).Draw(t, "done"), Boot: rapid.Int64Range(0, want.Boot).Draw(t, "booted"),
		},
	}
	if d.Power == protocol.Stopped {
		d.Cause = rapid.SampledFrom([]protocol.Cause{protocol.CauseGuest, protocol.CauseLost}).Draw(t, "cause")
	}
	return d
}

// played is what steps make of a domain.
func played(steps []step, want protocol.Server, d *hypervisor.Domain) *hypervisor.Domain {
	for _, s := range steps {
		switch s.name {
		case "remove":
			return nil
		case "stop", "reboot":
			d.Power, d.Cause = protocol.Stopped, protocol.CauseGuest
		case "define":
			n := hypervisor.Domain{ID: "x", Power: protocol.Stopped, Cause: protocol.CauseLost, Meta: hypervisor.Metadata{Boot: want.Boot}}
			if d != nil {
				n.Meta.Generation = d.Meta.Generation
			}
			d = &n
		case "start":
			d.Power, d.Cause = protocol.Running, protocol.CauseNone
		case "settle":
			d.Meta.Generation = max(d.Meta.Generation, want.Generation)
			d.Meta.Halted = d.Power == protocol.Stopped && d.Cause == protocol.CauseGuest
		}
	}
	return d
}
