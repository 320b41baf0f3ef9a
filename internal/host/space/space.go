// Package space makes a network and a mount namespace fit for the engines of one host, so that several hosts fit on a
// machine and tests leave it alone: the directories in which engines keep their state and their sockets are private ones.
// Enter such a namespace with nsenter and not with `ip netns exec`, which hides the cgroups.
package space

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Dir is a directory that is private inside. A copied one starts with the machine's content.
type Dir struct {
	Path string
	Copy bool
}

// Dirs are the directories that engines and Aloft use. They must be there to be mounted upon.
func Dirs() []Dir {
	return []Dir{
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
}

// Own is the directory below private that is mounted on a path.
func Own(private, path string) string {
	return filepath.Join(private, strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "-"))
}

// Furnish makes this process's namespaces, which must be new, fit for engines. private is an empty directory.
func Furnish(private string) error {
	for _, d := range Dirs() {
		own := Own(private, d.Path)
		if err := prepare(d.Path, own, d.Copy); err != nil {
			return err
		}
		if err := unix.Mount(own, d.Path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", d.Path, err)
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

// ownNode puts a device node of its own over the machine's, for its owner and mode are changed by those who start libvirt. A
// machine without the device has none inside either.
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
