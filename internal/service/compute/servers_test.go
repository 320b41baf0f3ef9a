package compute_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

func each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	dbtest.Each(t, tables(), fn)
}

func TestLifeOfAServer(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, 2)
		ctx, me, core := t.Context(), caller(), w.control.get()
		k, private, err := core.CreateKeyPair(ctx, me.UserID, "mine", "")
		require.NoError(t, err)
		require.Contains(t, private, "OPENSSH PRIVATE KEY")
		sv := w.create(func(n *compute.NewServer) { n.KeyName, n.UserData = "mine", "aGVsbG8=" })
		require.Equal(t, compute.Building, sv.State)
		sv = w.awaitState(sv.ID, compute.Active)
		require.NotNil(t, sv.LaunchedAt)

		h := w.fleet.hosts[sv.HostID]
		h.mu.Lock()
		want := h.domains[sv.ID].want
		h.mu.Unlock()
		require.Equal(t, "hello", string(want.Guest.UserData))
		require.Equal(t, []protocol.Key{{Name: "mine", Type: "ssh", Data: k.PublicKey}}, want.Guest.Keys)
		require.Equal(t, []string{"default"}, want.Guest.SecurityGroups)
		require.Len(t, want.NICs, 1)
		require.Equal(t, 128, want.MemoryMiB)
		require.Equal(t, tiny.Image, want.Image)

		require.NoError(t, core.Power(ctx, me, sv.ID, compute.Stop))
		w.awaitState(sv.ID, compute.Stopped)
		require.NoError(t, core.Power(ctx, me, sv.ID, compute.Start))
		w.awaitState(sv.ID, compute.Active)
		require.NoError(t, core.Power(ctx, me, sv.ID, compute.RebootHard))
		sv = w.awaitState(sv.ID, compute.Active)
		require.EqualValues(t, 1, sv.Boot)
		text, err := core.ConsoleOutput(ctx, me, sv.ID, 7)
		require.NoError(t, err)
		require.Contains(t, text, "7 lines")

		_, err = core.SetMetadata(ctx, me, sv.ID, map[string]string{"a": "b"}, false)
		require.NoError(t, err)
		w.await(sv.ID, "the host has heard of the metadata", func(sv *compute.Server) bool { return sv.Carried == sv.Generation })

		require.NoError(t, core.DeleteServer(ctx, me, sv.ID))
		w.requireNothingLeft()
		_, err = core.ShowServer(ctx, me, sv.ID)
		require.True(t, fault.Is(err, fault.NotFound))
		gone, err := w.store.ServersByID(ctx, []string{sv.ID})
		require.NoError(t, err)
		require.NotNil(t, gone[0].DeletedAt, "it stays as history")
		actions, err := w.store.Actions(ctx, db.Everywhere(), sv.ID, compute.ActionSearch{})
		require.NoError(t, err)
		var names []string
		for _, a := range actions {
			names = append(names, a.Name)
			require.NotNil(t, a.FinishedAt, a.Name)
		}
		require.Equal(t, []string{"delete", "reboot", "start", "stop", "create"}, names)
	})
}

// Many requests of one project at a time all find their place in its quota, however they collide.
func TestManyCreateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, 4)
		w.awaitHosts(4)
		var g errgroup.Group
		const clients, each = 24, 4
		for range clients {
			g.Go(func() error {
				for range each {
					if _, err := w.control.get().CreateServer(t.Context(), caller(), newServer("many")); err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.NoError(t, g.Wait())
		used, err := w.store.Usage(t.Context(), "p1")
		require.NoError(t, err)
		require.Equal(t, clients*each, used.Servers)
		w.eventually("all are active", func() bool {
			active, err := w.store.ListServers(t.Context(), db.Everywhere(), compute.ServerFilter{States: []compute.State{compute.Active}}, page())
			require.NoError(t, err)
			return len(active) == clients*each
		}, func() string { return "not all" })
		before := w.networks.reads.Load()
		views, err := w.control.get().ListServers(t.Context(), caller(), compute.Search{Ports: true}, page())
		require.NoError(t, err)
		require.Len(t, views, clients*each)
		require.Less(t, w.networks.reads.Load()-before, int64(clients), "a list reads the ports of all its servers at once")
	})
}

func TestGuestPowersOff(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 1)
	sv := w.awaitState(w.create().ID, compute.Active)
	w.fleet.hosts["h1"].see(sv.ID, protocol.Stopped, protocol.CauseGuest)
	sv = w.awaitState(sv.ID, compute.Stopped)
	require.Equal(t, protocol.Stopped, sv.Wanted)
	require.NoError(t, w.control.get().Power(t.Context(), caller(), sv.ID, compute.Start))
	w.awaitState(sv.ID, compute.Active)
}

