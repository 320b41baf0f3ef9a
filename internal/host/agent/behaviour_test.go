package agent

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	disksim "github.com/aloft-cloud/aloft/internal/host/disk/simulated"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/simulated"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

func TestLife(t *testing.T) {
	h := newHost(t, simulated.Options{StopDelay: 5 * time.Millisecond}, disksim.Options{})
	h.run()
	id := h.create()
	h.done(id, protocol.Running)
	require.Equal(t, hypervisor.Metadata{Generation: 1, Boot: 1}, h.domain(id).Meta)

	h.want(id, set(protocol.Stopped))
	h.done(id, protocol.Stopped)
	require.Equal(t, protocol.CauseNone, h.plane.observed(id).Cause, "a wanted stop needs no explanation")
	h.want(id, set(protocol.Running))
	h.done(id, protocol.Running)
	h.want(id, softReboot)
	h.done(id, protocol.Running)
	h.want(id, hardReboot)
	h.done(id, protocol.Running)
	require.Equal(t, 4, h.hv.Starts(id))
	require.Equal(t, int64(3), h.plane.observed(id).Boot)

	h.want(id, set(protocol.Absent))
	h.gone(id)
	h.eventually("the agent forgets it", func() bool { return len(h.agent.known()) == 0 })
}

func TestProgressIsTold(t *testing.T) {
	fetching, starting := newGate(), newGate()
	h := newHost(t, simulated.Options{Fail: func(op simulated.Operation, _ string) error {
		if op == simulated.Start {
			starting.wait()
		}
		return nil
	}}, disksim.Options{})
	h.plane.image.Before = func(_ context.Context, offset int64) error {
		if offset == protocol.ImagePiece {
			fetching.wait()
		}
		return nil
	}
	t.Cleanup(fetching.open) // before the host's end, which waits for the agent
	t.Cleanup(starting.open)
	h.run()
	id := h.create()
	h.until(id, "the image's progress", func(o protocol.Observed) bool { return o.Step == "fetching image (49 %)" })
	o := h.plane.observed(id)
	require.Equal(t, protocol.Absent, o.Power)
	require.Zero(t, o.Generation)
	fetching.open()
	h.until(id, "the start", func(o protocol.Observed) bool { return o.Step == "starting" })
	starting.open()
	h.done(id, protocol.Running)
}

func TestMetadataStandsBeforeTheGuestStarts(t *testing.T) {
	var ready atomic.Bool
	var h *host
	h = newHost(t, simulated.Options{Fail: func(op simulated.Operation, _ string) error {
		if op == simulated.Start {
			h.plane.mu.Lock()
			ready.Store(len(h.plane.networks) == 1)
			h.plane.mu.Unlock()
		}
		return nil
	}}, disksim.Options{})
	h.run()
	id := h.create()
	h.done(id, protocol.Running)
	require.True(t, ready.Load())

	network := h.plane.wanted(id).NICs[0].NetworkID
	found, ok := h.agent.ServerAt(network, "10.0.0.5")
	require.True(t, ok)
	require.Equal(t, id, found.ID)
	_, ok = h.agent.ServerAt(network, "10.0.0.6")
	require.False(t, ok)
	_, ok = h.agent.ServerAt("other", "10.0.0.5")
	require.False(t, ok)

	h.want(id, set(protocol.Absent))
	h.gone(id)
	h.eventually("no server needs the network any more", func() bool {
		h.plane.mu.Lock()
		defer h.plane.mu.Unlock()
		return len(h.plane.networks) == 0
	})
}

func TestAStaleWantIsDropped(t *testing.T) {
	h := newHost(t, simulated.Options{}, disksim.Options{})
	h.run()
	id := h.create()
	h.done(id, protocol.Running)
	old := h.plane.wanted(id)
	h.want(id, set(protocol.Stopped))
	h.done(id, protocol.Stopped)
	h.agent.Want([]protocol.Server{old})
	require.Empty(t, h.agent.hear([]protocol.Server{old}))
	h.want(id, func(w *protocol.Server) {}) // one more round, and it is still stopped
	h.done(id, protocol.Stopped)
	require.Equal(t, 1, h.hv.Starts(id))
}

func TestAGuestThatPowersOffStaysOff(t *testing.T) {
	h := newHost(t, simulated.Options{}, disksim.Options{})
	h.run()
	id := h.create()
	h.done(id, protocol.Running)
	h.hv.PowerOff(id)
	stays := func() {
		t.Helper()
		h.until(id, "it must be seen as stopped by the guest", func(o protocol.Observed) bool {
			return o.Power == protocol.Stopped && o.Cause == protocol.CauseGuest && o.Generation == 1
		})
	}
	stays()
	h.eventually("it is marked", func() bool { return h.domain(id).Meta.Halted })

	h.hv.RestartEngine() // which forgets why it was stopped
	h.run()
	syncs := h.synced()
	h.waitSyncs(syncs + 3)
	stays()
	h.hv.RebootHost()
	h.run()
	h.waitSyncs(h.synced() + 3)
	stays()
	require.Equal(t, 1, h.hv.Starts(id))

	h.want(id, set(protocol.Running))
	h.done(id, protocol.Running)
	require.Equal(t, 2, h.hv.Starts(id))
	require.False(t, h.domain(id).Meta.Halted)
}

