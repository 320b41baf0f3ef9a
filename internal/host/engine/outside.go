package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/command"
)

const forwardFile = "/proc/sys/net/ipv4/ip_forward"

// configure gives the bridges their addresses and lets guests reach what the host reaches.
func (e *Engines) configure(ctx context.Context) error {
	if e.cfg.ControlOnly {
		return nil
	}
	bridge := e.joining().bridge(e.cfg.PhysicalNetwork)
	if err := e.leaveOutside(ctx, bridge); err != nil || bridge == "" {
		return err
	}
	if e.cfg.OutsideCIDR == "-" {
		return e.raise(ctx, bridge)
	}
	address, err := netlink.ParseAddr(e.cfg.OutsideCIDR)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the outside address %q is not like 172.24.4.1/24", e.cfg.OutsideCIDR)
	}
	if err := e.addressOutside(ctx, bridge, address); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the bridge %s could not be given its address %s", bridge, e.cfg.OutsideCIDR)
	}
	if err := e.forward(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the kernel could not be told to forward packets (%s)", forwardFile)
	}
	if err := e.masquerade(ctx, bridge, address.IPNet); err != nil {
		return fault.Wrap(fault.Unavailable, err, "guests could not be let out: nftables took no masquerade rule")
	}
	return nil
}

func (e *Engines) addressOutside(ctx context.Context, bridge string, address *netlink.Addr) error {
	link, err := netlink.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("find %s: %w", bridge, err)
	}
	have, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	if !slices.ContainsFunc(have, func(a netlink.Addr) bool { return a.Equal(*address) }) {
		if err := e.journal.change(func(b *before) { b.Address, b.AddressOn = e.cfg.OutsideCIDR, bridge }); err != nil {
			return err
		}
		if err := netlink.AddrReplace(link, address); err != nil {
			return fmt.Errorf("add the address: %w", err)
		}
	}
	return e.raise(ctx, bridge)
}

func (e *Engines) forward() error {
	now, err := os.ReadFile(forwardFile)
	if err != nil || bytes.Equal(bytes.TrimSpace(now), []byte("1")) {
		return err
	}
	if err := e.journal.change(func(b *before) { b.Forward = string(bytes.TrimSpace(now)) }); err != nil {
		return err
	}
	return os.WriteFile(forwardFile, []byte("1\n"), 0o644)
}

// masquerade replaces Aloft's own table at once; no rule of others is touched.
func (e *Engines) masquerade(ctx context.Context, bridge string, outside *net.IPNet) error {
	network := net.IPNet{IP: outside.IP.Mask(outside.Mask), Mask: outside.Mask}
	return nft(ctx, fmt.Sprintf(`add table ip aloft
delete table ip aloft
table ip aloft {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr %s oifname != %q masquerade
	}
}
`, network.String(), bridge))
}

func nft(ctx context.Context, script string) error {
	_, err := command.Feed(ctx, strings.NewReader(script), "nft", "-f", "-")
	return err
}

// restoreHost puts back what configure changed outside the engines.
func (e *Engines) restoreHost(ctx context.Context, b before) error {
	var errs []error
	if _, err := command.Find("nft"); err == nil { // without it nobody has made a table
		errs = append(errs, nft(ctx, "add table ip aloft\ndelete table ip aloft\n"))
	}
	if b.Forward != "" {
		errs = append(errs, os.WriteFile(forwardFile, []byte(b.Forward+"\n"), 0o644))
	}
	if b.KVM != nil {
		if err := b.KVM.apply(kvmNode); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, e.removeAddress(b), restoreTunnel(b))...)
}

// leaveOutside takes the host's address from the bridge that was the outside one before, and closes the way out where there is
// none any more.
func (e *Engines) leaveOutside(ctx context.Context, bridge string) error {
	b, err := e.journal.read()
	if err != nil || b.Address == "" || cmp.Or(b.AddressOn, e.cfg.OutsideBridge) == bridge {
		return err
	}
	if err := e.removeAddress(b); err != nil {
		return err
	}
	if err := nft(ctx, "add table ip aloft\ndelete table ip aloft\n"); err != nil {
		return err
	}
	return e.journal.change(func(b *before) { b.Address, b.AddressOn = "", "" })
}

// removeAddress takes the address from an outside bridge that stays; with a bridge that goes, it goes by itself.
func (e *Engines) removeAddress(b before) error {
	on := cmp.Or(b.AddressOn, e.cfg.OutsideBridge)
	if b.Address == "" || slices.Contains(b.Bridges, on) {
		return nil
	}
	link, err := netlink.LinkByName(on)
	if err != nil {
		if _, gone := errors.AsType[netlink.LinkNotFoundError](err); gone {
			return nil
		}
		return err
	}
	address, err := netlink.ParseAddr(b.Address)
	if err != nil {
		return err
	}
	return netlink.AddrDel(link, address)
}
