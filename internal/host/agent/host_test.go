package agent

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	disksim "github.com/aloft-cloud/aloft/internal/host/disk/simulated"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/simulated"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

func TestHostIDIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() { ids[i], _ = HostID(dir) })
	}
	all.Wait()
	for _, id := range ids {
		require.Equal(t, ids[0], id)
		require.NotEmpty(t, id)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "host-id"), []byte("nonsense"), 0o644))
	_, err = HostID(dir)
	require.ErrorContains(t, err, "should hold a UUID")
}

func TestDescribe(t *testing.T) {
	h, err := Describe(HostConfig{ID: "i", Address: "192.0.2.1", ReservedMemoryMiB: 1024},
		simulated.New(simulated.Options{CPUs: 4, MemoryMiB: 8192}), disksim.New(disksim.Options{TotalGiB: 100}))(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, h.Name)
	require.NotEmpty(t, h.BootID)
	h.Name, h.BootID = "", ""
	require.Equal(t, protocol.Host{
		ID: "i", Version: protocol.Version, Arch: runtime.GOARCH, Hypervisor: "simulated", Acceleration: "none",
		HypervisorInfo: "simulated", Address: "192.0.2.1",
		Capacity: protocol.Capacity{VCPUs: 4, MemoryMiB: 7168, DiskGiB: 100},
	}, h)
}
