// Package libvirt runs servers with QEMU through libvirtd, which it speaks to by libvirt's own wire protocol on its
// local socket. libvirtd outlives this process and QEMU outlives libvirtd, so either may be restarted at any time
// without a guest noticing.
//
// A domain carries the server's id as its UUID, and generation, boot and "halted" in an element of Aloft's own XML
// namespace. QEMU runs as libvirt's unprivileged user; no security label is given, so that whatever drivers libvirtd
// has (DAC everywhere, AppArmor or SELinux where present) label each domain as they always do.
package libvirt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Config is what the driver has to be told.
type Config struct {
	Socket          string // of libvirtd; "" is /run/libvirt/libvirt-sock
	Acceleration    string // "kvm" or "tcg", as the host's probe found; "" is "tcg", which works everywhere
	ConsoleDir      string // where consoles are logged; made if missing
	Bridge          string // Open vSwitch bridge that servers are plugged into; "" is br-int
	ChecksumOffload bool   // off where the bridge has a user-space datapath
}

// Driver is hypervisor.Hypervisor on libvirt.
type Driver struct {
	machine
	conn *connection
	stop context.CancelFunc
	done chan struct{}
}

var _ hypervisor.Hypervisor = (*Driver)(nil)

// Start makes a driver that keeps a connection to libvirtd until ctx ends or Close is called. It does not wait for
// libvirtd to be there; calls wait for the first attempt to reach it.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Driver, error) {
	if runtime.GOARCH != "amd64" {
		return nil, fault.New(fault.Unsupported, "servers can run on amd64 hosts only, and this host is %s", runtime.GOARCH)
	}
	if cfg.Acceleration == "" {
		cfg.Acceleration = "tcg"
	}
	if cfg.Acceleration != "kvm" && cfg.Acceleration != "tcg" {
		return nil, fault.Invalidf("acceleration", "acceleration is %q; it must be kvm or tcg", cfg.Acceleration)
	}
	if cfg.Socket == "" {
		cfg.Socket = "/run/libvirt/libvirt-sock"
	}
	if cfg.Bridge == "" {
		cfg.Bridge = "br-int"
	}
	if err := os.MkdirAll(cfg.ConsoleDir, 0o711); err != nil {
		return nil, fmt.Errorf("making the directory of console logs: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	on := machine{
		Acceleration: cfg.Acceleration, ConsoleDir: cfg.ConsoleDir, Bridge: cfg.Bridge, ChecksumOffload: cfg.ChecksumOffload,
	}
	d := &Driver{
		machine: on,
		conn: &connection{
			socket: cfg.Socket, virtType: on.virtType(), log: log,
			tried: make(chan struct{}),
		},
		stop: stop,
		done: make(chan struct{}),
	}
	go func() {
		defer close(d.done)
		d.conn.run(ctx)
	}()
	return d, nil
}

// Watch implements hypervisor.Hypervisor.
func (d *Driver) Watch(fn func(hypervisor.Event)) { d.conn.observe(fn) }

// Close implements hypervisor.Hypervisor.
func (d *Driver) Close() error {
	d.stop()
	<-d.done
	return nil
}

// Info implements hypervisor.Hypervisor.
func (d *Driver) Info(ctx context.Context) (hypervisor.Info, error) {
	info, err := call(ctx, d.conn, func(l *golibvirt.Libvirt) (hypervisor.Info, error) {
		version, err := l.ConnectGetVersion()
		if err != nil {
			return hypervisor.Info{}, err
		}
		_, _, cpus, _, _, _, _, _, err := l.NodeGetInfo()
		if err != nil {
			return hypervisor.Info{}, err
		}
		// libvirt counts the memory of the NUMA nodes that have processors; memory that was plugged in later has none.
		var host unix.Sysinfo_t
		err = unix.Sysinfo(&host)
		return hypervisor.Info{
			Name:         "libvirt",
			Version:      fmt.Sprintf("QEMU %d.%d.%d", version/1_000_000, version/1000%1000, version%1000),
			Acceleration: d.Acceleration,
			CPUs:         int(cpus),
			MemoryMiB:    int(host.Totalram * uint64(host.Unit) >> 20),
		}, err
	})
	return info, explain(err, "", "describe the host")
}

