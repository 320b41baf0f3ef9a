package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/pki"
	"github.com/aloft-cloud/aloft/internal/host/agent"
	"github.com/aloft-cloud/aloft/internal/host/disk/dir"
	"github.com/aloft-cloud/aloft/internal/host/engine"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/libvirt"
	"github.com/aloft-cloud/aloft/internal/host/join"
	"github.com/aloft-cloud/aloft/internal/host/metadata"
	"github.com/aloft-cloud/aloft/internal/host/probe"
	"github.com/aloft-cloud/aloft/internal/host/settings"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/ovn"
)

// HostID returns the id of this host, which is made the first time it is asked for.
func HostID(dataDir string) (string, error) {
	if err := os.MkdirAll(dataDir, 0o711); err != nil { // QEMU's user passes through to the disks, and lists nothing
		return "", fmt.Errorf("making the data directory: %w", err)
	}
	return agent.HostID(dataDir)
}

// Engines supervises the engines of this machine: of a host that has joined, of a control node, or of both in one.
func Engines(c config.Config, hostID string, log *slog.Logger) (*engine.Engines, error) {
	set, err := settings.Open(join.Dir(c.DataDir))
	if err != nil {
		return nil, err
	}
	return enginesWith(c, hostID, set, nil, log)
}

// enginesWith supervises the engines of this machine, joined to networks as its settings say. changed is called when what
// has come of that has changed.
func enginesWith(c config.Config, hostID string, set *settings.Store, changed func(), log *slog.Logger) (*engine.Engines, error) {
	cfg := engine.Config{
		Network: func() *protocol.HostNetwork { return set.Get().Network }, Changed: changed,
		RunDir: c.RunDir, DataDir: c.DataDir, HostID: hostID, OutsideCIDR: c.Outside, EncapIP: c.Address,
		OutsideDevice: c.OutsideDevice, TunnelDevice: c.TunnelDevice, Log: log,
	}
	dir := join.Dir(c.DataDir)
	place, joined, err := join.Load(dir)
	if err != nil {
		return nil, err
	}
	if joined {
		cfg.OVNRemote, cfg.OutsideCIDR = strings.Join(place.Southbound, ","), "-" // the outside has its own gateway
		cfg.EncapIP = cmp.Or(c.Address, place.Address)
		cfg.Certs.Cert, cfg.Certs.Key, cfg.Certs.CA = pki.HostFiles(dir)
		return engine.New(cfg), nil
	}
	if cfg.ControlOnly, err = controlOnly(c.DataDir); err != nil {
		return nil, err
	}
	if c.OVNListen != "" {
		a, err := openAuthority(c)
		if err != nil {
			return nil, err
		}
		cfg.OVNListen, cfg.Cluster = c.OVNListen, cluster(c)
		cfg.Certs.Cert, cfg.Certs.Key, cfg.Certs.CA = a.ServerFiles()
	}
	return engine.New(cfg), nil
}

// controlOnlyFile says that no servers run on this control node.
const controlOnlyFile = "control-only"

// SetControlOnly chooses which engines a control node has: those of the control plane, or a host's as well.
func SetControlOnly(dataDir string, only bool) error {
	path := filepath.Join(dataDir, controlOnlyFile)
	if only {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			return fmt.Errorf("noting that no servers run here: %w", err)
		}
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("noting that servers run here: %w", err)
	}
	return nil
}

