package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/app/operator"
	"github.com/aloft-cloud/aloft/internal/cli"
	loads "github.com/aloft-cloud/aloft/internal/cli/bench"
)

// laboratory is `aloft lab` in this process. Its hypervisors are simulated; all else is what serve and agents run.
type laboratory struct {
	dir    string
	clouds string // its clouds.yaml
	stop   func()
	run    func(args ...string) (int, string, string)
}

// said is what a command prints while it runs.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// newLab starts a laboratory and ends it with the test.
func newLab(tb testing.TB, hosts int) *laboratory {
	tb.Helper()
	return newLabIn(tb, tb.TempDir(), hosts)
}

// newLabIn starts a laboratory with what an earlier one has left in a folder.
func newLabIn(tb testing.TB, dir string, hosts int) *laboratory {
	tb.Helper()
	args := []string{"lab", "--no-ovn", "--listen", "127.0.0.1:0", "--hosts", strconv.Itoa(hosts), "--data", dir}
	if url := os.Getenv("ALOFT_BENCH_DATABASE"); url != "" {
		args = append(args, "--database", url)
	}
	ctx, stop := context.WithCancel(context.Background())
	var out, errOut said
	ended := make(chan int, 1)
	go func() { ended <- command(ctx, &out, &errOut, args...) }()
	l := &laboratory{dir: dir, stop: sync.OnceFunc(func() {
		stop()
		require.Zero(tb, <-ended, errOut.String())
	})}
	tb.Cleanup(l.stop)
	for deadline := time.Now().Add(5 * time.Minute); l.clouds == ""; time.Sleep(10 * time.Millisecond) {
		if found := regexp.MustCompile(`\S+clouds\.yaml`).FindString(out.String()); strings.Contains(out.String(), "Ctrl-C") {
			l.clouds = found
		}
		require.True(tb, time.Now().Before(deadline), "the laboratory does not start: %s%s", out.String(), errOut.String())
	}
	l.run = func(args ...string) (int, string, string) {
		var out, errOut said
		code := command(tb.Context(), &out, &errOut, args...)
		return code, out.String(), errOut.String()
	}
	return l
}

func command(ctx context.Context, out, errOut io.Writer, args ...string) int {
	root := cli.Root("bench", operator.Commands("bench")...)
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetArgs(args)
	return cli.Run(ctx, root)
}

// servers runs `aloft bench servers` as the laboratory's tenant.
func (l *laboratory) servers(tb testing.TB, args ...string) loads.Report {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "figures.json")
	tb.Setenv("OS_CLIENT_CONFIG_FILE", l.clouds)
	code, out, errOut := l.run(append([]string{"--os-cloud", "lab", "bench", "servers", "--json", file}, args...)...)
	require.Zero(tb, code, "%s%s", out, errOut)
	tb.Log("\n" + out)
	raw, err := os.ReadFile(file)
	require.NoError(tb, err)
	var report loads.Report
	require.NoError(tb, json.Unmarshal(raw, &report))
	return report
}

// nothings is how many requests a second that need a token and next to no work are answered, on 16 connections: what the
// machine has to give at the time.
func (l *laboratory) nothings(b *testing.B) float64 {
	b.Helper()
	auth, where, tlsConfig, err := clouds.Parse(clouds.WithCloudName("lab"), clouds.WithLocations(l.clouds))
	require.NoError(b, err)
	tlsConfig.MinVersion = tls.VersionTLS12
	p, err := config.NewProviderClient(b.Context(), auth, config.WithTLSConfig(tlsConfig))
	require.NoError(b, err)
	compute, err := openstack.NewComputeV2(p, where)
	require.NoError(b, err)
	transport := &http.Transport{TLSClientConfig: tlsConfig.Clone(), MaxIdleConnsPerHost: 16, DisableCompression: true}
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	defer transport.CloseIdleConnections()
	k := &keystone{url: strings.TrimRight(compute.Endpoint, "/"), client: &http.Client{Transport: transport}, token: p.Token()}
	return k.rate(b, 3*time.Second, func() { k.call(b, "GET", "/os-keypairs", "") })
}

// TestServers is the short form, and looks at no time: a load is borne, and all that was asked for came and went.
func TestServers(t *testing.T) {
	l := newLab(t, 5)
	for _, multi := range []string{"1", "10"} {
		r := l.servers(t, "--count", "50", "--concurrency", "10", "--multi", multi, "--read-for", "10ms")
		require.Equal(t, 50, r.Create.Active)
		require.Equal(t, 50, r.List.Servers)
		require.Equal(t, 50, r.Delete.Servers)
		require.Empty(t, r.Errors)
	}
}

// BenchmarkServers is `aloft bench servers` against `aloft lab`, both in this process, beside requests that do next to
// nothing: machines differ and are noisy, and the ratio of two rates of one run says more than either.
//
//	ALOFT_BENCH_SERVERS      how many servers (10000)
//	ALOFT_BENCH_CONCURRENCY  clients (100)
//	ALOFT_BENCH_MULTI        servers a request (1)
//	ALOFT_BENCH_HOSTS        simulated hosts (100)
//	ALOFT_BENCH_DATABASE     postgres://… (SQLite)
func BenchmarkServers(b *testing.B) {
	l := newLab(b, number(b, "ALOFT_BENCH_HOSTS", 100))
	count := strconv.Itoa(number(b, "ALOFT_BENCH_SERVERS", 10_000))
	clients := strconv.Itoa(number(b, "ALOFT_BENCH_CONCURRENCY", 100))
	multi := strconv.Itoa(number(b, "ALOFT_BENCH_MULTI", 1))
	for b.Loop() {
		before := l.nothings(b)
		r := l.servers(b, "--count", count, "--concurrency", clients, "--multi", multi)
		nothings := (before + l.nothings(b)) / 2
		b.ReportMetric(nothings, "nothing/s")
		b.ReportMetric(r.Create.Seconds, "s-create")
		b.ReportMetric(r.Create.ActiveRate, "ACTIVE/s")
		b.ReportMetric(r.Create.ActiveRate/nothings, "ACTIVE/nothing")
		b.ReportMetric(r.Create.Post.P50, "ms-post-p50")
		b.ReportMetric(r.Create.Post.P99, "ms-post-p99")
		b.ReportMetric(r.Create.ToActive.P50, "ms-active-p50")
		b.ReportMetric(r.Create.ToActive.P99, "ms-active-p99")
		b.ReportMetric(r.List.Page.P50, "ms-page-p50")
		b.ReportMetric(r.List.Page.P50*nothings/1000, "nothings/page")
		b.ReportMetric(r.Show.Rate, "shown/s")
		b.ReportMetric(r.Show.Rate/nothings, "shown/nothing")
		b.ReportMetric(r.Delete.Rate, "deleted/s")
		b.ReportMetric(r.Delete.Rate/nothings, "deleted/nothing")
	}
}

func number(b *testing.B, name string, otherwise int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(b, err, name)
	return n
}
