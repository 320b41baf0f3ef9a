package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/reconcile"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// work makes one server what it should be, as far as it gets. The queue never runs it twice at a time for a server.
func (a *Agent) work(ctx context.Context, id string) (reconcile.Result, error) {
	domain, lookErr := a.lookAt(ctx, id)
	want, ok := a.wanted(id)
	switch {
	case lookErr != nil && ok:
		return a.failed(&job{want: want}, "look", lookErr)
	case lookErr != nil:
		return reconcile.Result{}, lookErr
	case !ok:
		return reconcile.Result{}, a.remember(ctx, domain)
	case domain == nil && a.gone(want):
		return reconcile.Result{}, nil
	}
	j := &job{want: want, domain: domain}
	steps, err := plan(want, domain)
	if err != nil {
		return a.failed(j, "plan", err)
	}
	for _, s := range steps {
		if s.doing != "" {
			a.note(id, func(e *server) { e.work.step = s.doing })
		}
		wait, err := s.do(ctx, a, j)
		switch {
		case err != nil && ctx.Err() == nil && interrupted(err):
			return reconcile.Result{}, nil // a newer want has come, and its coming has woken this server
		case err != nil:
			return a.failed(j, s.name, err)
		case wait > 0:
			return reconcile.Result{Again: wait}, nil
		}
	}
	a.note(id, func(e *server) { e.work, e.power = progress{}, powerDown{} })
	return reconcile.Result{}, nil
}

// gone tells whether a server that is wanted absent has been removed: the events of its removal are no reason to begin
// again.
func (a *Agent) gone(want protocol.Server) (gone bool) {
	a.note(want.ID, func(s *server) {
		if gone = want.Power == protocol.Absent && s.removed == want.Generation && !s.disk; gone {
			s.work = progress{}
		}
	})
	return gone
}

// wanted returns what a server should be, unless that has been given up.
func (a *Agent) wanted(id string) (protocol.Server, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.servers[id]
	if s == nil || s.want == nil {
		return protocol.Server{}, false
	}
	if s.work.final && s.work.failed == s.want.Generation {
		return protocol.Server{}, false
	}
	return *s.want, true
}

// lookAt reads one domain; nil if there is none.
func (a *Agent) lookAt(ctx context.Context, id string) (*hypervisor.Domain, error) {
	look := a.look()
	found, err := a.Hypervisor.List(ctx, id)
	if err != nil {
		return nil, err
	}
	var domain *hypervisor.Domain
	if len(found) > 0 {
		domain = &found[0]
	}
	a.saw(id, domain, look)
	return domain, nil
}

// remember marks a domain that was stopped on purpose, so that this outlasts a restart of the hypervisor.
func (a *Agent) remember(ctx context.Context, d *hypervisor.Domain) error {
	if d == nil || d.Power != protocol.Stopped || d.Cause != protocol.CauseGuest || d.Meta.Halted {
		return nil
	}
	meta := d.Meta
	meta.Halted = true
	return a.Hypervisor.SetMetadata(ctx, d.ID, meta)
}

// failed reports why a server is not what it should be. The queue tries again, unless that is senseless.
func (a *Agent) failed(j *job, name string, err error) (reconcile.Result, error) {
	final := isFinal(err)
	a.note(j.want.ID, func(s *server) {
		if s.want == nil || s.want.Generation != j.want.Generation {
			return // it is about a want that is gone
		}
		s.work.step, s.work.problem, s.work.final, s.work.failed = "", sentence(err), final, j.want.Generation
	})
	if final {
		a.Log.Warn("agent: giving up", "server", j.want.ID, "generation", j.want.Generation, "step", name, "error", err)
		return reconcile.Result{}, nil
	}
	return reconcile.Result{}, fmt.Errorf("step %s: %w", name, err)
}

// finalError is an error that another attempt on this host will not cure.
type finalError struct{ error }

// Unwrap returns the error.
func (f finalError) Unwrap() error { return f.error }

func isFinal(err error) bool {
	var f finalError
	return errors.As(err, &f) || errors.Is(err, disk.ErrFull) ||
		fault.Is(err, fault.Invalid) || fault.Is(err, fault.Unsupported)
}

// sentence is an error as the user reads it.
func sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}
