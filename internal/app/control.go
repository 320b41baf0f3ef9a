package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/core/audit"
	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/pki"
	"github.com/aloft-cloud/aloft/internal/core/reconcile"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	computestore "github.com/aloft-cloud/aloft/internal/service/compute/store"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	identitystore "github.com/aloft-cloud/aloft/internal/service/identity/store"
	"github.com/aloft-cloud/aloft/internal/service/image"
	imagestore "github.com/aloft-cloud/aloft/internal/service/image/store"
	"github.com/aloft-cloud/aloft/internal/service/join"
	joinstore "github.com/aloft-cloud/aloft/internal/service/join/store"
	"github.com/aloft-cloud/aloft/internal/service/network"
	networkstore "github.com/aloft-cloud/aloft/internal/service/network/store"
)

// ControlOptions are what a control node needs besides its settings.
type ControlOptions struct {
	Version string
	// Northbound is where networks are made; nil wires nothing, and ports become active when they are bound.
	Northbound network.Northbound
	Compute    compute.Settings
	// Laboratory lets hosts be played: by one connection for all of them.
	Laboratory bool
	Log        *slog.Logger
}

// Control is one control node: the services over one database and one bus.
type Control struct {
	cfg       config.Config
	opts      ControlOptions
	log       *slog.Logger
	db        *db.DB
	authority *pki.Authority
	busServer *bus.Server
	bus       *bus.Bus
	events    *event.Log
	audit     *audit.Log
	members   *reconcile.Members
	identity  *identity.Service
	image     *image.Service
	network   *network.Service
	compute   *compute.Service
	join      *join.Service
	handler   http.Handler
	metrics   *prometheus.Registry
}

// NewControl opens the database and the bus and makes the services. Close it, whether it was run or not.
func NewControl(ctx context.Context, cfg config.Config, opts ControlOptions) (c *Control, err error) {
	c = &Control{cfg: cfg, opts: opts, log: opts.Log, metrics: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if err = c.openStores(ctx); err != nil {
		return c, err
	}
	if err = c.openBus(ctx); err != nil {
		return c, err
	}
	c.events = event.New(c.db, c.bus, c.log)
	c.audit = audit.New(c.db, c.log)
	c.members = reconcile.NewMembers(c.db, rand.Text(), c.log)
	if err = c.makeServices(ctx); err != nil {
		return c, err
	}
	c.handler, err = c.routes()
	return c, err
}

func (c *Control) openStores(ctx context.Context) (err error) {
	if err := os.MkdirAll(c.cfg.DataDir, 0o711); err != nil { // QEMU's user passes through to the disks, and lists nothing
		return fmt.Errorf("making the data directory: %w", err)
	}
	if c.db, err = db.Open(ctx, c.cfg.Database, c.log); err != nil {
		return err
	}
	return c.db.Migrate(ctx, event.Migrations(), audit.Migrations(), reconcile.Migrations(), identitystore.Migrations(), imagestore.Migrations(),
		networkstore.Migrations(), computestore.Migrations(), joinstore.Migrations())
}

func (c *Control) openBus(ctx context.Context) (err error) {
	if c.authority, err = openAuthority(c.cfg); err != nil {
		return err
	}
	c.busServer, err = bus.Start(bus.Config{
		Listen: c.cfg.BusListen, ClusterListen: c.cfg.BusClusterListen, Routes: c.cfg.BusRoutes, TLS: c.authority.ServerTLS(),
		Laboratory: c.opts.Laboratory,
	}, c.log)
	if err != nil {
		return err
	}
	c.bus, err = c.busServer.Connect(ctx)
	return err
}

func (c *Control) makeServices(ctx context.Context) (err error) {
	master, err := auth.EnsureMasterKey(filepath.Join(c.cfg.DataDir, "pki", "master-key"))
	if err != nil {
		return err
	}
	users := identitystore.New(c.db)
	c.identity, err = identity.New(identity.Config{Region: c.cfg.Region, Catalog: catalog(c.cfg.PublicURL), MasterKey: master, Guard: guard(c.cfg.LogIn), LimitModel: identity.LimitModel(c.cfg.LimitModel)}, c.db, users, c.events, c.log)
	if err != nil {
		return err
	}
	if err := c.identity.Load(ctx); err != nil {
		return err
	}
	c.image, err = image.New(image.Config{Dir: filepath.Join(c.cfg.DataDir, "images")}, imagestore.New(c.db), c.events, c.log)
	if err != nil {
		return err
	}
	c.network = network.New(network.Config{Owner: c.members, Projects: networkProjects{c.identity}, Hosts: networkHosts{c}}, networkstore.New(c.db), c.db, c.events, c.opts.Northbound, c.log)
	settings := c.opts.Compute
	if settings == (compute.Settings{}) {
		settings = compute.Defaults()
	}
	c.compute = compute.New(compute.Config{
		DB: c.db, Store: computestore.New(c.db), Networks: computeNetworks{c.network}, Images: computeImages{c.image},
		Hosts: hostLink{c.bus, c.log}, Events: c.events, Owner: c.members, Settings: settings, Log: c.log,
	})
	c.join = join.New(whereHostsConnect(c.cfg, c.busServer.Addr()), joinstore.New(c.db), c.authority, knownHosts{c.compute}, c.log)
	return nil
}

// Bootstrap makes the first domain, project, roles and admin, if they are missing. password, if not empty, becomes the
// admin's.
func (c *Control) Bootstrap(ctx context.Context, password string) error {
	return c.identity.EnsureBootstrap(ctx, password)
}

// Authority signs this installation's certificates.
func (c *Control) Authority() *pki.Authority { return c.authority }

// Bus returns a connection for what runs in the same process, such as this host's agent.
func (c *Control) Bus(ctx context.Context) (*bus.Bus, error) { return c.busServer.Connect(ctx) }

// BusLaboratory dials the bus as who plays hosts does.
func (c *Control) BusLaboratory(ctx context.Context) (*bus.Bus, error) {
	config, err := c.authority.LaboratoryTLS("lab")
	if err != nil {
		return nil, err
	}
	return bus.Dial(ctx, "tls://"+c.busServer.Addr().String(), config, c.log)
}

// Handler serves the APIs.
func (c *Control) Handler() http.Handler { return c.handler }

// Run works until ctx ends or a part of it fails, and returns when all parts have ended.
func (c *Control) Run(ctx context.Context) error {
	stop, err := c.serveHosts()
	if err != nil {
		return err
	}
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	for name, run := range map[string]func(context.Context) error{
		"members": c.members.Run, "events": c.events.Run, "audit": c.audit.Run, "identity": c.identity.Run,
		"image": c.image.Run, "network": c.network.Run, "compute": c.compute.Run,
	} {
		g.Go(func() error {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// flushPatience is how long Close tries to write the last audit records.
const flushPatience = 5 * time.Second

// Close gives back what NewControl opened.
func (c *Control) Close() error {
	var err error
	if c.audit != nil { // what was in flight while Run ended
		ctx, cancel := context.WithTimeout(context.Background(), flushPatience)
		defer cancel()
		err = c.audit.Flush(ctx)
	}
	if c.bus != nil {
		c.bus.Close()
	}
	if c.busServer != nil {
		c.busServer.Close()
	}
	if c.db != nil {
		err = errors.Join(err, c.db.Close())
	}
	return err
}
