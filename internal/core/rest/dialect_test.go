package rest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

type tagged struct {
	Tag  string `header:"ETag"`
	Text string `json:"text"`
}

// bench is a service whose one working place can be held.
type bench struct {
	handler http.Handler
	entered chan struct{}
	release chan struct{}
	worked  atomic.Int64
	mu      sync.Mutex
	calls   []Call
}

func newBench(t *testing.T, opts Options) *bench {
	t.Helper()
	b := &bench{entered: make(chan struct{}, 1), release: make(chan struct{})}
	open := auth.NoToken("bench")
	opts.Log = slog.New(slog.DiscardHandler)
	opts.Authenticate = func(_ context.Context, token string) (*auth.Caller, error) {
		return &auth.Caller{UserID: token, ProjectID: "p", Roles: []string{"auditor"}}, nil
	}
	opts.Audit = func(_ context.Context, c Call) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.calls = append(b.calls, c)
	}
	var err error
	b.handler, err = New(opts, Service{Type: "bench", Prefix: "/bench", Errors: AloftErrors, Routes: []Route{
		{Method: "GET", Path: "/long", Policy: open, Doc: "Says much.", Do: Do(func(context.Context, struct{}) (tagged, error) {
			return tagged{`"v1"`, strings.Repeat("long ", 1000)}, nil
		})},
		{Method: "GET", Path: "/short", Policy: open, Doc: "Says little.", Do: Do(func(context.Context, struct{}) (tagged, error) { return tagged{`"v1"`, "short"}, nil })},
		{Method: "GET", Path: "/bytes", Policy: open, Doc: "Streams.", Do: Do(func(context.Context, struct{}) (Stream, error) {
			return Stream{ContentType: "application/octet-stream", Length: 4096, Body: io.NopCloser(bytes.NewReader(make([]byte, 4096)))}, nil
		})},
		{Method: "GET", Path: "/broken", Policy: open, Doc: "Breaks off.", Do: Do(func(context.Context, struct{}) (Stream, error) {
			return Stream{ContentType: "application/octet-stream", Length: -1, Body: io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrClosedPipe)))}, nil
		})},
		{Method: "POST", Path: "/hold", Policy: open, Audit: "bench.hold", Doc: "Waits.", Do: Do(func(context.Context, struct {
			Body map[string]any `body:"."`
		},
		) (None, error) {
			b.worked.Add(1)
			b.entered <- struct{}{}
			<-b.release
			return None{}, nil
		})},
		{Method: "POST", Path: "/count/{user_id}", Policy: auth.P("bench:count", auth.AdminOnly), Audit: "bench.count", Doc: "Counts.", Do: Do(func(context.Context, struct {
			Body map[string]any `body:"."`
		},
		) (None, error) {
			b.worked.Add(1)
			return None{}, nil
		})},
		{Method: "PUT", Path: "/upload", Policy: open, Audit: "bench.upload", Doc: "Takes bytes.", Do: Do(func(_ context.Context, in struct {
			Data io.Reader `raw:"body"`
		},
		) (None, error) {
			_, err := io.Copy(io.Discard, in.Data)
			return None{}, err
		})},
	}})
	require.NoError(t, err)
	return b
}

func TestAnswersAreCompressed(t *testing.T) {
	b := newBench(t, Options{})
	plain := call(t, b.handler, "GET", "/bench/long", "")
	require.Equal(t, "Accept-Encoding", plain.Header().Get("Vary"))
	for _, c := range []struct {
		path, accept string
		packed       bool
	}{
		{"/bench/long", "gzip", true},
		{"/bench/long", "deflate, gzip;q=0.5", true},
		{"/bench/long", "*", true},
		{"/bench/long", "gzip;q=0", false},
		{"/bench/long", "gzip;q=0, *", false},
		{"/bench/long", "identity", false},
		{"/bench/short", "gzip", false},
		{"/bench/bytes", "gzip", false},
	} {
		w := call(t, b.handler, "GET", c.path, "", "Accept-Encoding", c.accept)
		require.Equal(t, 200, w.Code)
		require.Equal(t, c.packed, w.Header().Get("Content-Encoding") == "gzip", "%s for %q", c.path, c.accept)
		require.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"))
		if !c.packed {
			continue
		}
		require.Equal(t, `W/"v1"`, w.Header().Get("ETag"))
		require.Less(t, w.Body.Len(), 500)
		unpacked, err := gzip.NewReader(w.Body)
		require.NoError(t, err)
		text, err := io.ReadAll(unpacked)
		require.NoError(t, err)
		require.Equal(t, plain.Body.String(), string(text))
	}
}

