package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/stretchr/testify/require"

	aloftconfig "github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/host/agent"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	disksim "github.com/aloft-cloud/aloft/internal/host/disk/simulated"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/simulated"
	"github.com/aloft-cloud/aloft/internal/host/settings"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

const adminPassword = "only-for-this-test"

// rig is a whole control plane in this process, with hosts that simulate their hypervisors.
type rig struct {
	t       *testing.T
	cfg     aloftconfig.Config
	control *Control
	server  *httptest.Server
	stop    func()
	hosts   []*simHost

	identity, compute, network, image *gophercloud.ServiceClient
	imageID, networkID                string
}

// simHost is one simulated host: what survives a restart of its agent.
type simHost struct {
	id     string
	domain *simulated.Hypervisor
	disks  *disksim.Pool
	log    *slog.Logger
	dir    string // of its settings
	set    *settings.Store

	mu   sync.Mutex
	stop func()
}

type noNetworks struct{}

func (noNetworks) Ensure(context.Context, map[string]protocol.MetadataPort) error { return nil }

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, cfg: aloftconfig.Default()}
	dir := t.TempDir()
	r.cfg.DataDir, r.cfg.EtcDir, r.cfg.RunDir = filepath.Join(dir, "data"), filepath.Join(dir, "etc"), filepath.Join(dir, "run")
	r.start()
	t.Cleanup(func() {
		for _, h := range r.hosts {
			h.kill()
		}
		r.stop()
	})
	return r
}

// start makes the control plane, anew or from what the one before left behind.
func (r *rig) start() {
	tuned := compute.Defaults()
	tuned.Quota = compute.Quota{Servers: -1, VCPUs: -1, MemoryMiB: -1, KeyPairs: -1, MetadataItems: -1}
	tuned.HostTimeout = time.Minute // agents are killed and come back: a slow machine makes no host dead
	r.server = httptest.NewUnstartedServer(nil)
	r.cfg.PublicURL = "https://" + r.server.Listener.Addr().String()
	require.NoError(r.t, r.cfg.Complete())
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.DiscardHandler)
	control, err := NewControl(ctx, r.cfg, ControlOptions{Version: "test", Compute: tuned, Log: log})
	require.NoError(r.t, err)
	require.NoError(r.t, control.Bootstrap(ctx, adminPassword))
	r.control = control
	r.server.Config.Handler = control.Handler()
	r.server.Listener = tls.NewListener(r.server.Listener, control.Authority().ServerTLS())
	r.server.Start()
	ended := make(chan error, 1)
	go func() { ended <- control.Run(ctx) }()
	r.stop = func() {
		r.server.CloseClientConnections()
		r.server.Close()
		cancel()
		require.NoError(r.t, <-ended)
		require.NoError(r.t, control.Close())
	}
	r.login()
}

func (r *rig) login() {
	pool := r.control.Authority().ServerTLS().RootCAs
	p, err := config.NewProviderClient(r.t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: r.cfg.PublicURL + "/identity/v3", Username: "admin", Password: adminPassword, DomainName: "Default", AllowReauth: true,
		Scope: &gophercloud.AuthScope{ProjectName: "admin", DomainName: "Default"},
	}, config.WithTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	require.NoError(r.t, err)
	for _, s := range []struct {
		to   **gophercloud.ServiceClient
		make func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)
	}{{&r.identity, openstack.NewIdentityV3}, {&r.compute, openstack.NewComputeV2}, {&r.network, openstack.NewNetworkV2}, {&r.image, openstack.NewImageV2}} {
		*s.to, err = s.make(p, gophercloud.EndpointOpts{Region: "RegionOne"})
		require.NoError(r.t, err)
	}
}

// errInjected is what broken engines say.
var errInjected = errors.New("injected")

// addHost adds a host whose engines fail at a rate, 0 to 1.
func (r *rig) addHost(rate float64, bootDelay time.Duration) *simHost {
	dice := rand.New(rand.NewPCG(uint64(len(r.hosts)), 7))
	var mu sync.Mutex
	fail := func() error {
		mu.Lock()
		defer mu.Unlock()
		if dice.Float64() < rate {
			return errInjected
		}
		return nil
	}
	h := &simHost{
		id: uuid.NewString(), log: slog.New(slog.DiscardHandler), dir: r.t.TempDir(),
		domain: simulated.New(simulated.Options{CPUs: 64, MemoryMiB: 1 << 20, BootDelay: bootDelay, StopDelay: bootDelay, Fail: func(op simulated.Operation, _ string) error {
			if op == simulated.Info {
				return nil
			}
			return fail()
		}}),
		disks: disksim.New(disksim.Options{TotalGiB: 1 << 20, Fail: func(op disksim.Operation, _ string) error {
			err := fail()
			if err != nil && op == disksim.Create {
				return fmt.Errorf("%w: %w", disk.ErrFull, err)
			}
			return err
		}}),
	}
	r.hosts = append(r.hosts, h)
	h.run(r)
	return h
}

// run starts the agent of a host.
func (h *simHost) run(r *rig) {
	ctx, cancel := context.WithCancel(context.Background())
	b, err := r.control.Bus(ctx)
	require.NoError(r.t, err)
	h.open(r)
	describe := agent.Describe(agent.HostConfig{ID: h.id}, h.domain, h.disks)
	a := agent.New(agent.Config{
		Hypervisor: h.domain, Pool: h.disks, Settings: playedSettings{h.set}, Log: h.log, SyncEvery: 300 * time.Millisecond, RelistEvery: 200 * time.Millisecond,
		StopDeadline: time.Second,
		Host: func(ctx context.Context) (protocol.Host, error) {
			described, err := describe(ctx)
			described.Name = "host-" + h.id[:8]
			return described, err
		},
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := a.RunOnBus(ctx, b, h.id, noNetworks{}); err != nil && ctx.Err() == nil {
			r.t.Errorf("the agent ended: %v", err)
		}
	}()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stop = func() {
		cancel()
		<-ended
		b.Close()
	}
}

// open reads what the host has been told of its settings.
func (h *simHost) open(r *rig) {
	var err error
	h.set, err = settings.Open(h.dir)
	require.NoError(r.t, err)
}

// kill ends the agent of a host; its servers know nothing of it.
func (h *simHost) kill() {
	h.mu.Lock()
	stop := h.stop
	h.stop = nil
	h.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// prepare makes what servers need: a flavor, an image and a network.
func (r *rig) prepare() {
	ctx, one := r.t.Context(), 1
	_, err := flavors.Create(ctx, r.compute, flavors.CreateOpts{Name: "tiny", ID: "tiny", VCPUs: 1, RAM: 64, Disk: &one}).Extract()
	require.NoError(r.t, err)
	image, err := images.Create(ctx, r.image, images.CreateOpts{Name: "nothing", ContainerFormat: "bare", DiskFormat: "raw"}).Extract()
	require.NoError(r.t, err)
	require.NoError(r.t, imagedata.Upload(ctx, r.image, image.ID, bytes.NewReader(make([]byte, 1<<20))).ExtractErr())
	network, err := networks.Create(ctx, r.network, networks.CreateOpts{Name: "net"}).Extract()
	require.NoError(r.t, err)
	_, err = subnets.Create(ctx, r.network, subnets.CreateOpts{NetworkID: network.ID, CIDR: "10.0.0.0/20", IPVersion: 4}).Extract()
	require.NoError(r.t, err)
	r.imageID, r.networkID = image.ID, network.ID
}
