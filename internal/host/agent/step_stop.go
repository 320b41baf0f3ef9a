package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// stepStop powers the guest off: by the power button, and at once when the guest hasn't heeded it in time.
func stepStop(ctx context.Context, a *Agent, j *job) (time.Duration, error) {
	return a.powerOff(ctx, j, false)
}

// powerOff presses the power button until the deadline, then pulls the plug. It doesn't wait for the guest: the event of
// its end wakes the server.
func (a *Agent) powerOff(ctx context.Context, j *job, hard bool) (time.Duration, error) {
	press, left := a.button(j, time.Now())
	// The button does nothing to a guest that doesn't run.
	if hard || left <= 0 || j.domain.Power != protocol.Running {
		return 0, a.Hypervisor.Destroy(ctx, j.want.ID)
	}
	if press {
		if err := a.Hypervisor.Shutdown(ctx, j.want.ID); err != nil {
			return 0, err
		}
	}
	return min(left, a.PressEvery), nil
}

// button tells whether the power button is to be pressed now, and how much of the deadline is left.
func (a *Agent) button(j *job, now time.Time) (press bool, left time.Duration) {
	a.note(j.want.ID, func(s *server) {
		if s.power.generation != j.want.Generation || s.power.since.IsZero() {
			s.power = powerDown{generation: j.want.Generation, since: now}
		}
		left = a.StopDeadline - now.Sub(s.power.since)
		if press = now.Sub(s.power.pressed) >= a.PressEvery; press && left > 0 {
			s.power.pressed = now
		}
	})
	return press, left
}
