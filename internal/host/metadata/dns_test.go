package metadata

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// listenOn opens both listeners of a DNS server on one port of the loopback.
func listenOn(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	udp, err := net.ListenPacket("udp4", tcp.Addr().String())
	require.NoError(t, err)
	return udp, tcp
}

// resolver answers every question with itself, as a response that there is no such name, and a "!" behind it.
func resolver(t *testing.T) string {
	t.Helper()
	udp, tcp := listenOn(t)
	t.Cleanup(func() { require.NoError(t, errors.Join(udp.Close(), tcp.Close())) })
	answer := func(question []byte) []byte {
		question[2], question[3] = question[2]|0x80, question[3]|3
		return append(question, '!')
	}
	go func() {
		buffer := make([]byte, dnsMessage)
		for {
			n, from, err := udp.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = udp.WriteTo(append([]byte{9, 9}, make([]byte, dnsHeader)...), from) // somebody else's
			_, _ = udp.WriteTo(answer(append([]byte(nil), buffer[:n]...)), from)
		}
	}()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			question, err := readMessage(c)
			if err == nil {
				out := answer(question[2:])
				_, _ = c.Write(append([]byte{0, byte(len(out))}, out...))
			}
			_ = c.Close()
		}
	}()
	return tcp.Addr().String()
}

// asked sends a question by UDP or TCP and returns the answer.
func asked(t *testing.T, network, address string, question []byte) []byte {
	t.Helper()
	c, err := net.Dial(network, address)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	_, err = c.Write(question)
	require.NoError(t, err)
	if network == "tcp" {
		answer, err := readMessage(c)
		require.NoError(t, err)
		return answer
	}
	answer := make([]byte, dnsMessage)
	n, err := c.Read(answer)
	require.NoError(t, err)
	return answer[:n]
}

func TestQuestionsArePassedOn(t *testing.T) {
	up := resolver(t)
	down, err := net.Listen("tcp4", "127.0.0.1:0") // nobody is there
	require.NoError(t, err)
	require.NoError(t, down.Close())
	var servers atomic.Pointer[[]string]
	servers.Store(&[]string{down.Addr().String(), up})
	udp, tcp := listenOn(t)
	f := forward(context.Background(), udp, tcp, nil, func() []string { return *servers.Load() }, slog.New(slog.DiscardHandler))
	address := tcp.Addr().String()
	question := append([]byte{7, 7, 1, 0}, make([]byte, dnsHeader-4)...)

	answer := asked(t, "udp", address, question)
	require.Equal(t, []byte{7, 7, 0x81, 3}, answer[:4])
	require.Equal(t, byte('!'), answer[len(answer)-1])
	answer = asked(t, "tcp", address, append([]byte{0, dnsHeader}, question...))
	require.Equal(t, []byte{7, 7, 0x81, 3}, answer[2:6])
	require.Equal(t, byte('!'), answer[len(answer)-1])

	servers.Store(&[]string{down.Addr().String()})
	answer = asked(t, "udp", address, question)
	require.Equal(t, []byte{7, 7, 0x81, 2}, answer[:4], "without a resolver the server has failed")
	require.NoError(t, f.Close())
}

func TestPlainQuestions(t *testing.T) {
	ask := func(kind byte, extended bool) []byte {
		q := append([]byte{7, 7, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 0, 3}, "one\x00\x00"...)
		q = append(q, kind, 0, 1)
		if extended {
			q[11] = 1
			q = append(q, 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0)
		}
		return q
	}
	again := func(kind, id byte) []byte {
		q := ask(kind, false)
		q[0], q[1], q[3] = 0, id, 0
		return q
	}
	require.Empty(t, plain(ask(typeA, false)), "OVN has seen it")
	require.Equal(t, [][]byte{again(typeA, answersIt)}, plain(ask(typeA, true)))
	require.Equal(t, [][]byte{again(typeAAAA, answersIt), again(typeA, nameExists)}, plain(ask(typeAAAA, true)))
	require.Equal(t, [][]byte{again(typeA, nameExists)}, plain(ask(typeAAAA, false)))
}

func FuzzPlainQuestions(f *testing.F) {
	f.Add(append([]byte{7, 7, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 1, 3}, "one\x00\x00\x1c\x00\x01"...))
	f.Add([]byte{7, 7, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 0, 200})
	f.Fuzz(func(t *testing.T, question []byte) {
		for _, q := range plain(question) {
			require.LessOrEqual(t, len(q), len(question))
		}
	})
}

func TestResolversAreThoseThatAreNamed(t *testing.T) {
	require.Equal(t, []string{"9.9.9.9:53", "[2620:fe::fe]:53"}, Resolvers([]string{"9.9.9.9", "2620:fe::fe"}))
	require.Equal(t, hostResolvers(), Resolvers(nil))
}
