package tiny

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// MaxSize is the most bytes the finished image may have; Build fails rather than make a bigger one.
const MaxSize = 22 << 20

// Options say what to build and where.
type Options struct {
	// Out is the qcow2 file to make. It appears in one step, complete.
	Out string
	// WorkDir keeps the Debian packages, what was unpacked, and finished images by their key, so that building again is
	// quick and needs no network. Empty: "aloft/tiny" in the user's cache directory. Removing it is always safe and is
	// how to get newer packages.
	WorkDir string
	// Go is the go command that compiles the guest's init program; empty: "go" in PATH.
	Go string
	// Log hears of each step; required.
	Log *slog.Logger
}

// Build makes the image and writes it to opt.Out. It needs no root, no loop device and no mount. When nothing that
// goes into the image has changed since it was built in the same WorkDir, the finished image is copied. Two builds in
// one WorkDir wait for one another. Errors that the user can cure are faults: a missing tool or package, an image that
// got too large.
func Build(ctx context.Context, opt Options) error {
	opt, err := opt.withDefaults()
	if err != nil {
		return err
	}
	unlock, err := lock(ctx, filepath.Join(opt.WorkDir, "lock"))
	if err != nil {
		return err
	}
	defer unlock()

	packages, err := fetchPackages(ctx, opt)
	if err != nil {
		return err
	}
	key, err := imageKey(ctx, opt.Go, packages)
	if err != nil {
		return err
	}
	image := filepath.Join(opt.WorkDir, "images", key+".qcow2")
	if _, err := os.Stat(image); errors.Is(err, os.ErrNotExist) {
		start := time.Now()
		if err := makeImage(ctx, opt, packages, image); err != nil {
			return err
		}
		opt.Log.Info("tiny image built", "took", time.Since(start).Round(time.Millisecond))
	} else if err != nil {
		return fmt.Errorf("finished image: %w", err)
	}
	return copyFile(image, opt.Out)
}

func (opt Options) withDefaults() (Options, error) {
	if opt.Out == "" {
		return opt, fault.Invalidf("output", "name the file to write the image to, for example aloft-tiny.qcow2")
	}
	if opt.WorkDir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return opt, fault.Wrap(fault.Invalid, err, "there is no cache directory to build the image in: set HOME or XDG_CACHE_HOME, or name a work directory")
		}
		opt.WorkDir = filepath.Join(cache, "aloft", "tiny")
	}
	if opt.Go == "" {
		opt.Go = "go"
	}
	for _, dir := range []string{"debs", "unpacked", "images"} {
		if err := os.MkdirAll(filepath.Join(opt.WorkDir, dir), 0o755); err != nil {
			return opt, fmt.Errorf("work directory: %w", err)
		}
	}
	return opt, requireTools(opt.Go)
}

// makeImage builds every part in a directory of its own, which is removed in the end, and moves the image into place.
func makeImage(ctx context.Context, opt Options, packages packageSet, image string) error {
	dir, err := os.MkdirTemp(opt.WorkDir, "build-")
	if err != nil {
		return err
	}
	defer removeAll(opt.Log, dir)
	parts, err := makeParts(ctx, opt, packages, dir)
	if err != nil {
		return err
	}
	raw := filepath.Join(dir, "disk.raw")
	if err := makeDisk(ctx, raw, parts); err != nil {
		return err
	}
	done := filepath.Join(dir, "disk.qcow2")
	if err := run(ctx, nil, "qemu-img", "convert", "-q", "-c", "-f", "raw", "-O", "qcow2", raw, done); err != nil {
		return err
	}
	info, err := os.Stat(done)
	if err != nil {
		return err
	}
	if info.Size() > MaxSize {
		return fault.New(fault.TooLarge, "the tiny image came out with %d bytes and may have %d at most: a Debian package that it is made of has grown", info.Size(), MaxSize)
	}
	opt.Log.Info("tiny image packed", "bytes", info.Size())
	return os.Rename(done, image)
}

// parts are what the disk is put together from.
type parts struct {
	kernel, initrd string // files
	mbr            string // file with the boot code of the first sector
	syslinux       string // the installer program
	mtools         string // directory of the mtools programs
	root           []node // the tree of the root file system
}

func makeParts(ctx context.Context, opt Options, packages packageSet, dir string) (parts, error) {
	kernel, err := findKernel(packages)
	if err != nil {
		return parts{}, err
	}
	opt.Log.Info("compiling the guest's init program", "kernel", kernel.version)
	init, err := compileGuest(ctx, opt.Go, dir)
	if err != nil {
		return parts{}, err
	}
	p := parts{kernel: kernel.image, initrd: filepath.Join(dir, "initrd")}
	if err := writeInitramfs(p.initrd, init, kernel); err != nil {
		return parts{}, err
	}
	if p.root, err = rootTree(ctx, packages, dir); err != nil {
		return parts{}, err
	}
	if p.mbr, err = packages.find("usr/lib/syslinux/mbr/mbr.bin"); err != nil {
		return parts{}, err
	}
	if p.syslinux, err = packages.find("usr/bin/syslinux"); err != nil {
		return parts{}, err
	}
	mtools, err := packages.find("usr/bin/mtools")
	p.mtools = filepath.Dir(mtools)
	return p, err
}

// removeAll removes a directory of intermediate files; leftovers harm nobody but take room.
func removeAll(log *slog.Logger, dir string) {
	if err := os.RemoveAll(dir); err != nil {
		log.Warn("intermediate files remain", "directory", dir, "error", err)
	}
}

// lock takes an exclusive lock on a file, waiting for it until ctx ends.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock of the work directory: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil // closing releases the lock
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock of the work directory: %w", err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("another build uses the work directory: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// copyFile copies to a new file beside the target and renames it.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*")
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the image cannot be written to %s", to)
	}
	defer os.Remove(out.Name()) // fails after the rename, when there is nothing left to remove
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Chmod(0o644), out.Close()); err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	return os.Rename(out.Name(), to)
}
