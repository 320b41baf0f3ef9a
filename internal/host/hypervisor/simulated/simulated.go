// Package simulated is a hypervisor that runs nothing: domains are a few hundred bytes of memory each. It serves labs,
// where one process plays thousands of servers on hundreds of hosts, and tests, which bend it with Options and with the
// methods that play what happens to a host.
//
// It lives as long as the host that it plays: a restarted agent is given the same one.
package simulated

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Operation names what can be made to fail.
type Operation string

// The operations, one for each method of the interface that reaches the engine.
const (
	Info        Operation = "info"
	Define      Operation = "define"
	Start       Operation = "start"
	Shutdown    Operation = "shutdown"
	Destroy     Operation = "destroy"
	Undefine    Operation = "undefine"
	List        Operation = "list"
	SetMetadata Operation = "set metadata"
	ConsoleLog  Operation = "console log"
)

// Options are the knobs. The zero value is a host of 8 processors and 32 GiB that does everything at once and well.
type Options struct {
	CPUs, MemoryMiB int
	BootDelay       time.Duration // how long Start takes
	BootJitter      time.Duration // Start takes up to so much longer
	StopDelay       time.Duration // how long a guest takes to heed the power button; negative: it never does
	// FailureRate is the share of calls, 0 to 1, that fail before they have done anything.
	FailureRate map[Operation]float64
	// LateRate is the share of calls that do their work and then fail all the same, as when an answer is lost.
	LateRate map[Operation]float64
	Seed     uint64 // of the failures
	// Fail is asked before each call, with no lock held; what it returns is the call's error. id may be empty.
	Fail func(op Operation, id string) error
	// Missing tells whether a root disk is missing, so that Start fails; nil: none is.
	Missing func(path string) bool
	// Greeting is what each guest writes to its console when it has started.
	Greeting string
}

// Hypervisor is hypervisor.Hypervisor in memory.
type Hypervisor struct {
	opts Options

	mu      sync.Mutex
	watch   func(hypervisor.Event)
	dice    *rand.Rand
	domains map[string]*domain
	closed  bool
}

var _ hypervisor.Hypervisor = (*Hypervisor)(nil)

// domain is a domain; its definition isn't kept beyond what a caller can see.
type domain struct {
	name, root string
	meta       hypervisor.Metadata
	power      protocol.Power
	cause      protocol.Cause
	starts     int
	console    string
	button     *time.Timer // pressed and not yet heeded
}

// New returns a hypervisor without domains.
func New(opts Options) *Hypervisor {
	if opts.CPUs == 0 {
		opts.CPUs = 8
	}
	if opts.MemoryMiB == 0 {
		opts.MemoryMiB = 32 << 10
	}
	return &Hypervisor{
		opts:    opts,
		dice:    rand.New(rand.NewPCG(opts.Seed, 1)),
		domains: map[string]*domain{},
	}
}

// Info implements hypervisor.Hypervisor.
func (h *Hypervisor) Info(ctx context.Context) (info hypervisor.Info, err error) {
	err = h.call(ctx, Info, "", func() error {
		info = hypervisor.Info{Name: "simulated", Version: "simulated", Acceleration: "none", CPUs: h.opts.CPUs, MemoryMiB: h.opts.MemoryMiB}
		return nil
	})
	return info, err
}

// Define implements hypervisor.Hypervisor.
func (h *Hypervisor) Define(ctx context.Context, spec hypervisor.Spec) error {
	return h.call(ctx, Define, spec.ID, func() error {
		d := h.domains[spec.ID]
		if d == nil {
			d = &domain{power: protocol.Stopped, cause: protocol.CauseLost}
			h.domains[spec.ID] = d
		}
		if d.power != protocol.Stopped {
			return fault.Conflictf("domain", spec.ID, "domain %s is running; its definition can be replaced when it is stopped", spec.ID)
		}
		d.name, d.root, d.meta = spec.Name, spec.Root.Path, spec.Meta
		return nil
	})
}

// Start implements hypervisor.Hypervisor.
func (h *Hypervisor) Start(ctx context.Context, id string) error {
	if delay := h.bootDelay(); delay > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
		}
	}
	return h.on(ctx, Start, id, func(d *domain) error {
		if d.power == protocol.Running {
			return nil
		}
		if h.opts.Missing != nil && h.opts.Missing(d.root) {
			d.cause = protocol.CauseLost
			return fault.New(fault.Internal, "the domain could not be started: there is no disk %s", d.root)
		}
		d.starts++
		d.set(protocol.Running, protocol.CauseNone)
		d.write(fmt.Sprintf("simulated boot %d of %s\n%s\n", d.starts, d.name, h.opts.Greeting))
		h.emit(id)
		return nil
	})
}

