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
// output and its exit code is the exit code. There, lo is up and is the only device, and each directory of space.Dirs is a
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
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/host/space"
)

// variable is set inside the namespaces; its value is the private directory of the run.
const variable = "ALOFT_TEST_NAMESPACE"

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
	inside, err := space.Open(fmt.Sprintf("/proc/%d/ns", cmd.Process.Pid))
	if err != nil {
		return 0, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	defer inside.Close()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have just ended, which done says
		case err := <-done:
			killed := inside.KillAll(variable + "=" + private)
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
func enter() error { return space.Furnish(os.Getenv(variable)) }
