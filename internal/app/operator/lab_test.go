package operator

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/hypervisors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/app/lab"
	"github.com/aloft-cloud/aloft/internal/core/config"
)

// printed is what a command has printed so far.
type printed struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *printed) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(data)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// startLab runs a laboratory, and returns when it has said how to use it.
func startLab(t *testing.T, dir string, hosts int) (stop func()) {
	t.Helper()
	c := config.Default()
	c.Listen = "127.0.0.1:0"
	out := &printed{}
	l := Lab{
		Config: c, Version: "test", Dir: dir, NoOVN: true, Out: out, Log: slog.New(slog.DiscardHandler),
		Fleet: lab.Options{Hosts: hosts, CPUs: 8, MemoryMiB: 16 << 10, DiskGiB: 100, Log: slog.New(slog.DiscardHandler)},
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	for deadline := time.Now().Add(5 * time.Minute); !strings.Contains(out.String(), "aloft bench"); time.Sleep(10 * time.Millisecond) {
		require.Empty(t, ended, "it ended before it began")
		require.True(t, time.Now().Before(deadline), "it is not ready; it has said:\n%s", out)
	}
	return sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
}

// TestLabGoesOn makes a server in a laboratory whose folder is kept, and finds it in the next one.
func TestLabGoesOn(t *testing.T) {
	dir := t.TempDir()
	stop := startLab(t, dir, 3)
	defer func() { stop() }()
	cloud, ok, err := Credentials{EtcDir: filepath.Join(dir, "etc")}.Read(labName)
	require.NoError(t, err)
	require.True(t, ok)
	require.FileExists(t, filepath.Join(dir, "etc", labRC))
	c, err := login(t.Context(), cloud)
	require.NoError(t, err)
	image, err := pages(t.Context(), images.List(c.image, images.ListOpts{Name: labName}), images.ExtractImages)
	require.NoError(t, err)
	network, err := pages(t.Context(), networks.List(c.network, networks.ListOpts{Name: labName}), networks.ExtractNetworks)
	require.NoError(t, err)
	made, err := servers.Create(t.Context(), c.compute, servers.CreateOpts{
		Name: "one", ImageRef: image[0].ID, FlavorRef: labName, Networks: []servers.Network{{UUID: network[0].ID}},
	}, nil).Extract()
	require.NoError(t, err)
	require.NoError(t, waitActive(t.Context(), c, made.ID, func(string, ...any) {}))
	stop()

	stop = startLab(t, dir, 3)
	cloud, _, err = Credentials{EtcDir: filepath.Join(dir, "etc")}.Read(labName) // the address is another one
	require.NoError(t, err)
	c, err = login(t.Context(), cloud)
	require.NoError(t, err)
	require.NoError(t, waitActive(t.Context(), c, made.ID, func(string, ...any) {}))
}

// TestLabHasAccidents switches hosts off, so that they are missed, and on again.
func TestLabHasAccidents(t *testing.T) {
	dir := t.TempDir()
	defer startLab(t, dir, 5)()
	cloud, _, err := Credentials{EtcDir: filepath.Join(dir, "etc")}.Read(adminCloud)
	require.NoError(t, err)
	admin, err := login(t.Context(), cloud)
	require.NoError(t, err)
	ask := func(args ...string) string {
		cmd, out := labCommand("test"), &printed{}
		cmd.SetArgs(append(args, "--lab", dir))
		cmd.SetOut(out)
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		require.NoError(t, cmd.ExecuteContext(t.Context()))
		return out.String()
	}
	up := func(want int) func() bool {
		return func() bool {
			list, err := pages(t.Context(), hypervisors.List(admin.compute, nil), hypervisors.ExtractHypervisors)
			require.NoError(t, err)
			n := 0
			for _, h := range list {
				if h.State == "up" {
					n++
				}
			}
			return n == want
		}
	}
	require.Eventually(t, up(5), time.Minute, 50*time.Millisecond)
	require.Contains(t, ask("kill", "--hosts", "3"), "3 hosts are switched off")
	require.Eventually(t, up(2), 2*time.Minute, 100*time.Millisecond)
	require.Contains(t, ask("heal"), "3 hosts are switched on")
	require.Eventually(t, up(5), time.Minute, 50*time.Millisecond)

	cmd := labCommand("test")
	cmd.SetArgs([]string{"heal", "--lab", t.TempDir()})
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	require.ErrorContains(t, cmd.ExecuteContext(t.Context()), "no laboratory answers")
}

func TestLabLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	startLab(t, "", 1)()
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestLabRefuses(t *testing.T) {
	for flags, want := range map[string]string{
		"--hosts=0": "--hosts", "--cpus=0": "--cpus", "--failure-rate=1": "--failure-rate must be", "--listen=nonsense": "listening on nonsense",
		"--log-level=loud": "--log-level", "--database=mysql://x": "--database",
	} {
		cmd := labCommand("test")
		cmd.SetArgs([]string{flags, "--no-ovn", "--data", t.TempDir()})
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		require.ErrorContains(t, cmd.ExecuteContext(t.Context()), want, flags)
	}
}
