package libvirt

import (
	"bytes"
	"context"
	_ "embed"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor/suite"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// patience is far above what an emulated guest takes, because other tests run beside it.
const patience = 5 * time.Minute

//go:embed testdata/engines.sh
var enginesScript string

// engines runs libvirtd, virtlogd and Open vSwitch in namespaces of their own and returns libvirtd's socket. When the
// test ends, everything in the namespaces ends.
func engines(t *testing.T) (socket string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to run libvirtd in namespaces")
	}
	for _, tool := range []string{"libvirtd", "virtlogd", "qemu-system-x86_64", "ovs-vswitchd", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: %v", tool, err)
		}
	}
	dir, err := os.MkdirTemp("", "aloft-lv-") // short, as a socket's path may have 107 characters
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	var output bytes.Buffer
	cmd := exec.Command("unshare", "-n", "-m", "-p", "-f", "--mount-proc", "--kill-child", "sh", "-eu", "-c", enginesScript, "engines", dir)
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait(), "it was killed")
		if t.Failed() {
			t.Logf("the engines said:\n%s", output.String())
		}
	})
	return filepath.Join(dir, "libvirt-sock")
}

// find returns the process whose command line holds all words.
func find(t *testing.T, words ...string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	require.NoError(t, err)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil {
			continue
		}
		text, all := strings.ReplaceAll(string(line), "\x00", " "), true
		for _, w := range words {
			all = all && strings.Contains(text, w)
		}
		if all && !strings.HasPrefix(text, "sh ") && !strings.HasPrefix(text, "unshare ") {
			return pid
		}
	}
	t.Fatalf("no process has %q in its command line", words)
	return 0
}

