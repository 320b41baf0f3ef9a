package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Status says how bad a finding is.
type Status string

// The closed set of statuses.
const (
	OK   Status = "ok"
	Warn Status = "warn" // Aloft runs, but slower or with less
	Fail Status = "fail" // Aloft cannot run
)

// Finding is one thing that was looked at.
type Finding struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Found  string `json:"found"`           // what there is
	Means  string `json:"means,omitempty"` // what follows; empty if all is well
	Cure   string `json:"cure,omitempty"`  // what to do about it
}

// Report is everything that was found.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Fatal tells whether Aloft could not run on this host.
func (r Report) Fatal() bool {
	for _, f := range r.Findings {
		if f.Status == Fail {
			return true
		}
	}
	return false
}

// Table prints the report for people: a line a finding, and below it what a bad one means and its cure.
func (r Report) Table(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Status, f.Name, f.Found)
		if f.Means != "" {
			fmt.Fprintf(table, "\t\t→ %s\n", f.Means)
		}
		if f.Cure != "" {
			fmt.Fprintf(table, "\t\t→ cure: %s\n", f.Cure)
		}
	}
	return table.Flush()
}

// JSON prints the report for programs.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Report
		Fatal bool `json:"fatal"`
	}{r, r.Fatal()})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
