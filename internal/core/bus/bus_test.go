package bus

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/pki"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func started(t testing.TB, cfg Config) *Server {
	t.Helper()
	s, err := Start(cfg, quiet())
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func inside(t testing.TB, s *Server) *Bus {
	t.Helper()
	b, err := s.Connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func authority(t testing.TB) *pki.Authority {
	t.Helper()
	a, err := pki.Ensure(t.TempDir())
	require.NoError(t, err)
	return a
}

// host dials in as a host on another machine would.
func host(t testing.TB, a *pki.Authority, id, address string) *Bus {
	t.Helper()
	c, err := a.HostTLS(id)
	require.NoError(t, err)
	b, err := Dial(t.Context(), "tls://"+address, c, quiet())
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func up(t testing.TB, b *Bus) {
	t.Helper()
	require.Eventually(t, b.IsConnected, time.Minute, time.Millisecond)
}

type question struct{ Text string }

type answer struct {
	Text string
	Data []byte
}

func echo(_ context.Context, q question) (answer, error) { return answer{Text: "re: " + q.Text}, nil }

func serve[Req, Rep any](t testing.TB, b *Bus, subject string, fn func(context.Context, Req) (Rep, error)) {
	t.Helper()
	_, err := Serve(b, subject, "group", fn)
	require.NoError(t, err)
}

func ask(ctx context.Context, b *Bus, subject, text string) (answer, error) {
	return Request[question, answer](ctx, b, subject, question{Text: text})
}

func TestRequest(t *testing.T) {
	s := started(t, Config{})
	require.Nil(t, s.Addr(), "no listener")
	a, b := inside(t, s), inside(t, s)
	serve(t, a, "x", echo)
	got, err := ask(t.Context(), b, "x", "hello")
	require.NoError(t, err)
	require.Equal(t, "re: hello", got.Text)

	big := make([]byte, 512<<10)
	serve(t, a, "big", func(context.Context, question) (answer, error) { return answer{Data: big}, nil })
	got, err = ask(t.Context(), b, "big", "")
	require.NoError(t, err)
	require.Len(t, got.Data, len(big))
}

func TestFaultsTravel(t *testing.T) {
	b := inside(t, started(t, Config{}))
	sent := &fault.Error{
		Class: fault.Conflict, Code: "PortInUse", Field: "port.id", Object: "port", ID: "p1", Message: "it's in use",
		RetryAfter: 3 * time.Second, Err: errors.New("the cause"),
	}
	replies := map[string]error{"fault": fmt.Errorf("around: %w", sent), "internal": errors.New("disk on fire")}
	serve(t, b, "x", func(_ context.Context, q question) (answer, error) {
		if q.Text == "panic" {
			panic("ouch")
		}
		return answer{}, replies[q.Text]
	})
	_, err := ask(t.Context(), b, "x", "fault")
	require.Equal(t, sent, fault.Of(err))
	_, err = ask(t.Context(), b, "x", "internal")
	require.True(t, fault.Is(err, fault.Internal))
	require.ErrorContains(t, err, "disk on fire", "the log of either end explains it")
	_, err = ask(t.Context(), b, "x", "panic")
	require.ErrorContains(t, err, "ouch")
	_, err = Request[int, answer](t.Context(), b, "x", 1)
	require.True(t, fault.Is(err, fault.Invalid))
	_, err = ask(t.Context(), b, "x", "and goes on")
	require.NoError(t, err)
}

func TestNobodyAndTooLate(t *testing.T) {
	b := inside(t, started(t, Config{}))
	_, err := ask(t.Context(), b, "nobody", "")
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	require.ErrorContains(t, err, "nobody answers at nobody")

	told, over := make(chan error, 1), make(chan struct{})
	serve(t, b, "slow", func(ctx context.Context, _ question) (answer, error) {
		<-ctx.Done()
		told <- ctx.Err()
		<-over
		return answer{}, nil
	})
	defer close(over)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // far more than the question needs to get there
	defer cancel()
	_, err = ask(ctx, b, "slow", "")
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, <-told, context.DeadlineExceeded, "the handler stops when nobody waits any more")

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = ask(ctx, b, "slow", "")
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, fault.Is(err, fault.Unavailable))
}

