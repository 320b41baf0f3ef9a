package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/core/config"
)

// serveVariable makes this test binary a control node with its data in a folder, until its standard input ends. A node
// in a process of its own has memory and file descriptors of its own.
const serveVariable = "ALOFT_BENCH_SERVE"

// serveNode writes its CA's certificate into the folder, and its address on standard output.
func serveNode(dir string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	cfg := config.Default()
	cfg.DataDir, cfg.PublicURL = dir, "https://"+listener.Addr().String()
	if err := cfg.Complete(); err != nil {
		return err
	}
	control, err := app.NewControl(ctx, cfg, app.ControlOptions{Version: "bench", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := control.Bootstrap(ctx, benchPassword); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), control.Authority().CAPEM(), 0o600); err != nil {
		return err
	}
	server := &http.Server{Handler: control.Handler(), TLSConfig: control.Authority().ServerTLS(), ReadHeaderTimeout: 10 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return control.Run(ctx) })
	g.Go(func() error {
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	fmt.Println(listener.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	cancel()
	return errors.Join(err, server.Close(), g.Wait(), control.Close())
}

// node is such a control node, and how it is called.
type node struct {
	pid     int
	address string
	tls     *tls.Config
	token   string
}

func startNode(b *testing.B) *node {
	b.Helper()
	dir := b.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		require.NoError(b, in.Close())
		require.NoError(b, cmd.Wait())
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(b, err)
	roots := x509.NewCertPool()
	require.True(b, roots.AppendCertsFromPEM(ca))
	n := &node{pid: cmd.Process.Pid, address: strings.TrimSpace(address), tls: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS13}}
	k := &keystone{url: "https://" + n.address, client: &http.Client{Transport: &http.Transport{TLSClientConfig: n.tls.Clone()}}}
	n.token = k.logIn(b)
	return n
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMiB is the most memory that the node ever had.
func (n *node) peakMiB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.pid))
	require.NoError(b, err)
	kb, err := strconv.Atoi(string(peak.FindSubmatch(status)[1]))
	require.NoError(b, err)
	return float64(kb) / 1024
}

const listed = "/compute/v2.1/servers"

// overHTTP2 returns calls on connections of 250 streams each, which are open already.
func (n *node) overHTTP2(b *testing.B, requests int) []func() error {
	b.Helper()
	var calls []func() error
	for range (requests + 249) / 250 {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: n.tls.Clone(), ForceAttemptHTTP2: true}}
		b.Cleanup(client.CloseIdleConnections)
		do := func() error {
			r, err := http.NewRequestWithContext(b.Context(), "GET", "https://"+n.address+listed, nil)
			if err != nil {
				return err
			}
			r.Header.Set("X-Auth-Token", n.token)
			resp, err := client.Do(r)
			if err != nil {
				return err
			}
			return whole(resp, 2)
		}
		require.NoError(b, do())
		for range min(250, requests-len(calls)) {
			calls = append(calls, do)
		}
	}
	return calls
}

// overHTTP1 returns calls on a connection each, which are open already, and have had their first answer.
func (n *node) overHTTP1(b *testing.B, requests int) []func() error {
	b.Helper()
	calls := make([]func() error, requests)
	request := []byte("GET " + listed + " HTTP/1.1\r\nHost: " + n.address + "\r\nX-Auth-Token: " + n.token + "\r\n\r\n")
	var g errgroup.Group
	g.SetLimit(64)
	for i := range calls {
		g.Go(func() error {
			conn, err := tls.Dial("tcp", n.address, n.tls)
			if err != nil {
				return err
			}
			b.Cleanup(func() { _ = conn.Close() })
			in := bufio.NewReader(conn)
			calls[i] = func() error {
				if _, err := conn.Write(request); err != nil {
					return err
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					return err
				}
				return whole(resp, 1)
			}
			return calls[i]()
		})
	}
	require.NoError(b, g.Wait())
	return calls
}

// whole reads an answer, which must be the list.
func whole(resp *http.Response, major int) error {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != major || !bytes.HasPrefix(body, []byte(`{"servers":[`)) {
		return fmt.Errorf("%s %s: %s", resp.Proto, resp.Status, body)
	}
	return nil
}

// BenchmarkOpenRequests sends 20,000 requests at once from one process (of HTTP/1.1, which takes a file descriptor for
// each, as many as the process may have): every one is answered. It tells how long that takes, and the memory of the
// control node before and at its peak.
func BenchmarkOpenRequests(b *testing.B) {
	const open = 20_000
	var limit syscall.Rlimit
	require.NoError(b, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	files := min(open, int(limit.Cur)-500) //nolint:gosec // it is a number of files
	for _, c := range []struct {
		name     string
		requests int
		calls    func(*node, *testing.B, int) []func() error
	}{{"HTTP2", open, (*node).overHTTP2}, {"HTTP1", files, (*node).overHTTP1}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				n := startNode(b)
				b.ReportMetric(n.peakMiB(b), "MiB-before")
				calls := c.calls(n, b, c.requests)
				b.ReportMetric(n.peakMiB(b), "MiB-connected")
				took, failed := together(calls)
				require.Empty(b, failed)
				b.ReportMetric(n.peakMiB(b), "MiB-peak")
				b.ReportMetric(float64(c.requests), "requests")
				b.ReportMetric(quantile(took, 0.5), "ms-p50")
				b.ReportMetric(quantile(took, 0.99), "ms-p99")
			}
		})
	}
}

// together makes all calls at once and returns how long each took, and the first of the errors.
func together(calls []func() error) (took []time.Duration, failed string) {
	took = make([]time.Duration, len(calls))
	var wg sync.WaitGroup
	var errs atomic.Int64
	var first atomic.Pointer[string]
	start := make(chan struct{})
	for i, call := range calls {
		wg.Go(func() {
			<-start
			began := time.Now()
			if err := call(); err != nil {
				text := err.Error()
				first.CompareAndSwap(nil, &text)
				errs.Add(1)
			}
			took[i] = time.Since(began)
		})
	}
	close(start)
	wg.Wait()
	if n := errs.Load(); n > 0 {
		return took, fmt.Sprintf("%d of %d failed, the first with %s", n, len(calls), *first.Load())
	}
	return took, ""
}
