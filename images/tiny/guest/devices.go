package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// device is something that came or went while the machine runs: a network interface or a virtio port.
type device struct {
	class string // the kernel's subsystem: "net", "virtio-ports"
	name  string // "eth1", "vport1p1"
	gone  bool
}

const (
	classNet   = "net"
	classPorts = "virtio-ports"
)

// watchDevices listens to the kernel's own events (there is no udev). It must be called before the drivers are loaded,
// so that no device falls between.
func watchDevices() (<-chan device, error) {
	const kobjectUevent = 15 // NETLINK_KOBJECT_UEVENT
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, kobjectUevent)
	if err != nil {
		return nil, fmt.Errorf("device events: %w", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK, Groups: 1}); err != nil {
		return nil, fmt.Errorf("device events: %w", err)
	}
	devices := make(chan device, 16)
	go func() {
		for _, class := range []string{classNet, classPorts} {
			for _, path := range present(class) {
				devices <- device{class: class, name: filepath.Base(path)}
			}
		}
		buf := make([]byte, 16<<10)
		for {
			n, _, err := syscall.Recvfrom(fd, buf, 0)
			if err != nil {
				if errors.Is(err, syscall.EINTR) || errors.Is(err, syscall.ENOBUFS) {
					continue
				}
				close(devices)
				return
			}
			if d, ok := parseUevent(buf[:n]); ok {
				devices <- d
			}
		}
	}()
	return devices, nil
}

func present(class string) []string {
	paths, _ := filepath.Glob("/sys/class/" + class + "/*") // the pattern is well formed, the only error there is
	return paths
}

// parseUevent reads a kernel event: "add@/devices/…" and then KEY=value, each ended by a zero byte.
func parseUevent(message []byte) (device, bool) {
	values := map[string]string{}
	for field := range bytes.SplitSeq(message, []byte{0}) {
		if key, value, ok := strings.Cut(string(field), "="); ok {
			values[key] = value
		}
	}
	d := device{class: values["SUBSYSTEM"], name: filepath.Base(values["DEVPATH"]), gone: values["ACTION"] == "remove"}
	known := d.class == classNet || d.class == classPorts
	return d, known && (d.gone || values["ACTION"] == "add")
}

// serveDevices runs a DHCP client for every network interface and the guest agent for its port, for as long as the
// device is there.
func (m *machine) serveDevices(ctx context.Context, devices <-chan device) {
	serving := map[device]context.CancelFunc{}
	for {
		select {
		case <-ctx.Done():
			return
		case d, ok := <-devices:
			if !ok {
				m.log.say("devices", "the kernel ended its events; new devices are not seen any more")
				return
			}
			key := device{class: d.class, name: d.name}
			stop := serving[key]
			switch {
			case d.gone && stop != nil:
				stop()
				delete(serving, key)
			case !d.gone && stop == nil:
				if c, ok := serviceFor(key); ok {
					inner, cancel := context.WithCancel(ctx)
					serving[key] = cancel
					go m.processes.keep(inner, m.log, key.name, c)
				}
			}
		}
	}
}

// serviceFor is the program that serves a device.
func serviceFor(d device) (command, bool) {
	switch d.class {
	case classNet:
		if d.name == "lo" {
			return command{}, false
		}
		return dhcpClient(d.name), true
	case classPorts:
		name, err := os.ReadFile("/sys/class/virtio-ports/" + d.name + "/name")
		if err != nil || strings.TrimSpace(string(name)) != agentPort {
			return command{}, false
		}
		return command{argv: []string{"/usr/sbin/qemu-ga", "-m", "virtio-serial", "-p", "/dev/" + d.name, "-t", "/run"}}, true
	}
	return command{}, false
}

// agentPort is the name libvirt and QEMU give the virtio port of the guest agent.
const agentPort = "org.qemu.guest_agent.0"
