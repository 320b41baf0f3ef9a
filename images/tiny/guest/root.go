package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	newRoot      = "/newroot"
	rootNumber   = 2 // the partition of the root file system; the first one holds boot loader and kernel
	rootDeadline = 20 * time.Second
)

// disk is the block device the image lives on.
type disk struct{ name string } // "vda"

func (d disk) path() string      { return "/dev/" + d.name }
func (d disk) partition() string { return d.path() + strconv.Itoa(rootNumber) }

type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return fmt.Errorf("mount point %s: %w", m.target, err)
	}
	if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.source, m.target, err)
	}
	return nil
}

func mountAll(mounts []mount) error {
	for _, m := range mounts {
		if err := m.do(); err != nil {
			return err
		}
	}
	return nil
}

func mountKernelFilesystems() error {
	const safe = syscall.MS_NOSUID | syscall.MS_NOEXEC
	return mountAll([]mount{
		{"devtmpfs", "/dev", "devtmpfs", syscall.MS_NOSUID, "mode=0755"},
		{"proc", "/proc", "proc", safe | syscall.MS_NODEV, ""},
		{"sysfs", "/sys", "sysfs", safe | syscall.MS_NODEV, ""},
	})
}

func mountRunFilesystems() error {
	const safe = syscall.MS_NOSUID | syscall.MS_NODEV
	return mountAll([]mount{
		{"devpts", "/dev/pts", "devpts", syscall.MS_NOSUID | syscall.MS_NOEXEC, "mode=0620,gid=5,ptmxmode=0666"},
		{"tmpfs", "/dev/shm", "tmpfs", safe, "mode=1777"},
		{"tmpfs", "/run", "tmpfs", safe, "mode=0755"},
		{"tmpfs", "/tmp", "tmpfs", safe, "mode=1777"},
	})
}

// mountRoot finds the disk whose signature the kernel command line names, and mounts its root partition.
func mountRoot(log *console, cmdlineFile string) (disk, error) {
	cmdline, err := os.ReadFile(cmdlineFile)
	if err != nil {
		return disk{}, err
	}
	signature, err := wantedSignature(string(cmdline))
	if err != nil {
		return disk{}, err
	}
	d, err := awaitDisk(log, signature)
	if err != nil {
		return disk{}, err
	}
	return d, mount{d.partition(), newRoot, "ext4", syscall.MS_NOATIME, ""}.do()
}

// wantedSignature reads "aloft.disk=1234abcd", the disk signature in the partition table, from a kernel command line.
func wantedSignature(cmdline string) (uint32, error) {
	for _, word := range strings.Fields(cmdline) {
		if hex, ok := strings.CutPrefix(word, "aloft.disk="); ok {
			signature, err := strconv.ParseUint(hex, 16, 32)
			if err != nil {
				return 0, fmt.Errorf("kernel command line: %s is no disk signature in hexadecimal digits", word)
			}
			return uint32(signature), nil
		}
	}
	return 0, fmt.Errorf("the kernel command line has no aloft.disk=SIGNATURE")
}

func awaitDisk(log *console, signature uint32) (disk, error) {
	start := time.Now()
	said := false
	for time.Since(start) < rootDeadline {
		names, err := filepath.Glob("/sys/class/block/vd?")
		if err != nil {
			return disk{}, err
		}
		for _, name := range names {
			d := disk{name: filepath.Base(name)}
			if s, err := diskSignature(d.path()); err == nil && s == signature && exists(d.partition()) {
				return d, nil
			}
		}
		if !said && time.Since(start) > 2*time.Second {
			log.say("root", "waiting for the virtio disk with signature %08x", signature)
			said = true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return disk{}, fmt.Errorf("no virtio disk with signature %08x appeared within %v", signature, rootDeadline)
}

func diskSignature(path string) (uint32, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var sector [512]byte
	if _, err := io.ReadFull(f, sector[:]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(sector[440:444]), nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// switchRoot makes the disk the root of everything and frees the memory of the initramfs; the program goes on running.
func switchRoot() error {
	for _, dir := range []string{"/dev", "/proc", "/sys"} {
		if err := syscall.Mount(dir, newRoot+dir, "", syscall.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s: %w", dir, err)
		}
	}
	for _, path := range []string{"/init", "/modules"} {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("free the initramfs: %w", err)
		}
	}
	if err := os.Chdir(newRoot); err != nil {
		return err
	}
	if err := syscall.Mount(".", "/", "", syscall.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root: %w", err)
	}
	if err := syscall.Chroot("."); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	return os.Chdir("/")
}