// Define implements hypervisor.Hypervisor.
func (d *Driver) Define(ctx context.Context, spec hypervisor.Spec) error {
	dom, err := domain(spec.ID)
	if err != nil {
		return err
	}
	text, err := domainXML(spec, d.machine)
	if err != nil {
		return fmt.Errorf("writing the domain's XML: %w", err)
	}
	return d.do(ctx, spec.ID, "define", func(l *golibvirt.Libvirt) error {
		active, err := l.DomainIsActive(dom)
		if err != nil && !golibvirt.IsNotFound(err) {
			return err
		}
		if active == 1 {
			return fault.Conflictf("domain", spec.ID, "domain %s is running; its definition can be replaced when it is stopped", dom.Name)
		}
		_, err = l.DomainDefineXMLFlags(text, 0)
		return err
	})
}

// Start implements hypervisor.Hypervisor.
func (d *Driver) Start(ctx context.Context, id string) error {
	dom, err := domain(id)
	if err != nil {
		return err
	}
	return d.do(ctx, id, "start", func(l *golibvirt.Libvirt) error {
		return settled(l, dom, true, l.DomainCreate(dom))
	})
}

// Shutdown implements hypervisor.Hypervisor.
func (d *Driver) Shutdown(ctx context.Context, id string) error {
	dom, err := domain(id)
	if err != nil {
		return err
	}
	return d.do(ctx, id, "shut down", func(l *golibvirt.Libvirt) error {
		return settled(l, dom, false, l.DomainShutdownFlags(dom, golibvirt.DomainShutdownAcpiPowerBtn))
	})
}

// Destroy implements hypervisor.Hypervisor.
func (d *Driver) Destroy(ctx context.Context, id string) error {
	dom, err := domain(id)
	if err != nil {
		return err
	}
	return d.do(ctx, id, "stop", func(l *golibvirt.Libvirt) error {
		return settled(l, dom, false, l.DomainDestroyFlags(dom, golibvirt.DomainDestroyDefault))
	})
}

// settled forgives an operation that libvirt refused as there was nothing to do: the domain is as it should be.
func settled(l *golibvirt.Libvirt, dom golibvirt.Domain, active bool, err error) error {
	if code(err) != golibvirt.ErrOperationInvalid {
		return err
	}
	if is, lookErr := l.DomainIsActive(dom); lookErr == nil && (is == 1) == active {
		return nil
	}
	return err
}

