package engine

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/host/command"
	"github.com/aloft-cloud/aloft/test/namespace"
)

func TestMain(m *testing.M) { namespace.Main(m) }

// fixture returns a supervisor of engines in directories of its own; whatever it started is stopped at the end.
func fixture(t *testing.T) *Engines {
	t.Helper()
	namespace.Required(t)
	for _, program := range []string{"libvirtd", "ovs-vswitchd", "ovn-controller", "ovn-northd", "nft"} {
		if _, err := command.Find(program); err != nil {
			t.Skip(err)
		}
	}
	e := New(Config{
		RunDir: t.TempDir(), DataDir: t.TempDir(), HostID: "0c0ffee0-0000-4000-8000-000000000001",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, e.Stop(ctx))
	})
	return e
}

// patience is far above what anything here takes: eight engines start on a machine that has other work.
const patience = 10 * time.Minute

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// requireRunning waits until every engine answers and returns the processes by engine.
func requireRunning(t *testing.T, e *Engines) map[string]int {
	t.Helper()
	var pids map[string]int
	wait(t, "all engines answer", func() bool {
		pids = map[string]int{}
		for _, s := range e.Status(deadline(t)) {
			if !s.Answer || s.PID == 0 {
				return false
			}
			pids[s.Name] = s.PID
		}
		return true
	})
	require.Len(t, pids, 8)
	return pids
}

// wait polls, as what it waits for tells nobody.
func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience / 2); !ok(); time.Sleep(20 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "it never came true: %s", what)
	}
}

func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(deadline(t), program, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", program, args, out)
	return strings.TrimSpace(string(out))
}

// world is what a Stop must leave as it was.
func world(t *testing.T) map[string]string {
	t.Helper()
	forward, err := os.ReadFile(forwardFile)
	require.NoError(t, err)
	sockets, err := filepath.Glob("/run/o*/*")
	require.NoError(t, err)
	kvm := "absent"
	if info, err := os.Stat(kvmNode); err == nil {
		kvm = info.Mode().String()
	}
	links, err := net.Interfaces()
	require.NoError(t, err)
	var names []string
	for _, l := range links {
		names = append(names, l.Name)
	}
	return map[string]string{
		"links": strings.Join(names, " "), "nft": output(t, "nft", "list", "ruleset"), "forward": string(forward),
		"files": strings.Join(sockets, " "), "kvm": kvm,
	}
}

func TestStartsConfiguresAndLeavesNothing(t *testing.T) {
	e := fixture(t)
	ctx := deadline(t)
	was := world(t)

	require.NoError(t, e.Ensure(ctx, func(name, state string) { t.Log(name, state) }))
	pids := requireRunning(t, e)
	for _, s := range e.Status(ctx) {
		require.True(t, s.Ours, s.Name)
	}
	require.NoError(t, e.Ensure(ctx, func(_, state string) { require.Equal(t, "adopted", state) }))
	require.Equal(t, pids, requireRunning(t, e), "a second Ensure changes nothing")

	require.Contains(t, output(t, "ip", "-4", "addr", "show", "br-outside"), "172.24.4.1/24")
	require.Contains(t, output(t, "nft", "list", "table", "ip", "aloft"), "172.24.4.0/24")
	require.Equal(t, "secure", output(t, "ovs-vsctl", "get", "Bridge", "br-int", "fail_mode"))
	require.Equal(t, `"outside:br-outside"`, output(t, "ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids:ovn-bridge-mappings"))
	if !KernelDatapath() {
		require.Equal(t, "netdev", output(t, "ovs-vsctl", "get", "Bridge", "br-outside", "datapath_type"))
		require.Contains(t, output(t, "ethtool", "-k", "br-outside"), "tx-checksumming: off")
	}
	wait(t, "the controller makes its chassis", func() bool {
		return strings.Contains(output(t, "ovn-sbctl", "--bare", "--columns=name", "list", "Chassis"), e.cfg.HostID)
	})

	links, err := Bandwidth(ctx)
	require.NoError(t, err)
	require.Empty(t, links, "no device is in the bridge")
	output(t, "ip", "link", "add", "fast0", "type", "veth", "peer", "name", "fast1") // of 10 Gbit/s, as the kernel says
	output(t, "ip", "link", "set", "fast0", "up")
	output(t, "ip", "link", "set", "fast1", "up")
	output(t, "ovs-vsctl", "add-port", "br-outside", "fast0")
	wait(t, "the switch knows the link's speed", func() bool {
		links, err := Bandwidth(ctx)
		require.NoError(t, err)
		return links == "outside=10000000"
	})
	output(t, "ovs-vsctl", "del-port", "br-outside", "fast0")
	output(t, "ip", "link", "del", "fast0")

	require.NoError(t, e.Stop(ctx))
	require.Equal(t, was, world(t))
	for name, pid := range pids {
		wait(t, name+" is gone, and init has heard of it", func() bool { return unix.Kill(pid, 0) == unix.ESRCH })
	}
	require.NoDirExists(t, e.data("ovn"))
	require.NoFileExists(t, e.journal.path)
}

