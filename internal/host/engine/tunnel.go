package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/command"
)

// TunnelBridge carries the tunnels where Open vSwitch's datapath is in user space: that finds the way for a tunnel's
// packets among its own bridges only, so the device and its address have to be there.
const TunnelBridge = "br-tunnel"

func (e *Engines) tunnelBridge() bool { return e.cfg.TunnelDevice != "" && !KernelDatapath() }

// encapIP is this host's address for tunnels.
func (e *Engines) encapIP() (string, error) {
	if e.cfg.TunnelDevice == "" {
		return e.cfg.EncapIP, nil
	}
	a, err := e.tunnelAddress(e.cfg.TunnelDevice)
	if err != nil {
		return "", err
	}
	return a.IP.String(), nil
}

// tunnelAddress is the address of the tunnels' device; where its bridge has taken it over, the journal knows it.
func (e *Engines) tunnelAddress(device string) (*netlink.Addr, error) {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the device %s for tunnels is not there (--tunnel-device)", device)
	}
	have, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list the addresses of %s: %w", device, err)
	}
	if len(have) > 0 {
		return &netlink.Addr{IPNet: have[0].IPNet}, nil
	}
	b, err := e.journal.read()
	if err != nil {
		return nil, err
	}
	if b.Tunnel == nil || b.Tunnel.Device != device {
		return nil, fault.New(fault.Invalid, "the device %s for tunnels has no IPv4 address (--tunnel-device)", device)
	}
	return netlink.ParseAddr(b.Tunnel.Address)
}

// tunnelEnd is this host's address for tunnels, and the device that the tunnels' bridge has to take over; empty: none. wanted is
// what was set through the API; empty: nothing.
func (e *Engines) tunnelEnd(ctx context.Context, wanted string) (address, device string, err error) {
	if wanted == "" {
		if e.tunnelBridge() {
			device = e.cfg.TunnelDevice
		}
		address, err = e.encapIP()
		return address, device, err
	}
	if b, err := e.journal.read(); err != nil || b.Tunnel != nil && strings.HasPrefix(b.Tunnel.Address, wanted+"/") {
		if err != nil {
			return "", "", err
		}
		return wanted, b.Tunnel.Device, nil
	}
	holder, err := holderOf(wanted)
	if err != nil || KernelDatapath() {
		return wanted, "", err
	}
	have, err := bridges(ctx)
	if err != nil || slices.Contains(have, holder.Attrs().Name) {
		return wanted, "", err
	}
	return wanted, holder.Attrs().Name, mayBeCarried(holder)
}

// holderOf is the device of this host that has an address.
func holderOf(address string) (netlink.Link, error) {
	all, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list the addresses: %w", err)
	}
	for _, a := range all {
		if a.IP.String() == address {
			return netlink.LinkByIndex(a.LinkIndex)
		}
	}
	return nil, fault.New(fault.Invalid, "no device of this host has the address %s for tunnels", address)
}

// mayBeCarried refuses a device by which this host reaches more than the other ends of its tunnels: in a bridge it would lose
// that.
func mayBeCarried(link netlink.Link) error {
	name := link.Attrs().Name
	addresses, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list the addresses of %s: %w", name, err)
	}
	routes, err := netlink.RouteList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list the routes of %s: %w", name, err)
	}
	if len(addresses) > 1 || slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Gw != nil }) {
		return fault.New(fault.Conflict, "the device %s has other addresses, or routes by a gateway, which it would lose in the bridge %s: "+
			"take the address of a device that has nothing else to do, or load the kernel's openvswitch module, which needs no bridge", name, TunnelBridge)
	}
	return nil
}

// carryTunnels moves the tunnels' device and its address into the bridge, and another one that was there out of it. A switch that
// was started again has lost the address, so it is done every time.
func (e *Engines) carryTunnels(ctx context.Context, device string) error {
	if err := e.dropTunnel(ctx, device); err != nil || device == "" {
		return err
	}
	address, err := e.tunnelAddress(device)
	if err != nil {
		return err
	}
	if err := e.ensureBridge(ctx, TunnelBridge); err != nil {
		return err
	}
	if err := e.journal.noteTunnel(device, address.IPNet.String()); err != nil {
		return err
	}
	if err := e.plug(ctx, TunnelBridge, device); err != nil {
		return err
	}
	bridge, err := netlink.LinkByName(TunnelBridge)
	if err != nil {
		return fmt.Errorf("find %s: %w", TunnelBridge, err)
	}
	link, err := netlink.LinkByName(device)
	if err != nil {
		return fmt.Errorf("find %s: %w", device, err)
	}
	have, err := netlink.AddrList(bridge, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list the addresses of %s: %w", TunnelBridge, err)
	}
	if !slices.ContainsFunc(have, func(a netlink.Addr) bool { return a.Equal(*address) }) {
		if err := netlink.AddrReplace(bridge, address); err != nil {
			return fmt.Errorf("give %s the address %s: %w", TunnelBridge, address.IPNet, err)
		}
		if err := e.raise(ctx, TunnelBridge); err != nil {
			return err
		}
	}
	old, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list the addresses of %s: %w", device, err)
	}
	for _, a := range old { // what stays would be a second way to the same network
		if err := netlink.AddrDel(link, &a); err != nil {
			return fmt.Errorf("take the address %s from %s: %w", a.IPNet, device, err)
		}
	}
	return nil
}

