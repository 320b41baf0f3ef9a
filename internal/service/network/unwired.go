package network

import (
	"context"
	"sync"
)

// Unwired is a Northbound without a network: it keeps the last State of each unit, and a port is plugged as soon as it
// is bound to a host. It serves laboratories of simulated hosts, and tests.
type Unwired struct {
	mu     sync.Mutex
	links  func([]Link)
	ports  map[string]PortState
	manual bool
}

// NewUnwired returns one whose ports follow their binding.
func NewUnwired() *Unwired { return &Unwired{ports: map[string]PortState{}} }

// Manual keeps ports from being plugged by themselves: [Unwired.Plug] does it.
func (u *Unwired) Manual() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.manual = true
}

// Plug plugs a port, or pulls it out.
func (u *Unwired) Plug(portID string, up bool) { u.report([]Link{{portID, up}}) }

// Run implements Northbound.
func (u *Unwired) Run(ctx context.Context, w Watch) error {
	u.mu.Lock()
	u.links = w.Links
	u.mu.Unlock()
	w.Resync()
	<-ctx.Done()
	return nil
}

// Apply implements Northbound.
func (u *Unwired) Apply(_ context.Context, s State) error {
	u.mu.Lock()
	if s.Full {
		clear(u.ports)
	}
	for _, unit := range s.Units {
		if unit.Kind == KindPort {
			delete(u.ports, unit.ID)
		}
	}
	var out []Link
	for _, p := range s.Ports {
		u.ports[p.Port.ID] = p
		out = append(out, Link{p.Port.ID, p.Port.HostID != "" || gatewayOwner(p.Port)})
	}
	manual := u.manual
	u.mu.Unlock()
	if !manual {
		u.report(out)
	}
	return nil
}

func (u *Unwired) report(list []Link) {
	u.mu.Lock()
	links := u.links
	u.mu.Unlock()
	if links != nil && len(list) > 0 {
		links(list)
	}
}