// bootDelay is how long this start takes.
func (h *Hypervisor) bootDelay() time.Duration {
	if h.opts.BootJitter <= 0 {
		return h.opts.BootDelay
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.opts.BootDelay + time.Duration(h.dice.Int64N(int64(h.opts.BootJitter)))
}

// Shutdown implements hypervisor.Hypervisor.
func (h *Hypervisor) Shutdown(ctx context.Context, id string) error {
	return h.on(ctx, Shutdown, id, func(d *domain) error {
		if d.power == protocol.Stopped || d.button != nil || h.opts.StopDelay < 0 {
			return nil
		}
		run := d.starts
		d.button = time.AfterFunc(h.opts.StopDelay, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			if d.starts == run && d.power != protocol.Stopped {
				d.set(protocol.Stopped, protocol.CauseGuest)
				h.emit(id)
			}
		})
		return nil
	})
}

// Destroy implements hypervisor.Hypervisor.
func (h *Hypervisor) Destroy(ctx context.Context, id string) error {
	return h.on(ctx, Destroy, id, func(d *domain) error {
		if d.power != protocol.Stopped {
			d.set(protocol.Stopped, protocol.CauseGuest)
			h.emit(id)
		}
		return nil
	})
}

// Undefine implements hypervisor.Hypervisor.
func (h *Hypervisor) Undefine(ctx context.Context, id string) error {
	return h.call(ctx, Undefine, id, func() error {
		d := h.domains[id]
		if d == nil {
			return nil
		}
		if d.power != protocol.Stopped {
			return fault.Conflictf("domain", id, "domain %s is running; it can be removed when it is stopped", id)
		}
		delete(h.domains, id)
		h.emit(id)
		return nil
	})
}

// List implements hypervisor.Hypervisor.
func (h *Hypervisor) List(ctx context.Context, ids ...string) (found []hypervisor.Domain, err error) {
	one := ""
	if len(ids) == 1 {
		one = ids[0]
	}
	err = h.call(ctx, List, one, func() error {
		if len(ids) == 0 {
			for id, d := range h.domains {
				found = append(found, d.seen(id))
			}
		}
		for _, id := range ids {
			if d := h.domains[id]; d != nil {
				found = append(found, d.seen(id))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// SetMetadata implements hypervisor.Hypervisor.
func (h *Hypervisor) SetMetadata(ctx context.Context, id string, meta hypervisor.Metadata) error {
	return h.on(ctx, SetMetadata, id, func(d *domain) error {
		d.meta = meta
		return nil
	})
}

// ConsoleLog implements hypervisor.Hypervisor.
func (h *Hypervisor) ConsoleLog(ctx context.Context, id string, lines int) (text string, err error) {
	err = h.on(ctx, ConsoleLog, id, func(d *domain) error {
		text = hypervisor.Tail([]byte(d.console), lines)
		return nil
	})
	return text, err
}

// Watch implements hypervisor.Hypervisor.
func (h *Hypervisor) Watch(fn func(hypervisor.Event)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watch = fn
}

// Close implements hypervisor.Hypervisor.
func (h *Hypervisor) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	h.closed = true
	for _, d := range h.domains {
		if d.button != nil {
			d.button.Stop()
		}
	}
	return nil
}

// on is call for a domain that must exist.
func (h *Hypervisor) on(ctx context.Context, op Operation, id string, fn func(*domain) error) error {
	return h.call(ctx, op, id, func() error {
		d := h.domains[id]
		if d == nil {
			return fault.Missing("domain", id)
		}
		return fn(d)
	})
}

// call runs fn under the lock, or fails as the knobs say.
func (h *Hypervisor) call(ctx context.Context, op Operation, id string, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if h.opts.Fail != nil {
		if err := h.opts.Fail(op, id); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dice.Float64() < h.opts.FailureRate[op] {
		return fault.New(fault.Unavailable, "the simulated hypervisor was told to fail: %s", op)
	}
	if err := fn(); err != nil {
		return err
	}
	if h.dice.Float64() < h.opts.LateRate[op] {
		return fault.New(fault.Unavailable, "the simulated hypervisor was told to lose its answer: %s", op)
	}
	return nil
}

// emit passes an event on. The caller holds the lock.
func (h *Hypervisor) emit(id string) {
	if h.watch != nil && !h.closed {
		h.watch(hypervisor.Event{ID: id})
	}
}

// set changes the power of a domain; a button that was pressed means nothing any more.
func (d *domain) set(power protocol.Power, cause protocol.Cause) {
	d.power, d.cause = power, cause
	if d.button != nil {
		d.button.Stop()
		d.button = nil
	}
}

// seen is the domain as callers see it.
func (d *domain) seen(id string) hypervisor.Domain {
	s := hypervisor.Domain{ID: id, Power: d.power, Cause: d.cause, Meta: d.meta}
	if s.Power == protocol.Stopped && s.Meta.Halted {
		s.Cause = protocol.CauseGuest
	}
	return s
}

// consoleKept is how much of a console is kept.
const consoleKept = 2 << 10

// write adds to the console.
func (d *domain) write(text string) {
	d.console += strings.ReplaceAll(text, "\n\n", "\n")
	if extra := len(d.console) - consoleKept; extra > 0 {
		d.console = d.console[extra:]
	}
}
