package compute_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// upHosts are the hosts that are up, by id.
func (w *world) upHosts() map[string]bool {
	w.t.Helper()
	views, err := w.control.get().Hosts(w.t.Context())
	require.NoError(w.t, err)
	up := map[string]bool{}
	for _, v := range views {
		if v.Up {
			up[v.ID] = true
		}
	}
	return up
}

func syncOf(id string) protocol.Sync {
	return protocol.Sync{Host: protocol.Host{
		ID: id, Name: id, Version: protocol.Version, Capacity: protocol.Capacity{VCPUs: 8, MemoryMiB: 4096, DiskGiB: 100},
	}}
}

// TestHeartbeats has hosts say all once, and then only that they are there.
func TestHeartbeats(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 0, func(s *compute.Settings) { s.HostTimeout = time.Second })
	w.fleet.add("dies")
	w.fleet.add("lives")
	w.fleet.add("new")
	for _, id := range []string{"lives", "dies"} {
		reply, err := w.control.get().Sync(t.Context(), syncOf(id))
		require.NoError(t, err)
		require.Less(t, reply.HeartbeatEvery, time.Second)
		require.Equal(t, protocol.SyncEvery, reply.SyncEvery)
	}
	require.Len(t, w.upHosts(), 2)
	beat := func(id string) { w.control.get().Heartbeat(protocol.Heartbeat{HostID: id}) }
	w.eventually("the one that is silent is lost", func() bool {
		beat("lives")
		up := w.upHosts()
		return up["lives"] && !up["dies"]
	}, func() string { return fmt.Sprint(w.upHosts()) })

	w.eventually("it calls, and is asked to sync", func() bool {
		beat("dies")
		return w.fleet.hosts["dies"].wasAsked()
	}, func() string { return "it was never asked" })
	require.True(t, w.upHosts()["dies"])

	w.eventually("one without a row is asked too", func() bool {
		beat("new")
		return w.fleet.hosts["new"].wasAsked()
	}, func() string { return "it was never asked" })
	require.False(t, w.upHosts()["new"])

	w.kill()
	require.True(t, w.upHosts()["lives"], "a control node that has just started gives it time")
	require.False(t, w.fleet.hosts["lives"].wasAsked())
	w.eventually("it uses it, and the other one doesn't", func() bool {
		beat("lives")
		up := w.upHosts()
		return up["lives"] && !up["dies"]
	}, func() string { return fmt.Sprint(w.upHosts()) })
}

// TestManyHostsDieAtOnce leaves what hosts were about to build to those that live.
func TestManyHostsDieAtOnce(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, 0, func(s *compute.Settings) { s.HostTimeout, s.HostWait, s.MaxTries = 3*time.Second, time.Minute, 100 })
		const hosts = 700
		var synced sync.WaitGroup
		for i := range hosts {
			id := fmt.Sprintf("h%03d", i)
			w.fleet.add(id).silent = true
			synced.Go(func() {
				_, err := w.control.get().Sync(t.Context(), syncOf(id))
				assert.NoError(t, err)
			})
		}
		synced.Wait()
		created, err := w.control.get().CreateServer(t.Context(), caller(), newServer("many", func(n *compute.NewServer) { n.Min, n.Max = 100, 100 }))
		require.NoError(t, err)
		w.await(created[0].ID, "placed", func(s *compute.Server) bool { return s.HostID != "" })
		alive := w.fleet.add("alive")
		alive.info.Capacity = protocol.Capacity{VCPUs: 100, MemoryMiB: 1 << 20, DiskGiB: 1 << 20}
		w.fleet.runHost(alive)
		for i := range created {
			sv := w.awaitState(created[i].ID, compute.Active)
			require.Equal(t, "alive", sv.HostID)
		}
	})
}
