package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// server is what the agent has heard and seen of one server. Agent.mu guards it.
type server struct {
	want  *protocol.Server // nil: nothing has been heard
	heard int64            // the look before which it was heard

	domain *hypervisor.Domain // nil: there was none at the last look
	looked int64              // that look
	disk   bool               // there were disks at the last Sync

	removed int64 // the generation of the want Absent that has been carried out; 0: none has
	work    progress
	fetch   context.CancelFunc // ends the wait for image data; nil while there is none

	power powerDown
	loss  losses

	sent protocol.Observed // what the control plane was told last, without the time
}

// progress is how the work on a server goes.
type progress struct {
	step    string
	problem string
	final   bool
	failed  int64 // the generation that problem is about
}

// powerDown is the clock of a guest that is asked to power off.
type powerDown struct {
	generation     int64
	since, pressed time.Time
}

// losses is the back-off of a domain that is lost again and again.
type losses struct {
	starts int
	last   time.Time
}

// hear takes wants and returns the servers for which they are news. Image data that is being waited for is for the older
// want.
func (a *Agent) hear(wants []protocol.Server) (news []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, want := range wants {
		s := a.entry(want.ID)
		if s.want != nil && want.Generation < s.want.Generation {
			continue
		}
		if s.want == nil || want.Generation > s.want.Generation {
			news = append(news, want.ID)
			if s.fetch != nil {
				s.fetch()
			}
		}
		s.want, s.heard = &want, a.looks
	}
	return news
}

// entry returns the server's entry, made if missing. The caller holds mu.
func (a *Agent) entry(id string) *server {
	s := a.servers[id]
	if s == nil {
		s = &server{sent: protocol.Observed{ID: id}}
		a.servers[id] = s
	}
	return s
}

// forget drops the wants that the control plane doesn't name any more and that were heard before a look: it has
// forgotten the servers, and what is there of them is left as it is.
func (a *Agent) forget(named map[string]bool, look int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, s := range a.servers {
		if named[id] || s.heard >= look {
			continue
		}
		s.want, s.work = nil, progress{}
		if s.fetch != nil {
			s.fetch()
		}
		if s.domain == nil && !s.disk {
			delete(a.servers, id)
		}
	}
}

// look begins a look at the world.
func (a *Agent) look() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looks++
	return a.looks
}

// saw notes a domain, or that there is none, and tells whether that is a change.
func (a *Agent) saw(id string, domain *hypervisor.Domain, look int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.servers[id]
	if s == nil {
		if domain == nil {
			return false
		}
		s = a.entry(id)
	}
	if look < s.looked {
		return false
	}
	s.looked = look
	same := s.domain == nil && domain == nil || s.domain != nil && domain != nil && *s.domain == *domain
	s.domain = domain
	if !same {
		a.due(reporting)
	}
	return !same
}

// note changes what is known of a server's work, and has it reported.
func (a *Agent) note(id string, change func(s *server)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.servers[id]
	if s == nil {
		return
	}
	before := s.observed(id)
	change(s)
	if s.observed(id) != before {
		a.due(reporting)
	}
}

// observed is what the control plane is told of a server. A server that is not there yet is Absent with generation 0.
func (s *server) observed(id string) protocol.Observed {
	o := protocol.Observed{ID: id, Power: protocol.Absent, Step: s.work.step, Error: s.work.problem, Final: s.work.final}
	switch {
	case s.domain != nil:
		o.Power, o.Cause = s.domain.Power, s.domain.Cause
		o.Generation, o.Boot = s.domain.Meta.Generation, s.domain.Meta.Boot
		if o.Power == protocol.Stopped && s.want != nil && s.want.Power == protocol.Stopped {
			o.Cause = protocol.CauseNone // it is as it should be
		}
	case s.want != nil && s.want.Power == protocol.Absent && s.removed == s.want.Generation:
		o.Generation = s.removed
	case s.want == nil && s.disk:
		o.Power, o.Cause = protocol.Stopped, protocol.CauseLost // of a domain only its disks are left
	}
	return o
}

// ServerAt returns the server that has an address on a network, for the metadata service.
func (a *Agent) ServerAt(networkID, ip string) (protocol.Server, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.servers {
		if s.want == nil || s.want.Power == protocol.Absent {
			continue
		}
		for _, nic := range s.want.NICs {
			if nic.NetworkID != networkID {
				continue
			}
			for _, fixed := range nic.FixedIPs {
				if fixed.Address == ip {
					return *s.want, true
				}
			}
		}
	}
	return protocol.Server{}, false
}
