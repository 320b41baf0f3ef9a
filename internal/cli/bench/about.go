package bench

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// simulated is the type of hypervisors that start no guest.
const simulated = "simulated"

// hosts asks what the hypervisors are. That only admins are told, so a refusal is no failure.
func (r *run) hosts(ctx context.Context) Hosts {
	var list struct {
		Hypervisors []struct {
			Type string `json:"hypervisor_type"`
		}
		Links []any `json:"hypervisors_links"`
	}
	if err := r.get(ctx, "/os-hypervisors/detail?limit=1000", &list); err != nil || len(list.Hypervisors) == 0 {
		return Hosts{}
	}
	h := Hosts{Told: true, Count: len(list.Hypervisors), More: len(list.Links) > 0}
	for _, one := range list.Hypervisors {
		if !slices.Contains(h.Types, one.Type) {
			h.Types = append(h.Types, one.Type)
		}
	}
	slices.Sort(h.Types)
	all := !slices.ContainsFunc(h.Types, func(t string) bool { return t != simulated })
	h.Simulated = &all
	return h
}

// sameMachine tells whether the API's address is one of this machine's.
func sameMachine(ctx context.Context, endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	there, err := net.DefaultResolver.LookupIPAddr(ctx, u.Hostname())
	if err != nil {
		return false
	}
	here, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(there, func(a net.IPAddr) bool {
		return a.IP.IsLoopback() || slices.ContainsFunc(here, func(h net.Addr) bool {
			n, ok := h.(*net.IPNet)
			return ok && n.IP.Equal(a.IP)
		})
	})
}

// cpuTime is the processor time that this process has taken.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memory watches the resident memory of the process behind the API, where /metrics beside the API tells of it, in the
// form of Prometheus. No token is shown there.
type memory struct {
	http   *http.Client
	source string

	mu    sync.Mutex
	told  bool
	found Memory
}

func newMemory(c Cloud) *memory {
	u, err := url.Parse(c.Compute)
	if err != nil {
		return &memory{http: c.HTTP}
	}
	return &memory{http: c.HTTP, source: u.Scheme + "://" + u.Host + "/metrics"}
}

// look takes one reading and tells whether there was one.
func (m *memory) look(ctx context.Context) bool {
	now, ok := m.read(ctx)
	if !ok {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.told {
		m.told, m.found = true, Memory{Source: m.source, Before: now}
	}
	m.found.Peak, m.found.After = max(m.found.Peak, now), now
	return true
}

func (m *memory) read(ctx context.Context) (int64, bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, m.source, nil)
	if err != nil {
		return 0, false
	}
	resp, err := m.http.Do(r)
	if err != nil {
		return 0, false
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, false
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		value, ok := strings.CutPrefix(lines.Text(), "process_resident_memory_bytes ")
		if !ok {
			continue
		}
		bytes, err := strconv.ParseFloat(value, 64)
		return int64(bytes), err == nil
	}
	return 0, false
}

// follow takes readings until the context ends.
func (m *memory) follow(ctx context.Context) {
	for pause(ctx, 2*time.Second) == nil {
		m.look(ctx)
	}
}

func (m *memory) report() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.told {
		return nil
	}
	found := m.found
	return &found
}
