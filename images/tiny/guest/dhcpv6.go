package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// BusyBox in Debian has no client for DHCPv6 (RFC 8415), so this is one, for addresses and DNS servers. The kernel does the
// rest of IPv6: it asks for routers, and makes addresses and routes of what they announce.

const (
	clientPort = 546
	serverPort = 547
	forever    = 1<<32 - 1 // of a lease's times, in seconds
)

// The messages and options that are used.
const (
	solicit, advertise, request, reply = 1, 2, 3, 7

	optionClientID, optionServerID, optionAddresses, optionAddress = 1, 2, 3, 5
	optionAsked, optionElapsed, optionDNS                          = 6, 8, 23
)

// lease6 is what a server gives an interface.
type lease6 struct {
	server  []byte // its identity
	address netip.Addr
	dns     []string
	renew   time.Duration // after which to ask again; 0: never
}

// dhcp6 asks for one interface.
type dhcp6 struct {
	conn net.PacketConn
	to   net.Addr // all servers
	mac  net.HardwareAddr
}

// ask sends a message and waits for the answer of a kind. With a lease it asks for just that.
func (c *dhcp6) ask(kind, wanted byte, l lease6, within time.Duration) (lease6, error) {
	transaction := rand.Uint32() & 0xffffff
	if _, err := c.conn.WriteTo(c.message(kind, transaction, l), c.to); err != nil {
		return lease6{}, fmt.Errorf("DHCPv6: %w", err)
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return lease6{}, err
	}
	buf := make([]byte, 2048)
	for {
		n, _, err := c.conn.ReadFrom(buf)
		if err != nil {
			return lease6{}, fmt.Errorf("DHCPv6: %w", err)
		}
		if l, err := c.read(buf[:n], wanted, transaction); err == nil {
			return l, nil
		}
	}
}

// identity is the client's (DUID-LL).
func (c *dhcp6) identity() []byte { return append([]byte{0, 3, 0, 1}, c.mac...) }

func (c *dhcp6) message(kind byte, transaction uint32, l lease6) []byte {
	option := func(code uint16, data []byte) []byte {
		head := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, code), uint16(len(data)))
		return append(head, data...)
	}
	association := append(slices.Clone(c.mac[len(c.mac)-4:]), make([]byte, 8)...) // its number, and times that the server chooses
	if l.address.IsValid() {
		association = append(association, option(optionAddress, append(l.address.AsSlice(), make([]byte, 8)...))...)
	}
	out := append(binary.BigEndian.AppendUint32(nil, uint32(kind)<<24|transaction), option(optionClientID, c.identity())...)
	if l.server != nil {
		out = append(out, option(optionServerID, l.server)...)
	}
	return slices.Concat(out, option(optionAddresses, association), option(optionAsked, []byte{0, optionDNS}), option(optionElapsed, []byte{0, 0}))
}

// options calls a function with each option, in order, until it returns an error.
func options(data []byte, each func(code uint16, value []byte) error) error {
	for len(data) > 0 {
		if len(data) < 4 || len(data) < 4+int(binary.BigEndian.Uint16(data[2:])) {
			return errors.New("DHCPv6: an option is cut off")
		}
		end := 4 + binary.BigEndian.Uint16(data[2:])
		if err := each(binary.BigEndian.Uint16(data), data[4:end]); err != nil {
			return err
		}
		data = data[end:]
	}
	return nil
}

// read reads an answer. It fails for one that is another's, or has no address.
func (c *dhcp6) read(data []byte, wanted byte, transaction uint32) (lease6, error) {
	var l lease6
	if len(data) < 4 || binary.BigEndian.Uint32(data) != uint32(wanted)<<24|transaction {
		return l, errors.New("DHCPv6: not the answer")
	}
	mine := false
	err := options(data[4:], func(code uint16, value []byte) error {
		switch {
		case code == optionClientID:
			mine = slices.Equal(value, c.identity())
		case code == optionServerID:
			l.server = slices.Clone(value)
		case code == optionDNS:
			for one := range slices.Chunk(value, net.IPv6len) {
				if a, ok := netip.AddrFromSlice(one); ok && a.Is6() {
					l.dns = append(l.dns, a.String())
				}
			}
		case code == optionAddresses && len(value) >= 12:
			return l.readAssociation(value)
		}
		return nil
	})
	if err == nil && (!mine || l.server == nil || !l.address.IsValid()) {
		err = errors.New("DHCPv6: the answer has no address for this interface")
	}
	return l, err
}

// readAssociation reads the first address that may be used, and when to ask again: when the server says so, or, if it leaves
// that to the client, after half of the time for which the address is preferred.
func (l *lease6) readAssociation(value []byte) error {
	renew := binary.BigEndian.Uint32(value[4:])
	return options(value[12:], func(code uint16, value []byte) error {
		if code != optionAddress || len(value) < 24 || l.address.IsValid() || binary.BigEndian.Uint32(value[20:]) == 0 {
			return nil
		}
		l.address = netip.AddrFrom16([16]byte(value[:16]))
		if preferred := binary.BigEndian.Uint32(value[16:]); renew == 0 && preferred != forever {
			renew = max(preferred/2, 1)
		}
		if renew != forever {
			l.renew = time.Duration(renew) * time.Second
		}
		return nil
	})
}

