package conformance

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"gopkg.in/yaml.v3"
)

const (
	passed  = "passed"
	failed  = "failed"
	skipped = "skipped"  // by the test itself
	leftOut = "left out" // by skips.yaml
)

// result is what became of a test.
type result struct {
	Test    string `json:"test"` // with its attributes, as stestr lists it
	Outcome string `json:"outcome"`
	Text    string `json:"text,omitempty"` // the reason, or the traceback
}

// exclusion is an entry of skips.yaml.
type exclusion struct {
	Tests  string `yaml:"tests"`
	Reason string `yaml:"reason"`
	match  *regexp.Regexp
}

func readExclusions(file string) ([]exclusion, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []exclusion
	if err := yaml.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range all {
		if all[i].Tests == "" || all[i].Reason == "" {
			return nil, fmt.Errorf("%s: entry %d needs tests and a reason", file, i+1)
		}
		if all[i].match, err = regexp.Compile(all[i].Tests); err != nil {
			return nil, fmt.Errorf("%s: entry %d: %w", file, i+1, err)
		}
	}
	return all, nil
}

func excludedBy(all []exclusion, test string) (reason string, ok bool) {
	for _, e := range all {
		if e.match.MatchString(test) {
			return e.Reason, true
		}
	}
	return "", false
}

// parse reads JUnit's XML, as subunit2junitxml writes it. The name of what failed or skipped for a whole class is
// "setUpClass (CLASS)".
func parse(raw []byte) (map[string]result, error) {
	var doc struct {
		Cases []struct {
			Class   string   `xml:"classname,attr"`
			Name    string   `xml:"name,attr"`
			Failure []string `xml:"failure"`
			Error   []string `xml:"error"`
			Skipped []string `xml:"skipped"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	all := map[string]result{}
	for _, c := range doc.Cases {
		name := c.Name
		if c.Class != "" {
			name = c.Class + "." + c.Name
		}
		r := result{Test: name, Outcome: passed}
		switch bad := slices.Concat(c.Failure, c.Error); {
		case len(bad) > 0:
			r.Outcome, r.Text = failed, strings.Join(bad, "\n")
		case len(c.Skipped) > 0:
			r.Outcome, r.Text = skipped, strings.TrimSpace(strings.Join(c.Skipped, "\n"))
		}
		if before, ok := all[name]; !ok || before.Outcome != failed {
			all[name] = r
		}
	}
	return all, nil
}

// settle gives each wanted test its outcome: its own, or that of its class, or else it has failed for it was not heard of.
// An outcome that belongs to no wanted test, such as a class that could not be torn down, is added as it is if it is a failure.
func settle(wanted []string, outcomes map[string]result) []result {
	used := map[string]bool{}
	var all []result
	for _, test := range wanted {
		bare, _, _ := strings.Cut(test, "[")
		class := "setUpClass (" + bare[:strings.LastIndex(bare, ".")] + ")"
		r := result{Outcome: failed, Text: "it was to run, and nothing was heard of it"}
		for _, name := range []string{class, test} {
			if found, ok := outcomes[name]; ok {
				r, used[name] = found, true
			}
		}
		r.Test = test
		all = append(all, r)
	}
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		if !used[name] && outcomes[name].Outcome == failed {
			all = append(all, outcomes[name])
		}
	}
	return all
}

func writeResults(file string, all []result) error {
	slices.SortStableFunc(all, func(a, b result) int { return cmp.Compare(a.Test, b.Test) })
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o644)
}

// report writes the failures, the numbers of each module, and what was skipped and why.
func report(w io.Writer, all []result) error {
	counts := map[string]map[string]int{}
	reasons := map[[2]string]int{}
	for _, r := range all {
		name := module(r.Test)
		for _, line := range []string{name, "all"} {
			if counts[line] == nil {
				counts[line] = map[string]int{}
			}
			counts[line][r.Outcome]++
		}
		switch r.Outcome {
		case failed:
			fmt.Fprintf(w, "FAILED %s\n%s\n\n", r.Test, r.Text)
		case skipped, leftOut:
			reasons[[2]string{r.Outcome, r.Text}]++
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cells ...any) {
		fmt.Fprintf(table, "%v\t%v\t%v\t%v\t  %s\n", append(cells, name)...)
	}
	row("", passed, failed, skipped, leftOut)
	names := slices.Sorted(maps.Keys(counts))
	names = append(slices.DeleteFunc(names, func(n string) bool { return n == "all" }), "all")
	for _, name := range names {
		c := counts[name]
		row(name, c[passed], c[failed], c[skipped], c[leftOut])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, why := range slices.SortedFunc(maps.Keys(reasons), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		fmt.Fprintf(w, "%s: %d, %s\n", why[0], reasons[why], why[1])
	}
	return nil
}

// module is the module of a test, without what all have in common.
func module(test string) string {
	bare, _, _ := strings.Cut(test, "[")
	if i := strings.Index(bare, "("); i >= 0 {
		bare = bare[i+1:]
	}
	parts := strings.Split(bare, ".")
	for i, p := range parts {
		if strings.HasPrefix(p, "test_") {
			return strings.Join(parts[:i+1], ".")
		}
	}
	return bare
}
