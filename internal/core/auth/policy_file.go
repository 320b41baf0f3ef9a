package auth

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Overrides are the policies of an installation that differ from the defaults, as its policy file says:
//
//	admin_or_auditor: "role:admin or role:auditor"
//	"os_compute_api:os-hypervisors:list": "rule:admin_or_auditor"
//
// A name that is no policy is a rule for others to name, but for admin_required, which says who is an admin everywhere:
//
//	admin_required: "role:admin and system_scope:all"
//
// An override decides who may call a route; which rows the
// caller sees there is not up to it.
type Overrides struct {
	file  string
	rules map[string]*Expr
	lines map[string]int
	used  map[string]bool
}

// ReadOverrides reads a policy file. The error names each mistake with its line.
func ReadOverrides(file string) (*Overrides, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the policy file: %w", err)
	}
	return ParseOverrides(file, raw)
}

// ParseOverrides reads the text of a policy file.
func ParseOverrides(file string, raw []byte) (*Overrides, error) {
	o := &Overrides{file: file, rules: map[string]*Expr{}, lines: map[string]int{}, used: map[string]bool{}}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("%s is not YAML: %w", file, err)
	}
	if len(doc.Content) == 0 {
		return o, nil // empty, or comments only
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, o.mistake(root.Line, "a policy file is lines of the form name: \"rule\"")
	}
	var errs []error
	for i := 0; i < len(root.Content); i += 2 {
		errs = append(errs, o.add(root.Content[i], root.Content[i+1]))
	}
	if err := errors.Join(append(errs, o.link()...)...); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *Overrides) mistake(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", o.file, line, fmt.Sprintf(format, args...))
}

func (o *Overrides) add(key, value *yaml.Node) error {
	name := key.Value
	if before, twice := o.lines[name]; twice {
		return o.mistake(key.Line, "%s is there already in line %d", name, before)
	}
	o.lines[name] = key.Line
	if value.Kind != yaml.ScalarNode || (value.Tag != "!!str" && value.Tag != "!!null") {
		return o.mistake(value.Line, "the rule of %s must be a string, such as \"role:member and project_id:%%(project_id)s\"", name)
	}
	text := value.Value
	if value.Tag == "!!null" {
		return o.mistake(value.Line, "%s has no rule; write \"@\" for everyone with a token, or \"!\" for nobody", name)
	}
	expr, err := ParseExpr(text)
	if err != nil {
		return o.mistake(value.Line, "the rule of %s: %s", name, err)
	}
	o.rules[name] = expr
	return nil
}

// link resolves the names of other rules, and refuses circles.
func (o *Overrides) link() []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(o.rules)) {
		e := o.rules[name]
		e.rules = o.rules
		for _, ref := range e.refs {
			o.used[ref] = true
			if _, there := o.lines[ref]; !there {
				errs = append(errs, o.mistake(o.lines[name], "the rule of %s names rule:%s, which this file does not have", name, ref))
			}
		}
		if o.reaches(name, name, map[string]bool{}) {
			errs = append(errs, o.mistake(o.lines[name], "the rule of %s comes back to itself", name))
		}
	}
	return errs
}

func (o *Overrides) reaches(from, to string, seen map[string]bool) bool {
	e := o.rules[from]
	if e == nil || seen[from] {
		return false
	}
	seen[from] = true
	return slices.ContainsFunc(e.refs, func(ref string) bool { return ref == to || o.reaches(ref, to, seen) })
}

// Apply puts the file's rule into a policy, if it has one. about are the names of what the route's path says.
func (o *Overrides) Apply(p *Policy, about []string) error {
	if o == nil || o.rules[p.Name] == nil {
		return nil
	}
	o.used[p.Name] = true
	if !p.NeedsToken() {
		return o.mistake(o.lines[p.Name], "%s is for callers without a token: no rule can be asked of them", p.Name)
	}
	for _, name := range o.needs(p.Name) {
		if attributes[name] == nil && !slices.Contains(about, name) {
			return o.mistake(o.lines[p.Name], "the rule of %s asks for %%(%s)s, which requests do not say: they say %s", p.Name, name,
				strings.Join(slices.Sorted(maps.Keys(attributes)), ", ")+strings.Join(append([]string{""}, about...), ", "))
		}
	}
	p.override = o.rules[p.Name]
	return nil
}

// needs is what a rule, and those that it names, ask of the request.
func (o *Overrides) needs(name string) []string {
	e := o.rules[name]
	out := slices.Clone(e.needs)
	for _, ref := range e.refs {
		out = append(out, o.needs(ref)...)
	}
	return out
}

// adminRule says which callers are admins everywhere.
const adminRule = "admin_required"

// Judge bounds an admin to its scope if the policy file does not want it to be an admin everywhere.
func (o *Overrides) Judge(c *Caller) {
	if o != nil && o.rules[adminRule] != nil {
		c.Bounded = !o.rules[adminRule].Allows(c, nil)
	}
}

// Unused refuses names that are neither a policy to which Apply was called nor named by another rule.
func (o *Overrides) Unused() error {
	if o == nil {
		return nil
	}
	var errs []error
	for _, name := range slices.SortedFunc(maps.Keys(o.lines), func(a, b string) int { return o.lines[a] - o.lines[b] }) {
		if !o.used[name] && name != adminRule {
			errs = append(errs, o.mistake(o.lines[name], "there is no policy %s, and no rule names it", name))
		}
	}
	return errors.Join(errs...)
}
