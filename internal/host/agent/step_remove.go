package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// stepRemove leaves nothing of a server. The domain is forgotten last, as it is how the rest is found after a kill.
func stepRemove(ctx context.Context, a *Agent, j *job) (time.Duration, error) {
	id := j.want.ID
	if err := a.Hypervisor.Destroy(ctx, id); err != nil && !fault.Is(err, fault.NotFound) {
		return 0, err
	}
	if err := a.Pool.Delete(ctx, id); err != nil {
		return 0, err
	}
	if err := a.Hypervisor.Undefine(ctx, id); err != nil {
		return 0, err
	}
	if _, err := a.lookAt(ctx, id); err != nil {
		return 0, err
	}
	a.note(id, func(s *server) { s.disk, s.removed = false, j.want.Generation })
	return 0, nil
}
