package auth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Expr is a rule in the language of OpenStack's policy files:
//
//	role:member and project_id:%(project_id)s or rule:admin_required
//
// Its atoms are "@" or nothing (everyone with a token), "!" (nobody), role:NAME, system_scope:all, rule:NAME (another
// rule of the file), and ATTRIBUTE:VALUE, which compares an attribute of the caller (see attributes) with a word or
// with %(NAME)s, something that the request is about. They are joined by not, and, or, and parentheses; not binds
// tightest and or loosest.
//
// What a request is about, where its path does not say, is the caller's own: rows of other projects are hidden by
// their scope anyhow. So project_id:%(project_id)s asks for a token that is scoped to a project.
//
// Source: the documentation of oslo.policy.
type Expr struct {
	allows func(c *Caller, target func(string) string) bool
	refs   []string // rules that it names
	needs  []string // what it asks of the request, as in %(NAME)s
	rules  map[string]*Expr
}

// attributes are what a rule may ask of a caller.
var attributes = map[string]func(c *Caller) string{
	"user_id":           func(c *Caller) string { return c.UserID },
	"user_name":         func(c *Caller) string { return c.UserName },
	"user_domain_id":    func(c *Caller) string { return c.UserDomainID },
	"project_id":        func(c *Caller) string { return c.ProjectID },
	"tenant_id":         func(c *Caller) string { return c.ProjectID },
	"project_name":      func(c *Caller) string { return c.ProjectName },
	"project_domain_id": func(c *Caller) string { return c.ProjectDomainID },
	"domain_id":         func(c *Caller) string { return c.DomainID },
	"is_admin": func(c *Caller) string {
		if c.Admin() {
			return "1"
		}
		return "0"
	},
	"system_scope": func(c *Caller) string {
		if c.System {
			return "all"
		}
		return ""
	},
}

// Allows tells whether the caller passes; nobody without a token does.
func (e *Expr) Allows(c *Caller, target func(string) string) bool {
	return c != nil && e.allows(c, target)
}

// ParseExpr reads a rule. Its error says what is wrong and what would be right.
func ParseExpr(text string) (*Expr, error) {
	p := parser{words: split(text), expr: &Expr{}}
	if len(p.words) == 0 {
		p.words = []string{"@"}
	}
	check, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if len(p.words) > 0 {
		return nil, fmt.Errorf("%q stands where \"and\", \"or\" or the end should be", p.words[0])
	}
	p.expr.allows = check
	return p.expr, nil
}

// split cuts a rule into words; parentheses are words of their own, except in %(name)s.
func split(text string) []string {
	var words []string
	for _, w := range strings.Fields(text) {
		var closing int
		for strings.HasPrefix(w, "(") {
			words, w = append(words, "("), w[1:]
		}
		for strings.HasSuffix(w, ")") {
			w = w[:len(w)-1]
			closing++
		}
		if w != "" {
			words = append(words, w)
		}
		for range closing {
			words = append(words, ")")
		}
	}
	return words
}

type check = func(c *Caller, target func(string) string) bool

// parser reads a rule by recursive descent.
type parser struct {
	words []string
	expr  *Expr
}

// maxNesting is how deep parentheses may nest.
const maxNesting = 50

func (p *parser) next(word string) bool {
	if len(p.words) == 0 || !strings.EqualFold(p.words[0], word) {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *parser) or(depth int) (check, error) {
	left, err := p.and(depth)
	for err == nil && p.next("or") {
		var right check
		a := left
		if right, err = p.and(depth); err == nil {
			left = func(c *Caller, t func(string) string) bool { return a(c, t) || right(c, t) }
		}
	}
	return left, err
}

func (p *parser) and(depth int) (check, error) {
	left, err := p.unary(depth)
	for err == nil && p.next("and") {
		var right check
		a := left
		if right, err = p.unary(depth); err == nil {
			left = func(c *Caller, t func(string) string) bool { return a(c, t) && right(c, t) }
		}
	}
	return left, err
}

func (p *parser) unary(depth int) (check, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("it nests deeper than %d levels", maxNesting)
	}
	switch {
	case p.next("not"):
		inner, err := p.unary(depth + 1)
		return func(c *Caller, t func(string) string) bool { return !inner(c, t) }, err
	case p.next("("):
		inner, err := p.or(depth + 1)
		if err == nil && !p.next(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return inner, err
	case len(p.words) == 0:
		return nil, errors.New("it ends where a condition such as role:member should be")
	}
	word := p.words[0]
	p.words = p.words[1:]
	return p.atom(word)
}

func (p *parser) atom(word string) (check, error) {
	switch word {
	case "@":
		return func(*Caller, func(string) string) bool { return true }, nil
	case "!":
		return func(*Caller, func(string) string) bool { return false }, nil
	}
	kind, value, ok := strings.Cut(word, ":")
	if !ok || kind == "" || value == "" {
		return nil, fmt.Errorf("%q is no condition: it is @, ! or of the form role:member", word)
	}
	switch kind {
	case "role":
		return func(c *Caller, _ func(string) string) bool { return c.Has(value) }, nil
	case "rule":
		return p.reference(value), nil
	}
	attribute, known := attributes[kind]
	if !known {
		return nil, fmt.Errorf("%q is not known of a caller: it is role, rule or one of %s", kind, strings.Join(slices.Sorted(maps.Keys(attributes)), ", "))
	}
	name, isTarget := strings.CutPrefix(value, "%(")
	if !isTarget {
		return func(c *Caller, _ func(string) string) bool { return attribute(c) == value }, nil
	}
	name, ok = strings.CutSuffix(name, ")s")
	if !ok || name == "" {
		return nil, fmt.Errorf("%q is not of the form %%(project_id)s", value)
	}
	p.expr.needs = append(p.expr.needs, name)
	return compare(attribute, name), nil
}

// compare asks that an attribute of the caller is what the request is about, which is the caller's own unless the
// request says otherwise. An attribute that the caller does not have equals nothing.
func compare(attribute func(*Caller) string, name string) check {
	own := attributes[name]
	return func(c *Caller, target func(string) string) bool {
		want := ""
		if target != nil {
			want = target(name)
		}
		if want == "" && own != nil {
			want = own(c)
		}
		return want != "" && attribute(c) == want
	}
}

func (p *parser) reference(name string) check {
	p.expr.refs = append(p.expr.refs, name)
	e := p.expr
	return func(c *Caller, t func(string) string) bool {
		named := e.rules[name]
		return named != nil && named.allows(c, t)
	}
}
