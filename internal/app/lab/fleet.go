// Package lab plays hosts: the real agents speak the real messages over the real bus, and only what they drive -
// hypervisor, disks and metadata service - is simulated. A whole cloud of them fits into one process, which is what
// `aloft lab` and the tests of the control plane are made of.
package lab

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/host/agent"
	disks "github.com/aloft-cloud/aloft/internal/host/disk/simulated"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/simulated"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Options are what all hosts of a fleet have in common.
type Options struct {
	Hosts                    int
	CPUs, MemoryMiB, DiskGiB int           // of each host
	BootDelay, BootJitter    time.Duration // a guest takes BootDelay, and up to BootJitter more, to start and to stop
	FailureRate              float64       // the share, 0 to 1, of a hypervisor's calls that fail; agents try again
	Log                      *slog.Logger
}

const (
	// relistEvery is how often all servers are worked on. Simulated hypervisors lose no events, so that it hardly matters.
	relistEvery = time.Hour
	// What happens at the same time on each host, and on all: what is over that waits.
	serversPerHost, serversAtOnce = 16, 4096
	choresPerHost, choresAtOnce   = 3, 1024
)

// labLinks are what a simulated host has: 10 Gbit/s to the network that leads outside.
const labLinks = protocol.Bandwidth("outside=10000000")

// Fleet is a set of simulated hosts.
type Fleet struct {
	opts  Options
	hosts []*host

	mu   sync.Mutex // held by those who switch hosts on and off
	crew *agent.Crew
	bus  *bus.Bus
	off  []*host
}

// host is what outlives its agent.
type host struct {
	id, name string
	domains  *simulated.Hypervisor
	disks    *disks.Pool
	settings settings
}

// New makes the hosts; Run switches them on.
func New(opts Options) *Fleet {
	f := &Fleet{opts: opts, hosts: make([]*host, opts.Hosts)}
	for i := range f.hosts {
		name := fmt.Sprintf("lab-%05d", i+1)
		f.hosts[i] = &host{
			id: uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String(), name: name,
			domains: simulated.New(simulated.Options{
				CPUs: opts.CPUs, MemoryMiB: opts.MemoryMiB, BootDelay: opts.BootDelay, BootJitter: opts.BootJitter,
				StopDelay: opts.BootDelay, FailureRate: failing(opts.FailureRate), Seed: uint64(i),
			}),
			disks: disks.New(disks.Options{TotalGiB: opts.DiskGiB}),
		}
	}
	return f
}

// failing makes a share of the calls fail that change something.
func failing(rate float64) map[simulated.Operation]float64 {
	if rate == 0 {
		return nil
	}
	return map[simulated.Operation]float64{
		simulated.Define: rate, simulated.Start: rate, simulated.Shutdown: rate, simulated.Destroy: rate,
		simulated.Undefine: rate, simulated.SetMetadata: rate,
	}
}

// Run runs the agents of all hosts on one connection, which may speak for all of them, until ctx ends.
func (f *Fleet) Run(ctx context.Context, b *bus.Bus) error {
	crew := agent.NewCrew(agent.Limits{
		Servers: min(serversPerHost*len(f.hosts), serversAtOnce), Chores: min(choresPerHost*len(f.hosts), choresAtOnce), SweepEvery: relistEvery,
	}, f.opts.Log)
	f.mu.Lock()
	f.crew, f.bus = crew, b
	for _, h := range f.hosts {
		f.start(h)
	}
	f.mu.Unlock()
	return crew.RunOnBus(ctx, b)
}

// Kill switches off so many hosts, as a power cut does, and returns how many there were to switch off.
func (f *Fleet) Kill(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.crew == nil {
		return 0
	}
	killed := f.hosts[:min(n, len(f.hosts))]
	f.hosts, f.off = f.hosts[len(killed):], append(f.off, killed...)
	for _, h := range killed {
		f.crew.Remove(h.id)
		h.domains.RebootHost() // what it ran is gone; nobody sees that before it is switched on
	}
	return len(killed)
}

// Heal switches on again all hosts that are off, and returns how many there were.
func (f *Fleet) Heal() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	healed := f.off
	f.hosts, f.off = append(f.hosts[:len(f.hosts):len(f.hosts)], healed...), nil
	for _, h := range healed {
		f.start(h)
	}
	return len(healed)
}

// start starts the agent of a host. The caller holds mu.
func (f *Fleet) start(h *host) {
	boot := uuid.NewString()
	f.crew.Add(h.id, agent.Config{
		Hypervisor: h.domains, Pool: h.disks, Settings: &h.settings, Log: f.opts.Log, RelistEvery: -1,
		Host: func(ctx context.Context) (protocol.Host, error) { return f.describe(ctx, h, boot) },
	}, agent.OnBus(f.bus.As(h.id)), metadata{})
}

// describe is what a host says of itself.
func (f *Fleet) describe(ctx context.Context, h *host, boot string) (protocol.Host, error) {
	info, err := h.domains.Info(ctx)
	if err != nil {
		return protocol.Host{}, err
	}
	return protocol.Host{
		ID: h.id, Name: h.name, Version: protocol.Version, Arch: runtime.GOARCH, BootID: boot, Address: "127.0.0.1",
		Hypervisor: info.Name, Acceleration: info.Acceleration, HypervisorInfo: info.Version,
		Capacity: protocol.Capacity{VCPUs: info.CPUs, MemoryMiB: info.MemoryMiB, DiskGiB: f.opts.DiskGiB, Bandwidth: labLinks},
	}, nil
}

// metadata stands for a host's metadata service: guests that do not run ask nothing.
type metadata struct{}

// Ensure implements agent.Networks.
func (metadata) Ensure(context.Context, map[string]protocol.MetadataPort) error { return nil }
