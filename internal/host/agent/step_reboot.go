package agent

import (
	"context"
	"time"
)

// stepReboot brings the domain down that is to be started for a higher boot; the steps after it start it. That it went
// down is no reason to leave it down, as its boot is lower than the wanted one.
func stepReboot(ctx context.Context, a *Agent, j *job) (time.Duration, error) {
	return a.powerOff(ctx, j, j.want.HardBoot)
}
