package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/host/command"
)

// markVariable is in the environment of every engine that Aloft starts by hand. Its value names the run directory and
// the engine: what carries it, runs that engine's program and shares this process's mounts and network is ours.
const markVariable = "ALOFT_ENGINE"

func (e *Engines) mark(s spec) string { return markVariable + "=" + e.cfg.RunDir + ":" + s.name }

// ours is the process of an engine that Aloft started, 0 if there is none. A child that the engine has just forked, and
// that has not become another program yet, looks the same; the engine is the one whose parent does not.
func (e *Engines) ours(s spec) int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	parents := map[int]int{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && e.isOurs(s, pid) {
			parents[pid] = parent(pid)
		}
	}
	for pid, its := range parents {
		if _, child := parents[its]; !child {
			return pid
		}
	}
	return 0
}

// parent is the parent of a process, 0 if the process is gone.
func parent(pid int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// "pid (name) state parent …", and the name may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	id, _ := strconv.Atoi(string(fields[1])) // the kernel writes a number
	return id
}

func (e *Engines) isOurs(s spec, pid int) bool {
	dir := fmt.Sprintf("/proc/%d/", pid)
	// The kernel keeps 15 bytes of a program's name.
	comm, err := os.ReadFile(dir + "comm")
	if err != nil || string(bytes.TrimSpace(comm)) != s.program[:min(15, len(s.program))] {
		return false
	}
	environ, err := os.ReadFile(dir + "environ")
	if err != nil || !bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+e.mark(s)+"\x00")) {
		return false
	}
	return sameSpace(dir, "mnt") && sameSpace(dir, "net")
}

func sameSpace(dir, kind string) bool {
	own, err1 := os.Readlink("/proc/thread-self/ns/" + kind)
	its, err2 := os.Readlink(dir + "ns/" + kind)
	return err1 == nil && err2 == nil && own == its
}

// startByHand starts an engine as a daemon that outlives this process.
func (e *Engines) startByHand(ctx context.Context, s spec) error {
	if pid := e.ours(s); pid != 0 {
		// It may be starting, by an aloft that was killed. If it does not come to answer, it hangs.
		patience, cancel := context.WithTimeout(ctx, hangPatience)
		defer cancel()
		if e.until(patience, s.ready) == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.log.Warn("engine hangs and is replaced", "engine", s.name, "pid", pid)
		if err := e.end(ctx, s, pid); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(e.logFile(s.name)), 0o750); err != nil {
		return err
	}
	if s.prepare != nil {
		if err := s.prepare(ctx); err != nil {
			return err
		}
	}
	if err := e.removeStale(s); err != nil {
		return err
	}
	program, err := command.Find(s.program)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, s.args...)
	cmd.Env = append(os.Environ(), e.mark(s))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// A file and not a pipe: the daemon may keep it, and a pipe would then be waited for.
	out, err := os.CreateTemp(e.cfg.RunDir, s.name+".out")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(said))
	}
	return nil
}

// removeStale removes the pid file and the socket that a dead engine has left. Nobody answers there: that was asked
// before. A living stranger that holds them and hangs is named instead.
func (e *Engines) removeStale(s spec) error {
	if pid := peer(s.socket()); pid != 0 {
		return fmt.Errorf("process %d, which aloft did not start, listens on %s and does not answer; end it or restart it", pid, s.socket())
	}
	for _, path := range []string{s.pidFile, s.socket()} {
		if path == "" {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// end ends a process of ours and waits until it is gone. A pidfd holds on to the very process that was checked, so
// that no signal can reach another one that got its number.
func (e *Engines) end(ctx context.Context, s spec, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hold process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if !e.isOurs(s, pid) {
		return nil
	}
	for _, step := range []struct {
		signal   unix.Signal
		patience time.Duration
	}{{unix.SIGTERM, 10 * time.Second}, {unix.SIGKILL, 5 * time.Second}} {
		if err := unix.PidfdSendSignal(fd, step.signal, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("signal process %d: %w", pid, err)
		}
		if gone, err := waitGone(ctx, []int{fd}, step.patience); gone || err != nil {
			return err
		}
	}
	return fmt.Errorf("process %d (%s) survives SIGKILL", pid, s.name)
}

// waitGone waits until one of the processes ends, for at most the given time.
func waitGone(ctx context.Context, pidfds []int, patience time.Duration) (bool, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return false, err
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	written := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(written)
		_, _ = unix.Write(pipe[1], []byte{0}) // an empty pipe takes a byte
	})
	defer func() {
		if !stop() {
			<-written
		}
	}()
	fds := []unix.PollFd{{Fd: int32(pipe[0]), Events: unix.POLLIN}}
	for _, fd := range pidfds {
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	deadline := time.Now().Add(patience)
	for {
		n, err := unix.Poll(fds, int(max(0, time.Until(deadline).Milliseconds())))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("poll: %w", err)
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return n > 0, nil
	}
}