func TestCreateRefuses(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 1, func(s *compute.Settings) {
		s.Quota.Servers, s.Quota.VCPUs = 3, 2
	})
	core := w.control.get()
	for name, tc := range map[string]struct {
		change  func(*compute.NewServer)
		class   fault.Class
		message string
	}{
		"flavor":       {func(n *compute.NewServer) { n.FlavorID = "no" }, fault.Invalid, "Flavor no could not be found"},
		"image":        {func(n *compute.NewServer) { n.ImageID = "no" }, fault.Invalid, "Image no could not be found"},
		"key":          {func(n *compute.NewServer) { n.KeyName = "no" }, fault.Invalid, "Invalid key_name provided"},
		"user data":    {func(n *compute.NewServer) { n.UserData = "%%%" }, fault.Invalid, "base 64"},
		"zone":         {func(n *compute.NewServer) { n.Zone = "mars" }, fault.Invalid, "availability zone is not available"},
		"host":         {func(n *compute.NewServer) { n.Host = "host-h1" }, fault.Forbidden, "only an admin"},
		"network":      {func(n *compute.NewServer) { n.Network.NICs[0].NetworkID = "missing" }, fault.Invalid, "could not be found"},
		"counts":       {func(n *compute.NewServer) { n.Min, n.Max = 3, 2 }, fault.Invalid, "min_count must be <= max_count"},
		"tags":         {func(n *compute.NewServer) { n.Tags = []string{"a/b"} }, fault.Invalid, "Invalid tag"},
		"metadata":     {func(n *compute.NewServer) { n.Metadata = map[string]string{"": "x"} }, fault.Invalid, "Invalid metadata"},
		"one port":     {func(n *compute.NewServer) { n.Max, n.Network.NICs[0].PortID = 2, "p" }, fault.Invalid, "for one server only"},
		"quota":        {func(n *compute.NewServer) { n.Min = 4 }, fault.QuotaExceeded, "Quota exceeded for instances, cores: Requested 4, 4, but already used 0, 0 of 3, 2 instances, cores"},
		"large flavor": {func(n *compute.NewServer) { n.FlavorID = "3"; n.Min = 2 }, fault.QuotaExceeded, "Quota exceeded for cores: Requested 4"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := core.CreateServer(t.Context(), caller(), newServer("x", tc.change))
			require.ErrorContains(t, err, tc.message)
			require.Equal(t, tc.class, fault.Of(err).Class)
		})
	}
	w.requireNothingLeft()
	many, err := core.CreateServer(t.Context(), caller(), newServer("many", func(n *compute.NewServer) { n.Min, n.Max = 1, 5 }))
	require.NoError(t, err)
	require.Len(t, many, 2, "as many as the quota has room for")
	require.Equal(t, "many-2", many[1].Name)
	_, err = core.CreateServer(t.Context(), caller(), newServer("x"))
	require.True(t, fault.Is(err, fault.QuotaExceeded))
}

func TestNetworksAuto(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 1)
	ask := func(n compute.Network) error {
		_, err := w.control.get().CreateServer(t.Context(), caller(), newServer("x", func(s *compute.NewServer) { s.Network = n }))
		return err
	}
	require.NoError(t, ask(compute.Network{Auto: true}))
	w.networks.usable = append(w.networks.usable, compute.NetworkRef{ID: "n2", Name: "two"})
	require.ErrorContains(t, ask(compute.Network{Auto: true}), "Multiple possible networks found")
	w.networks.usable = nil
	require.True(t, fault.Is(ask(compute.Network{Auto: true}), fault.Invalid))
	require.NoError(t, ask(compute.Network{Auto: true, None: true}))
	require.NoError(t, ask(compute.Network{None: true}))
}

func TestNoHostFits(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 2)
	w.awaitHosts(2)
	sv := w.create(func(n *compute.NewServer) { n.FlavorID = "5" })
	sv = w.awaitState(sv.ID, compute.Failed)
	require.Equal(t, "No valid host: 0 of 2 hosts fit: 2 lack memory (largest free 3.5 GiB)", sv.Fault.Message)
	require.NoError(t, w.control.get().DeleteServer(t.Context(), caller(), sv.ID))
	w.requireNothingLeft()
}

