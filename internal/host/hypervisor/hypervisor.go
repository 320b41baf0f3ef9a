// Package hypervisor says what a host needs of the engine that runs servers. Its methods are the whole contract; package
// hypervisor/suite tests each implementation against it.
//
// A domain is a server as the engine knows it. The engine is the only memory of a host: each domain carries Metadata,
// and from that and the domain's state the agent finds after any restart what it has to do.
package hypervisor

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Spec is what a domain is made of.
type Spec struct {
	ID        string // the server's id, a UUID; the domain's too
	Name      string // the server's name, for people who look at the host
	ProjectID string
	VCPUs     int
	MemoryMiB int
	Root      disk.Disk
	NICs      []NIC
	Meta      Metadata
}

// NIC is a network card of a domain.
type NIC struct {
	PortID string // the iface-id that the host's switch knows the port by
	MAC    string
	MTU    int // 0: the switch's own
}

// Metadata is what a domain carries for Aloft. It lasts as long as the domain's definition.
type Metadata struct {
	// Generation is that of the wants that have been carried out in full; 0 while the first are at work.
	Generation int64
	// Boot is the Boot that the domain was last started for, or is about to be.
	Boot int64
	// Halted remembers, over restarts of the engine, that the domain was stopped on purpose (protocol.CauseGuest).
	Halted bool
}

// Domain is a domain as it is now.
type Domain struct {
	ID    string
	Power protocol.Power // Running, Stopped or Paused
	// Cause goes with Stopped. CauseGuest: the guest powered itself off, or the domain was shut down or destroyed by
	// anyone, or Meta.Halted is set. CauseLost: everything else - never started, failed to start, crashed, or ended
	// with its engine or its host.
	Cause protocol.Cause
	Meta  Metadata
}

// Event says that a domain may have changed. An empty ID means that any may have: the engine was restarted, or events
// were lost.
type Event struct {
	ID string
}

// Info is what an engine says of itself and of the host.
type Info struct {
	Name         string // "libvirt", "simulated"
	Version      string // for people, e.g. "QEMU 7.2.19"
	Acceleration string // "kvm", "tcg"; "none" where nothing is run
	CPUs         int
	MemoryMiB    int
}

// Hypervisor runs domains. All methods may be called at the same time from many goroutines, for different domains; the
// caller sees to it that one domain is worked on by one goroutine. While the engine is away, methods return Unavailable
// faults and running guests keep running; the implementation finds the engine again by itself. Methods that name a
// domain return a NotFound fault if there is none, except where they say otherwise.
type Hypervisor interface {
	// Info describes the engine and the host's size.
	Info(ctx context.Context) (Info, error)

	// Define makes a domain, stopped, or replaces the definition of the stopped domain of the same ID, with
	// spec.Meta as it is. Nothing of a domain's definition is lost by a crash of host or engine. It is a Conflict
	// fault if the domain is running.
	Define(ctx context.Context, spec Spec) error

	// Start starts a stopped domain; it returns when the guest's processors run. It is no error if it runs already.
	Start(ctx context.Context, id string) error

	// Shutdown presses the power button and returns at once. The guest may take its time or not heed it. It is no
	// error if the domain is stopped.
	Shutdown(ctx context.Context, id string) error

	// Destroy stops a domain at once; when it returns the domain is stopped. It is no error if it is stopped.
	Destroy(ctx context.Context, id string) error

	// Undefine removes a stopped domain and its console log. It is no error if there is none; it is a Conflict fault
	// if the domain is running.
	Undefine(ctx context.Context, id string) error

	// List returns the domains with the given IDs, or all of Aloft's if none is given. Missing ones are left out, and
	// so are domains that others have defined.
	List(ctx context.Context, ids ...string) ([]Domain, error)

	// SetMetadata replaces the metadata of a domain, running or not, in one step.
	SetMetadata(ctx context.Context, id string, meta Metadata) error

	// ConsoleLog returns the last lines of the domain's serial console, of this boot and those before, all that is
	// kept (at most ConsoleBytes) if lines is 0. It is valid UTF-8.
	ConsoleLog(ctx context.Context, id string, lines int) (string, error)

	// Watch has fn called for each event from now on, in place of the fn before; nil ends that. fn must not block, nor call
	// the hypervisor. Events may be lost or repeated; they are never needed for more than quickness.
	Watch(fn func(Event))

	// Close lets go of the engine and leaves the guests running.
	Close() error
}

// ConsoleBytes is the most that ConsoleLog returns.
const ConsoleBytes = 256 << 10
