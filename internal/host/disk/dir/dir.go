// Package dir is a pool in a directory. Images are cached as they are, and a root disk is a qcow2 overlay on one:
//
//	images/ID.qcow2, images/ID.raw   verified images, 0644, never written again
//	disks/SERVER/root.qcow2          root disks
//
// Whatever is being made or unmade has a name that starts with a dot until it is whole, or from when it is no more;
// Open sweeps such names. Directories are 0711, so that the hypervisor's unprivileged user gets through.
package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/disk"
)

// Pool is disk.Pool in a directory.
type Pool struct {
	images, disks string
	cache         string // the cache mode that the file system allows
	log           *slog.Logger

	// layout is held for reading while a disk is laid over an image, and for writing while unused images are removed.
	layout sync.RWMutex

	mu      sync.Mutex
	fetches map[string]*fetch
}

var _ disk.Pool = (*Pool)(nil)

// Open opens the pool in a directory, made if missing, and removes what an earlier process left half done.
func Open(path string, log *slog.Logger) (*Pool, error) {
	p := &Pool{
		images: filepath.Join(path, "images"), disks: filepath.Join(path, "disks"), log: log, fetches: map[string]*fetch{},
	}
	for _, d := range []string{path, p.images, p.disks} {
		if err := os.MkdirAll(d, 0o711); err != nil {
			return nil, fmt.Errorf("making the disk pool: %w", err)
		}
		if err := os.Chmod(d, 0o711); err != nil { // whatever the umask
			return nil, fmt.Errorf("making the disk pool: %w", err)
		}
	}
	for _, d := range []string{p.images, p.disks} {
		if err := sweep(d, log); err != nil {
			return nil, fmt.Errorf("sweeping the disk pool: %w", err)
		}
	}
	direct, err := allowsDirect(p.images)
	if err != nil {
		return nil, fmt.Errorf("probing the disk pool: %w", err)
	}
	p.cache = "writeback"
	if direct {
		p.cache = "none"
	}
	return p, reachable(path)
}

// reachable tells whether other users get through to a directory.
func reachable(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("finding the disk pool: %w", err)
	}
	for ; path != "/"; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("checking the way to the disk pool: %w", err)
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fault.New(fault.Invalid, "QEMU's user can't reach the disk pool, as %s has mode %04o; run: chmod o+x %s",
				path, info.Mode().Perm(), path)
		}
	}
	return nil
}

// sweep removes what has a temporary name.
func sweep(dir string, log *slog.Logger) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			continue
		}
		log.Info("disk pool: removing what was left half done", "path", filepath.Join(dir, e.Name()))
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// allowsDirect tells whether files in a directory can be opened past the page cache, as cache mode "none" does.
func allowsDirect(dir string) (bool, error) {
	f, err := os.CreateTemp(dir, ".direct-")
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	fd, err := unix.Open(f.Name(), unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, nil //nolint:nilerr // the refusal is the answer
	}
	return true, unix.Close(fd)
}

// Find implements disk.Pool.
func (p *Pool) Find(_ context.Context, server string) (disk.Disk, error) {
	if err := named("server", server); err != nil {
		return disk.Disk{}, err
	}
	path := filepath.Join(p.disks, server, "root.qcow2")
	h, err := readHeader(path)
	if errors.Is(err, fs.ErrNotExist) {
		return disk.Disk{}, fault.Missing("root disk", server)
	}
	if err != nil {
		return disk.Disk{}, fmt.Errorf("reading the root disk's header: %w", err)
	}
	d := disk.Disk{Path: path, Format: "qcow2", Cache: p.cache, Backing: h.Backing}
	if d.Backing != "" {
		d.BackingFormat = strings.TrimPrefix(filepath.Ext(d.Backing), ".")
	}
	return d, nil
}

// Delete implements disk.Pool.
func (p *Pool) Delete(_ context.Context, server string) error {
	if err := named("server", server); err != nil {
		return err
	}
	path, gone := filepath.Join(p.disks, server), filepath.Join(p.disks, ".gone-"+server)
	// One rename makes it gone as a whole; a crash after that is for Open to clear up.
	if err := os.Rename(path, gone); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the disks of server %s: %w", server, err)
	}
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("removing the disks of server %s: %w", server, err)
	}
	return nil
}

// List implements disk.Pool.
func (p *Pool) List(context.Context) ([]string, error) {
	entries, err := os.ReadDir(p.disks)
	if err != nil {
		return nil, fmt.Errorf("listing the disks: %w", err)
	}
	var servers []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			servers = append(servers, e.Name())
		}
	}
	return servers, nil
}

// Capacity implements disk.Pool.
func (p *Pool) Capacity(context.Context) (disk.Capacity, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(p.disks, &s); err != nil {
		return disk.Capacity{}, fmt.Errorf("asking for the size of the disk pool: %w", err)
	}
	return disk.Capacity{Total: int64(s.Blocks) * s.Bsize, Free: int64(s.Bavail) * s.Bsize}, nil
}

// named refuses an id that is no plain file name.
func named(object, id string) error {
	if id == "" || filepath.Base(id) != id || strings.HasPrefix(id, ".") {
		return fault.Invalidf("id", "%q is no %s's id", id, object)
	}
	return nil
}

// spacious gives an error that comes from a lack of space its name.
func spacious(err error, what string) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return full(what)
	}
	return err
}

func full(what string) error {
	return fault.Wrap(fault.Unavailable, disk.ErrFull, "the host has no room on its disk for %s; free some, or use a host with more", what)
}

// syncDir makes the names in a directory last.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
