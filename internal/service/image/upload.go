package image

import (
	"context"
	"crypto/md5"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Upload takes the data of a queued image and makes it active. If it fails, for whatever reason, the image is queued
// again and nothing of the data is left. It returns when the data is on the disk.
func (s *Service) Upload(ctx context.Context, c *auth.Caller, id string, data io.Reader) error {
	i, err := s.beginUpload(ctx, c, id)
	if err != nil {
		return err
	}
	work, stop := context.WithCancelCause(ctx)
	var renewer sync.WaitGroup
	renewer.Go(func() { s.renew(work, stop, i) })
	found, err := s.receive(work, i, data)
	stop(nil)
	renewer.Wait()
	if err == nil {
		err = s.endUpload(ctx, i, found)
	}
	if err != nil {
		s.abandon(ctx, i)
	}
	return err
}

func (s *Service) beginUpload(ctx context.Context, c *auth.Caller, id string) (Image, error) {
	upload := uuid.NewString()
	return s.change(ctx, c, id, func(i *Image) error {
		if i.Status == Queued && (i.DiskFormat == "" || i.ContainerFormat == "") {
			return fault.Invalidf("disk_format", "Properties disk_format, container_format must be set prior to saving data.")
		}
		i.Upload, i.LeaseAt = upload, now()
		return i.move(Saving)
	})
}

// renew keeps the lease until ctx ends, and stops the upload if the image does not wait for it any more.
func (s *Service) renew(ctx context.Context, stop context.CancelCauseFunc, i Image) {
	tick := time.NewTicker(s.lease / 5)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		i.LeaseAt = now()
		err := s.store.Tx(ctx, func(ctx context.Context) error { return s.store.Renew(ctx, i) })
		switch {
		case fault.Is(err, fault.NotFound):
			stop(gone(i.ID))
			return
		case err != nil && ctx.Err() == nil:
			s.log.Warn("renewing the lease of an upload", "image", i.ID, "error", err)
		}
	}
}

func gone(id string) error {
	return fault.New(fault.NotFound, "Image %s could not be found after upload. The image may have been deleted during the upload.", id)
}

// content is what an upload turned out to be.
type content struct {
	size, virtualSize int64
	md5, sha512       string
}

// receive writes the data into a file of its own, on the disk when it returns without an error.
func (s *Service) receive(ctx context.Context, i Image, data io.Reader) (content, error) {
	file, err := s.files.create(i.Upload)
	if err != nil {
		return content{}, diskFault(err)
	}
	defer file.Close() // a second time after keep, which does no harm
	w := &writer{stopped: func() error { return context.Cause(ctx) }, file: file, most: s.maxBytes, md5: md5.New(), sha512: sha512.New()}
	virtual, err := inspected(i.DiskFormat, data, w)
	if err != nil {
		return content{}, err
	}
	if err := s.files.keep(i.Upload, file); err != nil {
		return content{}, diskFault(err)
	}
	return content{
		size: w.size, virtualSize: virtual,
		md5: hex.EncodeToString(w.md5.Sum(nil)), sha512: hex.EncodeToString(w.sha512.Sum(nil)),
	}, nil
}

// writer writes and hashes data up to a limit, until it is stopped.
type writer struct {
	stopped     func() error
	file        *os.File
	size, most  int64
	md5, sha512 hash.Hash
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	if err := w.stopped(); err != nil {
		return 0, err
	}
	if w.size+int64(len(p)) > w.most {
		return 0, fault.New(fault.TooLarge, "the image is larger than %d bytes, the most that is allowed here", w.most)
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	if err != nil {
		return n, diskFault(err)
	}
	w.md5.Write(p) // hashes never fail
	w.sha512.Write(p)
	return n, nil
}

// diskFault says what went wrong with the folder of the images.
func diskFault(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fault.Wrap(fault.TooLarge, err, "There is not enough disk space on the image storage media.")
	}
	return fmt.Errorf("writing an image's data: %w", err)
}

func (s *Service) endUpload(ctx context.Context, i Image, found content) error {
	return s.store.Tx(ctx, func(ctx context.Context) error {
		current, err := s.store.Get(ctx, Sight{All: true}, i.ID)
		if fault.Is(err, fault.NotFound) || (err == nil && current.Upload != i.Upload) {
			return gone(i.ID)
		}
		if err != nil {
			return err
		}
		current.Size, current.VirtualSize = found.size, found.virtualSize
		current.MD5, current.SHA512 = found.md5, found.sha512
		if err := current.move(Active); err != nil {
			return err
		}
		_, err = s.save(ctx, current)
		return err
	})
}

// abandoning is how long it may take to take back a failed upload.
const abandoning = time.Minute

// abandon takes back what an upload has done, even if its request is over. A commit may have succeeded although its
// answer was lost: the data goes only once the row does not name it.
func (s *Service) abandon(ctx context.Context, i Image) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandoning)
	defer cancel()
	dropped, err := s.requeue(ctx, i)
	if err == nil && dropped {
		err = s.files.remove(i.Upload)
	}
	if err != nil {
		s.log.Warn("taking back a failed upload; the next sweep tries again", "image", i.ID, "error", err)
	}
}

// requeue makes an image queued again if it still waits for this upload. dropped tells that no image names the upload
// any more, so that its data may go.
func (s *Service) requeue(ctx context.Context, i Image) (dropped bool, err error) {
	err = s.store.Tx(ctx, func(ctx context.Context) error {
		current, err := s.store.Get(ctx, Sight{All: true}, i.ID)
		if fault.Is(err, fault.NotFound) {
			dropped = true
			return nil
		}
		dropped = err == nil && (current.Upload != i.Upload || current.Status == Saving)
		if err != nil || current.Upload != i.Upload || current.Status != Saving {
			return err
		}
		current.Upload = ""
		if err := current.move(Queued); err != nil {
			return err
		}
		_, err = s.save(ctx, current)
		return err
	})
	return dropped && err == nil, err
}