func TestUnchangedAnswersHaveNoBody(t *testing.T) {
	b := newBench(t, Options{})
	for given, want := range map[string]int{`"v1"`: 304, `"v0", W/"v1"`: 304, "*": 304, `"v2"`: 200, "": 200} {
		w := call(t, b.handler, "GET", "/bench/long", "", "If-None-Match", given)
		require.Equal(t, want, w.Code, given)
		require.Equal(t, `"v1"`, w.Header().Get("ETag"))
		if want == 304 {
			require.Zero(t, w.Body.Len())
		}
	}
}

func TestScriptsOfKnownOrigins(t *testing.T) {
	const console = "https://console.example.org"
	b := newBench(t, Options{Origins: []string{console}})
	w := call(t, b.handler, "OPTIONS", "/bench/upload", "", "Origin", console, "Access-Control-Request-Method", "PUT")
	require.Equal(t, 204, w.Code)
	require.Equal(t, console, w.Header().Get("Access-Control-Allow-Origin"))
	require.Contains(t, w.Header().Get("Access-Control-Allow-Methods"), "PUT")
	require.Contains(t, w.Header().Get("Access-Control-Allow-Headers"), "X-Auth-Token")
	w = call(t, b.handler, "GET", "/bench/short", "", "Origin", console)
	require.Equal(t, 200, w.Code)
	require.Equal(t, console, w.Header().Get("Access-Control-Allow-Origin"))
	require.Contains(t, w.Header().Get("Access-Control-Expose-Headers"), "X-Subject-Token")
	require.Contains(t, w.Header().Values("Vary"), "Origin")
	for _, origin := range []string{"", "https://evil.example.org", "null"} {
		w = call(t, b.handler, "OPTIONS", "/bench/upload", "", "Origin", origin, "Access-Control-Request-Method", "PUT")
		require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"), origin)
	}
	w = call(t, newBench(t, Options{}).handler, "GET", "/bench/short", "", "Origin", console)
	require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"), "none are allowed by default")
	w = call(t, newBench(t, Options{Origins: []string{"*"}}).handler, "GET", "/bench/short", "", "Origin", console)
	require.Equal(t, console, w.Header().Get("Access-Control-Allow-Origin"))
}

func TestPolicyFileOverridesRoutes(t *testing.T) {
	b := newBench(t, Options{})
	require.Equal(t, 403, call(t, b.handler, "POST", "/bench/count/good", "{}").Code)
	o, err := auth.ParseOverrides("p.yaml", []byte(`"bench:count": "role:auditor and user_id:%(user_id)s"`))
	require.NoError(t, err)
	b = newBench(t, Options{Policies: o})
	require.Equal(t, 201, call(t, b.handler, "POST", "/bench/count/good", "{}").Code)
	require.Equal(t, 403, call(t, b.handler, "POST", "/bench/count/other", "{}").Code)
	o, err = auth.ParseOverrides("p.yaml", []byte("\nbench: role:x\nnosuch: role:x"))
	require.NoError(t, err)
	_, err = New(Options{Policies: o}, testService())
	require.ErrorContains(t, err, "p.yaml:2: there is no policy bench")
	require.ErrorContains(t, err, "p.yaml:3: there is no policy nosuch")
}

func TestAuditHearsOfChanges(t *testing.T) {
	b := newBench(t, Options{})
	call(t, b.handler, "GET", "/bench/short", "")
	call(t, b.handler, "POST", "/bench/count/x", "{}", "User-Agent", "test", "X-Openstack-Request-Id", "req-00000000-0000-0000-0000-000000000000")
	require.Len(t, b.calls, 1)
	c := b.calls[0]
	require.Equal(t, "bench.count", c.Action)
	require.Equal(t, 403, c.Status)
	require.Equal(t, "good", c.Caller.UserID)
	require.Equal(t, "192.0.2.1", c.From)
	require.Equal(t, "test", c.Agent)
	require.Equal(t, "req-00000000-0000-0000-0000-000000000000", c.GlobalRequest)
	require.Contains(t, c.Reason, "Policy doesn't allow bench:count")
}