func TestGroupsShareAndHandlersAreBounded(t *testing.T) {
	s := started(t, Config{})
	var handled, now, most atomic.Int64
	gate := make(chan struct{})
	handler := func(context.Context, question) (answer, error) {
		handled.Add(1)
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-gate
		return answer{}, nil
	}
	serve(t, inside(t, s), "x", handler)
	serve(t, inside(t, s), "x", handler)
	b := inside(t, s)
	const requests = 5 * atOnce
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var done errgroup.Group
	for range requests {
		done.Go(func() error {
			_, err := ask(ctx, b, "x", "")
			return err
		})
	}
	require.Eventually(t, func() bool { return now.Load() == 2*atOnce }, 2*time.Minute, time.Millisecond)
	close(gate)
	require.NoError(t, done.Wait())
	require.EqualValues(t, requests, handled.Load(), "each request is handled once")
	require.EqualValues(t, 2*atOnce, most.Load())
}

func TestPublish(t *testing.T) {
	s := started(t, Config{})
	a, b := inside(t, s), inside(t, s)
	var got []int
	done := make(chan struct{})
	sub, err := Subscribe(a, "news.*", func(n int) {
		if got = append(got, n); n == 99 {
			close(done)
		}
	})
	require.NoError(t, err)
	require.NoError(t, b.Publish("news.x", "not a number"))
	for n := range 100 {
		require.NoError(t, b.Publish("news.x", n))
	}
	<-done
	sub.Close()
	require.Len(t, got, 100)
	require.IsIncreasing(t, got)
	require.NoError(t, b.Publish("news.x", 100))
	require.NoError(t, b.nats.Flush())
	require.NoError(t, a.nats.Flush())
	require.Len(t, got, 100, "it does not listen any more")
}

func TestCloseWaitsForHandlers(t *testing.T) {
	s := started(t, Config{})
	a, err := s.Connect(t.Context())
	require.NoError(t, err)
	begun := make(chan struct{})
	var over atomic.Bool
	serve(t, a, "x", func(ctx context.Context, _ question) (answer, error) {
		close(begun)
		<-ctx.Done()
		over.Store(true)
		return answer{Text: "at last"}, nil
	})
	b := inside(t, s)
	replied := make(chan answer, 1)
	go func() {
		rep, _ := ask(context.WithoutCancel(t.Context()), b, "x", "")
		replied <- rep
	}()
	<-begun
	a.Close()
	require.True(t, over.Load())
	require.Equal(t, "at last", (<-replied).Text)
	require.True(t, fault.Is(a.Publish("x", 1), fault.Unavailable))
}

func TestStartRefuses(t *testing.T) {
	_, err := Start(Config{Listen: "127.0.0.1:0"}, quiet())
	require.ErrorContains(t, err, "needs certificates")
	_, err = Start(Config{Listen: "nonsense", TLS: authority(t).ServerTLS()}, quiet())
	require.ErrorContains(t, err, "bus-listen must be address:port")
	s := started(t, Config{Listen: "127.0.0.1:0", TLS: authority(t).ServerTLS()})
	_, err = Start(Config{Listen: s.Addr().String(), TLS: authority(t).ServerTLS()}, quiet())
	require.ErrorContains(t, err, "address already in use")
}

// A connection within the process needs the process' secret.
func TestNobodyElseGetsIn(t *testing.T) {
	s := started(t, Config{})
	for secret, want := range map[string]string{"": "-ERR", "guess": "-ERR", s.secret: "+OK"} {
		conn, err := s.nats.InProcessConn()
		require.NoError(t, err)
		go func() { // the pipe has no buffer
			_, _ = fmt.Fprintf(conn, "CONNECT {\"auth_token\":%q}\r\nPING\r\n", secret)
		}()
		lines := bufio.NewScanner(conn)
		require.True(t, lines.Scan(), "INFO")
		require.True(t, lines.Scan())
		require.Equal(t, want, strings.Fields(lines.Text())[0], "secret %q", secret)
		require.NoError(t, conn.Close())
	}
}

func BenchmarkRequest(b *testing.B) {
	s := started(b, Config{})
	client := inside(b, s)
	serve(b, inside(b, s), "x", echo)
	text := strings.Repeat("x", 500)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := ask(b.Context(), client, "x", text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
