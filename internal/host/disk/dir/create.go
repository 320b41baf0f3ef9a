package dir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Create implements disk.Pool. The disk is made in a directory of a temporary name, which one rename makes the server's.
func (p *Pool) Create(ctx context.Context, server string, image protocol.Image, sizeGiB int) (disk.Disk, error) {
	if found, err := p.Find(ctx, server); err == nil || !fault.Is(err, fault.NotFound) {
		return found, err
	}
	p.layout.RLock()
	defer p.layout.RUnlock()
	base, err := p.imagePath(image)
	if err != nil {
		return disk.Disk{}, err
	}
	size, err := virtualSize(base, image.Format)
	if errors.Is(err, fs.ErrNotExist) {
		return disk.Disk{}, fault.Missing("cached image", image.ID)
	}
	if err != nil {
		return disk.Disk{}, fmt.Errorf("reading the cached image: %w", err)
	}
	if wanted := int64(sizeGiB) << 30; wanted > 0 {
		if wanted < size {
			return disk.Disk{}, fault.Invalidf("flavor", "a root disk of %d GiB is too small for the image, which needs %d GiB",
				sizeGiB, (size+1<<30-1)>>30)
		}
		size = wanted
	}
	temp := filepath.Join(p.disks, ".new-"+server)
	defer os.RemoveAll(temp)
	if err := p.overlay(ctx, temp, base, image.Format, size); err != nil {
		return disk.Disk{}, spacious(err, "a root disk")
	}
	if err := os.Rename(temp, filepath.Join(p.disks, server)); err != nil {
		return disk.Disk{}, fmt.Errorf("making the root disk: %w", err)
	}
	if err := syncDir(p.disks); err != nil {
		return disk.Disk{}, fmt.Errorf("making the root disk: %w", err)
	}
	return p.Find(ctx, server)
}

// overlay makes a directory with a root disk in it.
func (p *Pool) overlay(ctx context.Context, dir, base, format string, size int64) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clearing an unfinished root disk: %w", err)
	}
	if err := os.Mkdir(dir, 0o711); err != nil {
		return fmt.Errorf("making the root disk's directory: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return fmt.Errorf("making the root disk's directory: %w", err)
	}
	path := filepath.Join(dir, "root.qcow2")
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", format, "-b", base, path, strconv.FormatInt(size, 10))
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if c, capErr := p.Capacity(ctx); capErr == nil && c.Free < 1<<20 {
			return full("a root disk") // qemu-img's exit code doesn't tell
		}
		return fmt.Errorf("qemu-img create: %w: %s", err, strings.TrimSpace(said.String()))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("closing the root disk to others: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening the root disk: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("writing the root disk: %w", err)
	}
	return syncDir(dir)
}

// virtualSize is the size of the disk that an image holds, in bytes.
func virtualSize(path, format string) (int64, error) {
	if format == "qcow2" {
		h, err := readHeader(path)
		return h.VirtualSize, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return (info.Size() + 511) &^ 511, nil
}
