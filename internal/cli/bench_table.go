package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/cli/bench"
)

// benchTable prints a report for people: a block a phase, a line a figure.
func benchTable(out io.Writer, r *bench.Report) error {
	var b strings.Builder
	say := func(head, text string) { fmt.Fprintf(&b, "%-13s%s\n", head, printable(text)) }
	line := func(head, what, took, often, times string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-13s%-22s%10s  %-15s%s", head, what, took, often, times), " ") + "\n")
	}
	say("cloud", r.Cloud)
	say("servers", fmt.Sprintf("%d, %s, %d clients at a time", r.Count, perRequest(r), r.Concurrency))
	say("of", fmt.Sprintf("image %s, flavor %s, network %s", r.Image, r.Flavor, r.Network))
	say("hypervisors", hypervisorLine(r.Hosts))
	say("client", clientLine(r.Client))
	if c := r.Create; c != nil {
		line("create", "until all are seen", seconds(c.Seconds), perSecond(c.ActiveRate)+" ACTIVE", "")
		line("", "requests", seconds(c.PostSeconds), perSecond(c.PostRate)+" servers", timesLine(c.Post))
		line("", "time to ACTIVE", "", "", timesLine(c.ToActive))
		line("", "looked every", "", "", timesLine(c.Look))
		say("", fmt.Sprintf("%d ACTIVE, %d in ERROR, %d not seen to the end", c.Active, c.Failed, c.Unseen))
	}
	if l := r.List; l != nil {
		line("list", fmt.Sprintf("details, %d a page", l.PageLimit), "", "", timesLine(l.Page))
		line("", fmt.Sprintf("all %d servers", l.Servers), seconds(l.SweepSeconds), "", "")
	}
	if s := r.Show; s != nil {
		line("show", fmt.Sprintf("%d connections", s.Connections), "", perSecond(s.Rate), timesLine(s.Times))
	}
	if d := r.Delete; d != nil {
		line("delete", "until all are gone", seconds(d.Seconds), perSecond(d.Rate), "")
		line("", "requests", "", "", timesLine(d.Times))
		line("", "looked every", "", "", timesLine(d.Look))
	}
	say("memory", memoryLine(r.Memory))
	for i, f := range r.Errors {
		head := ""
		if i == 0 {
			head = "errors"
		}
		say(head, fmt.Sprintf("%d × %s: %s", f.Count, f.Phase, f.Message))
	}
	if len(r.Errors) == 0 {
		say("errors", "none")
	}
	switch {
	case r.Interrupted:
		say("", "interrupted before the end")
	case r.Kept:
		say("kept", "the servers are still there; their names begin with "+r.Run)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func perRequest(r *bench.Report) string {
	if r.Multi == 1 {
		return "one a request"
	}
	return fmt.Sprintf("%d a request", r.Multi)
}

func hypervisorLine(h bench.Hosts) string {
	if !h.Told {
		return "the cloud does not tell (only administrators are told)"
	}
	line := fmt.Sprintf("%d", h.Count)
	if h.More {
		line += " and more"
	}
	line += " of type " + strings.Join(h.Types, ", ")
	if *h.Simulated {
		line += ": SIMULATED, no guest was started"
	}
	return line
}

func clientLine(c bench.Client) string {
	where := "on another machine than the API"
	if c.SameMachine {
		where = "on the machine of the API"
	}
	return fmt.Sprintf("%s, %d cores; took %.1f s of processor time for %d requests (%d told to wait, %d tokens refused)",
		where, c.Cores, c.CPUSeconds, c.Requests, c.ToldToWait, c.TokenRenewed)
}

func memoryLine(m *bench.Memory) string {
	if m == nil {
		return "the cloud does not tell"
	}
	return fmt.Sprintf("%s before, %s at most, %s after, of the process behind %s", mib(m.Before), mib(m.Peak), mib(m.After), m.Source)
}

func mib(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

func seconds(s float64) string { return fmt.Sprintf("%.3f s", s) }

func perSecond(n float64) string { return fmt.Sprintf("%.0f/s", n) }

func timesLine(t bench.Times) string {
	if t.Count == 0 {
		return "-"
	}
	return fmt.Sprintf("p50 %-8s  p99 %-8s  max %s", brief(t.P50), brief(t.P99), brief(t.Max))
}

// brief is a time in milliseconds in as many digits as one reads.
func brief(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
