package metadata

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	spaceDir    = "/run/netns"
	spacePrefix = "aloft-"
)

// shortID is the part of a network's id that names its namespace and its device: 44 bits, all that fits a device's name.
func shortID(networkID string) string {
	digits := strings.ReplaceAll(networkID, "-", "")
	return digits[:min(11, len(digits))]
}

func spaceName(networkID string) string { return spacePrefix + shortID(networkID) }

// spaces lists the short ids of the networks that have a namespace.
func spaces() ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(spaceDir, spacePrefix+strings.Repeat("[0-9a-f]", 11)))
	if err != nil {
		return nil, err
	}
	for i, p := range paths {
		paths[i] = strings.TrimPrefix(filepath.Base(p), spacePrefix)
	}
	return paths, nil
}

// openSpace opens a named namespace, and makes it if it is not there. The file that a process left that was killed
// before it had mounted the namespace there is replaced.
func openSpace(name string) (ns netns.NsHandle, made bool, err error) {
	path := filepath.Join(spaceDir, name)
	var fs unix.Statfs_t
	err = unix.Statfs(path, &fs)
	if err == nil && fs.Type == unix.NSFS_MAGIC {
		ns, err = netns.GetFromPath(path)
		return ns, false, err
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, false, err
	}
	err = onThread(func() error {
		var err error
		ns, err = netns.NewNamed(name)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("make namespace %s: %w", name, err)
	}
	return ns, true, nil
}

// removeSpace removes a namespace with the devices in it.
func removeSpace(name string) error {
	path := filepath.Join(spaceDir, name)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// inside does something with the calling thread in a namespace.
func inside(ns netns.NsHandle, do func() error) error {
	return onThread(func() error {
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("enter namespace: %w", err)
		}
		return do()
	})
}

// onThread does something on a thread of its own that is thrown away, as its namespace may be another's by then. The
// process's first thread can't be thrown away, and stands for the process in /proc: it is passed over.
func onThread(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			done <- onThread(do) // cannot get this thread too
			return
		}
		done <- do() // never unlocked: the thread ends with the goroutine
	}()
	return <-done
}

// listenIn opens a listener in a namespace; it may be served from anywhere.
func listenIn(ctx context.Context, ns netns.NsHandle, address string) (l net.Listener, err error) {
	err = inside(ns, func() error {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp4", address)
		return err
	})
	return l, err
}
