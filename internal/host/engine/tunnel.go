package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	a, err := e.tunnelAddress()
	if err != nil {
		return "", err
	}
	return a.IP.String(), nil
}

// tunnelAddress is the address of the tunnels' device; where its bridge has taken it over, the journal knows it.
func (e *Engines) tunnelAddress() (*netlink.Addr, error) {
	device := e.cfg.TunnelDevice
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

// carryTunnels moves the tunnels' device and its address into the bridge. A switch that was started again has lost the
// address, so it is done every time.
func (e *Engines) carryTunnels(ctx context.Context) error {
	if !e.tunnelBridge() {
		return nil
	}
	device := e.cfg.TunnelDevice
	address, err := e.tunnelAddress()
	if err != nil {
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
	if err != nil || slices.Contains(have, device) {
		return err
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
