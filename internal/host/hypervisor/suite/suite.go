// Package suite tests an implementation of hypervisor.Hypervisor against the interface's comments.
package suite

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Bench is an implementation and what the suite has to do to it from outside.
type Bench struct {
	Hypervisor hypervisor.Hypervisor
	// Root makes a root disk that a guest boots from which heeds the power button, as GuestDisk is.
	Root func(t *testing.T) disk.Disk
	// NICs are given to the domains.
	NICs func() []hypervisor.NIC
	// Lose ends the process of a running guest from outside.
	Lose func(t *testing.T, id string)
	// Restart restarts the engine without touching the guests, and returns when it is down or has been.
	Restart func(t *testing.T)
	// Patience is how long the slowest thing may take.
	Patience time.Duration
}

// Run runs the suite on a bench.
func Run(t *testing.T, b Bench) {
	for name, test := range map[string]func(*testing.T, Bench){
		"unknown domains":           unknown,
		"define and replace":        define,
		"start and destroy":         startDestroy,
		"power button":              powerButton,
		"metadata of a running one": metadataLive,
		"a lost guest":              lost,
		"a start that fails":        failedStart,
		"events":                    events,
		"console":                   console,
		"the engine restarts":       restart,
		"cancelled":                 cancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

// spec makes the spec of a domain that is removed when the test ends.
func (b Bench) spec(t *testing.T) hypervisor.Spec {
	t.Helper()
	s := hypervisor.Spec{
		ID: uuid.NewString(), Name: t.Name(), ProjectID: "p", VCPUs: 1, MemoryMiB: 64, Root: b.Root(t),
		Meta: hypervisor.Metadata{Boot: 1},
	}
	if b.NICs != nil {
		s.NICs = b.NICs()
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), b.Patience)
		defer cancel()
		require.NoError(t, ignoreMissing(b.Hypervisor.Destroy(ctx, s.ID)))
		require.NoError(t, b.Hypervisor.Undefine(ctx, s.ID))
	})
	return s
}

func ignoreMissing(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// get returns a domain that must be there.
func (b Bench) get(t *testing.T, id string) hypervisor.Domain {
	t.Helper()
	found, err := b.Hypervisor.List(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

// eventually waits until a domain is as ok says; errors of an engine that is away are borne.
func (b Bench) eventually(t *testing.T, id, what string, ok func(hypervisor.Domain) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		found, err := b.Hypervisor.List(t.Context(), id)
		return err == nil && len(found) == 1 && ok(found[0])
	}, b.Patience, 20*time.Millisecond, what)
}

func (b Bench) started(t *testing.T) hypervisor.Spec {
	t.Helper()
	s := b.spec(t)
	require.NoError(t, b.Hypervisor.Define(t.Context(), s))
	require.NoError(t, b.Hypervisor.Start(t.Context(), s.ID))
	return s
}

func (b Bench) untilUp(t *testing.T, id string) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, err := b.Hypervisor.ConsoleLog(t.Context(), id, 0)
		return err == nil && strings.Contains(text, GuestGreeting)
	}, b.Patience, 20*time.Millisecond, "the guest never greeted on its console")
}

func unknown(t *testing.T, b Bench) {
	ctx, h, id := t.Context(), b.Hypervisor, uuid.NewString()
	_, consoleErr := h.ConsoleLog(ctx, id, 1)
	for verb, err := range map[string]error{
		"start": h.Start(ctx, id), "shutdown": h.Shutdown(ctx, id), "destroy": h.Destroy(ctx, id),
		"metadata": h.SetMetadata(ctx, id, hypervisor.Metadata{}), "console": consoleErr,
	} {
		require.True(t, fault.Is(err, fault.NotFound), "%s: %v", verb, err)
	}
	require.NoError(t, h.Undefine(ctx, id))
	found, err := h.List(ctx, id)
	require.NoError(t, err)
	require.Empty(t, found)
}

func define(t *testing.T, b Bench) {
	s := b.spec(t)
	require.NoError(t, b.Hypervisor.Define(t.Context(), s))
	want := hypervisor.Domain{ID: s.ID, Power: protocol.Stopped, Cause: protocol.CauseLost, Meta: s.Meta}
	require.Equal(t, want, b.get(t, s.ID))

	s.Meta, s.MemoryMiB = hypervisor.Metadata{Generation: 4, Boot: 2, Halted: true}, 96
	require.NoError(t, b.Hypervisor.Define(t.Context(), s))
	want.Meta, want.Cause = s.Meta, protocol.CauseGuest
	require.Equal(t, want, b.get(t, s.ID))

	everything, err := b.Hypervisor.List(t.Context())
	require.NoError(t, err)
	require.Contains(t, everything, want)
	require.NoError(t, b.Hypervisor.Undefine(t.Context(), s.ID))
	everything, err = b.Hypervisor.List(t.Context())
	require.NoError(t, err)
	require.NotContains(t, everything, want)
}

func startDestroy(t *testing.T, b Bench) {
	ctx, h := t.Context(), b.Hypervisor
	s := b.started(t)
	require.NoError(t, h.Start(ctx, s.ID), "starting twice is starting once")
	require.Equal(t, protocol.Running, b.get(t, s.ID).Power)
	require.True(t, fault.Is(h.Define(ctx, s), fault.Conflict), "a running domain's definition must not change")
	require.True(t, fault.Is(h.Undefine(ctx, s.ID), fault.Conflict), "a running domain must not be removed")
	require.Equal(t, protocol.Running, b.get(t, s.ID).Power)

	require.NoError(t, h.Destroy(ctx, s.ID))
	d := b.get(t, s.ID)
	require.Equal(t, protocol.Stopped, d.Power)
	require.Equal(t, protocol.CauseGuest, d.Cause)
	require.NoError(t, h.Destroy(ctx, s.ID))
	require.NoError(t, h.Shutdown(ctx, s.ID))

	require.NoError(t, h.Start(ctx, s.ID), "it starts again")
	require.Equal(t, protocol.Running, b.get(t, s.ID).Power)
}

