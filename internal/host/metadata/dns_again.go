package metadata

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// OVN answers plain questions only: one with extensions (EDNS, RFC 6891), as systemd-resolved and Go ask them, comes here
// even where OVN knows the name; and one for an IPv6 address does where the name has only IPv4 ones, which the host's
// resolvers would say does not exist. Such questions are asked of OVN again, in plain words: it looks at each that a
// port sends anywhere, so they are sent to an address that nobody has.

const (
	nobody = "169.254.169.253"
	// nobodyMAC spares a search for it; it is a locally administered one.
	nobodyMAC = "02:00:a9:fe:a9:fd"
	// againPatience is how long OVN, which is on this host, may take before a name is taken for one that it does not know.
	againPatience = 250 * time.Millisecond
)

// The types of DNS records that matter here.
const (
	typeA    = 1
	typeAAAA = 28
)

// ensureNobody makes the address of nobody be behind a device.
func ensureNobody(in *netlink.Handle, link netlink.Link) error {
	mac, err := net.ParseMAC(nobodyMAC)
	if err != nil {
		return err
	}
	ip := net.ParseIP(nobody).To4()
	neighbour := &netlink.Neigh{LinkIndex: link.Attrs().Index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: ip, HardwareAddr: mac}
	if err := in.NeighSet(neighbour); err != nil {
		return fmt.Errorf("add the neighbour %s: %w", nobody, err)
	}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: &net.IPNet{IP: ip, Mask: net.CIDRMask(32, 32)}}
	if err := in.RouteReplace(route); err != nil {
		return fmt.Errorf("add a route to %s: %w", nobody, err)
	}
	return nil
}

// dialNobody opens a connection on which OVN can be asked, in a named namespace.
func dialNobody(ctx context.Context, space string) (c net.Conn, err error) {
	ns, err := netns.GetFromPath(filepath.Join(spaceDir, space))
	if err != nil {
		return nil, fmt.Errorf("open namespace %s: %w", space, err)
	}
	defer ns.Close()
	err = inside(ns, func() error {
		c, err = (&net.Dialer{}).DialContext(ctx, "udp4", net.JoinHostPort(nobody, "53"))
		return err
	})
	return c, err
}

// plain are the questions to ask of OVN again for one, and whether only the first one's answer answers it: the other one
// tells that the name exists. It is empty where OVN has seen it as it is.
func plain(question []byte) [][]byte {
	end, kind, ok := questionEnd(question)
	if !ok {
		return nil
	}
	of := func(kind uint16, id byte) []byte {
		q := append([]byte(nil), question[:end]...)
		q[0], q[1] = 0, id
		q[2], q[3] = q[2]&1, 0                          // nothing but whether recursion is desired
		copy(q[6:dnsHeader], make([]byte, dnsHeader-6)) // no records but the question
		binary.BigEndian.PutUint16(q[end-4:], kind)
		return q
	}
	var out [][]byte
	if binary.BigEndian.Uint16(question[10:]) > 0 {
		out = append(out, of(kind, answersIt))
	}
	if kind == typeAAAA {
		out = append(out, of(typeA, nameExists))
	}
	return out
}

// What an answer of OVN's means, by the second byte of its id.
const (
	answersIt  = 1
	nameExists = 2
)

// questionEnd is where the one question of a message ends, and the type that it asks for.
func questionEnd(m []byte) (end int, kind uint16, ok bool) {
	if len(m) < dnsHeader || binary.BigEndian.Uint16(m[4:]) != 1 {
		return 0, 0, false
	}
	at := dnsHeader
	for at < len(m) && m[at] != 0 {
		if m[at] > 63 { // a pointer, which a question has no use for
			return 0, 0, false
		}
		at += int(m[at]) + 1
	}
	end = at + 5
	if end > len(m) {
		return 0, 0, false
	}
	return end, binary.BigEndian.Uint16(m[end-4:]), true
}

// askOVN asks again; it fails where OVN does not know the name.
func (f *forwarder) askOVN(ctx context.Context, question []byte) ([]byte, error) {
	again := plain(question)
	if len(again) == 0 || f.ovn == nil {
		return nil, errors.New("OVN has seen this question")
	}
	c, err := f.ovn(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(againPatience)); err != nil {
		return nil, err
	}
	for _, q := range again {
		if _, err := c.Write(q); err != nil {
			return nil, err
		}
	}
	var empty []byte
	for range again {
		answer := make([]byte, dnsMessage)
		n, err := c.Read(answer)
		if err != nil || n < dnsHeader {
			break
		}
		if answer[1] == answersIt {
			answer[0], answer[1] = question[0], question[1]
			return answer[:n], nil
		}
		end, _, _ := questionEnd(question)
		empty = append([]byte(nil), question[:end]...)
		empty[2], empty[3] = empty[2]|0x84, 0 // a response of who has authority, without an error
		copy(empty[6:dnsHeader], make([]byte, dnsHeader-6))
		if err := c.SetReadDeadline(time.Now().Add(againPatience / 10)); err != nil { // both were asked at once
			return nil, err
		}
	}
	if empty == nil {
		return nil, errors.New("OVN does not know the name")
	}
	return empty, nil
}
