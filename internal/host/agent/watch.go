package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
)

// happened hears that a domain may have changed: its server is worked on, which looks first.
func (a *Agent) happened(e hypervisor.Event) {
	if e.ID != "" {
		a.wake(e.ID)
		return
	}
	a.mu.Lock()
	a.restart = true
	a.mu.Unlock()
	a.due(looking)
}

// lookAround looks at all domains, as events may be lost, and returns when to do so again.
func (a *Agent) lookAround(ctx context.Context) (again time.Duration) {
	again = max(a.RelistEvery, 0)
	if err := a.relist(ctx); err != nil {
		if ctx.Err() == nil {
			a.Log.Warn("agent: cannot see the domains", "host", a.id, "error", err)
		}
		return max(again, retryFirst)
	}
	a.mu.Lock()
	restart := a.restart
	a.restart = false
	a.mu.Unlock()
	if restart {
		a.wake(a.known()...) // what failed as the hypervisor was away need not wait
	}
	return again
}

// relist looks at all domains.
func (a *Agent) relist(ctx context.Context) error {
	look := a.look()
	found, err := a.Hypervisor.List(ctx)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for i := range found {
		there[found[i].ID] = true
		if a.saw(found[i].ID, &found[i], look) {
			a.wake(found[i].ID)
		}
	}
	for _, id := range a.known() {
		if !there[id] && a.saw(id, nil, look) {
			a.wake(id)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listed = true
	return nil
}

// relistDisks notes which servers have disks, so that disks without a domain are seen too.
func (a *Agent) relistDisks(ctx context.Context) error {
	found, err := a.Pool.List(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	there := map[string]bool{}
	for _, id := range found {
		there[id] = true
		a.entry(id)
	}
	for id, s := range a.servers {
		s.disk = there[id]
	}
	return nil
}