// Undefine implements hypervisor.Hypervisor.
func (d *Driver) Undefine(ctx context.Context, id string) error {
	dom, err := domain(id)
	if err != nil {
		return err
	}
	err = d.do(ctx, id, "remove", func(l *golibvirt.Libvirt) error {
		active, err := l.DomainIsActive(dom)
		if err != nil {
			return err
		}
		if active == 1 {
			return fault.Conflictf("domain", id, "domain %s is running; it can be removed when it is stopped", dom.Name)
		}
		return l.DomainUndefineFlags(dom, golibvirt.DomainUndefineManagedSave|golibvirt.DomainUndefineSnapshotsMetadata|
			golibvirt.DomainUndefineCheckpointsMetadata|golibvirt.DomainUndefineNvram)
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return removeConsole(d.ConsoleDir, id)
}

// SetMetadata implements hypervisor.Hypervisor.
func (d *Driver) SetMetadata(ctx context.Context, id string, meta hypervisor.Metadata) error {
	dom, err := domain(id)
	if err != nil {
		return err
	}
	set := func(l *golibvirt.Libvirt, impact golibvirt.DomainModificationImpact) error {
		return l.DomainSetMetadata(dom, int32(golibvirt.DomainMetadataElement), golibvirt.OptString{metadataElement(meta)},
			golibvirt.OptString{"aloft"}, golibvirt.OptString{namespace}, impact)
	}
	return d.do(ctx, id, "mark", func(l *golibvirt.Libvirt) error {
		err := set(l, golibvirt.DomainAffectLive|golibvirt.DomainAffectConfig)
		if code(err) == golibvirt.ErrOperationInvalid { // it isn't running
			err = set(l, golibvirt.DomainAffectConfig)
		}
		return err
	})
}

// List implements hypervisor.Hypervisor.
func (d *Driver) List(ctx context.Context, ids ...string) ([]hypervisor.Domain, error) {
	domains, err := call(ctx, d.conn, func(l *golibvirt.Libvirt) ([]hypervisor.Domain, error) {
		if len(ids) > 0 {
			return some(l, ids)
		}
		return all(l)
	})
	return domains, explain(err, "", "list the domains")
}

// ConsoleLog implements hypervisor.Hypervisor. It asks libvirt only where there is no log.
func (d *Driver) ConsoleLog(ctx context.Context, id string, lines int) (string, error) {
	text, err := readConsole(d.ConsoleDir, id)
	if err != nil {
		return "", err
	}
	if len(text) == 0 {
		found, err := d.List(ctx, id)
		if err != nil {
			return "", err
		}
		if len(found) == 0 {
			return "", fault.Missing("domain", id)
		}
	}
	return hypervisor.Tail(text, lines), nil
}

// do is call for what has no result.
func (d *Driver) do(ctx context.Context, id, verb string, fn func(*golibvirt.Libvirt) error) error {
	_, err := call(ctx, d.conn, func(l *golibvirt.Libvirt) (struct{}, error) { return struct{}{}, fn(l) })
	return explain(err, id, verb)
}

// domain names a domain to libvirt, which finds it by UUID.
func domain(id string) (golibvirt.Domain, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return golibvirt.Domain{}, fault.Invalidf("id", "server id %q is not a UUID", id)
	}
	return golibvirt.Domain{Name: protocol.DomainName(id), UUID: golibvirt.UUID(u), ID: -1}, nil
}

// code returns libvirt's number of an error; ErrOk if it isn't libvirt's.
func code(err error) golibvirt.ErrorNumber {
	var e golibvirt.Error
	if errors.As(err, &e) {
		return golibvirt.ErrorNumber(e.Code)
	}
	return golibvirt.ErrOk
}

// explain turns an error of libvirt or of the connection into a fault.
func explain(err error, id, verb string) error {
	var known *fault.Error
	var refused golibvirt.Error
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case golibvirt.IsNotFound(err):
		return fault.Missing("domain", id)
	case errors.As(err, &refused):
		f := fault.New(fault.Internal, "libvirt could not %s: %s", verb+object(id), refused.Message)
		f.Object, f.ID, f.Err = "domain", id, nil
		return f
	default:
		return fault.Wrap(fault.Unavailable, err, "the connection to libvirt was lost; it is made again by itself")
	}
}

func object(id string) string {
	if id == "" {
		return ""
	}
	return " domain " + protocol.DomainName(id)
}

// power maps libvirt's state and reason.
func power(state golibvirt.DomainState, reason int32) (protocol.Power, protocol.Cause) {
	switch state {
	case golibvirt.DomainRunning, golibvirt.DomainBlocked, golibvirt.DomainShutdown:
		return protocol.Running, protocol.CauseNone
	case golibvirt.DomainPaused:
		if golibvirt.DomainPausedReason(reason) == golibvirt.DomainPausedStartingUp {
			return protocol.Stopped, protocol.CauseLost // not started yet
		}
		return protocol.Paused, protocol.CauseNone
	case golibvirt.DomainPmsuspended:
		return protocol.Paused, protocol.CauseNone
	case golibvirt.DomainShutoff:
		switch golibvirt.DomainShutoffReason(reason) {
		case golibvirt.DomainShutoffShutdown, golibvirt.DomainShutoffDestroyed:
			return protocol.Stopped, protocol.CauseGuest
		}
	}
	return protocol.Stopped, protocol.CauseLost
}
