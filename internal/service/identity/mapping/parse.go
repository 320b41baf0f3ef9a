package mapping

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The schema versions. In 2.0 a project may name its domain.
const (
	Version1 = "1.0"
	Version2 = "2.0"
)

// Rules are the rules of a mapping, checked.
type Rules []rule

type rule struct {
	local  []local
	remote []requirement
}

// local is what a user gets for whom a rule applies. Texts may hold placeholders.
type local struct {
	user     *User
	groupID  string
	group    *Group
	groups   string
	groupIDs string
	domain   *Domain
	projects []Project
}

// requirement is an attribute that an assertion must have, and what is asked of its values.
type requirement struct {
	attribute string
	kind      string // one of kinds; empty: any value will do
	values    []string
	patterns  []*regexp.Regexp // in place of values
}

var kinds = []string{"any_one_of", "not_any_of", "whitelist", "blacklist"}

// Parse checks rules, as JSON has them. What is wrong is Invalid, with its place.
func Parse(version string, rules []any) (Rules, error) {
	if version != Version1 && version != Version2 {
		return nil, fault.Invalidf("mapping.schema_version", "Invalid input for field mapping.schema_version: %q is not one of %s, %s", version, Version1, Version2)
	}
	if len(rules) == 0 {
		return nil, fault.Invalidf("mapping.rules", "Invalid input: mapping.rules is a required field, with at least one rule")
	}
	out := make(Rules, len(rules))
	for i, raw := range rules {
		r, err := parseRule(node{fmt.Sprintf("mapping.rules[%d]", i), raw}, version)
		if err != nil {
			return nil, err
		}
		out[i] = r
	}
	return out, nil
}

func parseRule(n node, version string) (rule, error) {
	var r rule
	o, err := n.object("local", "remote")
	if err != nil {
		return r, err
	}
	locals, err := o.list("local")
	if err != nil {
		return r, err
	}
	for _, item := range locals {
		l, err := parseLocal(item, version)
		if err != nil {
			return r, err
		}
		r.local = append(r.local, l)
	}
	remotes, err := o.list("remote")
	if err != nil {
		return r, err
	}
	if len(remotes) == 0 {
		return r, o.wrong("remote", "needs at least one requirement")
	}
	for _, item := range remotes {
		q, err := parseRequirement(item)
		if err != nil {
			return r, err
		}
		r.remote = append(r.remote, q)
	}
	return r, nil
}

func parseRequirement(n node) (requirement, error) {
	var q requirement
	o, err := n.object(append([]string{"type", "regex"}, kinds...)...)
	if err != nil {
		return q, err
	}
	if q.attribute, err = o.text("type", true); err != nil {
		return q, err
	}
	for _, kind := range kinds {
		if !o.has(kind) {
			continue
		}
		if q.kind != "" {
			return q, o.wrong(kind, "can't be there together with %s", q.kind)
		}
		q.kind = kind
		if q.values, err = o.texts(kind); err != nil {
			return q, err
		}
	}
	byPattern, err := o.truth("regex")
	if err != nil || !o.has("regex") {
		return q, err
	}
	if q.kind == "" {
		return q, o.wrong("regex", "needs one of any_one_of, not_any_of, whitelist, blacklist beside it")
	}
	if !byPattern {
		return q, nil
	}
	q.patterns = make([]*regexp.Regexp, len(q.values))
	for i, value := range q.values {
		if q.patterns[i], err = regexp.Compile(value); err != nil {
			return q, o.wrong(fmt.Sprintf("%s[%d]", q.kind, i), "is not a regular expression of the kind RE2: %s", err)
		}
	}
	return q, nil
}

func parseLocal(n node, version string) (local, error) {
	var l local
	o, err := n.object("user", "projects", "group", "groups", "group_ids", "domain")
	if err != nil {
		return l, err
	}
	if l.groups, err = o.text("groups", false); err != nil {
		return l, err
	}
	if l.groupIDs, err = o.text("group_ids", false); err != nil {
		return l, err
	}
	if l.domain, err = parseDomain(o, "domain"); err != nil {
		return l, err
	}
	if l.user, err = parseUser(o); err != nil {
		return l, err
	}
	if err := parseGroup(o, &l); err != nil {
		return l, err
	}
	l.projects, err = parseProjects(o, version)
	return l, err
}

func parseDomain(o fields, key string) (*Domain, error) {
	if !o.has(key) {
		return nil, nil
	}
	d, err := o.at(key).object("id", "name")
	if err != nil {
		return nil, err
	}
	out := &Domain{}
	if out.ID, err = d.text("id", false); err != nil {
		return nil, err
	}
	out.Name, err = d.text("name", false)
	return out, err
}

func parseUser(o fields) (*User, error) {
	if !o.has("user") {
		return nil, nil
	}
	u, err := o.at("user").object("id", "name", "email", "domain", "type")
	if err != nil {
		return nil, err
	}
	out := &User{}
	for key, to := range map[string]*string{"id": &out.ID, "name": &out.Name, "email": &out.Email, "type": &out.Type} {
		if *to, err = u.text(key, false); err != nil {
			return nil, err
		}
	}
	if out.Type != "" && !slices.Contains([]string{Ephemeral, Local}, out.Type) {
		return nil, u.wrong("type", "must be ephemeral or local")
	}
	domain, err := parseDomain(u, "domain")
	if domain != nil {
		out.Domain = *domain
	}
	return out, err
}

// parseGroup reads a group, which is named by an id or by a name and a domain.
func parseGroup(o fields, l *local) error {
	if !o.has("group") {
		return nil
	}
	g, err := o.at("group").object("id", "name", "domain")
	if err != nil {
		return err
	}
	if g.has("id") {
		if g.has("name") || g.has("domain") {
			return g.wrong("id", "can't be there together with name and domain")
		}
		l.groupID, err = g.text("id", true)
		return err
	}
	l.group = &Group{}
	if l.group.Name, err = g.text("name", true); err != nil {
		return err
	}
	domain, err := parseDomain(g, "domain")
	if err != nil {
		return err
	}
	if domain == nil {
		return g.wrong("domain", "is a required field where a group is named by its name")
	}
	l.group.Domain = *domain
	return nil
}

func parseProjects(o fields, version string) ([]Project, error) {
	if !o.has("projects") {
		return nil, nil
	}
	items, err := o.list("projects")
	if err != nil {
		return nil, err
	}
	known := []string{"name", "roles"}
	if version == Version2 {
		known = append(known, "domain")
	}
	out := make([]Project, len(items))
	for i, item := range items {
		p, err := item.object(known...)
		if err != nil {
			return nil, err
		}
		if out[i].Name, err = p.text("name", true); err != nil {
			return nil, err
		}
		if out[i].Roles, err = parseRoles(p); err != nil {
			return nil, err
		}
		domain, err := parseDomain(p, "domain")
		if err != nil {
			return nil, err
		}
		if domain != nil {
			out[i].Domain = *domain
		}
	}
	return out, nil
}

func parseRoles(p fields) ([]string, error) {
	items, err := p.list("roles")
	if err != nil {
		return nil, err
	}
	roles := make([]string, len(items))
	for i, item := range items {
		r, err := item.object("name")
		if err != nil {
			return nil, err
		}
		if roles[i], err = r.text("name", true); err != nil {
			return nil, err
		}
	}
	return roles, nil
}