func TestWaitsForTheFirstHost(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 0, func(s *compute.Settings) { s.HostWait = time.Hour })
	sv := w.create()
	w.eventually("placement has looked for a host", func() bool { return w.control.get().Status()[0].Runs > 0 }, func() string { return "" })
	require.Equal(t, compute.Placing, w.await(sv.ID, "there", func(*compute.Server) bool { return true }).Task)
	w.fleet.runHost(w.fleet.add("h1"))
	w.awaitState(sv.ID, compute.Active)
}

func TestFailsWithoutAnyHost(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 0, func(s *compute.Settings) { s.HostWait = 50 * time.Millisecond })
	sv := w.awaitState(w.create().ID, compute.Failed)
	require.Contains(t, sv.Fault.Message, "there is no host yet")
}

func TestFailedBuildGoesToAnotherHost(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, 3)
		w.awaitHosts(3)
		for _, id := range []string{"h1", "h2"} {
			w.fleet.hosts[id].tune(func(h *fakeHost) { h.fails, h.error = 1, "disk full" })
		}
		var last compute.Server
		for range 4 {
			last = w.awaitState(w.create().ID, compute.Active)
			require.Equal(t, "h3", last.HostID)
		}
		w.eventually("the failed builds are cleaned up", func() bool { return len(w.fleet.where(last.ID)) == 1 }, func() string { return w.fleet.domains() })

		w.fleet.hosts["h3"].tune(func(h *fakeHost) { h.fails, h.error = 1, "no memory" })
		sv := w.awaitState(w.create().ID, compute.Failed)
		require.Contains(t, sv.Fault.Message, "could not build it:")
		require.Contains(t, sv.Fault.Message, "it was tried on 3 hosts")
		require.NoError(t, w.control.get().DeleteServer(t.Context(), caller(), sv.ID))
		_, err := w.control.get().ShowServer(t.Context(), caller(), sv.ID)
		require.True(t, fault.Is(err, fault.NotFound), "it is on no host, so it is gone at once")
	})
}

func TestDeleteWhileTheHostIsLost(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 1)
	sv := w.awaitState(w.create().ID, compute.Active)
	h := w.fleet.hosts["h1"]
	h.tune(func(h *fakeHost) { h.silent = true })
	require.NoError(t, w.control.get().DeleteServer(t.Context(), caller(), sv.ID))
	w.clock.advance(2 * time.Hour)
	gone := w.await(sv.ID, "it is gone for its owner", func(sv *compute.Server) bool { return sv.State == compute.Deleted })
	require.Equal(t, "h1", gone.HostID)
	ports, err := w.networks.PortsOf(t.Context(), []string{sv.ID})
	require.NoError(t, err)
	require.Empty(t, ports)
	host, err := w.store.FindHost(t.Context(), "h1")
	require.NoError(t, err)
	require.Equal(t, 1, host.Servers, "the domain may still run there")
	require.Len(t, w.fleet.where(sv.ID), 1)

	h.tune(func(h *fakeHost) { h.silent = false })
	w.requireNothingLeft()
}

func TestBuildOnALostHostGoesElsewhere(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 2)
	w.awaitHosts(2)
	for _, h := range w.fleet.hosts {
		h.tune(func(h *fakeHost) { h.mute = true })
	}
	sv := w.create()
	sv = w.await(sv.ID, "it is placed", func(sv *compute.Server) bool { return sv.HostID != "" })
	w.eventually("the host has built it", func() bool { return len(w.fleet.where(sv.ID)) == 1 }, func() string { return w.fleet.domains() })
	first := w.fleet.hosts[sv.HostID]
	first.tune(func(h *fakeHost) { h.silent = true })
	for _, h := range w.fleet.hosts {
		h.tune(func(h *fakeHost) { h.mute = false })
	}
	w.clock.advance(2 * time.Hour)
	got := w.awaitState(sv.ID, compute.Active)
	require.NotEqual(t, sv.HostID, got.HostID)
	require.Len(t, w.fleet.where(sv.ID), 2, "nobody has told the lost host")
	first.tune(func(h *fakeHost) { h.silent = false })
	w.eventually("it runs once", func() bool { return len(w.fleet.where(sv.ID)) == 1 }, func() string { return w.fleet.domains() })
	require.Equal(t, []string{got.HostID}, w.fleet.where(sv.ID))
}

