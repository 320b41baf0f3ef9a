package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

func each(t *testing.T, fn func(t *testing.T, l *Log)) {
	dbtest.Each(t, []db.Migrations{Migrations()}, func(t *testing.T, d *db.DB) { fn(t, New(d, slog.New(slog.DiscardHandler))) })
}

// ask lists records as a role over HTTP.
func ask(t *testing.T, l *Log, role, path string) (int, listOut) {
	t.Helper()
	h, err := rest.New(rest.Options{
		Log: slog.New(slog.DiscardHandler),
		Authenticate: func(_ context.Context, token string) (*auth.Caller, error) {
			return &auth.Caller{UserID: "u", ProjectID: "p", Roles: []string{token}}, nil
		},
	}, rest.Service{Type: "aloft", Prefix: "/v1", Errors: rest.AloftErrors, Routes: l.Routes()})
	require.NoError(t, err)
	r, w := httptest.NewRequest("GET", path, nil), httptest.NewRecorder()
	r.Header.Set("X-Auth-Token", role)
	h.ServeHTTP(w, r)
	var out listOut
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out), "%s", w.Body)
	return w.Code, out
}

func TestRecordsAreFound(t *testing.T) {
	each(t, func(t *testing.T, l *Log) {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for i, c := range []rest.Call{
			{Action: "compute.server.create", Status: 202, Caller: &auth.Caller{UserID: "alice", UserName: "Alice", ProjectID: "red", AuditIDs: []string{"tok"}}},
			{Action: "compute.server.delete", Status: 404, Reason: "no such\x00 server\xff", Caller: &auth.Caller{UserID: "bob", ProjectID: "red"}},
			{Action: "network.port.create", Status: 500, Caller: &auth.Caller{UserID: "bob", ProjectID: "blue"}},
			{Action: "identity.token.create", Status: 401, From: "10.0.0.9", Agent: strings.Repeat("é", 2000)},
			{Action: "identity.token.create", Status: 0},
		} {
			c.At = start.Add(time.Duration(i) * time.Hour)
			c.Request = fmt.Sprint("req-", i)
			l.Add(t.Context(), c)
		}
		require.NoError(t, l.Flush(t.Context()))
		for query, want := range map[string]string{
			"":                              "4 3 2 1 0",
			"?user_id=bob":                  "2 1",
			"?project_id=red":               "1 0",
			"?project_id=red&user_id=bob":   "1",
			"?action=compute.server.create": "0",
			"?action=compute.server.*":      "1 0",
			"?outcome=refused":              "3 1",
			"?outcome=abandoned":            "4",
			"?request_id=req-2":             "2",
			"?since=2026-01-01T03:00:00Z":   "4 3",
			"?until=2026-01-01T01:00:00Z":   "0",
			"?since=2026-01-01T01:00:00Z&until=2026-01-01T02:00:00Z": "1",
			"?sort_key=at&sort_dir=asc&limit=2":                      "0 1",
		} {
			status, out := ask(t, l, "admin", "/v1/audit"+query)
			require.Equal(t, 200, status)
			var got []string
			for _, r := range out.Records {
				got = append(got, strings.TrimPrefix(r.RequestID, "req-"))
			}
			require.Equal(t, want, strings.Join(got, " "), query)
		}
		_, out := ask(t, l, "admin", "/v1/audit?request_id=req-0")
		require.Equal(t, record{
			ID: out.Records[0].ID, At: "2026-01-01T00:00:00.000000Z", Action: "compute.server.create", Outcome: "success", Status: 202,
			UserID: "alice", UserName: "Alice", ProjectID: "red", TokenID: "tok", RequestID: "req-0",
		}, out.Records[0])
		status, _ := ask(t, l, "manager", "/v1/audit")
		require.Equal(t, 403, status)
		for _, bad := range []string{"?since=soon", "?outcome=odd", "?marker=nowhere", "?sort_key=colour", "?limit=-1"} {
			status, _ := ask(t, l, "admin", "/v1/audit"+bad)
			require.Equal(t, 400, status, bad)
		}
	})
}

func TestPagesOfRecords(t *testing.T) {
	each(t, func(t *testing.T, l *Log) {
		const n = 7
		for range n {
			l.Add(t.Context(), rest.Call{At: time.Now(), Action: "x"})
		}
		require.NoError(t, l.Flush(t.Context()))
		seen, path := map[string]bool{}, "/v1/audit?limit=3"
		for path != "" {
			status, out := ask(t, l, "admin", path)
			require.Equal(t, 200, status)
			for _, r := range out.Records {
				require.False(t, seen[r.ID])
				seen[r.ID] = true
			}
			path = ""
			if len(out.Links) > 0 {
				path = strings.TrimPrefix(out.Links[0].Href, "http://example.com")
			}
		}
		require.Len(t, seen, n)
	})
}

// TestAnOrderlyEndLosesNothing adds from many sides while Run runs and ends.
func TestAnOrderlyEndLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, l *Log) {
		const callers, calls = 20, 200
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				for range calls {
					l.Add(t.Context(), rest.Call{At: time.Now(), Action: "x", Request: fmt.Sprint(i)})
				}
			})
		}
		wg.Wait()
		cancel()
		require.NoError(t, <-ended)
		n, err := l.db.Q(t.Context()).NewSelect().Model((*row)(nil)).Count(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, callers*calls, n)
	})
}

func TestAWriterThatFailsKeepsRecords(t *testing.T) {
	l := New(dbtest.SQLite(t, Migrations()), slog.New(slog.DiscardHandler))
	const most = 700
	l.most, l.patience = most, time.Minute
	for range most {
		l.Add(t.Context(), rest.Call{At: time.Now(), Action: "x"})
	}
	added := make(chan struct{})
	go func() {
		defer close(added)
		l.Add(t.Context(), rest.Call{At: time.Now(), Action: "last"}) // waits
	}()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, l.Flush(gone))
	require.Len(t, l.pending, most)
	require.NoError(t, l.Flush(t.Context()))
	<-added
	require.NoError(t, l.Flush(t.Context()))
	n, err := l.db.Q(t.Context()).NewSelect().Model((*row)(nil)).Count(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, most+1, n)
}

func TestOldRecordsAreRemoved(t *testing.T) {
	each(t, func(t *testing.T, l *Log) {
		l.Add(t.Context(), rest.Call{At: time.Now().Add(-kept - time.Hour), Action: "old"})
		l.Add(t.Context(), rest.Call{At: time.Now(), Action: "new"})
		require.NoError(t, l.Flush(t.Context()))
		require.NoError(t, l.prune(t.Context()))
		_, out := ask(t, l, "admin", "/v1/audit")
		require.Len(t, out.Records, 1)
		require.Equal(t, "new", out.Records[0].Action)
	})
}

func BenchmarkAdd(b *testing.B) {
	l := New(dbtest.SQLite(b, Migrations()), slog.New(slog.DiscardHandler))
	for b.Loop() {
		l.Add(b.Context(), rest.Call{At: time.Now(), Action: "x"})
		if len(l.pending) == l.most {
			l.pending = nil
		}
	}
}