func (h *host) synced() int {
	h.plane.mu.Lock()
	defer h.plane.mu.Unlock()
	return h.plane.syncs
}

func (h *host) waitSyncs(n int) {
	h.t.Helper()
	h.eventually("the agent no longer calls", func() bool { return h.synced() >= n })
}

func TestALostServerRunsAgain(t *testing.T) {
	h := newHost(t, simulated.Options{}, disksim.Options{})
	h.run()
	ran, stopped := h.create(), h.create()
	h.done(ran, protocol.Running)
	h.done(stopped, protocol.Running)
	h.want(stopped, set(protocol.Stopped))
	h.done(stopped, protocol.Stopped)

	h.hv.Crash(ran)
	h.starts(ran, 2)
	h.done(ran, protocol.Running)

	h.kill()
	h.hv.RebootHost()
	h.run()
	h.starts(ran, 3)
	h.done(ran, protocol.Running)
	require.Equal(t, 1, h.hv.Starts(stopped), "what was stopped stays stopped")
}

func (h *host) starts(id string, n int) {
	h.t.Helper()
	h.eventually(fmt.Sprintf("it should have been started %d times", n), func() bool { return h.hv.Starts(id) == n })
}

func TestAServerThatIsLostAgainAndAgainIsStartedWithBackOff(t *testing.T) {
	a := New(Config{})
	a.entry("x")
	now := time.Now()
	require.Zero(t, a.holdOff("x", now))
	wait := a.holdOff("x", now)
	require.Equal(t, time.Second, wait)
	require.Zero(t, a.holdOff("x", now.Add(wait)))
	now = now.Add(wait)
	require.Equal(t, 2*time.Second, a.holdOff("x", now))
	for range 20 {
		now = now.Add(a.holdOff("x", now))
		require.LessOrEqual(t, a.holdOff("x", now), lossMost)
	}
	require.Zero(t, a.holdOff("x", now.Add(lossForgotten)))
	require.Equal(t, time.Second, a.holdOff("x", now.Add(lossForgotten)), "it begins anew")
}

func TestAGuestThatIgnoresThePowerButtonIsDestroyed(t *testing.T) {
	for name, change := range map[string]func(*protocol.Server){"stop": set(protocol.Stopped), "reboot": softReboot} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, simulated.Options{StopDelay: -1}, disksim.Options{})
			h.run()
			id := h.create()
			h.done(id, protocol.Running)
			began := time.Now()
			h.want(id, change)
			h.done(id, h.plane.wanted(id).Power)
			require.GreaterOrEqual(t, time.Since(began), 400*time.Millisecond)
		})
	}
}

func TestANewerWantEndsTheWaitForAnImage(t *testing.T) {
	h := newHost(t, simulated.Options{}, disksim.Options{})
	h.plane.image.Before = func(ctx context.Context, _ int64) error {
		<-ctx.Done()
		return ctx.Err()
	}
	h.run()
	id := h.create()
	h.until(id, "it is fetching", func(o protocol.Observed) bool { return o.Step == "fetching image" })
	h.want(id, set(protocol.Absent))
	h.gone(id)
}

func TestErrorsAreTold(t *testing.T) {
	h := newHost(t, simulated.Options{}, disksim.Options{TotalGiB: 1})
	h.run()
	first := h.create()
	h.done(first, protocol.Running)

	full := h.create()
	h.until(full, "the lack of space", func(o protocol.Observed) bool { return o.Final && o.Step == "" })
	require.Contains(t, h.plane.observed(full).Error, "no room")
	h.want(full, set(protocol.Absent))
	h.gone(full)

	h.want(first, set(protocol.Absent))
	h.gone(first)
	missing := h.createWith(func(w *protocol.Server) { w.Image.ID = uuid.NewString() })
	h.until(missing, "the missing image", func(o protocol.Observed) bool { return o.Final })
	require.Contains(t, h.plane.observed(missing).Error, "could not be found")
	h.want(missing, func(w *protocol.Server) { w.Image = h.plane.image.Image })
	h.done(missing, protocol.Running)
}

func TestAFailureIsToldAndTriedAgain(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	h := newHost(t, simulated.Options{Fail: func(op simulated.Operation, _ string) error {
		if op == simulated.Start && broken.Load() {
			return fault.New(fault.Internal, "there is no more memory")
		}
		return nil
	}}, disksim.Options{})
	h.run()
	id := h.create()
	h.until(id, "the failure", func(o protocol.Observed) bool { return o.Error == "there is no more memory" })
	o := h.plane.observed(id)
	require.False(t, o.Final)
	require.Zero(t, o.Generation)
	broken.Store(false)
	h.done(id, protocol.Running)
}

