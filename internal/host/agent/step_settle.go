package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// stepSettle records in the domain that the wants have been carried out, and whether it was stopped on purpose.
func stepSettle(ctx context.Context, a *Agent, j *job) (time.Duration, error) {
	d, err := a.lookAt(ctx, j.want.ID)
	if err != nil {
		return 0, err
	}
	if d == nil {
		return 0, fault.New(fault.Unavailable, "the domain of server %s has vanished; it is made again", j.want.ID)
	}
	meta := hypervisor.Metadata{
		Generation: max(d.Meta.Generation, j.want.Generation),
		Boot:       d.Meta.Boot,
		Halted:     d.Power == protocol.Stopped && d.Cause == protocol.CauseGuest,
	}
	if meta == d.Meta {
		return 0, nil
	}
	if err := a.Hypervisor.SetMetadata(ctx, j.want.ID, meta); err != nil {
		return 0, err
	}
	_, err = a.lookAt(ctx, j.want.ID)
	return 0, err
}
