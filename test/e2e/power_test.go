package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// statusBecomes waits until a server has a status, as gophercloud sees it.
func statusBecomes(t *testing.T, id, want string) {
	t.Helper()
	c := computeClient(t, "aloft")
	eventually(t, func() error {
		s, err := servers.Get(t.Context(), c, id).Extract()
		if err != nil {
			return err
		}
		if s.Status != want {
			return fmt.Errorf("server %s is %s and should be %s: %s", s.Name, s.Status, want, s.Fault.Message)
		}
		return nil
	})
}

func helloID(t *testing.T) string {
	t.Helper()
	var s server
	openstack(t, "demo", &s, "server", "show", "hello")
	return s.ID
}

// domain returns libvirt's name for a server.
func domain(t *testing.T, id string) string {
	t.Helper()
	return strings.TrimSpace(run(t, time.Minute, "virsh", "-c", "qemu:///system", "domname", id))
}

func testPower(t *testing.T, in *installation) {
	id := helloID(t)
	virsh := func(args ...string) string {
		return run(t, time.Minute, "virsh", append([]string{"-c", "qemu:///system"}, args...)...)
	}
	t.Run("stopped behind Aloft's back", func(t *testing.T) {
		name := domain(t, id)
		virsh("destroy", name)
		destroyed := time.Now()
		statusBecomes(t, id, "SHUTOFF")
		t.Logf("SHUTOFF was shown %.1f s after virsh destroy", time.Since(destroyed).Seconds())
		openstack(t, "demo", nil, "server", "start", "hello")
		statusBecomes(t, id, "ACTIVE")
	})
	t.Run("poweroff inside the guest", func(t *testing.T) {
		inGuest(t, in.hello, "(sleep 1; poweroff) >/dev/null 2>&1 &")
		eventually(t, func() error {
			if state := strings.TrimSpace(virsh("domstate", id)); state != "shut off" {
				return fmt.Errorf("the domain is %s", state)
			}
			return nil
		})
		statusBecomes(t, id, "SHUTOFF")
		openstack(t, "demo", nil, "server", "start", "hello")
		statusBecomes(t, id, "ACTIVE")
	})
	t.Run("soft reboot", func(t *testing.T) {
		before := inGuest(t, in.hello, "cat /proc/sys/kernel/random/boot_id")
		openstack(t, "demo", nil, "server", "reboot", "hello", "--wait")
		rebooted(t, in, before)
	})
	t.Run("hard reboot", func(t *testing.T) {
		before := inGuest(t, in.hello, "cat /proc/sys/kernel/random/boot_id")
		openstack(t, "demo", nil, "server", "reboot", "hello", "--hard", "--wait")
		rebooted(t, in, before)
	})
	t.Run("stop and start", func(t *testing.T) {
		openstack(t, "demo", nil, "server", "stop", "hello")
		statusBecomes(t, id, "SHUTOFF")
		require.Contains(t, refused(t, "demo", "server", "stop", "hello"), "stop")
		openstack(t, "demo", nil, "server", "start", "hello")
		statusBecomes(t, id, "ACTIVE")
		require.Equal(t, "hello", inGuest(t, in.hello, "hostname"))
	})
	t.Run("QEMU is unprivileged", func(t *testing.T) {
		pids := strings.Fields(run(t, time.Minute, "pgrep", "-f", "qemu-system.*"+domain(t, id)))
		require.NotEmpty(t, pids)
		status, err := os.ReadFile(filepath.Join("/proc", pids[0], "status"))
		require.NoError(t, err)
		require.NotRegexp(t, `(?m)^Uid:\s+0\s`, string(status))
	})
}

func rebooted(t *testing.T, in *installation, before string) {
	t.Helper()
	eventually(t, func() error {
		if after := inGuest(t, in.hello, "cat /proc/sys/kernel/random/boot_id"); after == before {
			return fmt.Errorf("the guest has not booted anew")
		}
		return nil
	})
}

func testImages(t *testing.T, _ *installation) {
	dir := t.TempDir()
	backed := filepath.Join(dir, "backed.qcow2")
	run(t, time.Minute, "qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/shadow", "-F", "raw", backed)
	said := refused(t, "demo", "image", "create", "backed", "--disk-format", "qcow2", "--container-format", "bare", "--file", backed)
	require.Contains(t, said, "backing file")
	external := filepath.Join(dir, "external.qcow2")
	run(t, time.Minute, "qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file="+filepath.Join(dir, "data"), external, "1M")
	require.Contains(t, refused(t, "demo", "image", "create", "external", "--disk-format", "qcow2", "--container-format", "bare", "--file", external), "data file")
	disguised := filepath.Join(dir, "disguised.raw")
	run(t, time.Minute, "qemu-img", "create", "-q", "-f", "qcow2", disguised, "1M")
	require.Contains(t, refused(t, "demo", "image", "create", "disguised", "--disk-format", "raw", "--container-format", "bare", "--file", disguised), "qcow2")
	var list []map[string]any
	openstack(t, "demo", &list, "image", "list", "--status", "active")
	for _, i := range list {
		require.NotContains(t, []any{"backed", "external", "disguised"}, i["Name"])
	}
}

func testExplainedFault(t *testing.T, _ *installation) {
	openstack(t, "aloft", nil, "flavor", "create", "giant", "--vcpus", "1", "--ram", "40000", "--disk", "1")
	refusedOrError := []string{"server", "create", "giant", "--image", "aloft-tiny", "--flavor", "giant", "--network", "demo"}
	openstack(t, "demo", nil, refusedOrError...)
	var s server
	eventually(t, func() error {
		openstack(t, "demo", &s, "server", "show", "giant")
		if s.Status != "ERROR" {
			return fmt.Errorf("the server is %s", s.Status)
		}
		return nil
	})
	require.Contains(t, fmt.Sprint(s.Fault["message"]), "memory")
	openstack(t, "demo", nil, "server", "delete", "giant", "--wait")
	openstack(t, "aloft", nil, "flavor", "delete", "giant")
}