// dropTunnel gives the device its address back that the tunnels' bridge has, unless it is the one that it should have.
func (e *Engines) dropTunnel(ctx context.Context, unless string) error {
	b, err := e.journal.read()
	if err != nil || b.Tunnel == nil || b.Tunnel.Device == unless {
		return err
	}
	if err := e.unplug(ctx, b.Tunnel.Device); err != nil {
		return err
	}
	if err := restoreTunnel(b); err != nil {
		return err
	}
	return e.journal.change(func(b *before) { b.Tunnel = nil })
}

// noteTunnel writes down what the device had, the first time.
func (j journal) noteTunnel(device, address string) error {
	b, err := j.read()
	if err != nil || b.Tunnel != nil && b.Tunnel.Device == device && b.Tunnel.Address == address {
		return err
	}
	return j.change(func(b *before) { b.Tunnel = &deviceAddress{device, address} })
}

// restoreTunnel gives the device its address back.
func restoreTunnel(b before) error {
	if b.Tunnel == nil {
		return nil
	}
	link, err := netlink.LinkByName(b.Tunnel.Device)
	if err != nil {
		if _, gone := errors.AsType[netlink.LinkNotFoundError](err); gone {
			return nil
		}
		return err
	}
	address, err := netlink.ParseAddr(b.Tunnel.Address)
	if err != nil {
		return err
	}
	// The same network must not be at two devices, or what is sent takes either.
	if bridge, err := netlink.LinkByName(TunnelBridge); err == nil {
		_ = netlink.AddrDel(bridge, address) // with the bridge it goes in any case
	}
	return netlink.AddrReplace(link, address)
}

// plug puts a device of the host into a bridge.
func (e *Engines) plug(ctx context.Context, bridge, device string) error {
	if _, err := netlink.LinkByName(device); err != nil {
		return fault.Wrap(fault.Invalid, err, "the device %s for the bridge %s is not there", device, bridge)
	}
	have, err := texts(ctx, ovsSocket, "Open_vSwitch", "Port", "name")
	if err != nil {
		return err
	}
	if slices.Contains(have, device) {
		at, err := command.Vsctl(ctx, "port-to-br", device)
		if at = strings.TrimSpace(at); err != nil || at == bridge {
			return err
		}
		b, err := e.journal.read()
		if err != nil {
			return err
		}
		if !slices.Contains(b.Ports, device) {
			return fault.New(fault.Conflict, "the device %s for the bridge %s is in the bridge %s already, where somebody else has put it", device, bridge, at)
		}
		if err := e.unplug(ctx, device); err != nil {
			return err
		}
	}
	if err := e.journal.change(func(b *before) {
		if !slices.Contains(b.Ports, device) {
			b.Ports = append(b.Ports, device)
		}
	}); err != nil {
		return err
	}
	if _, err := command.Vsctl(ctx, "--may-exist", "add-port", bridge, device); err != nil {
		return err
	}
	return e.raise(ctx, device)
}

// unplug takes a device out of its bridge that Aloft has put there.
func (e *Engines) unplug(ctx context.Context, device string) error {
	if _, err := command.Vsctl(ctx, "--if-exists", "del-port", device); err != nil {
		return err
	}
	return e.journal.change(func(b *before) {
		b.Ports = slices.DeleteFunc(b.Ports, func(p string) bool { return p == device })
	})
}

// raise sets a device up, and has its checksums computed at once: the datapath in user space leaves those that the kernel
// has put off as they are, which is wrong.
func (e *Engines) raise(ctx context.Context, device string) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return fmt.Errorf("find %s: %w", device, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", device, err)
	}
	if KernelDatapath() {
		return nil
	}
	_, err = command.Run(ctx, "ethtool", "-K", device, "tx", "off")
	return err
}
