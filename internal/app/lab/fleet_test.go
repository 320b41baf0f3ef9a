package lab

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// resting starts a fleet against a control plane that wants nothing, and returns when all hosts have synced.
func resting(tb testing.TB, hosts int) {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	server, err := bus.Start(bus.Config{}, log)
	require.NoError(tb, err)
	tb.Cleanup(server.Close)
	synced := make(chan string, hosts)
	control, err := server.Connect(tb.Context())
	require.NoError(tb, err)
	tb.Cleanup(control.Close)
	_, err = bus.Serve(control, protocol.SubjectSync, "control", func(ctx context.Context, s protocol.Sync) (protocol.SyncReply, error) {
		select {
		case synced <- s.Host.ID:
		case <-ctx.Done(): // nobody counts any more
		}
		return protocol.SyncReply{HeartbeatEvery: time.Hour, SyncEvery: time.Hour}, nil
	})
	require.NoError(tb, err)
	b, err := server.Connect(tb.Context())
	require.NoError(tb, err)
	fleet := New(Options{Hosts: hosts, CPUs: 8, MemoryMiB: 1 << 14, DiskGiB: 100, Log: log})
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	ended := make(chan error, 1)
	go func() { ended <- fleet.Run(ctx, b) }()
	tb.Cleanup(func() {
		cancel()
		require.NoError(tb, <-ended)
		b.Close()
	})
	ids := map[string]bool{}
	deadline := time.After(5 * time.Minute)
	for len(ids) < hosts {
		select {
		case id := <-synced:
			ids[id] = true
		case <-deadline:
			require.FailNow(tb, "not all hosts have synced", "%d of %d", len(ids), hosts)
		}
	}
}

// TestHostsAtRestCostNoGoroutine counts goroutines with many hosts.
func TestHostsAtRestCostNoGoroutine(t *testing.T) {
	const hosts = 500
	before := runtime.NumGoroutine()
	resting(t, hosts)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() < before+hosts/5 }, time.Minute, 10*time.Millisecond)
}

// BenchmarkHostAtRest tells what a simulated host costs that has nothing to do.
func BenchmarkHostAtRest(b *testing.B) {
	const hosts = 10_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		goroutines := runtime.NumGoroutine()
		resting(b, hosts)
		left := func() bool { return runtime.NumGoroutine() < goroutines+hosts/100 } // the last workers have
		require.Eventually(b, left, time.Minute, 10*time.Millisecond)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/hosts, "bytes/host")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/hosts, "goroutines/host")
	}
}
