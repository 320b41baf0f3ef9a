package metadata

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netns"
)

// OVN answers for the names of a network's servers, wherever a guest asks. What it does not know goes on to the metadata
// port's address, which guests are given as their DNS server where a subnet names none; from there the host's resolvers
// are asked.

const (
	resolvConf = "/etc/resolv.conf"
	// dnsPatience is how long one resolver may take; a guest's own resolver asks again after 5 s.
	dnsPatience = 2 * time.Second
	// dnsTogether is how many questions of one network may be open at a time.
	dnsTogether = 128
	// dnsMessage is the most bytes of a message by UDP; RFC 6891 has 4096 as the usual limit.
	dnsMessage = 4096
	dnsHeader  = 12
	// acceptPause is how long the listener rests when a connection could not be accepted.
	acceptPause = 50 * time.Millisecond
)

// Resolvers are those at some addresses, as address:port, or the host's own where there are none.
func Resolvers(addresses []string) []string {
	if len(addresses) == 0 {
		return hostResolvers()
	}
	out := make([]string, len(addresses))
	for i, a := range addresses {
		out[i] = net.JoinHostPort(a, "53")
	}
	return out
}

// hostResolvers are the host's own, as address:port.
func hostResolvers() []string {
	text, err := os.ReadFile(resolvConf)
	if err != nil {
		return nil // it has none, and the question fails
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
			out = append(out, net.JoinHostPort(f[1], "53"))
		}
	}
	return out
}

// forwarder passes the DNS questions of one network on.
type forwarder struct {
	udp       net.PacketConn
	tcp       net.Listener
	resolvers func() []string
	ovn       func(context.Context) (net.Conn, error) // nil: there is none
	room      chan struct{}
	open      sync.WaitGroup
	cancel    context.CancelFunc
	log       *slog.Logger
}

// forwardIn opens a forwarder in a namespace; it goes on until Close.
func forwardIn(ctx context.Context, ns netns.NsHandle, space string, resolvers func() []string, log *slog.Logger) (*forwarder, error) {
	tcp, err := listenIn(ctx, ns, ":53")
	if err != nil {
		return nil, err
	}
	var udp net.PacketConn
	err = inside(ns, func() error {
		udp, err = (&net.ListenConfig{}).ListenPacket(ctx, "udp4", ":53")
		return err
	})
	if err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	ovn := func(ctx context.Context) (net.Conn, error) { return dialNobody(ctx, space) }
	return forward(context.WithoutCancel(ctx), udp, tcp, ovn, resolvers, log), nil
}

// forward serves two listeners, which it closes.
func forward(ctx context.Context, udp net.PacketConn, tcp net.Listener, ovn func(context.Context) (net.Conn, error), resolvers func() []string, log *slog.Logger) *forwarder {
	f := &forwarder{udp: udp, tcp: tcp, ovn: ovn, resolvers: resolvers, room: make(chan struct{}, dnsTogether), log: log}
	ctx, f.cancel = context.WithCancel(ctx)
	f.open.Go(func() { f.serveUDP(ctx) })
	f.open.Go(func() { f.serveTCP(ctx) })
	return f
}

// Close ends it and waits for what is open.
func (f *forwarder) Close() error {
	f.cancel()
	err := errors.Join(f.udp.Close(), f.tcp.Close())
	f.open.Wait()
	return err
}

// enter takes a place, unless all are taken.
func (f *forwarder) enter() bool {
	select {
	case f.room <- struct{}{}:
		return true
	default:
		return false // the guest asks again
	}
}

func (f *forwarder) serveUDP(ctx context.Context) {
	buffer := make([]byte, dnsMessage)
	for ctx.Err() == nil {
		n, guest, err := f.udp.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n < dnsHeader || buffer[2]&0x80 != 0 || !f.enter() { // an answer is no question
			continue
		}
		question := append([]byte(nil), buffer[:n]...)
		f.open.Go(func() {
			defer func() { <-f.room }()
			_, _ = f.udp.WriteTo(f.ask(ctx, question), guest) // a guest that has gone needs no answer
		})
	}
}

