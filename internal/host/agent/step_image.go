package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// stepImage makes the image present that the root disk is made from, unless there is a root disk already. A newer want
// ends the wait for it.
func stepImage(ctx context.Context, a *Agent, j *job) (time.Duration, error) {
	_, err := a.Pool.Find(ctx, j.want.ID)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	current := false
	a.note(j.want.ID, func(s *server) {
		if current = s.want != nil && s.want.Generation == j.want.Generation; current {
			s.fetch = cancel
		}
	})
	if !current {
		return 0, context.Canceled
	}
	defer a.note(j.want.ID, func(s *server) { s.fetch = nil })
	last := int64(-1)
	err = a.Pool.Image(ctx, j.want.Image, images{a.control}, func(have, size int64) {
		percent := have * 100 / max(1, size)
		if percent == last {
			return
		}
		last = percent
		a.note(j.want.ID, func(s *server) { s.work.step = fmt.Sprintf("fetching image (%d %%)", percent) })
	})
	if fault.Is(err, fault.NotFound) {
		return 0, finalError{err} // it has been deleted meanwhile
	}
	return 0, err
}

// images hands out image data from the control plane.
type images struct{ control Control }

// ReadImage implements disk.Source.
func (i images) ReadImage(ctx context.Context, id string, offset int64, length int) ([]byte, error) {
	data, err := i.control.ReadImage(ctx, protocol.ImageRead{ID: id, Offset: offset, Length: length})
	return data.Data, err
}