// TestSlowClients sends half of a body and then nothing.
func TestSlowClients(t *testing.T) {
	b := newBench(t, Options{MaxWorking: 1, Patience: time.Second})
	server := httptest.NewServer(b.handler)
	defer server.Close()
	for _, c := range []struct{ request, want string }{
		{"POST /bench/hold HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", "HTTP/1.1 408"},
		{"PUT /bench/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", "HTTP/1.1 "},
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(conn, c.request)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		answer, err := io.ReadAll(conn)
		require.NoError(t, err, "the connection is closed")
		require.True(t, strings.HasPrefix(string(answer), c.want), "%s", answer)
		require.NoError(t, conn.Close())
	}
	require.Zero(t, b.worked.Load(), "a slow client holds no place")
	res, err := http.Get(server.URL + "/bench/short")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
}

func TestABrokenDownloadIsNotTakenForWhole(t *testing.T) {
	server := httptest.NewServer(newBench(t, Options{}).handler)
	defer server.Close()
	res, err := http.Get(server.URL + "/bench/broken")
	if err != nil { // the end may come before the header
		return
	}
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestConnectionsOutliveTheirDeadlines(t *testing.T) {
	const patience = time.Second // enough for a busy machine to answer in
	b := newBench(t, Options{Patience: patience})
	server := httptest.NewServer(b.handler)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	in := make([]byte, 4096)
	for range 2 {
		_, err = io.WriteString(conn, "GET /bench/short HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		n, err := conn.Read(in)
		require.NoError(t, err)
		require.Contains(t, string(in[:n]), "200 OK")
		time.Sleep(patience + 100*time.Millisecond)
	}
}

func TestNestingNumbersAndTextAreRefused(t *testing.T) {
	b := newBench(t, Options{})
	b.release = make(chan struct{})
	close(b.release)
	admin := []string{"X-Auth-Token", "x"}
	for _, body := range []string{
		strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000),
		`{"a":1e99999}`, `{"a":` + strings.Repeat("9", 100_000) + `}`, "{\"a\":\"\xff\"}", "{\"\xc3\x28\":1}", `{"a":1}{}`, `{"a":01}`, "\x00", `"`, `nul`, `[1`,
	} {
		w := call(t, b.handler, "POST", "/bench/hold", body, admin...)
		require.Equal(t, 400, w.Code, "%.60s: %.200s", body, w.Body)
		var problem struct{ Detail string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem))
		require.NotEmpty(t, problem.Detail)
		require.Less(t, w.Body.Len(), 1000, "%.60s", body)
	}
}

func TestFilters(t *testing.T) {
	values, err := AnyOf("name", `in:a,"b,c"`)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b,c"}, values)
	values, err = AnyOf("name", "a,b")
	require.NoError(t, err)
	require.Equal(t, []string{"a,b"}, values)
	_, err = AnyOf("name", `in:"a`)
	require.ErrorContains(t, err, "double quotes")
	bounds, err := Bounds("created_at", []string{"gte:2026-01-31T10:20:30Z", "lt:2026-02-01T00:00:00", "2026-01-01"})
	require.NoError(t, err)
	require.Len(t, bounds, 3)
	require.EqualValues(t, ">=", bounds[0].Op)
	require.EqualValues(t, "<", bounds[1].Op)
	require.EqualValues(t, "=", bounds[2].Op)
	_, err = Bounds("created_at", []string{"after:2026"})
	require.ErrorContains(t, err, "gte:")
	want := time.Date(2026, 1, 31, 11, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-01-31T11:00:00Z", "2026-01-31T12:00:00+01:00", "2026-01-31T12:00:00 01:00", "2026-01-31T12:00:00+0100", "2026-01-31T11:00:00", "2026-01-31 11:00:00", "2026-01-31T11:00:00.000000"} {
		got, err := Time("changes-since", text)
		require.NoError(t, err, text)
		require.True(t, want.Equal(got), "%s is %s", text, got)
	}
	for _, text := range []string{"", "yesterday", "2026-13-01", "10000-01-01T00:00:00Z"} {
		_, err := Time("changes-since", text)
		require.ErrorContains(t, err, "is not a time such as", text)
	}
}
