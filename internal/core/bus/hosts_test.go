package bus

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

func TestAHostAndItsControlNode(t *testing.T) {
	a := authority(t)
	s := started(t, Config{Listen: "127.0.0.1:0", TLS: a.ServerTLS()})
	control := inside(t, s)
	h := host(t, a, "h1", s.Addr().String())
	up(t, h)

	serve(t, h, "aloft.host.h1.console", echo)
	got, err := ask(t.Context(), control, "aloft.host.h1.console", "hello")
	require.NoError(t, err)
	require.Equal(t, "re: hello", got.Text)

	serve(t, control, "aloft.control.sync", func(ctx context.Context, q question) (answer, error) {
		return answer{Text: "from " + Sender(ctx)}, nil
	})
	got, err = ask(t.Context(), h, "aloft.control.sync", "")
	require.NoError(t, err)
	require.Equal(t, "from h1", got.Text)
	got, err = ask(t.Context(), control, "aloft.control.sync", "")
	require.NoError(t, err)
	require.Equal(t, "from ", got.Text)
}

// A host that was taken over reaches no further than what is its own.
func TestAHostMayNot(t *testing.T) {
	a := authority(t)
	s := started(t, Config{Listen: "127.0.0.1:0", TLS: a.ServerTLS()})
	control := inside(t, s)
	h1, h2 := host(t, a, "h1", s.Addr().String()), host(t, a, "h2", s.Addr().String())
	up(t, h1)
	up(t, h2)
	var consoles, syncs atomic.Int64
	serve(t, h2, "aloft.host.h2.console", func(ctx context.Context, q question) (answer, error) {
		consoles.Add(1)
		return echo(ctx, q)
	})
	serve(t, control, "aloft.control.sync", func(ctx context.Context, _ question) (answer, error) {
		syncs.Add(1)
		return answer{Text: Sender(ctx)}, nil
	})
	refused := func(subject, what string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // nobody says no: there is no answer
		defer cancel()
		_, err := ask(ctx, h1, subject, "")
		require.Error(t, err, what)
	}

	refused("aloft.host.h2.console", "ask another host")
	h1.id = "" // it lies about its name
	refused("aloft.control.sync.h2", "speak for another host")
	refused("aloft.control.sync", "speak for nobody")
	got, err := ask(t.Context(), h1, "aloft.control.sync.h1", "")
	require.NoError(t, err)
	require.Equal(t, "h1", got.Text, "it speaks for itself")
	require.EqualValues(t, 1, syncs.Load(), "what it asked before came to nobody")
	_, err = ask(t.Context(), control, "aloft.host.h2.console", "")
	require.NoError(t, err)
	require.EqualValues(t, 1, consoles.Load())

	for _, subject := range []string{"aloft.host.h2.>", "aloft.>", ">", "_INBOX.>", "_INBOX.h2.>", "aloft.event", "$SYS.>"} {
		heard := make(chan []byte, 1)
		_, err := h1.Listen(subject, func(data []byte) { heard <- data })
		require.NoError(t, err)
		_, err = ask(t.Context(), control, "aloft.host.h2.console", "secret")
		require.NoError(t, err)
		_, err = ask(t.Context(), h2, "aloft.control.sync", "secret")
		require.NoError(t, err)
		require.NoError(t, control.Publish("aloft.event", "secret"))
		require.NoError(t, control.nats.Flush())
		require.NoError(t, h1.nats.Flush())
		require.Empty(t, heard, subject)
	}

	got2 := make(chan string, 10)
	_, err = Subscribe(control, "aloft.event", func(s string) { got2 <- s })
	require.NoError(t, err)
	require.NoError(t, h1.Publish("aloft.event", "forged"))
	require.NoError(t, h1.nats.Flush())
	require.NoError(t, control.Publish("aloft.event", "true"))
	require.Equal(t, "true", <-got2, "tell of events")
}

func TestStrangersAreRefused(t *testing.T) {
	a := authority(t)
	s := started(t, Config{Listen: "127.0.0.1:0", TLS: a.ServerTLS()})
	address := s.Addr().String()

	stranger := host(t, authority(t), "h1", address)
	other, err := authority(t).HostTLS("h1")
	require.NoError(t, err)
	other.InsecureSkipVerify = true //nolint:gosec // who shows a certificate of another authority trusts anything
	careless, err := Dial(t.Context(), "tls://"+address, other, quiet())
	require.NoError(t, err)
	t.Cleanup(careless.Close)
	member := host(t, a, "h1", address)
	up(t, member)
	require.False(t, stranger.IsConnected())
	require.False(t, careless.IsConnected())
	_, err = ask(t.Context(), stranger, "aloft.control.sync", "")
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)

	_, err = Dial(t.Context(), "tls://"+address, &tls.Config{MinVersion: tls.VersionTLS13}, quiet())
	require.ErrorContains(t, err, "needs a certificate")
}

