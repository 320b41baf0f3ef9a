package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// stepsPatience is how long a step is kept to ourselves: what is done quickly is told when it is done.
const stepsPatience = 250 * time.Millisecond

// report tells the control plane what it hasn't been told, and returns when to try again; 0: when something changes. What
// changes while a report is on its way goes with the next one.
func (a *Agent) report(ctx context.Context) (again time.Duration) {
	message, wait := a.changes(time.Now())
	if len(message.Servers) == 0 || wait > 0 {
		return wait
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := a.control.Report(ctx, message)
	if err == nil {
		a.told(message.Servers)
		return 0
	}
	if ctx.Err() == nil && !fault.Is(err, fault.Unavailable) {
		a.Log.Warn("agent: report failed, trying on", "host", a.id, "error", err)
		a.SyncNow() // the control plane may have forgotten this host
	}
	return retry(1, err)
}

// changes are the servers that look different from what the control plane was told last, and how long that can wait.
// Before the first Sync there are none to tell: Sync tells all.
func (a *Agent) changes(now time.Time) (message protocol.Report, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	message.HostID = a.host.ID
	if !a.synced {
		return message, 0
	}
	urgent := false
	for id, s := range a.servers {
		if o := s.observed(id); o != s.sent {
			o.At = now
			message.Servers = append(message.Servers, o)
			urgent = urgent || !s.midway(o)
		}
	}
	switch {
	case urgent || len(message.Servers) == 0:
		a.stepsAt = time.Time{}
		return message, 0
	case a.stepsAt.IsZero():
		a.stepsAt = now
	}
	if wait = stepsPatience - now.Sub(a.stepsAt); wait <= 0 {
		a.stepsAt = time.Time{}
	}
	return message, max(0, wait)
}

// midway tells whether what is seen of a server is nothing but the work on it.
func (s *server) midway(o protocol.Observed) bool {
	return o.Error == "" && (o.Step != "" || s.want != nil && o.Generation < s.want.Generation)
}

// told notes what the control plane knows now.
func (a *Agent) told(servers []protocol.Observed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range servers {
		if s := a.servers[o.ID]; s != nil {
			o.At = time.Time{}
			s.sent = o
		}
	}
}
