package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/core/config"
)

const benchPassword = "only-for-this-bench"

// keystone is a control plane in this process, on SQLite, without hosts, behind TLS.
type keystone struct {
	url    string
	client *http.Client
	token  string
}

func newKeystone(b *testing.B) *keystone {
	b.Helper()
	cfg := config.Default()
	cfg.DataDir = filepath.Join(b.TempDir(), "data")
	server := httptest.NewUnstartedServer(nil)
	cfg.PublicURL = "https://" + server.Listener.Addr().String()
	require.NoError(b, cfg.Complete())
	ctx, cancel := context.WithCancel(context.Background())
	control, err := app.NewControl(ctx, cfg, app.ControlOptions{Version: "bench", Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	require.NoError(b, control.Bootstrap(ctx, benchPassword))
	server.Config.Handler = control.Handler()
	server.Listener = tls.NewListener(server.Listener, control.Authority().ServerTLS())
	server.Start()
	ended := make(chan error, 1)
	go func() { ended <- control.Run(ctx) }()
	b.Cleanup(func() {
		server.Close()
		cancel()
		require.NoError(b, <-ended)
		require.NoError(b, control.Close())
	})
	k := &keystone{url: cfg.PublicURL, client: &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: control.Authority().ServerTLS().RootCAs, MinVersion: tls.VersionTLS13},
		MaxIdleConnsPerHost: 64, DisableCompression: true,
	}}}
	k.token = k.logIn(b)
	return k
}

// logIn gets a token by password and returns it.
func (k *keystone) logIn(b *testing.B) string {
	b.Helper()
	_, header := k.call(b, "POST", "/identity/v3/auth/tokens?nocatalog", `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"id":"default"},"password":"`+benchPassword+`"}}},"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`)
	return header.Get("X-Subject-Token")
}

func (k *keystone) call(b *testing.B, method, path, body string) ([]byte, http.Header) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, k.url+path, bytes.NewReader([]byte(body)))
	require.NoError(b, err)
	r.Header.Set("X-Auth-Token", k.token)
	r.Header.Set("X-Subject-Token", k.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := k.client.Do(r)
	require.NoError(b, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b, err)
	require.Less(b, resp.StatusCode, 300, "%s %s: %s", method, path, raw)
	return raw, resp.Header
}

// rate runs a call on 16 connections for a while and returns how many a second it was.
func (k *keystone) rate(b *testing.B, within time.Duration, do func()) float64 {
	b.Helper()
	var g errgroup.Group
	counts := make([]int, 16)
	start := time.Now()
	for i := range counts {
		g.Go(func() error {
			for time.Since(start) < within {
				do()
				counts[i]++
			}
			return nil
		})
	}
	require.NoError(b, g.Wait())
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / time.Since(start).Seconds()
}

// BenchmarkTokens tells how many tokens a second are shown, which is validation, as whole requests over TLS with the
// clients in the same process, beside a request that does next to nothing (the version document). Issuing is told as the
// time of one, as the rate of log-ins is bounded on purpose, and by password argon2id is slow on purpose.
func BenchmarkTokens(b *testing.B) {
	k := newKeystone(b)
	rescope := `{"auth":{"identity":{"methods":["token"],"token":{"id":"` + k.token + `"}},"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`
	for b.Loop() {
		const span = 3 * time.Second
		b.ReportMetric(k.rate(b, span, func() { k.call(b, "GET", "/identity/v3", "") }), "nothing/s")
		b.ReportMetric(k.rate(b, span, func() { k.call(b, "GET", "/identity/v3/auth/tokens?nocatalog", "") }), "validated/s")
		var byToken, byPassword []time.Duration
		for range 5 {
			start := time.Now()
			k.call(b, "POST", "/identity/v3/auth/tokens?nocatalog", rescope)
			byToken = append(byToken, time.Since(start))
			start = time.Now()
			k.logIn(b)
			byPassword = append(byPassword, time.Since(start))
		}
		b.ReportMetric(quantile(byToken, 0.5), "ms-by-token")
		b.ReportMetric(quantile(byPassword, 0.5), "ms-by-password")
	}
}

// BenchmarkListProjects pages through 100,000 projects by 1,000 (ALOFT_BENCH_PROJECTS for another number), beside a list
// of one. The projects are made by the API.
func BenchmarkListProjects(b *testing.B) {
	count := 100_000
	if n, err := strconv.Atoi(os.Getenv("ALOFT_BENCH_PROJECTS")); err == nil {
		count = n
	}
	k := newKeystone(b)
	var g errgroup.Group
	g.SetLimit(16)
	for i := range count {
		g.Go(func() error {
			k.call(b, "POST", "/identity/v3/projects", fmt.Sprintf(`{"project":{"name":"bench-%06d","domain_id":"default"}}`, i))
			return nil
		})
	}
	require.NoError(b, g.Wait())
	for b.Loop() {
		var page, one []time.Duration
		seen, path := 0, "/identity/v3/projects?limit=1000"
		for path != "" {
			begun := time.Now()
			raw, _ := k.call(b, "GET", path, "")
			page = append(page, time.Since(begun))
			begun = time.Now()
			k.call(b, "GET", "/identity/v3/projects?limit=1", "")
			one = append(one, time.Since(begun))
			var list struct {
				Projects []struct{ ID string }
				Links    struct{ Next *string }
			}
			require.NoError(b, json.Unmarshal(raw, &list))
			seen += len(list.Projects)
			path = ""
			if list.Links.Next != nil {
				path = (*list.Links.Next)[len(k.url):]
			}
		}
		require.GreaterOrEqual(b, seen, count)
		b.ReportMetric(quantile(page, 0.50), "ms-page-p50")
		b.ReportMetric(quantile(page, 0.99), "ms-page-p99")
		b.ReportMetric(quantile(one, 0.50), "ms-one-p50")
	}
}
