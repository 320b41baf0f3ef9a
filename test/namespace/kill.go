package namespace

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// spaces are the namespaces of a run. They are held open, so that their numbers are not used again meanwhile.
type spaces struct {
	net, mnt uint64
	files    []*os.File
}

func spacesOf(pid int) (*spaces, error) {
	s := &spaces{}
	for _, one := range []struct {
		name string
		id   *uint64
	}{{"net", &s.net}, {"mnt", &s.mnt}} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", pid, one.name))
		if err != nil {
			s.close()
			return nil, fmt.Errorf("open namespace: %w", err)
		}
		s.files = append(s.files, f)
		*one.id = inode(f.Name())
	}
	return s, nil
}

func (s *spaces) close() {
	for _, f := range s.files {
		f.Close()
	}
}

// inode is the number of a namespace, 0 where the process is gone.
func inode(path string) uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}

// killAll kills every process that is in one of the namespaces or has the mark in its environment, until none is left.
func killAll(s *spaces, mark string) error {
	deadline := time.Now().Add(time.Minute)
	for {
		left, err := members(s, mark)
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v survive SIGKILL", left)
		}
		for _, pid := range left {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("kill %d: %w", pid, err)
			}
		}
		time.Sleep(10 * time.Millisecond) // the kernel offers no event for the end of a process that isn't a child
	}
}

func members(s *spaces, mark string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		dir := "/proc/" + e.Name()
		if inode(dir+"/ns/net") == s.net || inode(dir+"/ns/mnt") == s.mnt || hasMark(dir, mark) {
			found = append(found, pid)
		}
	}
	return found, nil
}

func hasMark(dir, mark string) bool {
	environ, err := os.ReadFile(dir + "/environ")
	return err == nil && strings.Contains("\x00"+string(environ), "\x00"+mark+"\x00")
}
