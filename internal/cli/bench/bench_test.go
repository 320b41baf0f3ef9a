package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/cli/bench"
)

// nova is a compute API of another make: it has pages of its own length, names without regard to this program, and may be
// told to fail. Servers become ACTIVE when they are looked at for the second time.
type nova struct {
	mu      sync.Mutex
	servers []*machine // the latest first
	tokens  int        // how often one was asked for
	page    int

	// answers before a request is worked on; a zero status lets it through
	before func(r *http.Request) (status int, header, body string)
	// fate is what becomes of the server of a number, from 0 on
	fate func(n int) (status, fault string)
	made int
}

type machine struct {
	id, name, status, fault string
	looks                   int
}

func newNova() *nova { return &nova{page: 7} }

const novaURL = "http://nova.example"

// RoundTrip implements http.RoundTripper. A request takes a moment, so that time goes on where it is not the real one.
func (n *nova) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(100 * time.Microsecond)
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	w := httptest.NewRecorder()
	n.serve(w, r)
	return w.Result(), nil
}

func (n *nova) Token() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return "token-" + strconv.Itoa(n.tokens)
}

func (n *nova) Reauthenticate(_ context.Context, stale string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if stale == "token-"+strconv.Itoa(n.tokens) {
		n.tokens++
	}
	return nil
}

func (n *nova) cloud() bench.Cloud {
	return bench.Cloud{
		Compute: novaURL, Microversion: "2.60", Tokens: n, HTTP: &http.Client{Transport: n}, Patience: time.Minute,
		Message: func(b []byte) string { return string(b) },
	}
}

func (n *nova) serve(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.before != nil {
		if status, header, body := n.before(r); status != 0 {
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return
		}
	}
	id := strings.TrimPrefix(r.URL.Path, "/servers/")
	at := slices.IndexFunc(n.servers, func(m *machine) bool { return m.id == id })
	switch {
	case r.Method == http.MethodPost:
		n.create(w, r)
	case r.Method == http.MethodGet && (r.URL.Path == "/servers" || r.URL.Path == "/servers/detail"):
		n.list(w, r)
	case at < 0:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodDelete:
		n.servers = slices.Delete(n.servers, at, at+1)
		w.WriteHeader(http.StatusNoContent)
	default:
		n.look(n.servers[at])
		_ = json.NewEncoder(w).Encode(map[string]any{"server": n.servers[at].json()})
	}
}

func (n *nova) create(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Server struct {
			Name string
			Min  int `json:"min_count"`
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	first := ""
	for k := range in.Server.Min {
		m := &machine{id: fmt.Sprintf("id-%d", n.made), name: in.Server.Name, status: "BUILD"}
		if in.Server.Min > 1 {
			m.name += fmt.Sprintf("-%d", k+1)
		}
		n.made++
		n.servers = append([]*machine{m}, n.servers...)
		if k == 0 {
			first = m.id
		}
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]any{"server": map[string]any{"id": first}})
}

func (n *nova) look(m *machine) {
	if m.looks++; m.looks < 2 || m.status != "BUILD" {
		return
	}
	m.status = "ACTIVE"
	if n.fate != nil {
		number, _ := strconv.Atoi(strings.TrimPrefix(m.id, "id-"))
		m.status, m.fault = n.fate(number)
	}
}

func (m *machine) json() map[string]any {
	out := map[string]any{"id": m.id, "name": m.name, "status": m.status}
	if m.fault != "" {
		out["fault"] = map[string]any{"message": m.fault}
	}
	return out
}

func (n *nova) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	limit = min(limit, n.page)
	page, past := []map[string]any{}, q.Get("marker") == ""
	more := false
	for _, m := range n.servers {
		n.look(m)
		switch {
		case !past:
			past = m.id == q.Get("marker")
		case q.Has("status") && m.status != q.Get("status"), !strings.Contains(m.name, q.Get("name")):
		case len(page) == limit:
			more = true
		default:
			page = append(page, m.json())
		}
	}
	out := map[string]any{"servers": page}
	if more {
		out["servers_links"] = []any{map[string]string{"rel": "next"}}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func plan(count int) bench.Plan {
	return bench.Plan{Count: count, Concurrency: 4, Multi: 1, Image: "i", Flavor: "f", Connections: 2, ReadFor: time.Millisecond}
}

func quiet(bench.Stage) {}

func TestAnotherCloud(t *testing.T) {
	n := newNova()
	n.servers = []*machine{{id: "other", name: "another", status: "ACTIVE"}}
	for _, multi := range []int{1, 9} {
		p := plan(40)
		p.Multi = multi
		got, err := bench.Run(t.Context(), n.cloud(), p, quiet)
		require.NoError(t, err)
		require.Empty(t, got.Errors)
		require.Equal(t, 40, got.Create.Active)
		require.Equal(t, 41, got.List.Servers, "all of the project's")
		require.Equal(t, 40, got.Delete.Servers)
		require.Nil(t, got.Memory)
		require.False(t, got.Hosts.Told)
		require.Len(t, n.servers, 1, "what is not the run's stays")
	}
}

// A cloud that asks for time gets it, and a token that is refused is replaced, neither of which is a failure.
func TestPatience(t *testing.T) {
	n := newNova()
	refused, busy := false, 0
	n.before = func(r *http.Request) (int, string, string) {
		switch {
		case !refused && r.Method == http.MethodPost:
			refused = true
			return 401, "", ""
		case r.Header.Get("X-Auth-Token") != "token-1" && refused:
			return 401, "", ""
		case r.Method == http.MethodDelete && busy < 3:
			busy++
			return []int{503, 429, 503}[busy-1], "Retry-After: 0", "busy"
		}
		return 0, "", ""
	}
	got, err := bench.Run(t.Context(), n.cloud(), plan(10), quiet)
	require.NoError(t, err)
	require.Empty(t, got.Errors)
	require.Equal(t, 10, got.Create.Active)
	require.EqualValues(t, 3, got.Client.ToldToWait)
	require.Positive(t, got.Client.TokenRenewed)
	require.Equal(t, 1, n.tokens, "one log-in for all who were refused")
}

func TestImpatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // as it waits for nothing to happen
		n := newNova()
		n.before = func(r *http.Request) (int, string, string) {
			if r.Method == http.MethodPost {
				return 503, "Retry-After: 3600", "come back tomorrow"
			}
			return 0, "", ""
		}
		got, err := bench.Run(t.Context(), n.cloud(), plan(5), quiet)
		require.NoError(t, err)
		require.Equal(t, []bench.Failure{{Phase: "create", Message: "come back tomorrow", Count: 5}}, got.Errors)
		require.Zero(t, got.Create.Accepted)
		require.Nil(t, got.Show)
	})
}

