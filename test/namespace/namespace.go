// Package namespace runs the tests of a package inside a network and a mount namespace of their own, so that they may
// start the real engines, assign addresses and write under /var/lib and /etc without touching the machine.
//
// A package that needs it has one TestMain, and says in each test that cannot do without:
//
//	func TestMain(m *testing.M) { namespace.Main(m) }
//
//	func TestEngines(t *testing.T) {
//		namespace.Required(t) // skips, with the reason, where the tests don't run as root
//		…
//	}
//
// Main starts the test binary again with the same arguments and environment, inside the namespaces; its output is the
// output and its exit code is the exit code. There, lo is up and is the only device, and each directory of dirs is a
// private one that starts with what the machine's has if it is a directory of settings, and empty otherwise; /dev/kvm is
// a node of the run's own. When the tests end - by success, failure, panic or a signal - every process that they left in
// the namespaces is killed and the private directories are removed.
//
// Processes that enter further namespaces are found too, as long as they inherit the environment. Enter one with
// nsenter and not with `ip netns exec`, which hides the cgroups.
package namespace

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// variable is set inside the namespaces; its value is the private directory of the run.
const variable = "ALOFT_TEST_NAMESPACE"

// dirs are the directories that are private inside. A copied one starts with the machine's content.
var dirs = []struct {
	path string
	copy bool
}{
	{"/etc/libvirt", true},
	{"/etc/openvswitch", false},
	{"/etc/ovn", false},
	{"/etc/aloft", false},
	{"/var/lib/libvirt", true},
	{"/var/lib/openvswitch", false},
	{"/var/lib/ovn", false},
	{"/var/lib/aloft", false},
	{"/var/cache/libvirt", false},
	{"/var/log/libvirt", false},
	{"/var/log/openvswitch", false},
	{"/var/log/ovn", false},
	{"/run/libvirt", false},
	{"/run/openvswitch", false},
	{"/run/ovn", false},
	{"/run/aloft", false},
	{"/run/netns", false},
}

// Main runs the tests of a package inside namespaces of their own and exits with their code. Where they don't run as
// root it runs them as they are, and Required skips those that need more.
func Main(m *testing.M) {
	if os.Getenv(variable) != "" {
		if err := enter(); err != nil {
			fmt.Fprintln(os.Stderr, "namespace:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if os.Geteuid() != 0 {
		os.Exit(m.Run())
	}
	code, err := outside()
	if err != nil {
		fmt.Fprintln(os.Stderr, "namespace:", err)
		code = 1
	}
	os.Exit(code)
}

// Required skips a test that cannot do without the namespaces where they could not be made.
func Required(t testing.TB) {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skip("needs network and mount namespaces of its own: run it as root, in a package with namespace.Main")
	}
}

// outside starts this program again inside new namespaces, waits for it and cleans up after it.
func outside() (code int, err error) {
	points, err := makeMountPoints()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, points.release()) }()
	private, err := os.MkdirTemp("/var/tmp", "aloft-test-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(private)) }()

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	defer signal.Stop(signals)

	// The child must die with this process, and the kernel ties that to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), variable+"="+private)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("make namespaces: %w", err)
	}
	inside, err := spacesOf(cmd.Process.Pid)
	if err != nil {
		return 0, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	defer inside.close()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have just ended, which done says
		case err := <-done:
			killed := killAll(inside, variable+"="+private)
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 0, errors.Join(err, killed)
			}
			if cmd.ProcessState.ExitCode() < 0 {
				return 1, killed // ended by a signal
			}
			return cmd.ProcessState.ExitCode(), killed
		}
	}
}

// enter makes this process's namespaces, which are new, fit for the tests.
func enter() error {
	private := os.Getenv(variable)
	for _, d := range dirs {
		own := filepath.Join(private, strings.ReplaceAll(strings.TrimPrefix(d.path, "/"), "/", "-"))
		if err := prepare(d.path, own, d.copy); err != nil {
			return err
		}
		if err := unix.Mount(own, d.path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", d.path, err)
		}
	}
	if err := ownNode("/dev/kvm", filepath.Join(private, "kvm")); err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	return nil
}

// ownNode puts a device node of this run's own over the machine's, for its owner and mode are changed by those who start
// libvirt. A machine without the device has none inside either.
func ownNode(path, own string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); errors.Is(err, unix.ENOENT) {
		return nil
	} else if err != nil {
		return fmt.Errorf("stat %s: %w", path, err)
	}
	if err := unix.Mknod(own, st.Mode, int(st.Rdev)); err != nil {
		return fmt.Errorf("make a node like %s: %w", path, err)
	}
	if err := errors.Join(os.Chmod(own, os.FileMode(st.Mode).Perm()), os.Chown(own, int(st.Uid), int(st.Gid))); err != nil {
		return err
	}
	if err := unix.Mount(own, path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", path, err)
	}
	return nil
}

// prepare makes the private directory for a path, with the path's owner and mode, and its content if asked for.
func prepare(path, own string, content bool) error {
	if content {
		if out, err := exec.Command("cp", "-a", "--no-target-directory", path, own).CombinedOutput(); err != nil {
			return fmt.Errorf("copy %s: %w: %s", path, err, out)
		}
		return nil
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return fmt.Errorf("stat %s: %w", path, err)
	}
	return errors.Join(os.Mkdir(own, 0o755), os.Chmod(own, os.FileMode(st.Mode).Perm()), os.Chown(own, int(st.Uid), int(st.Gid)))
}
