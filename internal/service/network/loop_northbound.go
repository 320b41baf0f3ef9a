package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/reconcile"
)

// northboundKey is the one key of the loop: one control node at a time writes to the northbound, so that what was read
// later is always written later.
const northboundKey = "northbound"

// unitsAtOnce is how many units are stated at once.
const unitsAtOnce = 500

// dirty is what has changed since it was stated last. It is lost with the process, and nothing is lost by that: the
// first pass of a process states everything.
type dirty struct {
	mu    sync.Mutex
	full  bool
	since time.Time // of the last full pass
	units map[Unit]bool
}

func newDirty() *dirty { return &dirty{full: true, units: map[Unit]bool{}} }

func (d *dirty) add(units ...Unit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range units {
		if u.ID != "" {
			d.units[u] = true
		}
	}
}

func (d *dirty) all() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = true
}

// take removes a batch; full says that everything is to be stated instead.
func (d *dirty) take(audit time.Duration) (full bool, units []Unit, more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full || time.Since(d.since) >= audit {
		d.full = false
		clear(d.units)
		return true, nil, false
	}
	for u := range maps.Keys(d.units) {
		if len(units) == unitsAtOnce {
			return false, units, true
		}
		units = append(units, u)
		delete(d.units, u)
	}
	return false, units, false
}

// done notes a full pass.
func (d *dirty) done(begun time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.since = begun
}

func (s *Service) northboundLoop() *reconcile.Queue {
	return reconcile.New(reconcile.Loop{
		Name: "network-northbound", Workers: 1, Period: s.cfg.Audit, Owner: s.cfg.Owner, Log: s.log,
		Keys: func(context.Context) ([]string, error) { return []string{northboundKey}, nil },
		Do:   s.state,
	})
}

// state states what is dirty, or everything when the time for it has come.
func (s *Service) state(ctx context.Context, _ string) (reconcile.Result, error) {
	for {
		begun := time.Now()
		full, units, more := s.dirty.take(s.cfg.Audit)
		if !full && len(units) == 0 {
			return reconcile.Result{}, nil
		}
		if err := s.stateThese(ctx, full, units); err != nil {
			if full {
				s.dirty.all()
			}
			s.dirty.add(units...)
			if errors.Is(err, ErrNotReady) {
				return reconcile.Result{Again: time.Second}, nil // the northbound says so itself in the log
			}
			return reconcile.Result{}, err
		}
		if full {
			s.dirty.done(begun)
		}
		if !more && !full {
			return reconcile.Result{}, nil
		}
	}
}

// stateThese reads some units and applies them, with those that they turn out to lean on.
func (s *Service) stateThese(ctx context.Context, full bool, units []Unit) error {
	for {
		st, err := s.readState(ctx, full, units)
		if err != nil {
			return fmt.Errorf("reading the state: %w", err)
		}
		err = s.north.Apply(ctx, st)
		var incomplete *Incomplete
		if !errors.As(err, &incomplete) {
			return err
		}
		before := len(units)
		for _, u := range incomplete.Units {
			if !slices.Contains(units, u) {
				units = append(units, u)
			}
		}
		if full || len(units) == before {
			return fmt.Errorf("%w: %v", err, incomplete.Units)
		}
	}
}

// Run keeps the northbound as it should be, and the ports' states as the northbound says, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	cancel := s.events.Subscribe("network.", s.hear)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	if s.projects != nil {
		defer s.events.Subscribe("identity.project.", s.hearProjects)()
		g.Go(func() error { return s.projects.Run(ctx) })
	}
	g.Go(func() error { return s.queue.Run(ctx) })
	g.Go(func() error { return s.status.Run(ctx) })
	g.Go(func() error {
		return s.north.Run(ctx, Watch{Links: s.heardLinks, Resync: s.Resync})
	})
	return g.Wait()
}

// Resync makes the loop state everything.
func (s *Service) Resync() {
	s.dirty.all()
	s.queue.Wake(northboundKey)
}

// hear marks what another control node has changed; this one's own changes are marked when they commit.
func (s *Service) hear(ev event.Event) {
	var h happening
	if err := json.Unmarshal(ev.Data, &h); err != nil || h.Origin == s.origin {
		return
	}
	if h.Full {
		s.Resync()
	}
	if len(h.Units) == 0 {
		return
	}
	s.mark(h.Units...)
}

// Status tells how the loops do.
func (s *Service) Status() []reconcile.Status {
	out := []reconcile.Status{s.queue.Status(), s.status.Status()}
	if s.projects != nil {
		out = append(out, s.projects.Status())
	}
	return out
}
