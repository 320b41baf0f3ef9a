package compute_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
	"github.com/aloft-cloud/aloft/internal/service/compute/store"
)

// portRow is a port of the fake network. It lives in the database, so that it comes and goes with transactions as the
// real one does.
type portRow struct {
	bun.BaseModel `bun:"table:fake_ports,alias:port"`

	ID       string `bun:"id,pk"`
	ServerID string `bun:"server_id"`
	HostID   string `bun:"host_id"`
	Network  string `bun:"network"`
	Address  string `bun:"address"`
}

func tables() []db.Migrations {
	ports := fstest.MapFS{"00001_ports.sql": {Data: []byte(`-- +goose Up
CREATE TABLE fake_ports (id TEXT PRIMARY KEY, server_id TEXT NOT NULL, host_id TEXT NOT NULL, network TEXT NOT NULL, address TEXT NOT NULL UNIQUE);`)}}
	return []db.Migrations{event.Migrations(), store.Migrations(), {Name: "fake", FS: ports}}
}

// fakeNetworks implements compute.Networks. Its knob: usable is what the project can plug servers into.
type fakeNetworks struct {
	db     *db.DB
	usable []compute.NetworkRef
	reads  atomic.Int64               // of ports
	rates  map[string]placement.Rates // that every server is guaranteed
}

func (n *fakeNetworks) Usable(context.Context, *auth.Caller) ([]compute.NetworkRef, error) {
	return n.usable, nil
}

