package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// stepDisk makes the root disk. A server that ran before and has lost its disk is not given an empty one in silence.
func stepDisk(ctx context.Context, a *Agent, j *job) (time.Duration, error) {
	if j.domain != nil && j.domain.Meta.Generation > 0 {
		_, err := a.Pool.Find(ctx, j.want.ID)
		if fault.Is(err, fault.NotFound) {
			return 0, finalError{fault.New(fault.Internal,
				"the root disk of server %s is gone from its host; restore it there, or delete the server", j.want.ID)}
		}
		return 0, err
	}
	_, err := a.Pool.Create(ctx, j.want.ID, j.want.Image, j.want.RootGiB)
	return 0, err
}
