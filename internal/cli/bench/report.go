package bench

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Report is what a run found. A phase that was not reached is absent.
type Report struct {
	Cloud       string    `json:"cloud"` // the endpoint of its compute API
	Run         string    `json:"run"`   // with which the names of its servers begin
	Started     time.Time `json:"started"`
	Count       int       `json:"count"`
	Concurrency int       `json:"concurrency"`
	Multi       int       `json:"multi"` // servers a request
	Image       string    `json:"image"`
	Flavor      string    `json:"flavor"`
	Network     string    `json:"network"`
	Hosts       Hosts     `json:"hosts"`
	Client      Client    `json:"client"`
	Create      *Create   `json:"create,omitempty"`
	List        *List     `json:"list,omitempty"`
	Show        *Show     `json:"show,omitempty"`
	Delete      *Delete   `json:"delete,omitempty"`
	Memory      *Memory   `json:"memory"` // null: the cloud does not tell
	Errors      []Failure `json:"errors"`
	Kept        bool      `json:"kept"`        // the servers are still there, as was asked for
	Interrupted bool      `json:"interrupted"` // before the end
}

// Hosts is what the cloud tells of its hypervisors, which it tells admins only.
type Hosts struct {
	Told      bool     `json:"told"`
	Count     int      `json:"count,omitempty"`
	More      bool     `json:"more,omitempty"` // there are more than Count, which were not looked at
	Types     []string `json:"types,omitempty"`
	Simulated *bool    `json:"simulated"` // null: not known
}

// Client is who made the load.
type Client struct {
	Cores        int     `json:"cores"`
	SameMachine  bool    `json:"same_machine"` // the cloud's API is on it too
	CPUSeconds   float64 `json:"cpu_seconds"`
	Requests     int64   `json:"requests"`
	ToldToWait   int64   `json:"told_to_wait"`   // how often an answer was 429 or 503
	TokenRenewed int64   `json:"tokens_refused"` // how often an answer was 401
}

// Create is the phase from the first request until the last server is seen.
type Create struct {
	Seconds     float64 `json:"seconds"`      // until the last was seen ACTIVE or in ERROR
	PostSeconds float64 `json:"post_seconds"` // until the last request was answered
	PostRate    float64 `json:"posted_per_second"`
	ActiveRate  float64 `json:"active_per_second"`
	Accepted    int     `json:"accepted"` // servers
	Active      int     `json:"active"`
	Failed      int     `json:"failed"` // in ERROR
	Unseen      int     `json:"unseen"` // accepted, and neither within the patience
	Post        Times   `json:"post"`
	ToActive    Times   `json:"to_active"`
	Look        Times   `json:"look"` // from one look to the next: to_active is no finer
}

// List is the phase in which all servers of the project are listed in detail, in pages.
type List struct {
	PageLimit    int     `json:"page_limit"`
	Servers      int     `json:"servers"`       // that one pass over all pages gave
	SweepSeconds float64 `json:"sweep_seconds"` // of the median pass
	Page         Times   `json:"page"`          // of full pages, unless no page is
}

// Show is the phase in which single servers are shown.
type Show struct {
	Connections int     `json:"connections"`
	Rate        float64 `json:"per_second"`
	Times       Times   `json:"show"`
}

// Delete is the phase from the first request until no server is listed any more.
type Delete struct {
	Servers int     `json:"servers"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"per_second"`
	Left    int     `json:"left"` // that were still listed at the end of the patience
	Times   Times   `json:"delete"`
	Look    Times   `json:"look"`
}

// Memory is that of the process that serves the API, in bytes.
type Memory struct {
	Source string `json:"source"`
	Before int64  `json:"before"`
	Peak   int64  `json:"peak"`
	After  int64  `json:"after"`
}

// Failure is one thing that went wrong, and how often.
type Failure struct {
	Phase   string `json:"phase"`
	Message string `json:"message"`
	Count   int    `json:"count"`
}

// Times are what many requests took, in milliseconds.
type Times struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// timesOf sums durations up. The quantiles are of the nearest rank.
func timesOf(all []time.Duration) Times {
	if len(all) == 0 {
		return Times{}
	}
	slices.Sort(all)
	rank := func(share float64) float64 {
		return ms(all[max(0, int(math.Ceil(share*float64(len(all))))-1)])
	}
	return Times{Count: len(all), P50: rank(0.50), P99: rank(0.99), Max: ms(all[len(all)-1])}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// rate is a number a second.
func rate(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// failures counts what went wrong, by phase and message.
type failures struct {
	mu    sync.Mutex
	count map[Failure]int
}

// own are the parts of messages that differ from one server to the next.
var own = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|req-[0-9a-f-]+|bench-[0-9a-z]+-\d+(-\d+)?`)

func (f *failures) add(phase, message string, n int) {
	key := Failure{Phase: phase, Message: own.ReplaceAllString(message, "…")}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == nil {
		f.count = map[Failure]int{}
	}
	f.count[key] += n
}

// list returns the failures, the most frequent first.
func (f *failures) list() []Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Failure, 0, len(f.count))
	for key, n := range f.count {
		key.Count = n
		out = append(out, key)
	}
	slices.SortFunc(out, func(a, b Failure) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Message, b.Message))
	})
	return out
}
