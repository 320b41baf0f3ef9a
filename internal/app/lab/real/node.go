package real

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/host/space"
)

// holderArg is how this program is started to make a node: `aloft lab hold FOLDER NAME`.
const holderArg = "hold"

// kinds are a node's namespaces.
var kinds = [...]string{"net", "mnt", "uts"}

// settle makes the folder fit to mount namespaces in: a mount of its own, whose mounts go nowhere else.
func (l Lab) settle() error {
	if err := os.MkdirAll(filepath.Join(l.Dir, "nodes"), 0o711); err != nil {
		return fmt.Errorf("making the folder of the laboratory: %w", err)
	}
	is, err := isMountPoint(l.Dir)
	if err != nil {
		return err
	}
	if !is {
		if err := unix.Mount(l.Dir, l.Dir, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", l.Dir, err)
		}
	}
	if err := unix.Mount("", l.Dir, "", unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making %s private: %w", l.Dir, err)
	}
	return l.makeMountPoints()
}

// isMountPoint looks into the process's table of mounts, as a bind mount within a file system shows nowhere else.
func isMountPoint(dir string) (bool, error) {
	mounts, err := mountsBelow(dir)
	return slices.Contains(mounts, dir), err
}

// mountsBelow are the mount points at a folder and below it, in the order in which they were made.
func mountsBelow(dir string) ([]string, error) {
	f, err := os.Open("/proc/thread-self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	defer f.Close()
	var out []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text()) // "36 35 98:0 /root /mount/point options …", octal for what is odd
		if len(fields) > 4 && (fields[4] == dir || strings.HasPrefix(fields[4], dir+"/")) {
			out = append(out, fields[4])
		}
	}
	return out, nil
}

// madeFile lists the directories of the machine that were made only to mount private ones on.
func (l Lab) madeFile() string { return filepath.Join(l.Dir, "made") }

func (l Lab) makeMountPoints() error {
	f, err := os.OpenFile(l.madeFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("noting what was made: %w", err)
	}
	defer f.Close()
	for _, d := range space.Dirs() {
		err := os.Mkdir(d.Path, 0o755)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err == nil {
			_, err = fmt.Fprintln(f, d.Path)
		}
		if err != nil {
			return fmt.Errorf("making %s to mount a private one on: %w", d.Path, err)
		}
	}
	return nil
}

// makeNode makes the namespaces of a node, unless they are there.
func (l Lab) makeNode(ctx context.Context, name string) error {
	whole := true
	for _, k := range kinds {
		whole = whole && mounted(l.pin(name, k))
	}
	if whole {
		return nil
	}
	// What was cut off half way is begun anew: nothing has run there.
	if err := l.removeNode(name); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	for try := 0; ; try++ {
		err := l.tryNode(ctx, self, name, try)
		if !errors.Is(err, unix.EINVAL) || try >= 2*runtime.NumCPU() {
			return err
		}
		if err := l.removeNode(name); err != nil {
			return err
		}
	}
}