// ask returns an answer: OVN's if it knows the name, else that of the first resolver that answers, else a failure. Both
// are asked at once, and OVN is waited for only where the resolvers know of no such name.
func (f *forwarder) ask(ctx context.Context, question []byte) []byte {
	known := make(chan []byte, 1)
	f.open.Go(func() {
		answer, _ := f.askOVN(ctx, question) // it may not know the name
		known <- answer
	})
	other := make(chan []byte, 1)
	f.open.Go(func() { other <- f.askResolvers(ctx, question) })
	select {
	case answer := <-known:
		if answer != nil {
			return answer
		}
		return <-other
	case answer := <-other:
		if answer[3]&0xf == 0 {
			return answer
		}
		if better := <-known; better != nil {
			return better
		}
		return answer
	}
}

// askResolvers returns the first answer of a resolver, or that there was none.
func (f *forwarder) askResolvers(ctx context.Context, question []byte) []byte {
	for _, r := range f.resolvers() {
		answer, err := askByUDP(ctx, r, question)
		if err == nil {
			return answer
		}
		f.log.Debug("a resolver does not answer", "resolver", r, "error", err)
	}
	failure := append([]byte(nil), question...)
	failure[2], failure[3] = failure[2]|0x80, failure[3]&0xf0|2 // a response, of SERVFAIL
	return failure
}

// put asks a resolver a question; the answer comes on the connection, which ends with its patience.
func put(ctx context.Context, network, resolver string, question []byte) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: dnsPatience}).DialContext(ctx, network, resolver)
	if err != nil {
		return nil, err
	}
	if err = c.SetDeadline(time.Now().Add(dnsPatience)); err == nil {
		_, err = c.Write(question)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func askByUDP(ctx context.Context, resolver string, question []byte) ([]byte, error) {
	c, err := put(ctx, "udp", resolver, question)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	answer := make([]byte, dnsMessage)
	for {
		n, err := c.Read(answer)
		if err != nil {
			return nil, err
		}
		if n >= dnsHeader && answer[0] == question[0] && answer[1] == question[1] {
			return answer[:n], nil
		}
	}
}

func (f *forwarder) serveTCP(ctx context.Context) {
	for {
		guest, err := f.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no descriptor is free, or the guest has gone: to ask again at once would help neither
			f.log.Debug("a DNS connection was not accepted", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(acceptPause):
			}
			continue
		}
		if !f.enter() {
			_ = guest.Close()
			continue
		}
		f.open.Go(func() {
			defer func() { <-f.room }()
			defer guest.Close()
			if err := f.converse(ctx, guest); err != nil {
				f.log.Debug("a DNS question by TCP failed", "error", err)
			}
		})
	}
}

// converse passes one question by TCP on, with its answer, each after its length (RFC 1035, section 4.2.2).
func (f *forwarder) converse(ctx context.Context, guest net.Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = guest.Close() })
	defer stop()
	if err := guest.SetDeadline(time.Now().Add(4 * dnsPatience)); err != nil {
		return err
	}
	question, err := readMessage(guest)
	if err != nil {
		return err
	}
	err = errors.New("the host has no resolver")
	for _, r := range f.resolvers() {
		var answer []byte
		if answer, err = askByTCP(ctx, r, question); err == nil {
			_, err = guest.Write(answer)
			return err
		}
	}
	return err
}

func askByTCP(ctx context.Context, resolver string, question []byte) ([]byte, error) {
	c, err := put(ctx, "tcp", resolver, question)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return readMessage(c)
}

// readMessage reads a message with the length before it.
func readMessage(r io.Reader) ([]byte, error) {
	out := make([]byte, 2)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, err
	}
	out = append(out, make([]byte, binary.BigEndian.Uint16(out))...)
	_, err := io.ReadFull(r, out[2:])
	return out, err
}
