package image

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Swept is what a sweep has found.
type Swept struct {
	Requeued int // images whose upload had died
	Removed  int // files that no image named
	Missing  int // images whose file is not there; nothing mends them but a new upload
}

// Run sweeps at once and then every lease, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(s.lease)
	defer tick.Stop()
	for {
		swept, err := s.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			s.log.Warn("sweeping the images", "error", err)
		case swept.Requeued+swept.Removed > 0:
			s.log.Info("swept the images", "requeued", swept.Requeued, "removed", swept.Removed)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep removes what processes that died have left behind. It may run on several control nodes at once.
func (s *Service) Sweep(ctx context.Context) (Swept, error) {
	// The files are listed before the rows: a file has its row first, so one without a row now has lost it for good.
	files, err := s.files.uploads()
	if err != nil {
		return Swept{}, fmt.Errorf("listing the files of the images: %w", err)
	}
	rows, err := s.store.Uploads(ctx)
	if err != nil {
		return Swept{}, err
	}
	var (
		swept Swept
		errs  []error
		named = make(map[string]bool, len(rows))
	)
	for _, i := range rows {
		named[i.Upload] = true
		if i.HasData() && !files[i.Upload] && !s.there(i.Upload) {
			swept.Missing++
			s.log.Error("the data of an image is missing", "image", i.ID, "file", s.files.file(i.Upload))
		}
		if i.Status != Saving || time.Since(i.LeaseAt) < s.lease {
			continue
		}
		dropped, err := s.requeue(ctx, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("queueing image %s again: %w", i.ID, err))
		}
		if dropped {
			swept.Requeued++
			named[i.Upload] = false
		}
	}
	for upload := range files {
		if named[upload] {
			continue
		}
		if err := s.files.remove(upload); err != nil {
			errs = append(errs, err)
			continue
		}
		swept.Removed++
	}
	return swept, errors.Join(errs...)
}

// there looks again: a file may have come after the files were listed.
func (s *Service) there(upload string) bool {
	file, err := s.files.open(upload)
	if err != nil {
		return false
	}
	defer file.Close()
	return true
}