func TestAMissingDiskIsNotReplacedInSilence(t *testing.T) {
	h := newHost(t, simulated.Options{}, disksim.Options{})
	h.run()
	id := h.create()
	h.done(id, protocol.Running)
	require.NoError(t, h.pool.Delete(t.Context(), id))
	h.want(id, hardReboot)
	h.until(id, "the missing disk", func(o protocol.Observed) bool { return o.Final })
	require.Contains(t, h.plane.observed(id).Error, "root disk of server "+id+" is gone")
}

func TestUnknownDomainsAreToldAndLeftAlone(t *testing.T) {
	h := newHost(t, simulated.Options{}, disksim.Options{SkipData: true})
	id, orphan := uuid.NewString(), uuid.NewString()
	require.NoError(t, h.hv.Define(t.Context(), hypervisor.Spec{ID: id, Meta: hypervisor.Metadata{Generation: 3}}))
	require.NoError(t, h.hv.Start(t.Context(), id))
	require.NoError(t, h.pool.Image(t.Context(), h.plane.image.Image, h.plane.image, nil))
	_, err := h.pool.Create(t.Context(), orphan, h.plane.image.Image, 1)
	require.NoError(t, err)
	h.run()
	h.until(id, "the domain", func(o protocol.Observed) bool { return o.Power == protocol.Running && o.Generation == 3 })
	h.until(orphan, "the disk", func(o protocol.Observed) bool { return o.Power == protocol.Stopped && o.Cause == protocol.CauseLost })
	h.waitSyncs(h.synced() + 3)
	require.Equal(t, protocol.Running, h.domain(id).Power)

	for _, id := range []string{id, orphan} {
		h.want(id, func(w *protocol.Server) { w.ID, w.Generation, w.Power = id, 4, protocol.Absent })
		h.gone(id)
	}
}

func TestAServerThatControlForgotIsLeftAsItIs(t *testing.T) {
	h := newHost(t, simulated.Options{}, disksim.Options{})
	h.run()
	id := h.create()
	h.done(id, protocol.Running)
	h.plane.mu.Lock()
	delete(h.plane.wants, id)
	h.plane.mu.Unlock()
	h.eventually("it is wanted no more", func() bool {
		_, ok := h.agent.wanted(id)
		return !ok
	})
	require.Equal(t, protocol.Running, h.domain(id).Power)
}

func TestADeafControlPlaneHearsAllLater(t *testing.T) {
	h := newHost(t, simulated.Options{}, disksim.Options{})
	h.run()
	id := h.create()
	h.done(id, protocol.Running)
	h.plane.mu.Lock()
	h.plane.deaf = fault.New(fault.Unavailable, "nobody is there")
	h.plane.mu.Unlock()
	h.hv.PowerOff(id)
	h.eventually("the agent goes on without it", func() bool { return h.domain(id).Meta.Halted })
	require.Equal(t, protocol.Running, h.plane.observed(id).Power)
	h.plane.mu.Lock()
	h.plane.deaf = nil
	h.plane.mu.Unlock()
	h.until(id, "the stop", func(o protocol.Observed) bool { return o.Power == protocol.Stopped })
}

// A host that can't see its domains must not say that there are none.
func TestNothingIsSaidBeforeTheDomainsHaveBeenSeen(t *testing.T) {
	var away atomic.Bool
	var looks atomic.Int64
	away.Store(true)
	h := newHost(t, simulated.Options{Fail: func(simulated.Operation, string) error {
		if away.Load() {
			looks.Add(1)
			return fault.New(fault.Unavailable, "the hypervisor is away")
		}
		return nil
	}}, disksim.Options{})
	h.run()
	h.eventually("it looks again and again", func() bool { return looks.Load() >= 4 })
	require.Zero(t, h.synced())
	away.Store(false)
	id := h.create()
	h.done(id, protocol.Running)
	away.Store(true)
	h.waitSyncs(h.synced() + 3) // the heartbeat goes on
	require.Equal(t, protocol.Running, h.plane.observed(id).Power)
}

func TestConsole(t *testing.T) {
	h := newHost(t, simulated.Options{Greeting: "hello"}, disksim.Options{})
	h.run()
	id := h.create()
	h.done(id, protocol.Running)
	out, err := h.agent.Console(t.Context(), protocol.ConsoleRead{ServerID: id, Lines: 1})
	require.NoError(t, err)
	require.Equal(t, "hello\n", out.Text)
	_, err = h.agent.Console(t.Context(), protocol.ConsoleRead{ServerID: uuid.NewString()})
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestSentence(t *testing.T) {
	require.Equal(t, "public", sentence(fault.Wrap(fault.Internal, errors.New("private"), "public")))
	require.Equal(t, "plain", sentence(errors.New("plain")))
}
