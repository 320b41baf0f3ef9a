package mapping

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The types of users: one who lives with the identity provider, and one who is a user here already.
const (
	Ephemeral = "ephemeral"
	Local     = "local"
)

// User is who an assertion is about.
type User struct {
	ID, Name, Email string
	Domain          Domain
	Type            string
}

// Domain names a domain by id or name; it may be empty.
type Domain struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Group names a group within a domain.
type Group struct {
	Name   string `json:"name"`
	Domain Domain `json:"domain"`
}

// Project is a project with the names of the roles that the user has on it.
type Project struct {
	Name   string
	Domain Domain
	Roles  []string
}

// Identity is what a mapping says of a user. Its lists have nothing twice.
type Identity struct {
	User     User
	GroupIDs []string
	Groups   []Group
	Projects []Project
}

// Assertion is what an identity provider says: attributes, each with a text that may hold several values, separated
// by semicolons.
type Assertion map[string]string

// Apply reads an assertion by the rules. Unauthenticated means that no rule applies, or that what applies makes no
// user of it; Invalid that a rule can't be carried out.
func (rules Rules) Apply(a Assertion) (Identity, error) {
	id := Identity{}
	user := (*User)(nil)
	applied := false
	for _, r := range rules {
		values, ok := r.match(a)
		if !ok {
			continue
		}
		for _, l := range r.local {
			applied = true
			if err := l.add(&id, &user, values); err != nil {
				return Identity{}, err
			}
		}
	}
	if !applied {
		return Identity{}, fault.New(fault.Unauthenticated, "Could not map any federated user properties to identity values: no rule of the mapping applies.")
	}
	if user != nil {
		id.User = *user
	}
	if id.User.Type == "" {
		id.User.Type = Ephemeral
	}
	return id, nil
}

// match returns the values that placeholders count, if the assertion meets all requirements.
func (r rule) match(a Assertion) ([][]string, bool) {
	var counted [][]string
	for _, q := range r.remote {
		text, there := a[q.attribute]
		if !there {
			return nil, false
		}
		values := strings.Split(text, ";")
		hits := q.hits(values)
		switch q.kind {
		case "any_one_of":
			if len(hits) == 0 {
				return nil, false
			}
		case "not_any_of":
			if len(hits) > 0 {
				return nil, false
			}
		case "whitelist":
			counted = append(counted, hits)
		case "blacklist":
			counted = append(counted, slices.DeleteFunc(values, func(v string) bool { return slices.Contains(hits, v) }))
		default:
			counted = append(counted, values)
		}
	}
	return counted, true
}

// hits are the values that the requirement names.
func (q requirement) hits(values []string) []string {
	var out []string
	for _, v := range values {
		named := slices.Contains(q.values, v)
		if q.patterns != nil {
			named = slices.ContainsFunc(q.patterns, func(p *regexp.Regexp) bool { return p.MatchString(v) })
		}
		if named {
			out = append(out, v)
		}
	}
	return out
}

// add gives what l says to the identity. The first user that is said stands.
func (l local) add(id *Identity, user **User, values [][]string) error {
	f := filler{values: values}
	if l.user != nil && *user == nil {
		u := &User{
			ID: f.one(l.user.ID), Name: f.one(l.user.Name), Email: f.one(l.user.Email), Type: l.user.Type, Domain: f.domain(l.user.Domain),
		}
		*user = u
	}
	if l.groupID != "" {
		id.addGroupID(f.one(l.groupID))
	}
	if l.group != nil {
		id.addGroup(Group{f.one(l.group.Name), f.domain(l.group.Domain)})
	}
	for _, groupID := range f.many(l.groupIDs) {
		id.addGroupID(groupID)
	}
	if err := l.addGroups(id, &f); err != nil {
		return err
	}
	for _, p := range l.projects {
		filled := Project{Name: f.one(p.Name), Domain: f.domain(p.Domain)}
		for _, role := range p.Roles {
			filled.Roles = append(filled.Roles, f.one(role))
		}
		id.addProject(filled)
	}
	return f.err
}