func start(t *testing.T, socket string) *Driver {
	t.Helper()
	d, err := Start(context.WithoutCancel(t.Context()), Config{
		Socket: socket, Acceleration: "tcg", ConsoleDir: filepath.Join(filepath.Dir(socket), "console"),
	}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func connected(t *testing.T, socket string) *Driver {
	t.Helper()
	d := start(t, socket)
	require.Eventually(t, func() bool {
		_, err := d.Info(t.Context())
		return err == nil
	}, patience, 50*time.Millisecond, "libvirtd never answered")
	return d
}

func root(t *testing.T) disk.Disk {
	t.Helper()
	dir, err := os.MkdirTemp("", "aloft-lv-disk-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o711))
	base, overlay := filepath.Join(dir, "image.raw"), filepath.Join(dir, "root.qcow2")
	require.NoError(t, os.WriteFile(base, suite.GuestDisk(), 0o644))
	out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", overlay, "16M").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return disk.Disk{Path: overlay, Format: "qcow2", Cache: "none", Backing: base, BackingFormat: "raw"}
}

func nics() []hypervisor.NIC {
	return []hypervisor.NIC{{PortID: uuid.NewString(), MAC: "fa:16:3e:00:00:01", MTU: 1442}}
}

func TestSuite(t *testing.T) {
	socket := engines(t)
	d := connected(t, socket)
	suite.Run(t, suite.Bench{
		Hypervisor: d, Root: root, NICs: nics, Patience: patience,
		Lose: func(t *testing.T, id string) {
			require.NoError(t, syscall.Kill(find(t, "qemu-system", "-uuid "+id), syscall.SIGKILL))
		},
		Restart: func(t *testing.T) {
			require.NoError(t, syscall.Kill(find(t, "libvirtd -f "+filepath.Dir(socket)), syscall.SIGKILL))
		},
	})

	t.Run("info", func(t *testing.T) {
		info, err := d.Info(t.Context())
		require.NoError(t, err)
		require.Regexp(t, `^QEMU \d+\.\d+\.\d+$`, info.Version)
		require.Positive(t, info.CPUs)
		require.Greater(t, info.MemoryMiB, 256)
	})
	t.Run("QEMU is unprivileged and the shared image is left alone", func(t *testing.T) { unprivileged(t, d) })
	t.Run("domains of others are left out", func(t *testing.T) { others(t, d) })
}

func boot(t *testing.T, d *Driver) hypervisor.Spec {
	t.Helper()
	s := hypervisor.Spec{ID: uuid.NewString(), Name: "n", VCPUs: 1, MemoryMiB: 64, Root: root(t), NICs: nics()}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		require.NoError(t, d.Destroy(ctx, s.ID))
		require.NoError(t, d.Undefine(ctx, s.ID))
	})
	require.NoError(t, d.Define(t.Context(), s))
	require.NoError(t, d.Start(t.Context(), s.ID))
	return s
}

func unprivileged(t *testing.T, d *Driver) {
	s := boot(t, d)
	uid := func(path string) uint32 {
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info.Sys().(*syscall.Stat_t).Uid
	}
	require.NotZero(t, uid(filepath.Join("/proc", strconv.Itoa(find(t, "qemu-system", "-uuid "+s.ID)))), "QEMU runs as root")
	require.NotZero(t, uid(s.Root.Path), "the root disk is QEMU's while it runs")
	require.Zero(t, uid(s.Root.Backing), "the image changed hands, but others share it")
}

func others(t *testing.T, d *Driver) {
	const text = `<domain type='qemu'><name>aloft-not-ours</name><memory>65536</memory><os><type machine='q35'>hvm</type></os></domain>`
	rpc, err := d.conn.use()
	require.NoError(t, err)
	defer d.conn.calls.Done()
	dom, err := rpc.DomainDefineXML(text)
	require.NoError(t, err)
	defer func() { require.NoError(t, rpc.DomainUndefine(dom)) }()
	found, err := d.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
	found, err = d.List(t.Context(), uuid.UUID(dom.UUID).String())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestAnAbsentLibvirtdIsAClearFault(t *testing.T) {
	d := start(t, filepath.Join(t.TempDir(), "no-such-socket"))
	_, err := d.List(t.Context())
	require.True(t, fault.Is(err, fault.Unavailable))
	require.Contains(t, fault.Of(err).Message, "no-such-socket")
}

func TestPower(t *testing.T) {
	for _, c := range []struct {
		state, reason int32
		power         protocol.Power
		cause         protocol.Cause
	}{
		{1, 1, protocol.Running, protocol.CauseNone}, // running, booted
		{2, 0, protocol.Running, protocol.CauseNone}, // blocked
		{3, 1, protocol.Paused, protocol.CauseNone},  // paused by a user
		{3, 5, protocol.Paused, protocol.CauseNone},  // paused by an I/O error
		{3, 11, protocol.Stopped, protocol.CauseLost},
		{4, 0, protocol.Running, protocol.CauseNone},  // on its way down
		{5, 0, protocol.Stopped, protocol.CauseLost},  // unknown
		{5, 1, protocol.Stopped, protocol.CauseGuest}, // shut down
		{5, 2, protocol.Stopped, protocol.CauseGuest}, // destroyed
		{5, 3, protocol.Stopped, protocol.CauseLost},  // crashed
		{5, 6, protocol.Stopped, protocol.CauseLost},  // failed to start
		{5, 8, protocol.Stopped, protocol.CauseLost},  // libvirtd ended it
		{6, 1, protocol.Stopped, protocol.CauseLost},  // crashed, the panic device
	} {
		p, cause := power(golibvirt.DomainState(c.state), c.reason)
		require.Equal(t, c.power, p, "state %d, reason %d", c.state, c.reason)
		require.Equal(t, c.cause, cause, "state %d, reason %d", c.state, c.reason)
	}
}

func TestConsoleIsReadOverRotatedFiles(t *testing.T) {
	dir, id := t.TempDir(), uuid.NewString()
	for name, text := range map[string]string{".10": "a\n", ".2": "b\n", ".0": "c\n", "": "d\n"} {
		require.NoError(t, os.WriteFile(consoleLog(dir, id)+name, []byte(text), 0o600))
	}
	text, err := readConsole(dir, id)
	require.NoError(t, err)
	require.Equal(t, "a\nb\nc\nd\n", string(text))

	require.NoError(t, os.WriteFile(consoleLog(dir, id), bytes.Repeat([]byte("x"), hypervisor.ConsoleBytes+5), 0o600))
	text, err = readConsole(dir, id)
	require.NoError(t, err)
	require.Len(t, text, hypervisor.ConsoleBytes)

	require.NoError(t, removeConsole(dir, id))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}
