package real

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// makeFabric makes the bridges, and the machine's way to the outside network.
func (l Lab) makeFabric() error {
	if err := os.MkdirAll(l.pins(fabricName), 0o711); err != nil {
		return fmt.Errorf("making the fabric: %w", err)
	}
	if path := l.pin(fabricName, "net"); !mounted(path) {
		if err := newNetwork(path); err != nil {
			return fmt.Errorf("making the fabric's namespace: %w", err)
		}
	}
	fabric, handle, err := l.open(fabricName)
	if err != nil {
		return err
	}
	defer fabric.Close()
	defer handle.Close()
	for _, name := range []string{"mgmt", "tunnel", "outside"} {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		if err := handle.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("making the bridge %s: %w", name, err)
		}
		if err := up(handle, name); err != nil {
			return err
		}
	}
	return l.gateway(fabric, handle)
}

// newNetwork mounts a new network namespace on a file.
func newNetwork(path string) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = unix.Mount(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), path, "", unix.MS_BIND, "")
		}
		done <- err
	}()
	return <-done
}

// open opens a node's network namespace.
func (l Lab) open(name string) (netns.NsHandle, *netlink.Handle, error) {
	ns, err := netns.GetFromPath(l.pin(name, "net"))
	if err != nil {
		return 0, nil, fmt.Errorf("opening the network of %s: %w", name, err)
	}
	handle, err := netlink.NewHandleAt(ns)
	if err != nil {
		ns.Close()
		return 0, nil, fmt.Errorf("speaking to the network of %s: %w", name, err)
	}
	return ns, handle, nil
}

// gateway gives the machine an address on the outside network: guests reach it as their way out, and it reaches floating
// addresses and the API.
func (l Lab) gateway(fabric netns.NsHandle, handle *netlink.Handle) error {
	link, err := netlink.LinkByName(gatewayEnd)
	if _, missing := errors.AsType[netlink.LinkNotFoundError](err); missing {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = gatewayEnd
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "o-machine", PeerNamespace: netlink.NsFd(fabric)}); err != nil {
			return fmt.Errorf("making %s: %w", gatewayEnd, err)
		}
		link, err = netlink.LinkByName(gatewayEnd)
	}
	if err != nil {
		return fmt.Errorf("finding %s: %w", gatewayEnd, err)
	}
	if err := plugIn(handle, "o-machine", "outside"); err != nil {
		return err
	}
	address, err := netlink.ParseAddr(OutsideCIDR)
	if err != nil {
		return err
	}
	if err := netlink.AddrReplace(link, address); err != nil {
		return fmt.Errorf("giving %s the address %s: %w", gatewayEnd, address.IPNet, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("setting %s up: %w", gatewayEnd, err)
	}
	return completeChecksums(exec.Command("ethtool", "-K", gatewayEnd, "tx", "off"))
}

func removeGateway() error {
	link, err := netlink.LinkByName(gatewayEnd)
	if err == nil {
		err = netlink.LinkDel(link)
	}
	_, missing := errors.AsType[netlink.LinkNotFoundError](err)
	if err != nil && !missing && !errors.Is(err, unix.ENODEV) { // it goes with the fabric by itself
		return fmt.Errorf("removing %s: %w", gatewayEnd, err)
	}
	return nil
}

// wire connects a node to the fabric.
func (l Lab) wire(name string) error {
	fabric, far, err := l.open(fabricName)
	if err != nil {
		return err
	}
	defer fabric.Close()
	defer far.Close()
	ns, near, err := l.open(name)
	if err != nil {
		return err
	}
	defer ns.Close()
	defer near.Close()
	for _, c := range cables(name) {
		if err := l.connect(name, c, near, far, fabric); err != nil {
			return fmt.Errorf("connecting %s of %s: %w", c.device, name, err)
		}
	}
	return nil
}

