package identity

import (
	"context"
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// AssignmentQuery is what a list of assignments asks for.
type AssignmentQuery struct {
	AssignmentFilter
	// Effective replaces groups by their members, inherited assignments by those on the projects that inherit them, and
	// adds implied roles.
	Effective bool
	Subtree   bool     // also those on the projects below the one that is asked for
	Behind    *Derived // the last that was seen; nil: the list begins
	Most      int      // of them at once; 0: all
}

// Derived is an assignment with the one that it comes from: itself, unless effective ones were asked for.
type Derived struct {
	Assignment
	From Assignment
}

// ListAssignments reads assignments: those of everything for who reads everything, those in a domain for who reads
// that, those of a project for who manages it.
func (s *Service) ListAssignments(ctx context.Context, c *auth.Caller, q AssignmentQuery) ([]Derived, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	if err := s.mayListAssignments(ctx, c, &q); err != nil {
		return nil, err
	}
	switch {
	case q.Effective:
		return q.page(s.effective(ctx, q))
	case q.Subtree:
		return q.page(s.onTree(ctx, q))
	}
	f := q.AssignmentFilter
	if f.Limit = q.Most; q.Behind != nil {
		f.After = &q.Behind.Assignment
	}
	return s.asAssigned(ctx, f)
}

// page cuts what follows Behind out of a list that can't be read in parts.
func (q AssignmentQuery) page(all []Derived, err error) ([]Derived, error) {
	if err != nil {
		return nil, err
	}
	if q.Behind != nil {
		at := slices.Index(all, *q.Behind)
		if at < 0 {
			return nil, fault.Invalidf("marker", "marker not found: the assignment that it is about is gone; begin the list anew")
		}
		all = all[at+1:]
	}
	if q.Most > 0 && len(all) > q.Most {
		all = all[:q.Most]
	}
	return all, nil
}

// onTree reads the assignments on a project and on those below it.
func (s *Service) onTree(ctx context.Context, q AssignmentQuery) ([]Derived, error) {
	below, err := s.store.Projects.ListProjects(ctx, ProjectFilter{Below: q.ProjectID}, query.Page{})
	if err != nil {
		return nil, err
	}
	found, err := s.asAssigned(ctx, q.AssignmentFilter)
	for _, p := range below {
		if err != nil {
			return nil, err
		}
		f := q.AssignmentFilter
		f.Scope = Scope{ProjectID: p.ID}
		var some []Derived
		some, err = s.asAssigned(ctx, f)
		found = append(found, some...)
	}
	return found, err
}

func (s *Service) asAssigned(ctx context.Context, f AssignmentFilter) ([]Derived, error) {
	some, err := s.store.Assignments.ListAssignments(ctx, f)
	found := make([]Derived, len(some))
	for i, a := range some {
		found[i] = Derived{a, a}
	}
	return found, err
}

// check refuses filters that contradict each other.
func (q AssignmentQuery) check() error {
	given := 0
	for _, one := range []bool{q.ProjectID != "", q.DomainID != "", q.System} {
		if one {
			given++
		}
	}
	inherited := q.Inherited != nil && *q.Inherited
	switch {
	case q.UserID != "" && q.GroupID != "":
		return fault.Invalidf("group.id", "Specify a user or group, not both: an assignment has one of them")
	case given > 1:
		return fault.Invalidf("scope", "Specify one of scope.project.id, scope.domain.id and scope.system: an assignment has one of them")
	case q.Effective && q.GroupID != "":
		return fault.Invalidf("group.id", "Combining effective and group filter will always result in an empty list: groups are replaced by their members.")
	case q.Effective && q.DomainID != "" && inherited:
		return fault.Invalidf("scope.domain.id", "Combining effective, domain and inherited filters will always result in an empty list: only projects inherit.")
	case q.System && inherited:
		return fault.Invalidf("scope.system", "Combining system and inherited filters will always result in an empty list: only projects inherit.")
	case q.Subtree && q.ProjectID == "":
		return fault.Invalidf("include_subtree", "scope.project.id must be specified if include_subtree is also specified")
	}
	return nil
}

// mayListAssignments refuses those who may read none of what is asked for, and limits the others to what they may.
func (s *Service) mayListAssignments(ctx context.Context, c *auth.Caller, q *AssignmentQuery) error {
	policy := "identity:list_role_assignments"
	if q.Subtree {
		policy = "identity:list_role_assignments_for_tree"
	}
	if readsAll(c) {
		return nil
	}
	if c.ProjectID != "" && c.ProjectID == q.ProjectID && c.Has(RoleManager) {
		return nil
	}
	if c.DomainID == "" || !c.Has(RoleReader) {
		return refused(policy)
	}
	q.InDomain = c.DomainID
	if !q.Subtree {
		return nil
	}
	p, err := s.store.Projects.Project(ctx, q.ProjectID)
	if err != nil {
		return hide(c, err, policy)
	}
	if p.DomainID != c.DomainID {
		return refused(policy)
	}
	return nil
}

// effective derives from the assignments that there are those that they amount to.
func (s *Service) effective(ctx context.Context, q AssignmentQuery) ([]Derived, error) {
	e := expander{s: s, q: q, below: map[string][]string{}, members: map[string][]string{}, global: map[string]bool{}, seen: map[Derived]bool{}}
	if err := e.load(ctx); err != nil {
		return nil, err
	}
	given, err := e.sources(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range given {
		if err := e.expand(ctx, a); err != nil {
			return nil, err
		}
	}
	return e.found, nil
}

// sources reads the assignments that may amount to something in an effective list: those of the user and of its groups,
// or those on the scope and above it.
func (e *expander) sources(ctx context.Context) ([]Assignment, error) {
	f := AssignmentFilter{Inherited: e.q.Inherited, InDomain: e.q.InDomain}
	filters := []AssignmentFilter{f}
	switch {
	case e.q.UserID != "":
		groups, err := e.s.store.Groups.ListGroups(ctx, GroupFilter{UserID: e.q.UserID}, query.Page{})
		if err != nil {
			return nil, err
		}
		filters[0].Actor = Actor{UserID: e.q.UserID}
		for _, g := range groups {
			f.Actor = Actor{GroupID: g.ID}
			filters = append(filters, f)
		}
	case e.wanted != nil:
		filters = e.onWanted(f)
	default:
		filters[0].Scope = e.q.Scope
	}
	var all []Assignment
	for _, f := range filters {
		some, err := e.s.store.Assignments.ListAssignments(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// onWanted are filters for what is assigned on the projects that are asked for, and for what they inherit.
func (e *expander) onWanted(f AssignmentFilter) []AssignmentFilter {
	var filters []AssignmentFilter
	for _, id := range slices.Sorted(maps.Keys(e.wanted)) {
		f.Scope = Scope{ProjectID: id}
		filters = append(filters, f)
	}
	if f.Inherited != nil && !*f.Inherited {
		return filters
	}
	yes := true
	f.Inherited = &yes
	for _, on := range e.above {
		f.Scope = on
		filters = append(filters, f)
	}
	return filters
}

// expander derives assignments, and reads what it needs for it once.
type expander struct {
	s            *Service
	q            AssignmentQuery
	implications []Implication
	global       map[string]bool     // a role → whether tokens carry it
	wanted       map[string]bool     // the projects that are asked for; nil: all
	above        []Scope             // what the one that is asked for is below
	below        map[string][]string // a project or domain → all projects below it
	members      map[string][]string // a group → its users
	seen         map[Derived]bool
	found        []Derived
}

func (e *expander) load(ctx context.Context) (err error) {
	if e.implications, err = e.s.store.Roles.Implications(ctx); err != nil {
		return err
	}
	if e.q.ProjectID == "" {
		return nil
	}
	e.wanted = map[string]bool{e.q.ProjectID: true}
	if err := e.loadAbove(ctx); err != nil || !e.q.Subtree {
		return err
	}
	below, err := e.projectsBelow(ctx, e.q.ProjectID)
	for _, id := range below {
		e.wanted[id] = true
	}
	return err
}

// loadAbove finds what the project that is asked for inherits from. One that does not exist inherits nothing.
func (e *expander) loadAbove(ctx context.Context) error {
	p, err := e.s.store.Projects.Project(ctx, e.q.ProjectID)
	for err == nil && !p.IsDomain {
		on := Scope{ProjectID: p.ParentID}
		if p, err = e.s.store.Projects.Project(ctx, p.ParentID); p.IsDomain {
			on = Scope{DomainID: p.ID}
		}
		e.above = append(e.above, on)
	}
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// isGlobal tells whether tokens carry a role: those of domains only imply others.
func (e *expander) isGlobal(ctx context.Context, id string) (bool, error) {
	is, known := e.global[id]
	if known {
		return is, nil
	}
	r, err := e.s.store.Roles.Role(ctx, id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return false, err
	}
	e.global[id] = err == nil && r.DomainID == ""
	return e.global[id], nil
}

// inheritors are the projects that inherit an assignment, as far as they are asked for.
func (e *expander) inheritors(ctx context.Context, from Scope) ([]string, error) {
	if slices.Contains(e.above, from) {
		return slices.Sorted(maps.Keys(e.wanted)), nil
	}
	return e.projectsBelow(ctx, from.ProjectID+from.DomainID)
}

func (e *expander) projectsBelow(ctx context.Context, id string) ([]string, error) {
	if ids, known := e.below[id]; known {
		return ids, nil
	}
	below, err := e.s.store.Projects.ListProjects(ctx, ProjectFilter{Below: id}, query.Page{})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(below))
	for i, p := range below {
		ids[i] = p.ID
	}
	e.below[id] = ids
	return ids, nil
}

func (e *expander) usersOf(ctx context.Context, a Assignment) ([]string, error) {
	if a.GroupID == "" {
		return []string{a.UserID}, nil
	}
	if e.q.UserID != "" {
		return []string{e.q.UserID}, nil // its groups only were read
	}
	if ids, known := e.members[a.GroupID]; known {
		return ids, nil
	}
	users, err := e.s.store.Users.ListUsers(ctx, UserFilter{GroupID: a.GroupID}, query.Page{})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	e.members[a.GroupID] = ids
	return ids, nil
}

// expand derives from one assignment.
func (e *expander) expand(ctx context.Context, a Assignment) error {
	scopes := []Scope{a.Scope}
	if a.Inherited {
		below, err := e.inheritors(ctx, a.Scope)
		if err != nil {
			return err
		}
		scopes = scopes[:0]
		for _, id := range below {
			scopes = append(scopes, Scope{ProjectID: id})
		}
	}
	users, err := e.usersOf(ctx, a)
	if err != nil {
		return err
	}
	roles, err := e.rolesOf(ctx, a)
	if err != nil {
		return err
	}
	for _, on := range scopes {
		if e.wanted != nil && !e.wanted[on.ProjectID] || e.q.Scope != (Scope{}) && e.wanted == nil && e.q.Scope != on {
			continue
		}
		for _, user := range users {
			for _, role := range roles {
				e.add(Derived{Assignment{Actor: Actor{UserID: user}, Scope: on, RoleID: role, Inherited: a.Inherited}, a})
			}
		}
	}
	return nil
}

// rolesOf are the roles that an assignment amounts to, as far as they are asked for.
func (e *expander) rolesOf(ctx context.Context, a Assignment) (roles []string, err error) {
	for _, id := range closure([]string{a.RoleID}, e.implications) {
		if e.q.RoleID != "" && e.q.RoleID != id {
			continue
		}
		is, err := e.isGlobal(ctx, id)
		if err != nil {
			return nil, err
		}
		if is {
			roles = append(roles, id)
		}
	}
	return roles, nil
}

func (e *expander) add(d Derived) {
	if !e.seen[d] {
		e.seen[d] = true
		e.found = append(e.found, d)
	}
}
