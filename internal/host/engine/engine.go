package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Config says where the engines of a host live and how they are tied together.
type Config struct {
	RunDir  string // lost with a reboot, like the engines themselves; default /run/aloft
	DataDir string // survives a reboot; default /var/lib/aloft
	HostID  string // becomes Open vSwitch's system-id and so OVN's chassis name

	OutsideBridge   string // default "br-outside"
	OutsideCIDR     string // the host's address on that bridge; default "172.24.4.1/24"; "-" for none
	PhysicalNetwork string // what OVN calls the outside; default "outside"

	// OVNRemote is the OVN southbound database, e.g. "ssl:10.0.0.1:6642". Empty means that OVN's databases and
	// ovn-northd run on this host.
	OVNRemote string
	// OVNListen is the "address:port" at which other hosts reach the southbound database on this one, by TLS; empty for none.
	OVNListen string
	// Cluster has this node's OVN databases share with those of other control nodes.
	Cluster Cluster
	// Certs are this machine's, for OVNListen, for Cluster, and for an OVNRemote of "ssl:".
	Certs Certs
	// ControlOnly means that this host runs OVN's databases and ovn-northd, and no servers.
	ControlOnly bool
	EncapIP     string // this host's address for tunnels; default 127.0.0.1
	// TunnelDevice has the address for tunnels, in place of EncapIP; empty for any device that has EncapIP.
	TunnelDevice string
	// OutsideDevice is put into the outside bridge; empty for none.
	OutsideDevice string
	// Network is what an operator has set through the API, in place of the fields above; a nil function or answer: nothing.
	Network func() *protocol.HostNetwork `json:"-"`
	// Changed is called when what Seen returns has changed; may be nil.
	Changed func() `json:"-"`

	Log *slog.Logger
}

// Certs are paths of files in PEM: a certificate, its key, and the certificate of the CA that others must be of.
type Certs struct{ Cert, Key, CA string }

// Progress hears that an engine has changed its state: "starting", "started", "adopted".
type Progress func(name, state string)

// Sockets are the unix sockets at which the engines answer.
type Sockets struct {
	Libvirt, OVS, OVNNorth, OVNSouth string
}

// State is what is known of one engine.
type State struct {
	Name   string
	PID    int    // 0 where it is unknown or nothing runs
	Answer bool   // it really answers
	Ours   bool   // Aloft started it and will stop it
	Detail string // why it does not answer, or what it still waits for; empty if all is well
}

// Engines supervises the engines of a host. It holds nothing that matters and is not on disk or in the engines.
type Engines struct {
	cfg     Config
	table   []spec
	systemd bool
	journal journal
	units   units
	log     *slog.Logger
	wake    chan struct{}

	mu   sync.Mutex
	seen *protocol.NetworkSeen
}

// startDeadline is how long an engine may take to answer; libvirtd's first start probes QEMU and is the slowest.
const startDeadline = 2 * time.Minute

// hangPatience is how long an engine that runs may be silent before it is taken for hanging and replaced. On a busy host
// a good engine is silent for seconds, and replacing it makes that worse.
const hangPatience = 20 * time.Second

// settleDeadline is how long an engine may take to find the others. Open vSwitch's programs double the pause between their
// attempts to connect, from one second to eight.
const settleDeadline = time.Minute

