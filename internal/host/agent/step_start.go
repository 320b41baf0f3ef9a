package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// How a domain that is lost again and again is started: at once, then after lossFirst, doubled up to lossMost; one that
// has held for lossForgotten starts at once again.
const (
	lossFirst     = time.Second
	lossMost      = time.Minute
	lossForgotten = 2 * time.Minute
)

// stepStart starts the domain.
func stepStart(ctx context.Context, a *Agent, j *job) (time.Duration, error) {
	d := j.domain
	if d != nil && d.Cause == protocol.CauseLost && d.Meta.Generation >= j.want.Generation {
		if wait := a.holdOff(j.want.ID, time.Now()); wait > 0 {
			return wait, nil
		}
		a.Log.Info("agent: starting a lost server again", "server", j.want.ID)
	}
	return 0, a.Hypervisor.Start(ctx, j.want.ID)
}

// holdOff returns how long to wait before a lost domain is started again; 0 is now, and is counted.
func (a *Agent) holdOff(id string, now time.Time) (wait time.Duration) {
	a.note(id, func(s *server) {
		since := now.Sub(s.loss.last)
		if since >= lossForgotten {
			s.loss = losses{}
		}
		if s.loss.starts > 0 {
			if wait = min(lossMost, lossFirst<<min(10, s.loss.starts-1)) - since; wait > 0 {
				s.work.step = "waiting to start again"
				return
			}
			wait = 0
		}
		s.loss = losses{starts: s.loss.starts + 1, last: now}
	})
	return wait
}