// addGroups reads "groups": names in the domain beside it, or objects that bring their own.
func (l local) addGroups(id *Identity, f *filler) error {
	for _, name := range f.many(l.groups) {
		if object, ok := strings.CutPrefix(name, "JSON:"); ok {
			var g Group
			if err := json.Unmarshal([]byte(object), &g); err != nil || g.Name == "" || g.Domain == (Domain{}) {
				return fault.New(fault.Unauthenticated, "The identity provider names a group by %q, which is not JSON with a name and a domain.", name)
			}
			id.addGroup(g)
			continue
		}
		if l.domain == nil {
			return fault.Invalidf("groups", "Invalid rule: both 'groups' and 'domain' keywords must be specified.")
		}
		id.addGroup(Group{name, f.domain(*l.domain)})
	}
	return nil
}

func (id *Identity) addGroupID(groupID string) {
	if !slices.Contains(id.GroupIDs, groupID) {
		id.GroupIDs = append(id.GroupIDs, groupID)
	}
}

func (id *Identity) addGroup(g Group) {
	if !slices.Contains(id.Groups, g) {
		id.Groups = append(id.Groups, g)
	}
}

func (id *Identity) addProject(p Project) {
	i := slices.IndexFunc(id.Projects, func(q Project) bool { return q.Name == p.Name && q.Domain == p.Domain })
	if i < 0 {
		id.Projects = append(id.Projects, p)
		return
	}
	for _, role := range p.Roles {
		if !slices.Contains(id.Projects[i].Roles, role) {
			id.Projects[i].Roles = append(id.Projects[i].Roles, role)
		}
	}
}

// filler puts values in the place of placeholders. The first mistake is kept.
type filler struct {
	values [][]string
	err    error
}

var placeholder = regexp.MustCompile(`\{\d*\}`)

func (f *filler) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fault.New(fault.Unauthenticated, format, args...)
	}
}

// of returns the values that a placeholder stands for.
func (f *filler) of(mark string) []string {
	n, err := strconv.Atoi(strings.Trim(mark, "{}"))
	if err != nil || n >= len(f.values) {
		f.fail("The mapping refers to %s, but the rule has %d remote attributes to refer to.", mark, len(f.values))
		return nil
	}
	return f.values[n]
}

// one fills a text; each placeholder must stand for just one value.
func (f *filler) one(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(mark string) string {
		values := f.of(mark)
		if len(values) == 1 {
			return values[0]
		}
		f.fail("The mapping puts %s into %q, where one value is wanted, but the identity provider says %d.", mark, text, len(values))
		return ""
	})
}

func (f *filler) domain(d Domain) Domain { return Domain{f.one(d.ID), f.one(d.Name)} }

// many fills a text that may be a placeholder for several values, a list such as ['a', 'b'], or one value. Only the
// rule can make a list: brackets in a value stay what they are.
func (f *filler) many(text string) []string {
	switch {
	case text == "":
		return nil
	case placeholder.FindString(text) == text:
		return f.of(text)
	}
	items, ok := literal(text)
	if !ok {
		items = []string{text}
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = f.one(item)
	}
	return out
}

var quoted = regexp.MustCompile(`^(?:'([^']*)'|"([^"]*)")\s*(?:,\s*|$)`)

// literal reads a list of quoted texts in brackets.
func literal(text string) ([]string, bool) {
	inner, ok := strings.CutPrefix(strings.TrimSpace(text), "[")
	if !ok {
		return nil, false
	}
	if inner, ok = strings.CutSuffix(inner, "]"); !ok {
		return nil, false
	}
	inner = strings.TrimSpace(inner)
	var items []string
	for inner != "" {
		m := quoted.FindStringSubmatch(inner)
		if m == nil {
			return nil, false
		}
		items = append(items, m[1]+m[2])
		inner = inner[len(m[0]):]
	}
	return items, true
}