func TestFailuresAreGrouped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // as it waits for nothing to happen
		n := newNova()
		n.fate = func(number int) (string, string) {
			if number%4 == 0 {
				return "ERROR", fmt.Sprintf("no host for 11111111-2222-4333-8444-%012d", number)
			}
			return "ACTIVE", ""
		}
		n.before = func(r *http.Request) (int, string, string) {
			if r.Method == http.MethodDelete && r.URL.Path == "/servers/id-1" {
				return 409, "", "cannot delete"
			}
			return 0, "", ""
		}
		c := n.cloud()
		c.Patience = 5 * time.Second
		got, err := bench.Run(t.Context(), c, plan(20), quiet)
		require.NoError(t, err)
		require.Equal(t, 15, got.Create.Active)
		require.Equal(t, 5, got.Create.Failed)
		require.Equal(t, 15, got.Create.ToActive.Count)
		require.Equal(t, 1, got.Delete.Left)
		require.Equal(t, []bench.Failure{
			{Phase: "create", Message: "no host for …", Count: 5},
			{Phase: "delete", Message: "cannot delete", Count: 1},
			{Phase: "delete", Message: "still listed 5s after the last change", Count: 1},
		}, got.Errors)
	})
}

func TestServersThatNeverCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // as it waits for nothing to happen
		n := newNova()
		n.fate = func(number int) (string, string) {
			if number < 12 {
				return "BUILD", ""
			}
			return "ACTIVE", ""
		}
		c := n.cloud()
		c.Patience = 5 * time.Second
		got, err := bench.Run(t.Context(), c, plan(20), quiet)
		require.NoError(t, err)
		require.Equal(t, 8, got.Create.Active)
		require.Equal(t, 12, got.Create.Unseen)
		require.Equal(t, []bench.Failure{{Phase: "create", Message: "neither ACTIVE nor in ERROR 5s after the last news", Count: 12}}, got.Errors)
		require.Empty(t, n.servers, "they are deleted all the same")
	})
}

// A run that can't go on deletes what it made.
func TestRightsThatAreLost(t *testing.T) {
	n := newNova()
	n.before = func(r *http.Request) (int, string, string) {
		if r.URL.Path == "/servers/detail" && r.URL.Query().Get("status") == "" {
			return 403, "", "not any more"
		}
		return 0, "", ""
	}
	got, err := bench.Run(t.Context(), n.cloud(), plan(10), quiet)
	require.ErrorContains(t, err, "listing: not any more")
	require.Equal(t, 10, got.Create.Active)
	require.Nil(t, got.Delete)
	require.Empty(t, n.servers)
}

func TestHostsAndMemory(t *testing.T) {
	n := newNova()
	n.before = func(r *http.Request) (int, string, string) {
		switch r.URL.Path {
		case "/os-hypervisors/detail":
			return 200, "", `{"hypervisors":[{"hypervisor_type":"QEMU"},{"hypervisor_type":"simulated"},{"hypervisor_type":"QEMU"}],"hypervisors_links":[{}]}`
		case "/metrics":
			if r.Header.Get("X-Auth-Token") != "" {
				return 400, "", "a token has no business here"
			}
			return 200, "", "# HELP x\nprocess_resident_memory_bytes 1.5e+08\n"
		}
		return 0, "", ""
	}
	got, err := bench.Run(t.Context(), n.cloud(), plan(1), quiet)
	require.NoError(t, err)
	no := false
	require.Equal(t, bench.Hosts{Told: true, Count: 3, More: true, Types: []string{"QEMU", "simulated"}, Simulated: &no}, got.Hosts)
	require.Equal(t, &bench.Memory{Source: novaURL + "/metrics", Before: 150e6, Peak: 150e6, After: 150e6}, got.Memory)
}