// New returns the supervisor of a host's engines; it starts nothing.
func New(cfg Config) *Engines {
	setDefault(&cfg.RunDir, "/run/aloft")
	setDefault(&cfg.DataDir, "/var/lib/aloft")
	setDefault(&cfg.OutsideBridge, "br-outside")
	setDefault(&cfg.OutsideCIDR, "172.24.4.1/24")
	setDefault(&cfg.PhysicalNetwork, "outside")
	setDefault(&cfg.EncapIP, "127.0.0.1")
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	_, err := os.Stat("/run/systemd/system")
	e := &Engines{
		cfg:     cfg,
		systemd: err == nil,
		journal: journal{path: filepath.Join(cfg.DataDir, "engines-before.json")},
		units:   units{path: filepath.Join(cfg.RunDir, "units.json")},
		log:     cfg.Log,
		wake:    make(chan struct{}, 1),
	}
	e.table = e.specs()
	return e
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// Sockets tells where the engines answer.
func (e *Engines) Sockets() Sockets {
	return Sockets{Libvirt: libvirtSocket, OVS: ovsSocket, OVNNorth: ovnNorthSocket, OVNSouth: ovnSouthSocket}
}

// Ensure starts each engine that does not answer, adopts those that do, and configures them; when it returns nil all
// of them really answer. It may be called at any time and again. Its errors are faults that say what to do.
func (e *Engines) Ensure(ctx context.Context, progress func(name, state string)) error {
	unlock, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := e.start(ctx, progress); err != nil {
		return err
	}
	return e.configure(ctx)
}

// start makes every engine answer, in the order of the table: each needs those before it.
func (e *Engines) start(ctx context.Context, progress Progress) error {
	if progress == nil {
		progress = func(string, string) {}
	}
	for _, s := range e.table {
		if err := e.startOne(ctx, s, progress); err != nil {
			return fault.Wrap(fault.Unavailable, err,
				"the engine %s does not run; its log is %s (with systemd: journalctl -u %s)", s.name, e.logFile(s.name), s.unit)
		}
		if s.after != nil {
			if err := s.after(ctx); err != nil {
				return fault.Wrap(fault.Unavailable, err, "the engine %s could not be configured", s.name)
			}
		}
	}
	return nil
}

func (e *Engines) startOne(ctx context.Context, s spec, progress Progress) error {
	if e.answers(ctx, s) == nil {
		progress(s.name, "adopted")
		return e.untilSettled(ctx, s)
	}
	progress(s.name, "starting")
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	var err error
	if e.byUnit(s) {
		err = e.startUnit(ctx, s)
	} else {
		err = e.startByHand(ctx, s)
	}
	if err != nil {
		return err
	}
	if err := e.until(ctx, s.ready); err != nil {
		return err
	}
	if err := e.untilSettled(ctx, s); err != nil {
		return err
	}
	e.log.Info("engine started", "engine", s.name, "took", time.Since(begun))
	progress(s.name, "started")
	return nil
}

// byUnit tells whether systemd starts and stops an engine.
func (e *Engines) byUnit(s spec) bool { return e.systemd && s.unit != "" }

// answers asks an engine for a sign of life.
func (e *Engines) answers(ctx context.Context, s spec) error { return ask(ctx, s.ready) }

func (e *Engines) untilSettled(ctx context.Context, s spec) error {
	if s.settled == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, settleDeadline)
	defer cancel()
	return e.until(ctx, s.settled)
}

// ask puts a question with a short deadline.
func ask(ctx context.Context, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return question(ctx)
}

// until asks until the answer is nil or the context ends. There is no event to wait for: a daemon is ready some
// milliseconds after its parent has gone.
func (e *Engines) until(ctx context.Context, question func(context.Context) error) error {
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	var err error
	for {
		answer := ask(ctx, question)
		if answer == nil {
			return nil
		}
		if err == nil || ctx.Err() == nil { // what is said after the deadline speaks of the deadline only
			err = answer
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it gives no good answer in time: %w", err)
		case <-pause.C:
		}
	}
}

// Status asks each engine how it is.
func (e *Engines) Status(ctx context.Context) []State {
	states := make([]State, 0, len(e.table))
	for _, s := range e.table {
		st := State{Name: s.name}
		if err := e.answers(ctx, s); err != nil {
			st.Detail = err.Error()
		} else {
			st.Answer = true
			st.PID = peer(s.socket())
			if s.settled != nil {
				if err := ask(ctx, s.settled); err != nil {
					st.Detail = err.Error()
				}
			}
		}
		if e.byUnit(s) {
			st.Ours = e.units.has(s.unit)
		} else if pid := e.ours(s); pid != 0 {
			st.PID, st.Ours = pid, true
		}
		states = append(states, st)
	}
	return states
}

// lock keeps two processes, or two goroutines, from changing the engines at the same time.
func (e *Engines) lock(ctx context.Context) (unlock func(), err error) {
	for _, dir := range []string{e.cfg.RunDir, e.cfg.DataDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "%s could not be made; aloft must run as root", dir)
		}
	}
	f, err := os.OpenFile(filepath.Join(e.cfg.RunDir, "engines.lock"), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the lock of the engines could not be opened; aloft must run as root")
	}
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "another aloft is starting or stopping the engines (%s is locked)", f.Name())
		case <-pause.C:
		}
	}
}

func (e *Engines) logFile(name string) string {
	return filepath.Join(e.cfg.DataDir, "log", name+".log")
}
