package image

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Delete removes an image and its data. An upload that is at work on it fails. If the process dies between the row and
// the file, Sweep removes the file.
func (s *Service) Delete(ctx context.Context, c *auth.Caller, id string) error {
	return s.store.Tx(ctx, func(ctx context.Context) error {
		i, err := s.own(ctx, c, id)
		if err != nil {
			return err
		}
		if i.Protected {
			return fault.New(fault.Forbidden, "Image %s is protected and cannot be deleted.", id)
		}
		if err := s.store.Delete(ctx, i); err != nil {
			return err
		}
		if i.HasData() {
			s.store.AfterCommit(ctx, func() {
				if err := s.files.remove(i.Upload); err != nil {
					s.log.Warn("removing an image's data; the next sweep tries again", "image", i.ID, "error", err)
				}
			})
		}
		return s.tell(ctx, "deleted", i)
	})
}
