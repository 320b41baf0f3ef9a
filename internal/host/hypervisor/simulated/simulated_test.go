package simulated_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/simulated"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/suite"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

func TestSuite(t *testing.T) {
	h := simulated.New(simulated.Options{
		Greeting:  suite.GuestGreeting,
		BootDelay: time.Millisecond,
		StopDelay: 5 * time.Millisecond,
		Missing:   func(path string) bool { return strings.HasSuffix(path, ".missing") },
	})
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	suite.Run(t, suite.Bench{
		Hypervisor: h,
		Root:       func(*testing.T) disk.Disk { return disk.Disk{Path: "/nowhere/root", Format: "raw"} },
		Lose:       func(_ *testing.T, id string) { h.Crash(id) },
		Restart:    func(*testing.T) { h.RestartEngine() },
		Patience:   2 * time.Minute,
	})
}

func defined(t *testing.T, h *simulated.Hypervisor) string {
	t.Helper()
	id := uuid.NewString()
	require.NoError(t, h.Define(t.Context(), hypervisor.Spec{ID: id, Name: "n"}))
	return id
}

func power(t *testing.T, h *simulated.Hypervisor, id string) protocol.Power {
	t.Helper()
	found, err := h.List(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0].Power
}

func TestAFailureDoesNothing(t *testing.T) {
	broken := errors.New("broken")
	fail := false
	h := simulated.New(simulated.Options{Fail: func(op simulated.Operation, _ string) error {
		if fail && op == simulated.Start {
			return broken
		}
		return nil
	}})
	id := defined(t, h)
	fail = true
	require.ErrorIs(t, h.Start(t.Context(), id), broken)
	require.Equal(t, protocol.Stopped, power(t, h, id))
	require.Zero(t, h.Starts(id))
}

func TestALateFailureHasDoneItsWork(t *testing.T) {
	h := simulated.New(simulated.Options{LateRate: map[simulated.Operation]float64{simulated.Start: 1}})
	id := defined(t, h)
	require.Error(t, h.Start(t.Context(), id))
	require.Equal(t, protocol.Running, power(t, h, id))
}

func TestAGuestMayIgnoreThePowerButton(t *testing.T) {
	h := simulated.New(simulated.Options{StopDelay: -1})
	id := defined(t, h)
	require.NoError(t, h.Start(t.Context(), id))
	require.NoError(t, h.Shutdown(t.Context(), id))
	require.Equal(t, protocol.Running, power(t, h, id))
	require.NoError(t, h.Destroy(t.Context(), id))
	require.Equal(t, protocol.Stopped, power(t, h, id))
}

func TestAHostRebootLosesAllThatRan(t *testing.T) {
	h := simulated.New(simulated.Options{})
	ran, halted := defined(t, h), defined(t, h)
	require.NoError(t, h.Start(t.Context(), ran))
	require.NoError(t, h.SetMetadata(t.Context(), halted, hypervisor.Metadata{Halted: true}))
	h.RebootHost()
	found, err := h.List(t.Context(), ran, halted)
	require.NoError(t, err)
	require.Equal(t, protocol.CauseLost, found[0].Cause)
	require.Equal(t, protocol.CauseGuest, found[1].Cause)
}

func TestADomainIsSmall(t *testing.T) {
	const n = 2000
	h := simulated.New(simulated.Options{})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range n {
		require.NoError(t, h.Start(t.Context(), defined(t, h)))
	}
	each := (heap() - before) / n
	require.Less(t, each, uint64(4<<10), "bytes a domain")
	runtime.KeepAlive(h)
}