func (l Lab) connect(name string, c cable, near, far *netlink.Handle, fabric netns.NsHandle) error {
	if _, err := far.LinkByName(c.far); err == nil {
		return nil // made before; what the node has done with its end since is its own
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = c.device
	if err := near.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: c.far, PeerNamespace: netlink.NsFd(fabric)}); err != nil {
		return fmt.Errorf("making it: %w", err)
	}
	link, err := near.LinkByName(c.device)
	if err != nil {
		return err
	}
	if c.address != "" {
		address, err := netlink.ParseAddr(c.address)
		if err != nil {
			return err
		}
		if err := near.AddrReplace(link, address); err != nil {
			return fmt.Errorf("giving it the address %s: %w", c.address, err)
		}
	}
	if err := near.LinkSetUp(link); err != nil {
		return err
	}
	if err := plugIn(far, c.far, c.bridge); err != nil {
		return err
	}
	if c.bridge != "outside" {
		return nil
	}
	return completeChecksums(exec.Command("nsenter", "--net="+l.pin(name, "net"), "ethtool", "-K", c.device, "tx", "off"))
}

// completeChecksums turns checksum offload off: at the other end may be a switch in user space, which passes on what is
// incomplete.
func completeChecksums(ethtool *exec.Cmd) error {
	if out, err := ethtool.CombinedOutput(); err != nil {
		return fmt.Errorf("turning checksum offload off: %w: %s", err, out)
	}
	return nil
}

func plugIn(handle *netlink.Handle, device, bridge string) error {
	link, err := handle.LinkByName(device)
	if err != nil {
		return fmt.Errorf("finding %s: %w", device, err)
	}
	master, err := handle.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("finding the bridge %s: %w", bridge, err)
	}
	if err := handle.LinkSetMaster(link, master); err != nil {
		return fmt.Errorf("plugging %s into %s: %w", device, bridge, err)
	}
	return up(handle, device)
}

func up(handle *netlink.Handle, device string) error {
	link, err := handle.LinkByName(device)
	if err != nil {
		return fmt.Errorf("finding %s: %w", device, err)
	}
	if err := handle.LinkSetUp(link); err != nil {
		return fmt.Errorf("setting %s up: %w", device, err)
	}
	return nil
}

// cut pulls out all cables of a node, or plugs them in again.
func (l Lab) cut(name string, out bool) error {
	fabric, handle, err := l.open(fabricName)
	if err != nil {
		return err
	}
	defer fabric.Close()
	defer handle.Close()
	for _, c := range cables(name) {
		link, err := handle.LinkByName(c.far)
		if err != nil {
			return fmt.Errorf("finding the cable %s: %w", c.far, err)
		}
		set := handle.LinkSetUp
		if out {
			set = handle.LinkSetDown
		}
		if err := set(link); err != nil {
			return fmt.Errorf("the cable %s: %w", c.far, err)
		}
	}
	return nil
}

// Connected tells whether the cables of a node are plugged in.
func (l Lab) Connected(name string) (bool, error) {
	fabric, handle, err := l.open(fabricName)
	if err != nil {
		return false, err
	}
	defer fabric.Close()
	defer handle.Close()
	for _, c := range cables(name) {
		link, err := handle.LinkByName(c.far)
		if err != nil {
			return false, fmt.Errorf("finding the cable %s: %w", c.far, err)
		}
		if link.Attrs().Flags&unix.IFF_UP == 0 {
			return false, nil
		}
	}
	return true, nil
}

// Partition cuts a node off from all others; what runs on it runs on.
func (l Lab) Partition(name string) error {
	if err := l.Known(name); err != nil {
		return err
	}
	return l.cut(name, true)
}

// Kill is a node's power failing: its cables are dead and its processes are gone, at once.
func (l Lab) Kill(name string) error {
	if err := l.Known(name); err != nil {
		return err
	}
	if err := l.cut(name, true); err != nil {
		return err
	}
	return l.kill(name)
}

// Mend plugs a node's cables in.
func (l Lab) Mend(name string) error {
	if err := l.Known(name); err != nil {
		return err
	}
	return l.cut(name, false)
}

// Make makes the fabric, the control node and a number of hosts, without anything that runs on them.
func (l Lab) Make(ctx context.Context, hosts int) error {
	if err := l.settle(); err != nil {
		return err
	}
	if err := l.makeFabric(); err != nil {
		return err
	}
	names := []string{ControlName}
	for i := 1; i <= hosts; i++ {
		names = append(names, HostName(i))
	}
	for _, name := range names {
		if err := l.makeNode(ctx, name); err != nil {
			return err
		}
		if err := l.wire(name); err != nil {
			return err
		}
	}
	return nil
}
