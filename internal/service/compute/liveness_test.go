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
	w := newWorld(t, dbtest.SQLite(t, tables()...), 0)
	w.fleet.add("dies")
	w.fleet.add("lives")
	w.fleet.add("new")
	for _, id := range []string{"lives", "dies"} {
		reply, err := w.control.get().Sync(t.Context(), syncOf(id))
		require.NoError(t, err)
		require.Less(t, reply.HeartbeatEvery, w.settings.HostTimeout)
		require.Equal(t, protocol.SyncEvery, reply.SyncEvery)
	}
	require.Len(t, w.upHosts(), 2)
	beat := func(id string) { w.control.get().Heartbeat(protocol.Heartbeat{HostID: id}) }
	w.clock.advance(40 * time.Minute)
	beat("lives")
	require.Len(t, w.upHosts(), 2)
	w.clock.advance(40 * time.Minute)
	require.Equal(t, map[string]bool{"lives": true}, w.upHosts(), "the one that is silent is lost")
	beat("lives")
	require.False(t, w.fleet.host("dies").wasAsked())
	beat("dies")
	require.True(t, w.fleet.host("dies").wasAsked(), "it calls, and is asked to sync")
	require.Len(t, w.upHosts(), 2)

	w.eventually("one without a row is asked too", func() bool {
		beat("new")
		return w.fleet.host("new").wasAsked()
	}, func() string { return "it was never asked" })
	require.False(t, w.upHosts()["new"])

	w.kill()
	require.True(t, w.upHosts()["lives"], "a control node that has just started gives it time")
	require.False(t, w.fleet.host("lives").wasAsked())
	beat("lives")
	w.clock.advance(40 * time.Minute)
	beat("lives")
	w.clock.advance(40 * time.Minute)
	require.Equal(t, map[string]bool{"lives": true}, w.upHosts(), "it uses it, and the other one doesn't")
}

// TestACloudAtRestDoesNotWrite has a host say all again and again: that it is there is written down now and then.
func TestACloudAtRestDoesNotWrite(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 0)
	w.fleet.add("rests")
	written := func() time.Time {
		_, err := w.control.get().Sync(t.Context(), syncOf("rests"))
		require.NoError(t, err)
		h, err := w.store.FindHost(t.Context(), "rests")
		require.NoError(t, err)
		return h.SeenAt
	}
	first := written()
	w.clock.advance(20 * time.Minute)
	require.Equal(t, first, written())
	w.clock.advance(20 * time.Minute)
	require.Less(t, 30*time.Minute, written().Sub(first))
	require.True(t, w.upHosts()["rests"])
}

// TestManyHostsDieAtOnce leaves what hosts were about to build to those that live. The time stands still then, so that a
// host which is up in the very instant that it is given up would be given its servers again.
func TestManyHostsDieAtOnce(t *testing.T) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, 0, func(s *compute.Settings) { s.HostWait = time.Hour })
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
		for i := range created {
			w.await(created[i].ID, "placed", func(s *compute.Server) bool { return s.HostID != "" })
		}
		w.clock.stop(2 * w.settings.HostTimeout)
		alive := w.fleet.add("alive")
		alive.info.Capacity = protocol.Capacity{VCPUs: 100, MemoryMiB: 1 << 20, DiskGiB: 1 << 20}
		w.fleet.runHost(alive)
		for i := range created {
			sv := w.awaitState(created[i].ID, compute.Active)
			require.Equal(t, "alive", sv.HostID)
			require.Len(t, sv.Tried, 1, "it was on one host that died")
		}
	})
}
