// Command guest is the first process (init) of the test image aloft-tiny. It stays process 1 from the initramfs to
// power-off: it loads the few kernel modules, mounts and grows the root disk, brings the network up by DHCP, asks the
// metadata service who it is, runs the ssh server and the agents, reaps, and shuts down when the power button is
// pressed.
//
// It uses nothing but the standard library, because the builder (package tiny) compiles it from sources that are
// embedded in the aloft binary, where no module cache need exist. The steps are a file each; this file is the order:
//
//	kernel → modules → root disk → ┬ grow the root file system
//	                               ├ power button, signals
//	                               └ DHCP → metadata → host name, keys, host key → ssh → user data
//
// Every step prints one line on the console when it is done, with the seconds since the kernel started.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// patience is how long the boot waits for metadata before it starts the ssh server without.
const patience = 10 * time.Second

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: this is the init program of the image aloft-tiny; it only runs as process 1")
		os.Exit(2)
	}
	log := newConsole(os.Stdout)
	log.say("init", "cannot go on: %v; powering off", run(log))
	end(log, syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

// run boots the machine and serves it until somebody asks for its end; it returns only when it cannot boot.
func run(log *console) error {
	if err := mountKernelFilesystems(); err != nil {
		return err
	}
	if err := loadModules("/modules", "disk"); err != nil {
		return err
	}
	disk, err := mountRoot(log, "/proc/cmdline")
	if err != nil {
		return err
	}
	late, err := readModules("/modules", "late")
	if err != nil {
		return err
	}
	if err := switchRoot(); err != nil {
		return err
	}
	log.say("root", "mounted %s", disk.partition())

	ctx, stop := context.WithCancel(context.Background())
	m := &machine{log: log, processes: newProcesses(), disk: disk, ended: make(chan int, 1)}
	m.processes.reap(ctx)
	m.watchSignals(ctx)
	if err := m.bringUp(ctx, late); err != nil {
		stop()
		return err
	}
	how := <-m.ended
	stop()
	m.shutDown(how)
	return errors.New("the kernel refused to end")
}

// machine is what the steps share.
type machine struct {
	log       *console
	processes *processes
	disk      disk
	ended     chan int // how to end, an argument of reboot(2)
}

// bringUp starts every service; what takes long runs in the background, in the order that gives ssh the earliest.
func (m *machine) bringUp(ctx context.Context, late []module) error {
	if err := mountRunFilesystems(); err != nil {
		return err
	}
	store := instanceStore{root: "/"}
	setHostname(m.log, store.hostname())
	devices, err := watchDevices()
	if err != nil {
		return err
	}
	addresses, err := listenForAddresses(networkPipe)
	if err != nil {
		return err
	}
	if err := m.serveDHCP6(ctx); err != nil {
		return err
	}
	if err := insertModules(late); err != nil {
		m.log.say("modules", "%v", err)
	}
	if err := m.processes.run(command{argv: []string{"/bin/ip", "link", "set", "lo", "up"}}); err != nil {
		m.log.say("network", "loopback: %v", err)
	}
	m.watchPowerButton()
	go m.serveDevices(ctx, devices)
	hostKeys := make(chan struct{})
	go func() {
		defer close(hostKeys)
		if err := m.ensureHostKeys(); err != nil {
			m.log.say("ssh", "no host keys: %v", err)
		}
	}()
	go func() {
		if err := grow(m.log, m.disk); err != nil {
			m.log.say("root", "not grown: %v", err)
		}
	}()
	go m.personalise(ctx, store, addresses, hostKeys)
	return nil
}

// personalise learns who this machine is and starts the ssh server; without an answer ssh starts after patience and
// the questions go on in the background.
func (m *machine) personalise(ctx context.Context, store instanceStore, addresses <-chan string, hostKeys <-chan struct{}) {
	found := make(chan instance, 1)
	go func() {
		inst, err := awaitMetadata(ctx, m.log, newMetadataClient(metadataURL), addresses)
		if err != nil {
			m.log.say("metadata", "none: %v; no ssh key is installed", err)
			return
		}
		found <- inst
	}()
	select {
	case inst := <-found:
		<-hostKeys
		result := m.become(store, inst)
		m.startSSH(ctx)
		m.runUserData(result.userData)
	case <-time.After(patience):
		<-hostKeys
		m.log.say("metadata", "no answer for %v: going on without", patience)
		stop := m.startSSH(ctx)
		select {
		case inst := <-found:
			result := m.become(store, inst)
			if result.changed { // the keys that it has read are another machine's
				stop()
				m.startSSH(ctx)
			}
			m.runUserData(result.userData)
		case <-ctx.Done():
		}
	}
}

// become applies the metadata and returns what is to be done about it now.
func (m *machine) become(store instanceStore, inst instance) applied {
	setHostname(m.log, inst.shortName())
	result, err := store.apply(inst)
	if err != nil {
		m.log.say("metadata", "not applied in full: %v", err)
	}
	if result.changed {
		if err := m.renewHostKeys(); err != nil {
			m.log.say("ssh", "host keys not renewed: %v", err)
		}
	}
	m.log.say("metadata", "instance %s, host name %s, %d ssh keys", inst.ID, inst.shortName(), len(inst.Keys))
	return result
}
