package simulated

import "github.com/aloft-cloud/aloft/internal/protocol"

// PowerOff plays a guest that powers itself off, or someone who stops the domain behind Aloft's back.
func (h *Hypervisor) PowerOff(id string) { h.end(id, protocol.CauseGuest) }

// Crash plays the end of a guest's process.
func (h *Hypervisor) Crash(id string) { h.end(id, protocol.CauseLost) }

// RebootHost plays the end and the return of the whole host: nothing runs, and all that is defined is still there.
func (h *Hypervisor) RebootHost() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.domains {
		d.set(protocol.Stopped, protocol.CauseLost)
	}
	h.emit("")
}

// RestartEngine plays a restart of the engine: guests run on, but why the others don't is forgotten, but for what their
// metadata says.
func (h *Hypervisor) RestartEngine() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.domains {
		if d.power == protocol.Stopped {
			d.cause = protocol.CauseLost
		}
	}
	h.emit("")
}

// Starts returns how often a domain has been started; 0 if there is none.
func (h *Hypervisor) Starts(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := h.domains[id]; d != nil {
		return d.starts
	}
	return 0
}

func (h *Hypervisor) end(id string, cause protocol.Cause) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := h.domains[id]; d != nil && d.power != protocol.Stopped {
		d.set(protocol.Stopped, cause)
		h.emit(id)
	}
}
