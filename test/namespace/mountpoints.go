package namespace

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/host/space"
)

// register names the directories of the machine that were made only to mount private ones on. It is locked, shared by
// the runs that mount there now: removing a directory would take the mount away from a run that uses it.
const register = "/run/lock/aloft-test-namespace"

// mountPoints holds the register open and locked.
type mountPoints struct{ file *os.File }

// makeMountPoints makes the directories that the machine lacks.
func makeMountPoints() (*mountPoints, error) {
	f, err := os.OpenFile(register, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	p := &mountPoints{f}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", register, err), f.Close())
	}
	for _, d := range space.Dirs() {
		err := os.Mkdir(d.Path, 0o755)
		if err == nil {
			_, err = fmt.Fprintln(f, d.Path)
		}
		if err != nil && !errors.Is(err, os.ErrExist) {
			return nil, errors.Join(err, f.Close())
		}
	}
	return p, nil
}

// release removes the directories that a run has made, unless another run uses them, which then removes them.
func (p *mountPoints) release() error {
	defer p.file.Close()
	if err := unix.Flock(int(p.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil
		}
		return fmt.Errorf("lock %s: %w", register, err)
	}
	content, err := os.ReadFile(register)
	if err != nil {
		return err
	}
	made := strings.Fields(string(content))
	slices.Reverse(made)
	for _, path := range made {
		_ = os.Remove(path) // a directory that somebody uses by now is not empty, and stays
	}
	return p.file.Truncate(0)
}
