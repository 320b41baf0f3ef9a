package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// namesPerReason is how many hosts a report names of those that have one reason.
const namesPerReason = 20

// Report is what an attempt to place a server saw.
type Report struct {
	Hosts   int         `json:"hosts"` // looked at
	Groups  []Unfitting `json:"groups,omitempty"`
	Largest Resources   `json:"largest"` // of each, what is free on the host that has most of it, among those that lack something
}

// Unfitting are hosts that can't take a server for one reason.
type Unfitting struct {
	Reason Reason   `json:"reason"`
	Hosts  int      `json:"hosts"`
	Names  []string `json:"names,omitempty"` // of some of them
}

// Brief tells what is cheap to tell of an attempt: how many hosts there were, and how many were out of the question for
// what they are. It says nothing of what is free on the others.
func (p *Picture) Brief(r *Request) Report {
	out := newTally()
	for _, c := range p.classes {
		if c.hosts == 0 {
			continue
		}
		out.report.Hosts += c.hosts
		if why := c.unfit(r); why != none {
			out.group(why).Hosts += c.hosts
		}
	}
	return out.done()
}

// Explain tells of each host why it can't take a server.
func (p *Picture) Explain(r *Request) Report {
	out := newTally()
	for _, c := range p.classes {
		if c.hosts == 0 {
			continue
		}
		out.report.Hosts += c.hosts
		if why := c.unfit(r); why != none {
			g := out.group(why)
			g.Hosts += c.hosts
			each(c.root, func(e *entry) bool { g.name(e.Name); return len(g.Names) < namesPerReason })
			continue
		}
		each(c.root, func(e *entry) bool {
			why := unfit(&e.Host, r)
			if why == none {
				if why = capacity(&e.Host, r); why != none {
					out.report.Largest = out.report.Largest.most(e.Free)
				}
			}
			if why != none {
				g := out.group(why)
				g.Hosts++
				g.name(e.Name)
			}
			return true
		})
	}
	return out.done()
}

func (g *Unfitting) name(host string) {
	if len(g.Names) < namesPerReason {
		g.Names = append(g.Names, host)
	}
}

// tally counts hosts by reason.
type tally struct {
	report Report
	groups map[Reason]*Unfitting
	last   *Unfitting // neighbours tend to have the same reason
}

func newTally() *tally { return &tally{groups: map[Reason]*Unfitting{}} }

func (t *tally) group(why Reason) *Unfitting {
	if t.last != nil && t.last.Reason == why {
		return t.last
	}
	g := t.groups[why]
	if g == nil {
		g = &Unfitting{Reason: why}
		t.groups[why] = g
	}
	t.last = g
	return g
}

// done returns the report, the reasons of most hosts first.
func (t *tally) done() Report {
	for _, g := range t.groups {
		t.report.Groups = append(t.report.Groups, *g)
	}
	slices.SortFunc(t.report.Groups, func(a, b Unfitting) int {
		return cmp.Or(cmp.Compare(b.Hosts, a.Hosts), cmp.Compare(a.Reason.Many, b.Reason.Many))
	})
	return t.report
}

// Fit is how many hosts were not ruled out.
func (r *Report) Fit() int {
	n := r.Hosts
	for _, g := range r.Groups {
		n -= g.Hosts
	}
	return n
}

// Text is the reason with its number of hosts, and the most that was free where it is about that.
func (r *Report) Text(g *Unfitting) string {
	text := fmt.Sprintf("%d %s", g.Hosts, g.Reason.Many)
	if g.Hosts == 1 {
		text = "1 " + g.Reason.One
	}
	switch g.Reason {
	case lackMemory:
		text += fmt.Sprintf(" (largest free %.1f GiB)", float64(max(r.Largest.MemoryMiB, 0))/1024)
	case lackVCPUs:
		text += fmt.Sprintf(" (largest free %d)", max(r.Largest.VCPUs, 0))
	case lackDisk:
		text += fmt.Sprintf(" (largest free %d GiB)", max(r.Largest.DiskGiB, 0))
	}
	return text
}

// Refusal is the report in one sentence, where no host could take the server.
func (r *Report) Refusal() string {
	if r.Hosts == 0 {
		return "No valid host: there is no host yet; start `aloft agent` on a machine"
	}
	parts := make([]string, len(r.Groups))
	for i := range r.Groups {
		parts[i] = r.Text(&r.Groups[i])
	}
	return fmt.Sprintf("No valid host: 0 of %d hosts fit: %s", r.Hosts, strings.Join(parts, ", "))
}