// freeAddress is an address that is free now and stays so: the kernel gives its port to nobody who asks for any.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err == nil {
			require.NoError(t, l.Close())
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

func TestReconnect(t *testing.T) {
	a := authority(t)
	address := freeAddress(t)
	h := host(t, a, "h1", address) // before anybody listens
	serve(t, h, "aloft.host.h1.console", echo)
	connected := make(chan struct{}, 100)
	cancel := h.Connected(func() { connected <- struct{}{} })
	require.Empty(t, connected)
	_, err := ask(t.Context(), h, "aloft.control.sync", "")
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	require.ErrorContains(t, err, "disconnected")

	for range 2 {
		s, err := Start(Config{Listen: address, TLS: a.ServerTLS()}, quiet())
		require.NoError(t, err)
		select {
		case <-connected:
		case <-time.After(3 * time.Minute):
			t.Fatal("the host does not come back")
		}
		control, err := s.Connect(t.Context())
		require.NoError(t, err)
		require.Eventually(t, func() bool { // it says what it serves right after it is connected
			got, err := ask(t.Context(), control, "aloft.host.h1.console", "again")
			return err == nil && got.Text == "re: again"
		}, time.Minute, 10*time.Millisecond)
		control.Close()
		s.Close()
	}
	cancel()
}

func TestControlNodesAreOneBus(t *testing.T) {
	a := authority(t)
	cfg := Config{Name: "c1", ClusterListen: "127.0.0.1:0", Listen: "127.0.0.1:0", TLS: a.ServerTLS()}
	one := started(t, cfg)
	cfg.Name, cfg.Routes = "c2", []string{one.ClusterAddr().String()}
	two := started(t, cfg)
	b1, b2 := inside(t, one), inside(t, two)
	serve(t, b1, "x", echo)
	require.Eventually(t, func() bool {
		got, err := ask(t.Context(), b2, "x", "over")
		return err == nil && got.Text == "re: over"
	}, time.Minute, 10*time.Millisecond)

	h := host(t, a, "h1", two.Addr().String())
	up(t, h)
	serve(t, h, "aloft.host.h1.console", echo)
	require.Eventually(t, func() bool {
		got, err := ask(t.Context(), b1, "aloft.host.h1.console", "far")
		return err == nil && got.Text == "re: far"
	}, time.Minute, 10*time.Millisecond, "hosts are reached through whichever control node they dialled")

	hostTLS, err := a.HostTLS("h2")
	require.NoError(t, err)
	conn, err := tls.Dial("tcp", one.ClusterAddr().String(), hostTLS)
	if err == nil { // NATS speaks first on a route, so this may fail at once or at the first read
		_, err = conn.Read(make([]byte, 1))
	}
	require.Error(t, err, "a host is no control node")
}

// Who plays hosts speaks for any of them on one connection, and is heard by the control node of a laboratory only.
func TestALaboratory(t *testing.T) {
	a := authority(t)
	s := started(t, Config{Listen: "127.0.0.1:0", TLS: a.ServerTLS(), Laboratory: true})
	real := started(t, Config{Listen: "127.0.0.1:0", TLS: a.ServerTLS()})
	dial := func(address string) *Bus {
		c, err := a.LaboratoryTLS("lab")
		require.NoError(t, err)
		b, err := Dial(t.Context(), "tls://"+address, c, quiet())
		require.NoError(t, err)
		t.Cleanup(b.Close)
		return b
	}
	lab, control := dial(s.Addr().String()), inside(t, s)
	up(t, lab)
	serve(t, control, "aloft.control.sync", func(ctx context.Context, _ question) (answer, error) {
		return answer{Text: Sender(ctx)}, nil
	})
	serve(t, lab, "aloft.host.*.console", func(ctx context.Context, _ question) (answer, error) {
		return answer{Text: Receiver(ctx)}, nil
	})
	heard := make(chan string, 1)
	_, err := SubscribeFrom(lab, "aloft.host.*.resync", func(host string, _ question) { heard <- host })
	require.NoError(t, err)
	for _, host := range []string{"h1", "h2"} {
		got, err := ask(t.Context(), lab.As(host), "aloft.control.sync", "")
		require.NoError(t, err)
		require.Equal(t, host, got.Text)
		got, err = ask(t.Context(), control, "aloft.host."+host+".console", "")
		require.NoError(t, err)
		require.Equal(t, host, got.Text)
		require.NoError(t, control.Publish("aloft.host."+host+".resync", question{}))
		require.Equal(t, host, <-heard)
	}

	refused, member := dial(real.Addr().String()), host(t, a, "h1", real.Addr().String())
	up(t, member)
	require.False(t, refused.IsConnected())
	_, err = ask(t.Context(), refused.As("h1"), "aloft.control.sync", "")
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
}