func controlOnly(dataDir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dataDir, controlOnlyFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// WatchEngines keeps this machine's engines running until ctx ends.
func WatchEngines(ctx context.Context, c config.Config, log *slog.Logger) error {
	id, err := HostID(c.DataDir)
	if err != nil {
		return err
	}
	engines, err := Engines(c, id, log)
	if err != nil {
		return err
	}
	return engines.Watch(ctx)
}

// cluster are the control nodes whose OVN databases are one.
func cluster(c config.Config) engine.Cluster {
	return engine.Cluster{Address: c.Address, Members: c.OVNMembers}
}

// OVN writes networks to the OVN of this control node, or to whichever of the cluster's leads.
func OVN(c config.Config, log *slog.Logger) (network.Northbound, error) {
	sockets := engine.New(engine.Config{}).Sockets()
	cfg := ovn.Config{Northbound: []string{"unix:" + sockets.OVNNorth}, Southbound: []string{"unix:" + sockets.OVNSouth}}
	if len(c.OVNMembers) > 0 {
		a, err := openAuthority(c)
		if err != nil {
			return nil, err
		}
		cfg.Northbound, cfg.LeaderOnly, cfg.TLS = cluster(c).NorthRemotes(), true, a.ServerTLS()
	}
	return ovn.New(cfg, log), nil
}

func openLibvirt(ctx context.Context, c config.Config, acceleration string, log *slog.Logger) (*libvirt.Driver, error) {
	return libvirt.Start(ctx, libvirt.Config{
		Acceleration: acceleration, ConsoleDir: filepath.Join(c.DataDir, "console"), ChecksumOffload: engine.KernelDatapath(),
	}, log)
}

// servedNetworks is the metadata service as the agent wants it.
type servedNetworks struct{ *metadata.Service }

func (n servedNetworks) Ensure(ctx context.Context, networks map[string]protocol.MetadataPort) error {
	return n.Sync(ctx, networks)
}

// hostSettings are what an operator has set for this host, and what its engines have made of it.
type hostSettings struct {
	*settings.Store
	engines *engine.Engines
}

var _ agent.Settings = hostSettings{}

// Take implements agent.Settings.
func (h hostSettings) Take(heard protocol.Settings) error {
	before := h.Get().Network
	err := h.Store.Take(heard)
	if after := h.Get().Network; !reflect.DeepEqual(before, after) {
		h.engines.Wake()
	}
	return err
}

// Seen implements agent.Settings.
func (h hostSettings) Seen() *protocol.NetworkSeen { return h.engines.Seen() }

// HostTLS is how this host shows itself on the bus: by the certificate that it got when it joined, or, on a control node,
// by one that the authority at hand signs.
func HostTLS(c config.Config, id string) (*tls.Config, error) {
	dir := join.Dir(c.DataDir)
	if _, joined, err := join.Load(dir); err != nil || joined {
		if err != nil {
			return nil, err
		}
		return pki.LoadHostTLS(dir)
	}
	a, err := openAuthority(c)
	if err != nil {
		return nil, err
	}
	return a.HostTLS(id)
}

// RunAgent runs this host's agent, and keeps its engines running, until ctx ends.
func RunAgent(ctx context.Context, c config.Config, b *bus.Bus, log *slog.Logger) (err error) {
	id, err := HostID(c.DataDir)
	if err != nil {
		return err
	}
	set, err := settings.Open(join.Dir(c.DataDir))
	if err != nil {
		return err
	}
	driver, err := openLibvirt(ctx, c, probe.Acceleration(ctx, c.DataDir, log), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, driver.Close()) }()
	pool, err := dir.Open(filepath.Join(c.DataDir, "pool"), log)
	if err != nil {
		return err
	}
	place, joined, err := join.Load(join.Dir(c.DataDir))
	if err != nil {
		return err
	}
	var a *agent.Agent
	engines, err := enginesWith(c, id, set, func() { a.SyncNow() }, log)
	if err != nil {
		return err
	}
	a = agent.New(agent.Config{
		Hypervisor: driver, Pool: pool, Settings: hostSettings{set, engines}, Log: log,
		Host: agent.Describe(agent.HostConfig{ID: id, Address: cmp.Or(c.Address, place.Address, "127.0.0.1"), Bandwidth: engine.Bandwidth}, driver, pool),
	})
	resolvers := func() []string { return metadata.Resolvers(set.Get().DNSForwarders) }
	guests := metadata.New(metadata.Config{Source: a, Resolvers: resolvers, Log: log})
	defer func() { err = errors.Join(err, guests.Close()) }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return engines.Watch(ctx) })
	if joined {
		g.Go(func() error { return keepMembership(ctx, b, join.Dir(c.DataDir), id, log) })
	}
	g.Go(func() error { return a.RunOnBus(ctx, b, id, servedNetworks{guests}) })
	return g.Wait()
}

// guestPatience is how long guests may take to heed the power button before the host goes down without them.
const guestPatience = 15 * time.Second

// StopServers stops the servers of this host and forgets their domains; the disks stay. It returns how many there were.
func StopServers(ctx context.Context, c config.Config, engines *engine.Engines, log *slog.Logger) (n int, err error) {
	if _, err := os.Stat(filepath.Join(c.DataDir, "pool")); errors.Is(err, os.ErrNotExist) {
		return 0, nil // no server was ever here
	}
	if err := engines.Ensure(ctx, nil); err != nil { // only libvirt can stop what libvirt started
		return 0, err
	}
	driver, err := openLibvirt(ctx, c, "tcg", log) // nothing is started
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, driver.Close()) }()
	domains, err := listWhenConnected(ctx, driver)
	if err != nil {
		return 0, err
	}
	for _, d := range domains {
		if err := driver.Shutdown(ctx, d.ID); err != nil {
			return 0, err
		}
	}
	if err := untilStopped(ctx, driver); err != nil {
		return 0, err
	}
	for _, d := range domains {
		if err := errors.Join(driver.Destroy(ctx, d.ID), driver.Undefine(ctx, d.ID)); err != nil {
			return 0, err
		}
	}
	return len(domains), nil
}

// listWhenConnected lists the domains; the driver has just begun to look for libvirtd, which answers already.
func listWhenConnected(ctx context.Context, h hypervisor.Hypervisor) ([]hypervisor.Domain, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		domains, err := h.List(ctx)
		if err == nil || !fault.Is(err, fault.Unavailable) {
			return domains, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-look.C:
		}
	}
}

// untilStopped waits until no domain runs, or patience ends.
func untilStopped(ctx context.Context, h hypervisor.Hypervisor) error {
	patience := time.NewTimer(guestPatience)
	defer patience.Stop()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		domains, err := h.List(ctx)
		if err != nil {
			return err
		}
		running := false
		for _, d := range domains {
			running = running || d.Power != protocol.Stopped
		}
		if !running {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			return nil
		case <-look.C:
		}
	}
}

// PurgeMetadata removes what the metadata service has made on this host.
func PurgeMetadata(ctx context.Context, log *slog.Logger) error {
	return metadata.New(metadata.Config{Log: log}).Purge(ctx)
}
