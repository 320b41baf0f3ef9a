package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// background runs the binary under test until stop is called, which kills it.
func (in *installation) background(t *testing.T, args ...string) (stop func()) {
	t.Helper()
	log, err := os.OpenFile("/var/lib/aloft/log/aloft.log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, in.binary, args...)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	log.Close()
	return func() {
		cancel()
		_ = cmd.Wait() // it was killed, and says so
	}
}

// processes lists the processes in the network namespace of the test, but for the test and what runs it.
func processes(t *testing.T) map[int]string {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/net")
	require.NoError(t, err)
	dirs, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	found := map[int]string{}
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		require.NoError(t, err)
		ns, err := os.Readlink(dir + "/ns/net")
		if err != nil || ns != own || pid == os.Getpid() || pid == os.Getppid() {
			continue
		}
		cmdline, err := os.ReadFile(dir + "/cmdline")
		if err != nil || len(cmdline) == 0 {
			continue
		}
		found[pid] = strings.ReplaceAll(string(cmdline), "\x00", " ")
	}
	return found
}

// engineProcesses lists the processes of an engine of this installation.
func engineProcesses(t *testing.T, engine string) []int {
	t.Helper()
	var pids []int
	for pid, command := range processes(t) {
		if filepath.Base(strings.Fields(command)[0]) == engine {
			pids = append(pids, pid)
		}
	}
	return pids
}

// testReboot ends every process as a reboot does, with what a reboot takes along.
func testReboot(t *testing.T, in *installation) {
	id := helloID(t)
	before := inGuest(t, in.hello, "cat /proc/sys/kernel/random/boot_id")
	eventually(t, func() error {
		all := processes(t)
		for pid := range all {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
				return err
			}
		}
		if len(all) > 0 {
			return fmt.Errorf("still running: %v", all)
		}
		return nil
	})
	out := in.up(t, "--no-demo")
	t.Log("\n" + out)
	statusBecomes(t, id, "ACTIVE")
	rebooted(t, in, before)
}

func testDown(t *testing.T, in *installation) {
	in.aloft(t, 3*time.Minute, "down")
	eventually(t, func() error {
		if left := processes(t); len(left) > 0 {
			return fmt.Errorf("processes are left: %v", left)
		}
		return nil
	})
	links := run(t, time.Minute, "ip", "-o", "link")
	require.Equal(t, 1, strings.Count(strings.TrimSpace(links), "\n")+1, "only lo is left: %s", links)
	require.Empty(t, strings.TrimSpace(run(t, time.Minute, "ip", "netns", "list")))
	require.NotContains(t, run(t, time.Minute, "nft", "list", "ruleset"), "aloft")
	// The data stays, and comes up again.
	require.FileExists(t, "/var/lib/aloft/aloft.db")
	in.up(t)
	require.Equal(t, "hello", inGuest(t, in.hello, "hostname"))
	in.aloft(t, 3*time.Minute, "down", "--purge")
	require.NoFileExists(t, "/var/lib/aloft/aloft.db")
	require.NoFileExists(t, cloudsFile)
	require.Empty(t, processes(t))
}
