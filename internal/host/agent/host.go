package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// HostID returns the host's id, which is kept in the file host-id of a directory and made the first time.
func HostID(dir string) (string, error) {
	path := filepath.Join(dir, "host-id")
	for {
		data, err := os.ReadFile(path)
		if err == nil {
			id := strings.TrimSpace(string(data))
			if _, err := uuid.Parse(id); err != nil {
				return "", fmt.Errorf("%s should hold a UUID and nothing else: %w", path, err)
			}
			return id, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("reading the host's id: %w", err)
		}
		if err := newHostID(dir, path); err != nil {
			return "", fmt.Errorf("making the host's id: %w", err)
		}
	}
}

// newHostID writes an id, whole or not at all; another process' that came first stays.
func newHostID(dir, path string) error {
	temp, err := os.CreateTemp(dir, ".host-id-")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(uuid.NewString() + "\n")
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// HostConfig is what Describe can't find out.
type HostConfig struct {
	ID                string
	Address           string // where other hosts reach this one
	ReservedMemoryMiB int    // kept for the host itself
	// Bandwidth asks how much the host's links to physical networks carry; nil: it has none that is known.
	Bandwidth func(context.Context) (protocol.Bandwidth, error)
}

// Describe returns a function that describes this host, for Config.Host. Capacities are the host's own: how far they are
// overcommitted is the control plane's business.
func Describe(cfg HostConfig, h hypervisor.Hypervisor, p disk.Pool) func(context.Context) (protocol.Host, error) {
	var links atomic.Pointer[protocol.Bandwidth]
	links.Store(new(protocol.Bandwidth))
	return func(ctx context.Context) (protocol.Host, error) {
		name, err := os.Hostname()
		if err != nil {
			return protocol.Host{}, fmt.Errorf("asking for the host name: %w", err)
		}
		boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
		if err != nil {
			return protocol.Host{}, fmt.Errorf("reading the boot id: %w", err)
		}
		info, err := h.Info(ctx)
		if err != nil {
			return protocol.Host{}, err
		}
		room, err := p.Capacity(ctx)
		if err != nil {
			return protocol.Host{}, err
		}
		if cfg.Bandwidth != nil {
			if now, err := cfg.Bandwidth(ctx); err == nil { // a switch that is being restarted has the links that it had
				links.Store(&now)
			}
		}
		return protocol.Host{
			ID: cfg.ID, Name: name, Version: protocol.Version, Arch: runtime.GOARCH,
			Hypervisor: info.Name, Acceleration: info.Acceleration, HypervisorInfo: info.Version,
			Address: cfg.Address, BootID: strings.TrimSpace(string(boot)),
			Capacity: protocol.Capacity{
				VCPUs:     info.CPUs,
				MemoryMiB: max(0, info.MemoryMiB-cfg.ReservedMemoryMiB),
				DiskGiB:   int(room.Total >> 30),
				Bandwidth: *links.Load(),
			},
		}, nil
	}
}