// tryNode makes a node on one of the processors. A mount namespace can be mounted only in one that is older, as their
// numbers tell; kernels since 6.13 give these out by processor, so that a new one may count as older on one processor and
// not on another.
func (l Lab) tryNode(ctx context.Context, self, name string, try int) error {
	for _, dir := range []string{l.pins(name), l.private(name)} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return fmt.Errorf("making the folders of %s: %w", name, err)
		}
	}
	cmd := exec.CommandContext(ctx, self, "lab", holderArg, l.Dir, name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("making %s: %w", name, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("making %s: %w", name, err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := startOn(cmd, try); err != nil {
		return fmt.Errorf("making the namespaces of %s: %w", name, err)
	}
	_, read := bufio.NewReader(stdout).ReadString('\n') // it is ready, or has ended
	if read == nil {
		err = l.mountNode(cmd.Process.Pid, name)
	}
	_ = stdin.Close() // now it ends
	if wait := cmd.Wait(); wait != nil || read != nil {
		return errors.Join(fmt.Errorf("making the node %s: %s", name, strings.TrimSpace(said.String())), wait, err)
	}
	return err
}

// startOn starts a command on one of the processors that this process may use, counted round and round; the command does
// not live long.
func startOn(cmd *exec.Cmd, n int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return fmt.Errorf("asking for processors: %w", err)
	}
	n %= all.Count()
	for cpu := 0; ; cpu++ {
		if !all.IsSet(cpu) {
			continue
		}
		if n == 0 {
			one.Set(cpu)
			break
		}
		n--
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("choosing a processor: %w", err)
	}
	return errors.Join(cmd.Start(), unix.SchedSetaffinity(0, &all))
}

// mountNode mounts the namespaces of a process on files, the network last: what has that is whole.
func (l Lab) mountNode(pid int, name string) error {
	for i := len(kinds) - 1; i >= 0; i-- {
		path := l.pin(name, kinds[i])
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return fmt.Errorf("mounting a namespace: %w", err)
		}
		if err := unix.Mount(fmt.Sprintf("/proc/%d/ns/%s", pid, kinds[i]), path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting the %s namespace of %s: %w", kinds[i], name, err)
		}
	}
	return nil
}

// Hold is what runs in the new namespaces: it furnishes them, says so, and waits until they are mounted.
func Hold(dir, name string, in io.Reader, out io.Writer) error {
	l := Lab{dir}
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := space.Furnish(l.private(name)); err != nil {
		return err
	}
	// The namespaces of other nodes are nothing to this one, and would be held by it.
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the folder of the laboratory: %w", err)
	}
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// Command is a command that runs in a node.
func (l Lab) Command(ctx context.Context, name string, argv ...string) *exec.Cmd {
	args := []string{"--net=" + l.pin(name, "net"), "--mount=" + l.pin(name, "mnt"), "--uts=" + l.pin(name, "uts"), "--wd=/", "--"}
	return exec.CommandContext(ctx, "nsenter", append(args, argv...)...)
}

// kill ends every process of a node.
func (l Lab) kill(name string) error {
	if !mounted(l.pin(name, "net")) || !mounted(l.pin(name, "mnt")) {
		return nil
	}
	s, err := space.Open(l.pins(name))
	if err != nil {
		return err
	}
	defer s.Close()
	return s.KillAll("")
}

// Processes is how many processes a node has.
func (l Lab) Processes(name string) (int, error) {
	s, err := space.Open(l.pins(name))
	if err != nil {
		return 0, err
	}
	defer s.Close()
	pids, err := s.Members("")
	return len(pids), err
}

// removeNode ends a node's processes and removes its namespaces and files.
func (l Lab) removeNode(name string) error {
	if err := l.kill(name); err != nil {
		return err
	}
	return removeMounted(l.node(name))
}

// removeMounted removes a folder and the mounts at and below it, the last one first.
func removeMounted(dir string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(mounts) {
		if err := unix.Unmount(m, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmounting %s: %w", m, err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing %s: %w", dir, err)
	}
	return nil
}

// Down removes everything: processes, namespaces with their devices and bridges, mounts, and files. It may be interrupted and
// done again.
func (l Lab) Down() error {
	if l.There() {
		entries, err := os.ReadDir(filepath.Join(l.Dir, "nodes"))
		if err != nil {
			return fmt.Errorf("looking for nodes: %w", err)
		}
		for _, e := range entries {
			if err := l.removeNode(e.Name()); err != nil {
				return err
			}
		}
	}
	if err := removeGateway(); err != nil {
		return err
	}
	raw, err := os.ReadFile(l.madeFile())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading what was made: %w", err)
	}
	for _, dir := range slices.Backward(strings.Fields(string(raw))) {
		_ = os.Remove(dir) // what somebody uses by now is not empty, and stays
	}
	return removeMounted(l.Dir)
}