func (n *fakeNetworks) Plug(ctx context.Context, _ *auth.Caller, plugs []compute.Plug) error {
	for _, p := range plugs {
		if p.NetworkID == "missing" {
			return fault.Missing("network", p.NetworkID)
		}
		row := portRow{ID: uuid.NewString(), ServerID: p.ServerID, Network: p.NetworkID, Address: p.FixedIP}
		if row.Address == "" {
			row.Address = fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256))
		}
		if _, err := n.db.Q(ctx).NewInsert().Model(&row).Exec(ctx); db.IsUnique(err) {
			return fault.Conflictf("address", row.Address, "the address %s is taken", row.Address)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (n *fakeNetworks) Bind(ctx context.Context, hosts map[string]string) error {
	for server, host := range hosts {
		if _, err := n.db.Q(ctx).NewUpdate().Model((*portRow)(nil)).Set("host_id = ?", host).Where("server_id = ?", server).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (n *fakeNetworks) Release(ctx context.Context, servers []string) error {
	_, err := n.db.Q(ctx).NewDelete().Model((*portRow)(nil)).Where("server_id IN (?)", bun.List(servers)).Exec(ctx)
	return err
}

func (n *fakeNetworks) PortsOf(ctx context.Context, servers []string) (map[string][]compute.Port, error) {
	n.reads.Add(1)
	var rows []portRow
	if err := n.db.Q(ctx).NewSelect().Model(&rows).Where("server_id IN (?)", bun.List(servers)).Order("id").Scan(ctx); err != nil {
		return nil, err
	}
	out := map[string][]compute.Port{}
	for _, r := range rows {
		out[r.ServerID] = append(out[r.ServerID], compute.Port{
			NIC: protocol.NIC{
				PortID: r.ID, NetworkID: r.Network, MAC: "fa:16:3e:00:00:01", MTU: 1442,
				FixedIPs: []protocol.FixedIP{{Address: r.Address, CIDR: "10.0.0.0/8", SubnetID: "subnet"}},
			},
			NetworkName: r.Network, Status: "ACTIVE", FloatingIPs: map[string]string{r.Address: "172.24.4.9"},
			SecurityGroups: []compute.SecurityGroup{{ID: "g1", Name: "default"}},
		})
	}
	return out, nil
}

func (n *fakeNetworks) Guaranteed(_ context.Context, servers []string) (map[string]map[string]placement.Rates, error) {
	if n.rates == nil {
		return nil, nil
	}
	out := map[string]map[string]placement.Rates{}
	for _, id := range servers {
		out[id] = n.rates
	}
	return out, nil
}

func (n *fakeNetworks) PlugsOf(ctx context.Context, servers []string) (map[string][]compute.Port, error) {
	return n.PortsOf(ctx, servers)
}

// fakeImages implements compute.Images.
type fakeImages map[string]compute.Image

func (f fakeImages) Show(_ context.Context, _ *auth.Caller, id string) (compute.Image, error) {
	i, ok := f[id]
	if !ok {
		return i, fault.Missing("image", id)
	}
	return i, nil
}

var tiny = compute.Image{Image: protocol.Image{ID: "tiny", Format: "qcow2", Size: 1 << 20, SHA512: "aa"}, Name: "aloft-tiny", Status: "active"}

// clock is the time of a world: the real one, until a test moves it on or stops it.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
	still time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.still.IsZero() {
		return c.still
	}
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// stop moves the time on and holds it there.
func (c *clock) stop(after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.still = time.Now().Add(c.ahead + after)
}

// control is a control node that can be killed and started again.
type control struct {
	mu      sync.Mutex
	service *compute.Service
	life    context.Context // until it is killed
	stop    func()
}

// during is ctx for as long as the control node lives that it returns.
func (c *control) during(ctx context.Context) (context.Context, context.CancelFunc, *compute.Service) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.life, cancel)
	return ctx, func() { stop(); cancel() }, c.service
}

func (c *control) get() *compute.Service {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.service
}

// world is everything around the service under test.
type world struct {
	t        *testing.T
	db       *db.DB
	store    *store.Store
	networks *fakeNetworks
	fleet    *fleet
	settings compute.Settings
	clock    clock
	control  control
}

func newWorld(t *testing.T, d *db.DB, hosts int, change ...func(*compute.Settings)) *world {
	w := &world{
		t: t, db: d, store: store.New(d), settings: compute.Defaults(),
		networks: &fakeNetworks{db: d, usable: []compute.NetworkRef{{ID: "net", Name: "net"}}},
	}
	w.settings.HostTimeout = time.Hour // so that no slowness of the machine looks like a lost host
	w.settings.Quota = compute.Quota{Servers: -1, VCPUs: -1, MemoryMiB: -1, KeyPairs: 3, MetadataItems: 5}
	for _, c := range change {
		c(&w.settings)
	}
	w.fleet = newFleet(w, hosts)
	w.start()
	w.fleet.run()
	t.Cleanup(func() { w.fleet.stop(); w.control.stop() })
	return w
}

// start starts a control node on the database as it is.
func (w *world) start() {
	log := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	events := event.New(w.db, nil, log)
	service := compute.New(compute.Config{
		DB: w.db, Store: w.store, Networks: w.networks, Images: fakeImages{"tiny": tiny}, Hosts: w.fleet, Events: events,
		Settings: w.settings, Log: log, Now: w.clock.now,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = events.Run(ctx) })
	done.Go(func() { _ = service.Run(ctx) })
	w.control.mu.Lock()
	defer w.control.mu.Unlock()
	w.control.service, w.control.life = service, ctx
	w.control.stop = func() { cancel(); done.Wait() }
}

// kill ends the control node, whatever it is doing, and starts another: nothing that was in memory is left.
func (w *world) kill() {
	w.control.stop()
	w.start()
}

func caller() *auth.Caller {
	return &auth.Caller{UserID: "u1", ProjectID: "p1", Roles: []string{"member", "reader"}}
}

func admin() *auth.Caller {
	return &auth.Caller{UserID: "root", ProjectID: "p0", Roles: []string{"admin", "member", "reader"}}
}

func newServer(name string, change ...func(*compute.NewServer)) compute.NewServer {
	n := compute.NewServer{
		Name: name, ImageID: "tiny", FlavorID: "42", Network: compute.Network{NICs: []compute.NewNIC{{NetworkID: "net"}}},
		Metadata: map[string]string{},
	}
	for _, c := range change {
		c(&n)
	}
	return n
}

func (w *world) create(change ...func(*compute.NewServer)) compute.Server {
	w.t.Helper()
	servers, err := w.control.get().CreateServer(w.t.Context(), caller(), newServer("web", change...))
	require.NoError(w.t, err)
	return servers[0]
}

// await waits until a server is as it should be.
func (w *world) await(id string, what string, is func(*compute.Server) bool) compute.Server {
	w.t.Helper()
	var last compute.Server
	w.eventually(what, func() bool {
		rows, err := w.store.ServersByID(w.t.Context(), []string{id})
		require.NoError(w.t, err)
		require.Len(w.t, rows, 1)
		last = rows[0]
		return is(&last)
	}, func() string { return fmt.Sprintf("%+v", last) })
	return last
}

func (w *world) awaitState(id string, s compute.State) compute.Server {
	w.t.Helper()
	return w.await(id, string(s), func(sv *compute.Server) bool { return sv.State == s && sv.Task == compute.Idle })
}

func (w *world) eventually(what string, is func() bool, state func() string) {
	w.t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for !is() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain for: %s; it is: %s", what, state())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// requireNothingLeft checks that no row, port, claim, quota or domain is there that nobody owns.
func (w *world) requireNothingLeft() {
	w.t.Helper()
	state := ""
	w.eventually("nothing is left over", func() bool {
		state = w.leftovers()
		return state == ""
	}, func() string { return state })
}

func (w *world) leftovers() string {
	ctx := w.t.Context()
	servers, err := w.store.ListServers(ctx, db.Everywhere(), compute.ServerFilter{}, page())
	require.NoError(w.t, err)
	var ports []portRow
	require.NoError(w.t, w.db.Q(ctx).NewSelect().Model(&ports).Scan(ctx))
	used, err := w.store.Usage(ctx, "p1")
	require.NoError(w.t, err)
	hosts, err := w.store.Hosts(ctx)
	require.NoError(w.t, err)
	left := ""
	if len(servers) > 0 || len(ports) > 0 || used != (compute.Usage{}) {
		left = fmt.Sprintf("%d servers, %d ports, usage %+v", len(servers), len(ports), used)
		for i := range servers {
			left += fmt.Sprintf("\n%+v", servers[i])
		}
	}
	for _, h := range hosts {
		if h.Used != (compute.Resources{}) || h.Servers != 0 {
			left += fmt.Sprintf("\nclaims on %s: %+v of %d", h.Name, h.Used, h.Servers)
		}
	}
	return left + w.fleet.domains()
}
