package dir

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// hearEvery is how often a caller that waits for another's fetch hears of its progress.
const hearEvery = 200 * time.Millisecond

// fetch is the fetching of one image. Who holds the turn works on it; the others wait.
type fetch struct {
	turn  chan struct{}
	users int // guarded by Pool.mu
	have  atomic.Int64
}

// Image implements disk.Pool.
func (p *Pool) Image(ctx context.Context, image protocol.Image, from disk.Source, progress disk.Progress) error {
	path, err := p.imagePath(image)
	if err != nil {
		return err
	}
	if present(path, image.Size) {
		return nil
	}
	f := p.join(image.ID)
	defer p.leave(image.ID, f)
	if err := f.take(ctx, image.Size, progress); err != nil {
		return err
	}
	defer func() { <-f.turn }()
	if present(path, image.Size) {
		return nil
	}
	if image.SHA512 == "" {
		return fault.Invalidf("image", "image %s has no SHA512, so that its data can't be verified", image.ID)
	}
	return p.fetch(ctx, f, path, image, from, progress)
}

// present tells whether an image is there, and notes that it is in use.
func present(path string, size int64) bool {
	info, err := os.Stat(path)
	if err != nil || info.Size() != size {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // only the order of removal depends on it
	return true
}

func (p *Pool) join(id string) *fetch {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.fetches[id]
	if f == nil {
		f = &fetch{turn: make(chan struct{}, 1)}
		p.fetches[id] = f
	}
	f.users++
	return f
}

func (p *Pool) leave(id string, f *fetch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.users--; f.users == 0 {
		delete(p.fetches, id)
	}
}

// take waits for the turn.
func (f *fetch) take(ctx context.Context, size int64, progress disk.Progress) error {
	tick := time.NewTicker(hearEvery)
	defer tick.Stop()
	for {
		select {
		case f.turn <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			progress(f.have.Load(), size)
		}
	}
}

// fetch brings an image in under a temporary name, from where an earlier fetch of this process was interrupted.
func (p *Pool) fetch(ctx context.Context, f *fetch, path string, image protocol.Image, from disk.Source, progress disk.Progress) error {
	temp := filepath.Join(p.images, ".part-"+filepath.Base(path))
	file, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the image's file: %w", err)
	}
	defer file.Close()
	sum := sha512.New()
	have, err := io.Copy(sum, file)
	if err != nil {
		return fmt.Errorf("reading what is there of the image: %w", err)
	}
	if err := p.makeRoom(ctx, image.Size-have); err != nil {
		return err
	}
	in := incoming{file: file, sum: sum, have: have, fetch: f, progress: progress}
	if err := in.copy(ctx, image, from); err != nil {
		err = spacious(err, "image "+image.ID)
		if errors.Is(err, disk.ErrFull) || errors.Is(err, disk.ErrDamaged) {
			return errors.Join(err, os.Remove(temp)) // nothing to go on with
		}
		return err
	}
	if err := check(file, hex.EncodeToString(sum.Sum(nil)), image); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return p.keep(file, temp, path)
}

// incoming is image data on its way into a file.
type incoming struct {
	file     *os.File
	sum      hash.Hash
	have     int64
	fetch    *fetch
	progress disk.Progress
}

func (in *incoming) copy(ctx context.Context, image protocol.Image, from disk.Source) error {
	for {
		in.fetch.have.Store(in.have)
		in.progress(in.have, image.Size)
		if in.have >= image.Size {
			return nil
		}
		length := int(min(protocol.ImagePiece, image.Size-in.have))
		piece, err := from.ReadImage(ctx, image.ID, in.have, length)
		if err != nil {
			return fmt.Errorf("fetching image %s at byte %d: %w", image.ID, in.have, err)
		}
		if len(piece) == 0 || len(piece) > length {
			return damaged(image, fmt.Sprintf("it ends after %d of %d bytes", in.have, image.Size))
		}
		if _, err := in.file.WriteAt(piece, in.have); err != nil {
			return fmt.Errorf("writing image %s: %w", image.ID, err)
		}
		in.sum.Write(piece)
		in.have += int64(len(piece))
	}
}

// check verifies what arrived. An image must be complete in itself: one that points to other files would read the host's.
func check(file io.ReaderAt, sum string, image protocol.Image) error {
	if sum != image.SHA512 {
		return damaged(image, "its SHA512 is "+sum+" and should be "+image.SHA512)
	}
	if image.Format != "qcow2" {
		return nil
	}
	h, err := parseHeader(file)
	if errors.Is(err, errNotQcow2) {
		return damaged(image, "it is not qcow2, as it claims")
	}
	if err != nil {
		return fmt.Errorf("reading the image's header: %w", err)
	}
	if h.Backing != "" || h.DataFile {
		return fault.Invalidf("image", "image %s keeps its data in another file; it must be complete in itself", image.ID)
	}
	return nil
}

func damaged(image protocol.Image, how string) error {
	return fault.Wrap(fault.Unavailable, disk.ErrDamaged, "image %s did not arrive whole: %s", image.ID, how)
}

// keep gives a verified image its name.
func (p *Pool) keep(file *os.File, temp, path string) error {
	if err := file.Chmod(0o644); err != nil {
		return fmt.Errorf("opening the image to QEMU: %w", err)
	}
	if err := file.Sync(); err != nil {
		return spacious(fmt.Errorf("writing the image: %w", err), "an image")
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("keeping the image: %w", err)
	}
	return syncDir(p.images)
}

// imagePath is where an image is cached.
func (p *Pool) imagePath(image protocol.Image) (string, error) {
	if err := named("image", image.ID); err != nil {
		return "", err
	}
	if image.Format != "qcow2" && image.Format != "raw" {
		return "", fault.Invalidf("image", "image %s has format %q; this host can use qcow2 and raw", image.ID, image.Format)
	}
	return filepath.Join(p.images, image.ID+"."+image.Format), nil
}

func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