// exchange asks once for an address, with some patience for each of the two answers.
func (c *dhcp6) exchange(patience time.Duration) (lease6, error) {
	offer, err := c.ask(solicit, advertise, lease6{}, patience)
	if err != nil {
		return offer, err
	}
	return c.ask(request, reply, offer, patience)
}

// openDHCP6 opens the client's port of an interface, which needs its link-local address.
func openDHCP6(i *net.Interface) (*dhcp6, error) {
	addresses, err := i.Addrs()
	if err != nil {
		return nil, err
	}
	if len(i.HardwareAddr) == 0 {
		return nil, fmt.Errorf("%s has no MAC to be known by", i.Name)
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
			conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: p.Addr().AsSlice(), Port: clientPort, Zone: i.Name})
			if err != nil {
				return nil, err
			}
			return &dhcp6{conn: conn, to: &net.UDPAddr{IP: net.ParseIP("ff02::1:2"), Port: serverPort, Zone: i.Name}, mac: i.HardwareAddr}, nil
		}
	}
	return nil, fmt.Errorf("%s has no link-local address", i.Name)
}

// keepLease keeps the address of an interface for as long as that is there.
func (m *machine) keepLease(ctx context.Context, name string) {
	const most = 2 * time.Minute
	var last netip.Addr
	for patience := time.Second; ctx.Err() == nil; {
		l, err := leaseOf(name, patience)
		if err != nil {
			patience = min(2*patience, most)
			if !errors.Is(err, os.ErrDeadlineExceeded) { // such as an address that is not ready
				pause(ctx, time.Second)
			}
			continue
		}
		patience = time.Second
		if l.address != last {
			m.log.say("network", "DHCPv6: address %s on %s", l.address, name)
		}
		event := []string{"interface=" + name, "ipv6=" + l.address.String(), "dns=" + strings.Join(l.dns, " ")}
		if last.IsValid() && last != l.address {
			event = append(event, "old="+last.String())
		}
		if err := m.processes.run(command{argv: []string{"/usr/share/udhcpc/default.script", "bound6"}, more: event}); err != nil {
			m.log.say("network", "DHCPv6 on %s: %v", name, err)
		}
		last = l.address
		if l.renew == 0 {
			return
		}
		pause(ctx, l.renew)
	}
}

func leaseOf(name string, patience time.Duration) (lease6, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return lease6{}, err
	}
	c, err := openDHCP6(i)
	if err != nil {
		return lease6{}, err
	}
	defer func() { _ = c.conn.Close() }() // it sends nothing any more
	return c.exchange(patience)
}

// pause sleeps until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// serveDHCP6 asks for the address of every interface on which a router says that there is a server, when it says so first.
func (m *machine) serveDHCP6(ctx context.Context) error {
	const ifinfo = 0x800 // RTMGRP_IPV6_IFINFO
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("what routers say: %w", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK, Groups: ifinfo}); err != nil {
		return fmt.Errorf("what routers say: %w", err)
	}
	go func() {
		serving := map[int32]context.CancelFunc{}
		buf := make([]byte, 16<<10)
		for {
			n, _, err := syscall.Recvfrom(fd, buf, 0)
			if err != nil {
				if errors.Is(err, syscall.EINTR) || errors.Is(err, syscall.ENOBUFS) {
					continue
				}
				return
			}
			messages, err := syscall.ParseNetlinkMessage(buf[:n])
			if err != nil {
				continue // of a kind that is not known here
			}
			for i := range messages {
				l := parseLink6(&messages[i])
				stop := serving[l.index]
				switch {
				case l.gone && stop != nil:
					stop()
					delete(serving, l.index)
				case l.managed && stop == nil:
					inner, cancel := context.WithCancel(ctx)
					serving[l.index] = cancel
					go m.keepLease(inner, l.name)
				}
			}
		}
	}()
	return nil
}

// link6 is what the kernel says about IPv6 on an interface.
type link6 struct {
	index   int32
	name    string
	managed bool // a router says that addresses are given by DHCPv6
	gone    bool
}

func parseLink6(message *syscall.NetlinkMessage) (l link6) {
	const (
		protocolInfo = 12   // IFLA_PROTINFO
		inet6Flags   = 1    // IFLA_INET6_FLAGS, the first thing in it
		isManaged    = 0x40 // IF_RA_MANAGED
	)
	kind := message.Header.Type
	if len(message.Data) < syscall.SizeofIfInfomsg || kind != syscall.RTM_NEWLINK && kind != syscall.RTM_DELLINK {
		return l
	}
	l.index, l.gone = int32(binary.NativeEndian.Uint32(message.Data[4:])), kind == syscall.RTM_DELLINK
	attributes, err := syscall.ParseNetlinkRouteAttr(message)
	if err != nil {
		return l
	}
	for _, a := range attributes {
		switch a.Attr.Type &^ 0x8000 { // NLA_F_NESTED
		case syscall.IFLA_IFNAME:
			l.name = strings.TrimRight(string(a.Value), "\x00")
		case protocolInfo:
			if v := a.Value; len(v) >= 8 && binary.NativeEndian.Uint16(v[2:]) == inet6Flags {
				l.managed = binary.NativeEndian.Uint32(v[4:])&isManaged != 0
			}
		}
	}
	return l
}
