package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// networkPipe is where the DHCP client's script (rootfs/default.script) writes a line for each address.
const networkPipe = "/run/aloft-network"

// dhcpClient is BusyBox's DHCP client, which also renews: it asks for the MTU and the classless routes in addition to
// what it asks for by itself.
func dhcpClient(name string) command {
	return command{argv: []string{
		"/bin/udhcpc", "-f", "-i", name, "-s", "/usr/share/udhcpc/default.script",
		"-O", "mtu", "-O", "staticroutes", "-t", "5", "-T", "1", "-A", "1", "-S",
	}}
}

// listenForAddresses makes the pipe and sends "eth0 10.0.0.5" when an interface got an address. The pipe is open for
// writing too, so that a writer that comes and goes does not end it.
func listenForAddresses(path string) (<-chan string, error) {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, fmt.Errorf("pipe %s: %w", path, err)
	}
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	addresses := make(chan string, 16)
	go func() {
		defer pipe.Close()
		defer close(addresses)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			select {
			case addresses <- lines.Text():
			default: // nobody waits for the first address any more
			}
		}
	}()
	return addresses, nil
}

// setHostname sets the kernel's name and the files that name the machine.
func setHostname(log *console, name string) {
	if name == "" {
		return
	}
	err := syscall.Sethostname([]byte(name))
	if err == nil {
		err = os.WriteFile("/etc/hostname", []byte(name+"\n"), 0o644)
	}
	if err == nil {
		hosts := "127.0.0.1 localhost\n127.0.1.1 " + strings.TrimSpace(name) + "\n::1 localhost ip6-localhost\n"
		err = os.WriteFile("/etc/hosts", []byte(hosts), 0o644)
	}
	if err != nil {
		log.say("network", "host name %s not set: %v", name, err)
	}
}
