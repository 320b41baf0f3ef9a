package agent

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	disksim "github.com/aloft-cloud/aloft/internal/host/disk/simulated"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/simulated"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// TestAHostOfACrewDiesAndComesBack ends one agent of two in the middle of a start; the other one goes on.
func TestAHostOfACrewDiesAndComesBack(t *testing.T) {
	c := NewCrew(Limits{Servers: 8, Chores: 8, SweepEvery: time.Hour}, slog.New(slog.DiscardHandler))
	hosts := map[string]*host{}
	add := func(id string, hv hypervisor.Hypervisor) {
		h := hosts[id]
		h.agent = c.Add(id, Config{
			Hypervisor: hv, Pool: h.pool, Host: Describe(HostConfig{ID: id}, h.hv, h.pool), Log: slog.New(slog.DiscardHandler),
			SyncEvery: 40 * time.Millisecond, RelistEvery: -1,
		}, h.plane, h.plane)
	}
	for _, id := range []string{"dies", "lives"} {
		hosts[id] = &host{t: t, plane: newPlane(), pool: disksim.New(disksim.Options{}), hv: simulated.New(simulated.Options{})}
	}
	start := newReaper(2, false) // holds the agent at its second change: after Define comes Start
	add("dies", mortalHypervisor{hosts["dies"].hv, start})
	add("lives", hosts["lives"].hv)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	one := hosts["dies"].create()
	hosts["dies"].until(one, "it is starting", func(o protocol.Observed) bool { return o.Step == "starting" })
	<-start.die
	c.Remove("dies")
	syncs := hosts["dies"].synced()
	other := hosts["lives"].create()
	hosts["lives"].done(other, protocol.Running)
	require.Equal(t, syncs, hosts["dies"].synced(), "the dead say nothing")
	require.Zero(t, hosts["dies"].hv.Starts(one))

	add("dies", hosts["dies"].hv)
	hosts["dies"].done(one, protocol.Running)
	require.Equal(t, 1, hosts["dies"].hv.Starts(one))
	cancel()
	require.NoError(t, <-ended)
}