func powerButton(t *testing.T, b Bench) {
	s := b.started(t)
	b.untilUp(t, s.ID)
	require.NoError(t, b.Hypervisor.Shutdown(t.Context(), s.ID))
	b.eventually(t, s.ID, "the guest never powered off", func(d hypervisor.Domain) bool { return d.Power == protocol.Stopped })
	require.Equal(t, protocol.CauseGuest, b.get(t, s.ID).Cause)
}

func metadataLive(t *testing.T, b Bench) {
	s := b.started(t)
	meta := hypervisor.Metadata{Generation: 9, Boot: 3}
	require.NoError(t, b.Hypervisor.SetMetadata(t.Context(), s.ID, meta))
	require.Equal(t, meta, b.get(t, s.ID).Meta)
	require.NoError(t, b.Hypervisor.Destroy(t.Context(), s.ID))
	require.Equal(t, meta, b.get(t, s.ID).Meta, "it must outlast the run")

	meta.Halted = true
	require.NoError(t, b.Hypervisor.SetMetadata(t.Context(), s.ID, meta))
	require.Equal(t, meta, b.get(t, s.ID).Meta)
}

func lost(t *testing.T, b Bench) {
	s := b.started(t)
	b.Lose(t, s.ID)
	b.eventually(t, s.ID, "the loss was never seen", func(d hypervisor.Domain) bool { return d.Power == protocol.Stopped })
	require.Equal(t, protocol.CauseLost, b.get(t, s.ID).Cause)
}

func failedStart(t *testing.T, b Bench) {
	s := b.spec(t)
	s.Root.Path += ".missing"
	require.NoError(t, b.Hypervisor.Define(t.Context(), s))
	err := b.Hypervisor.Start(t.Context(), s.ID)
	require.Error(t, err)
	require.Contains(t, fault.Of(err).Message, ".missing", "the message must say what is missing")
	d := b.get(t, s.ID)
	require.Equal(t, protocol.Stopped, d.Power)
	require.Equal(t, protocol.CauseLost, d.Cause)
}

// heard is what a hypervisor has told since the watch began.
type heard struct {
	mu     sync.Mutex
	events []hypervisor.Event
}

func (h *heard) add(e hypervisor.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// of tells whether there was an event of a domain, and forgets all.
func (h *heard) of(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	found := slices.Contains(h.events, hypervisor.Event{ID: id})
	h.events = nil
	return found
}

func events(t *testing.T, b Bench) {
	s := b.spec(t)
	require.NoError(t, b.Hypervisor.Define(t.Context(), s))
	h := &heard{}
	b.Hypervisor.Watch(h.add)
	require.NoError(t, b.Hypervisor.Start(t.Context(), s.ID))
	require.Eventually(t, func() bool { return h.of(s.ID) }, b.Patience, time.Millisecond, "no event of its start")
	b.Lose(t, s.ID)
	require.Eventually(t, func() bool { return h.of(s.ID) }, b.Patience, time.Millisecond, "no event of its loss")
	b.Hypervisor.Watch(nil)
}

func console(t *testing.T, b Bench) {
	s := b.started(t)
	b.untilUp(t, s.ID)
	require.NoError(t, b.Hypervisor.Destroy(t.Context(), s.ID))
	last, err := b.Hypervisor.ConsoleLog(t.Context(), s.ID, 1)
	require.NoError(t, err)
	require.Contains(t, last, GuestGreeting, "the last line, kept after the guest's end")
	require.LessOrEqual(t, strings.Count(last, "\n"), 1)

	require.NoError(t, b.Hypervisor.Undefine(t.Context(), s.ID))
	_, err = b.Hypervisor.ConsoleLog(t.Context(), s.ID, 0)
	require.True(t, fault.Is(err, fault.NotFound), "the log must go with the domain: %v", err)
}

func restart(t *testing.T, b Bench) {
	running, halted, lost := b.started(t), b.started(t), b.started(t)
	require.NoError(t, b.Hypervisor.SetMetadata(t.Context(), running.ID, hypervisor.Metadata{Generation: 5, Boot: 1}))
	require.NoError(t, b.Hypervisor.Destroy(t.Context(), halted.ID))
	require.NoError(t, b.Hypervisor.SetMetadata(t.Context(), halted.ID, hypervisor.Metadata{Generation: 6, Halted: true}))
	b.Lose(t, lost.ID)
	h := &heard{}
	b.Hypervisor.Watch(h.add)
	b.Restart(t)
	require.Eventually(t, func() bool { return h.of("") }, b.Patience, time.Millisecond, "no event of the restart")

	b.eventually(t, running.ID, "a guest did not survive the engine", func(d hypervisor.Domain) bool {
		return d == hypervisor.Domain{ID: running.ID, Power: protocol.Running, Meta: hypervisor.Metadata{Generation: 5, Boot: 1}}
	})
	b.eventually(t, halted.ID, "the engine forgot why a domain was stopped", func(d hypervisor.Domain) bool {
		return d.Power == protocol.Stopped && d.Cause == protocol.CauseGuest && d.Meta.Generation == 6
	})
	b.eventually(t, lost.ID, "a lost domain must stay lost", func(d hypervisor.Domain) bool {
		return d.Power == protocol.Stopped && d.Cause == protocol.CauseLost
	})
}

func cancelled(t *testing.T, b Bench) {
	s := b.spec(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.Hypervisor.Define(ctx, s), context.Canceled)
	_, err := b.Hypervisor.List(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
