package main

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestDHCP6 asks a server that answers another's message first, then offers, and gives.
func TestDHCP6(t *testing.T) {
	listen := func() net.PacketConn {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0") // messages are the same, and every machine has it
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	server := listen()
	c := &dhcp6{conn: listen(), to: server.LocalAddr(), mac: net.HardwareAddr{0xfa, 0x16, 0x3e, 1, 2, 3}}
	address := netip.MustParseAddr("fd00::5")
	identity := []byte{0, 3, 0, 1, 0xfa, 0x16, 0x3e, 9, 9, 9}
	go func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return // the test is over
			}
			ask := slices.Clone(buf[:n])
			answer := map[byte]byte{solicit: advertise, request: reply}[ask[0]]
			for _, change := range []byte{1, 0} { // the first is for another transaction
				out := append([]byte{answer}, ask[1:4]...)
				out[3] ^= change
				_ = options(ask[4:], func(code uint16, value []byte) error {
					if ask[0] == request && code == optionAddresses && !slices.Equal(value[16:32], address.AsSlice()) {
						answer = 0 // it must ask for what was offered
					}
					if code == optionClientID {
						out = append(out, option6(code, value)...)
					}
					return nil
				})
				given := slices.Concat(address.AsSlice(), []byte{0, 0, 0, 100}, []byte{0, 0, 0, 200})
				out = append(out, option6(optionServerID, identity)...)
				out = append(out, option6(optionAddresses, append(make([]byte, 12), option6(optionAddress, given)...))...)
				out = append(out, option6(optionDNS, netip.MustParseAddr("fd00::1").AsSlice())...)
				out[0] = answer
				_, _ = server.WriteTo(out, from)
			}
		}
	}()
	l, err := c.exchange(time.Minute)
	require.NoError(t, err)
	require.Equal(t, lease6{server: identity, address: address, dns: []string{"fd00::1"}, renew: 50 * time.Second}, l)
}

func option6(code uint16, value []byte) []byte {
	out := binary.BigEndian.AppendUint16(nil, code)
	return append(binary.BigEndian.AppendUint16(out, uint16(len(value))), value...)
}

func TestDHCP6ReadsAnything(t *testing.T) {
	c := &dhcp6{mac: net.HardwareAddr{0xfa, 0x16, 0x3e, 1, 2, 3}}
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "options")
		nested := option6(optionAddresses, append(make([]byte, 12), data...))
		for _, body := range [][]byte{data, nested} {
			_, err := c.read(append([]byte{reply, 0, 0, 1}, body...), reply, 1)
			require.Error(t, err, "it has no identity of the client")
		}
	})
}

func TestARouterSaysThatAddressesAreManaged(t *testing.T) {
	attribute := func(kind uint16, value []byte) []byte {
		out := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
		out = append(binary.NativeEndian.AppendUint16(out, kind), value...)
		return append(out, make([]byte, (4-len(out)%4)%4)...)
	}
	message := func(flags uint32) *syscall.NetlinkMessage {
		info := make([]byte, syscall.SizeofIfInfomsg)
		info[0], info[4] = syscall.AF_INET6, 7
		data := slices.Concat(info, attribute(syscall.IFLA_IFNAME, []byte("eth0\x00")),
			attribute(12|0x8000, attribute(1, binary.NativeEndian.AppendUint32(nil, flags))))
		return &syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: syscall.RTM_NEWLINK}, Data: data}
	}
	require.Equal(t, link6{index: 7, name: "eth0", managed: true}, parseLink6(message(0x80000050)))
	require.Equal(t, link6{index: 7, name: "eth0"}, parseLink6(message(0x80000010)))
}