func TestListsAndOthersServers(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...), 1)
	core := w.control.get()
	for _, name := range []string{"web-1", "web-2", "db.1"} {
		w.create(func(n *compute.NewServer) { n.Name = name })
	}
	fixed := w.create(func(n *compute.NewServer) { n.Name, n.Network.NICs[0].FixedIP = "fixed", "192.168.7.7" })
	other := &auth.Caller{UserID: "u2", ProjectID: "p2", Roles: []string{"member", "reader"}}
	_, err := core.ShowServer(t.Context(), other, fixed.ID)
	require.True(t, fault.Is(err, fault.NotFound))
	require.True(t, fault.Is(core.DeleteServer(t.Context(), other, fixed.ID), fault.NotFound))
	require.True(t, fault.Is(core.Power(t.Context(), other, fixed.ID, compute.Stop), fault.NotFound))

	for _, tc := range []struct {
		who  *auth.Caller
		f    compute.Search
		want []string
	}{
		{caller(), compute.Search{}, []string{"web-1", "web-2", "db.1", "fixed"}},
		{other, compute.Search{}, nil},
		{other, compute.Search{AllProjects: true}, nil},
		{admin(), compute.Search{}, nil},
		{admin(), compute.Search{AllProjects: true}, []string{"web-1", "web-2", "db.1", "fixed"}},
		{caller(), compute.Search{NamePattern: "web"}, []string{"web-1", "web-2"}},
		{caller(), compute.Search{NamePattern: "^web-1$"}, []string{"web-1"}},
		{caller(), compute.Search{NamePattern: `^db\.1$`}, []string{"db.1"}},
		{caller(), compute.Search{NamePattern: "(web|db).1"}, []string{"web-1", "db.1"}},
		{caller(), compute.Search{IP: "192.168.7"}, []string{"fixed"}},
		{caller(), compute.Search{IP: "172.24.4.9", NamePattern: "^w"}, []string{"web-1", "web-2"}},
	} {
		views, err := core.ListServers(t.Context(), tc.who, tc.f, page())
		require.NoError(t, err)
		var names []string
		for _, v := range views {
			names = append(names, v.Name)
		}
		require.ElementsMatch(t, tc.want, names, "%+v", tc.f)
	}
	_, err = core.ListServers(t.Context(), caller(), compute.Search{NamePattern: "("}, page())
	require.True(t, fault.Is(err, fault.Invalid))
}

// Many users create, stop, start and delete while builds fail, messages are lost, hosts vanish and come back, and the
// control node is killed again and again: at the end everything is gone, and nothing is left that nobody owns.
func TestNothingIsLeftOverAfterChaos(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, 4, func(s *compute.Settings) { s.HostTimeout = 3 * time.Second })
		w.awaitHosts(4)
		for _, h := range w.fleet.hosts {
			h.tune(func(h *fakeHost) { h.fails, h.error, h.loses = 0.1, "libvirt error", 0.2 })
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var users, trouble sync.WaitGroup
		over := make(chan struct{})
		trouble.Go(func() { w.trouble(over) })
		for range 6 {
			users.Go(func() {
				for range 8 {
					w.live(ctx)
				}
			})
		}
		users.Wait()
		close(over)
		trouble.Wait()
		for _, h := range w.fleet.hosts {
			h.tune(func(h *fakeHost) { h.silent, h.loses = false, 0 })
		}
		w.requireNothingLeft()
	})
}

// trouble kills and silences until it is over.
func (w *world) trouble(over chan struct{}) {
	hosts := []string{"h1", "h2", "h3", "h4"}
	for {
		h := w.fleet.hosts[hosts[rand.IntN(len(hosts))]]
		h.tune(func(h *fakeHost) { h.silent = !h.silent && rand.IntN(3) == 0 })
		select {
		case <-over:
			return
		case <-time.After(time.Duration(50+rand.IntN(300)) * time.Millisecond):
		}
		w.kill()
	}
}

// live is one server's life: what is refused on the way is fine, but it must come, and it must go.
func (w *world) live(ctx context.Context) {
	var id string
	for id == "" && ctx.Err() == nil {
		servers, err := w.control.get().CreateServer(ctx, caller(), newServer("chaos"))
		if err == nil {
			id = servers[0].ID
		}
	}
	for range rand.IntN(4) {
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		verb := []compute.Verb{compute.Stop, compute.Start, compute.RebootHard, compute.RebootSoft}[rand.IntN(4)]
		_ = w.control.get().Power(ctx, caller(), id, verb) // it may well be in another state
	}
	for ctx.Err() == nil {
		err := w.control.get().DeleteServer(ctx, caller(), id)
		if err == nil || fault.Is(err, fault.NotFound) {
			return
		}
	}
}

// awaitHosts waits until hosts have called.
func (w *world) awaitHosts(n int) {
	w.t.Helper()
	w.eventually("the hosts are up", func() bool {
		hosts, err := w.store.Hosts(w.t.Context())
		require.NoError(w.t, err)
		return len(hosts) == n
	}, func() string { return "" })
}
