package agent

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	disksim "github.com/aloft-cloud/aloft/internal/host/disk/simulated"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/simulated"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

func TestOnBus(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	server, err := bus.Start(bus.Config{}, log)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	connect := func() *bus.Bus {
		b, err := server.Connect(t.Context())
		require.NoError(t, err)
		t.Cleanup(b.Close)
		return b
	}
	control, hostSide, p := connect(), connect(), newPlane()
	_, err = bus.Serve(control, protocol.SubjectSync, "control", p.Sync)
	require.NoError(t, err)
	_, err = bus.Serve(control, protocol.SubjectImage, "control", p.ReadImage)
	require.NoError(t, err)
	_, err = bus.Serve(control, protocol.SubjectReport, "control", func(ctx context.Context, r protocol.Report) (protocol.Ack, error) {
		return protocol.Ack{}, p.Report(ctx, r)
	})
	require.NoError(t, err)

	h := &host{t: t, plane: p, hv: simulated.New(simulated.Options{Greeting: "hello"}), pool: disksim.New(disksim.Options{})}
	t.Cleanup(func() { require.NoError(t, h.hv.Close()) })
	a := New(Config{
		Hypervisor: h.hv, Pool: h.pool, Host: Describe(HostConfig{ID: "host-1"}, h.hv, h.pool), Log: log,
		SyncEvery: time.Hour, // one at the connection, and then only what is told and reported
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.RunOnBus(ctx, hostSide, "host-1", p) }()
	h.waitSyncs(1)

	id := h.create()
	_, err = bus.Request[[]protocol.Server, protocol.Ack](t.Context(), control, protocol.SubjectServers("host-1"),
		[]protocol.Server{p.wanted(id)})
	require.NoError(t, err)
	h.done(id, protocol.Running)

	out, err := bus.Request[protocol.ConsoleRead, protocol.ConsoleOutput](t.Context(), control, protocol.SubjectConsole("host-1"),
		protocol.ConsoleRead{ServerID: id, Lines: 1})
	require.NoError(t, err)
	require.Equal(t, "hello\n", out.Text)
	_, err = bus.Request[protocol.ConsoleRead, protocol.ConsoleOutput](t.Context(), control, protocol.SubjectConsole("host-1"),
		protocol.ConsoleRead{ServerID: "nobody"})
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)

	cancel()
	require.NoError(t, <-done)
}