func TestWatchBringsBackWhatDies(t *testing.T) {
	e := fixture(t)
	require.NoError(t, e.Ensure(deadline(t), nil))
	ctx, cancel := context.WithCancel(deadline(t))
	done := make(chan error, 1)
	go func() { done <- New(e.cfg).Watch(ctx) }() // another aloft than the one that started them
	before := requireRunning(t, e)
	for name, pid := range before {
		require.NoError(t, unix.Kill(pid, unix.SIGKILL))
		wait(t, name+" comes back", func() bool {
			for _, s := range e.Status(ctx) {
				if s.Name == name && s.Answer && s.Ours && s.PID != pid {
					return true
				}
			}
			return false
		})
	}
	wait(t, "the switch's bridge has its address again", func() bool {
		out, err := exec.CommandContext(ctx, "ip", "-4", "addr", "show", "br-outside").Output() // it may be away
		return err == nil && strings.Contains(string(out), "172.24.4.1/24")
	})
	requireRunning(t, e)
	cancel()
	require.NoError(t, <-done)
	requireRunning(t, e)
}

func TestAdoptsAndPutsBack(t *testing.T) {
	e := fixture(t)
	ctx := deadline(t)
	// Somebody else runs an Open vSwitch, with a name of its own for this host.
	other := New(Config{RunDir: t.TempDir(), DataDir: t.TempDir(), HostID: "somebody-else"})
	for _, s := range []spec{other.ovsdb(), other.vswitchd()} {
		require.NoError(t, os.MkdirAll(filepath.Dir(other.logFile(s.name)), 0o755))
		require.NoError(t, other.startOne(ctx, s, func(string, string) {}))
		t.Cleanup(func() { require.NoError(t, other.endOne(context.Background(), s)) })
	}
	output(t, "ovs-vsctl", "init")
	output(t, "ovs-vsctl", "set", "Open_vSwitch", ".", "external_ids:system-id=before", "external_ids:theirs=1")
	output(t, "ovs-vsctl", "add-br", "br-theirs", "--", "set", "Bridge", "br-theirs", "datapath_type=netdev")
	was := output(t, "ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids")

	states := map[string]string{}
	require.NoError(t, e.Ensure(ctx, func(name, state string) { states[name] = state }))
	require.Equal(t, "adopted", states["ovs-vswitchd"])
	require.Equal(t, "started", states["libvirtd"])
	require.Equal(t, strconv.Quote(e.cfg.HostID), output(t, "ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids:system-id"))

	require.NoError(t, e.Stop(ctx))
	require.Equal(t, was, output(t, "ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids"))
	require.Equal(t, "br-theirs", output(t, "ovs-vsctl", "list-br"))
	require.Error(t, e.answers(ctx, e.libvirtd()))

	output(t, "ovs-vsctl", "set", "Open_vSwitch", ".", "external_ids:ovn-remote=tcp:192.0.2.1:6642")
	require.ErrorContains(t, e.Ensure(ctx, nil), "belongs to the OVN at tcp:192.0.2.1:6642")
}

func TestIsNotFooledByWhatIsLeftBehind(t *testing.T) {
	e := fixture(t)
	ctx := deadline(t)
	stranger := exec.CommandContext(ctx, "sleep", "36000")
	require.NoError(t, stranger.Start())
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
	for _, s := range e.table {
		require.NoError(t, os.MkdirAll(filepath.Dir(s.pidFile), 0o755))
		require.NoError(t, os.WriteFile(s.pidFile, []byte(strconv.Itoa(stranger.Process.Pid)+"\n"), 0o644))
		// A socket that nobody listens on any more.
		socket := s.socket()
		require.NoError(t, os.MkdirAll(filepath.Dir(socket), 0o755))
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
		require.NoError(t, err)
		l.SetUnlinkOnClose(false)
		require.NoError(t, l.Close())
	}
	require.NoError(t, e.Ensure(ctx, nil))
	requireRunning(t, e)
	require.NoError(t, e.Stop(ctx))
	require.NoError(t, stranger.Process.Signal(unix.Signal(0)), "the stranger with the old process id lives")
}

func TestAForkedChildIsNotTheEngine(t *testing.T) {
	namespace.Required(t)
	e := New(Config{RunDir: t.TempDir()})
	s := spec{name: "bash", program: "bash"}
	cmd := exec.CommandContext(deadline(t), "bash", "-c", "exec 3<&0; (read line <&3; :) & wait; :") // the child is a fork without an exec
	cmd.Env = append(os.Environ(), e.mark(s))
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	wait(t, "it has a child", func() bool {
		out, err := exec.CommandContext(t.Context(), "pgrep", "-P", strconv.Itoa(cmd.Process.Pid)).Output()
		return err == nil && len(strings.Fields(string(out))) == 1
	})
	for range 50 { // the order of a map is another each time
		require.Equal(t, cmd.Process.Pid, e.ours(s))
	}
}
