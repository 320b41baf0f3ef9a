package operator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// daemon is the background process of `aloft up`. It lives as long as it holds the lock on its pid file, so a pid that
// was given to another process is never taken for it.
type daemon struct{ pidFile, logFile string }

// errRunning says that another process holds the pid file.
var errRunning = errors.New("aloft is running already")

// claim takes the pid file for this process; release gives it back.
func (d daemon) claim(version string) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(d.pidFile), 0o755); err != nil {
		return nil, fmt.Errorf("making the run directory: %w", err)
	}
	f, err := os.OpenFile(d.pidFile, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the pid file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %s is locked (`aloft down` stops it)", errRunning, d.pidFile)
	}
	content := fmt.Sprintf("%d %s\n", os.Getpid(), version)
	if err := errors.Join(f.Truncate(0), writeAt(f, content)); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the pid file: %w", err)
	}
	return func() { f.Close() }, nil
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}

// running returns the process that holds the pid file; pid 0 if none does.
func (d daemon) running() (pid int, version string, err error) {
	f, err := os.Open(d.pidFile)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("opening the pid file: %w", err)
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if err == nil {
		return 0, "", nil
	}
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return 0, "", fmt.Errorf("asking for the lock of the pid file: %w", err)
	}
	raw, err := os.ReadFile(d.pidFile)
	if err != nil {
		return 0, "", fmt.Errorf("reading the pid file: %w", err)
	}
	number, version, _ := strings.Cut(strings.TrimSpace(string(raw)), " ")
	pid, err = strconv.Atoi(number)
	if err != nil {
		return 0, "", fmt.Errorf("the pid file %s holds no pid: %w", d.pidFile, err)
	}
	return pid, version, nil
}

// start runs this same binary in the background; exited is sent how it ends.
func (d daemon) start(args ...string) (exited <-chan error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	return d.launch(exec.Command(self, args...))
}

// launch starts a command in a session of its own, which outlives this process, with its output in the log.
func (d daemon) launch(cmd *exec.Cmd) (exited <-chan error, err error) {
	if err := os.MkdirAll(filepath.Dir(d.logFile), 0o750); err != nil {
		return nil, fmt.Errorf("making the log directory: %w", err)
	}
	log, err := os.OpenFile(d.logFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting aloft in the background: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	return done, nil
}

// stop asks the process to end and waits for it; after the deadline it is killed.
func (d daemon) stop(ctx context.Context, deadline time.Duration) error {
	pid, _, err := d.running()
	if err != nil || pid == 0 {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stopping aloft (pid %d): %w", pid, err)
	}
	if d.ended(ctx, deadline) {
		return nil
	}
	if now, _, err := d.running(); err != nil || now != pid {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing aloft (pid %d): %w", pid, err)
	}
	if !d.ended(ctx, 5*time.Second) {
		return fmt.Errorf("aloft (pid %d) does not end: look at it with `ps -p %d`", pid, pid)
	}
	return nil
}

func (d daemon) ended(ctx context.Context, within time.Duration) bool {
	return until(ctx, within, 50*time.Millisecond, func(context.Context) error {
		pid, _, err := d.running()
		if err == nil && pid != 0 {
			err = fmt.Errorf("pid %d runs", pid)
		}
		return err
	}) == nil
}

// logTail returns the last lines of the log, to be shown when the process did not come up.
func (d daemon) logTail(lines int) string {
	raw, err := os.ReadFile(d.logFile)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// patience is how long `aloft up` waits for what must come, on a machine that may be slow and busy; meanwhile it shows for what.
const patience = 5 * time.Minute

// until calls try every so often until it succeeds, and returns its last error when the time is over.
func until(ctx context.Context, within, every time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", within, err)
		case <-tick.C:
		}
	}
}
