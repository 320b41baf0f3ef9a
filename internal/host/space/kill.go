package space

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Spaces are a network and a mount namespace. They are held open, so that their numbers are not used again meanwhile.
type Spaces struct {
	net, mnt uint64
	files    []*os.File
}

// Open opens the files "net" and "mnt" of a folder: a process' /proc/PID/ns, or one where they are mounted.
func Open(dir string) (*Spaces, error) {
	s := &Spaces{}
	for _, one := range []struct {
		name string
		id   *uint64
	}{{"net", &s.net}, {"mnt", &s.mnt}} {
		f, err := os.Open(filepath.Join(dir, one.name))
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("open namespace: %w", err)
		}
		s.files = append(s.files, f)
		*one.id = inode(f.Name())
	}
	return s, nil
}

// Close lets the namespaces go.
func (s *Spaces) Close() {
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

// KillAll kills every process that is in one of the namespaces or has the mark in its environment, until none is left.
func (s *Spaces) KillAll(mark string) error {
	deadline := time.Now().Add(time.Minute)
	for {
		left, err := s.Members(mark)
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

// Members are the processes, other than this one, in one of the namespaces or with the mark ("NAME=value") in their
// environment; an empty mark is nobody's.
func (s *Spaces) Members(mark string) ([]int, error) {
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
	if mark == "" {
		return false
	}
	environ, err := os.ReadFile(dir + "/environ")
	return err == nil && strings.Contains("\x00"+string(environ), "\x00"+mark+"\x00")
}
