package identity

import (
	"context"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// grant is the data of the events about assignments.
type grant struct {
	UserID    string `json:"user_id,omitempty"`
	GroupID   string `json:"group_id,omitempty"`
	ProjectID string `json:"project_id,omitempty"`
	DomainID  string `json:"domain_id,omitempty"`
	System    bool   `json:"system,omitempty"`
	Inherited bool   `json:"inherited,omitempty"`
	By        string `json:"by,omitempty"`
}

// Assign gives an actor a role on a scope; giving it twice changes nothing.
func (s *Service) Assign(ctx context.Context, a Assignment) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.mayGrant(ctx, a, "identity:create_grant"); err != nil {
			return err
		}
		if err := s.checkAssignment(ctx, a); err != nil {
			return err
		}
		if err := s.store.Assignments.Assign(ctx, a); err != nil {
			return err
		}
		return s.tellAssignment(ctx, "assigned", a)
	})
}

// Unassign takes a role from an actor, and the tokens that carry it.
func (s *Service) Unassign(ctx context.Context, a Assignment) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.mayGrant(ctx, a, "identity:revoke_grant"); err != nil {
			return err
		}
		if _, err := s.store.Roles.Role(ctx, a.RoleID); err != nil {
			return err
		}
		found, err := s.store.Assignments.Unassign(ctx, a)
		if err != nil {
			return err
		}
		if !found {
			return notAssigned(a)
		}
		if err := s.revokeAssignment(ctx, a); err != nil {
			return err
		}
		return s.tellAssignment(ctx, "unassigned", a)
	})
}

// CheckAssigned is NotFound unless there is this assignment.
func (s *Service) CheckAssigned(ctx context.Context, c *auth.Caller, a Assignment) error {
	if err := s.mayReadGrants(ctx, c, a, "identity:check_grant"); err != nil {
		return err
	}
	if _, err := s.store.Roles.Role(ctx, a.RoleID); err != nil {
		return err
	}
	if err := s.checkActorAndScope(ctx, a.Actor, a.Scope); err != nil {
		return err
	}
	found, err := s.store.Assignments.Assigned(ctx, a)
	if err == nil && !found {
		return notAssigned(a)
	}
	return err
}

// RolesOn reads the roles that an actor is assigned on a scope, or those that what is below the scope inherits.
func (s *Service) RolesOn(ctx context.Context, c *auth.Caller, actor Actor, on Scope, inherited bool) ([]Role, error) {
	if err := s.mayReadGrants(ctx, c, Assignment{Actor: actor, Scope: on}, "identity:list_grants"); err != nil {
		return nil, err
	}
	if err := s.checkActorAndScope(ctx, actor, on); err != nil {
		return nil, err
	}
	held, err := s.store.Assignments.ListAssignments(ctx, AssignmentFilter{Actor: actor, Scope: on, Inherited: &inherited})
	if err != nil {
		return nil, err
	}
	roles := make([]Role, len(held))
	for i, a := range held {
		if roles[i], err = s.store.Roles.Role(ctx, a.RoleID); err != nil {
			return nil, err
		}
	}
	return roles, nil
}

// mayReadGrants refuses those who may not read an assignment: it needs a reader of everything, or of the domain that
// its actor, its scope and its role are in.
func (s *Service) mayReadGrants(ctx context.Context, c *auth.Caller, a Assignment, policy string) error {
	if readsAll(c) {
		return nil
	}
	if c.DomainID == "" || !c.Has(RoleReader) {
		return refused(policy)
	}
	return s.withinDomain(ctx, c.DomainID, a, policy)
}

// mayGrant refuses who acts, unless they may give an assignment and take it: admins, and in their domain its admins and
// managers, who must not make anyone more than they are themselves.
func (s *Service) mayGrant(ctx context.Context, a Assignment, policy string) error {
	c := auth.From(ctx)
	if c == nil || c.Admin() {
		return nil
	}
	if !managesDomain(c, c.DomainID) {
		return refused(policy)
	}
	if err := s.withinDomain(ctx, c.DomainID, a, policy); err != nil {
		return err
	}
	ids, err := s.impliedBy(ctx, a.RoleID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		r, err := s.store.Roles.Role(ctx, id)
		if err != nil {
			return err
		}
		if !delegable(c, r, a) {
			return refused(policy)
		}
	}
	return nil
}

// delegable tells whether an admin or manager of a domain may hand out a role. Whoever is admin of a project is admin of
// everything, so that an admin of a domain can make other such admins, and no more.
func delegable(c *auth.Caller, r Role, a Assignment) bool {
	switch {
	case managed(r):
		return true
	case r.DomainID == "" && r.Name == RoleAdmin:
		return c.Has(RoleAdmin) && a.DomainID != "" && !a.Inherited
	case r.DomainID == "" && r.Name == RoleService:
		return false
	}
	return c.Has(RoleAdmin)
}

// managed tells whether a role is one that managers of a domain may hand out, and therefore see.
func managed(r Role) bool {
	return r.DomainID == "" && (r.Name == RoleManager || r.Name == RoleMember || r.Name == RoleReader)
}

// withinDomain refuses an assignment of which a part is outside of a domain, or is not there. The role may be global.
func (s *Service) withinDomain(ctx context.Context, domainID string, a Assignment, policy string) error {
	where := func(id string, err error) error {
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err != nil || id != domainID {
			return refused(policy)
		}
		return nil
	}
	target := a.DomainID
	if a.ProjectID != "" {
		p, err := s.store.Projects.Project(ctx, a.ProjectID)
		if err := where(p.DomainID, err); err != nil {
			return err
		}
		target = p.DomainID
	}
	if err := where(target, nil); err != nil {
		return err
	}
	if a.RoleID != "" {
		r, err := s.store.Roles.Role(ctx, a.RoleID)
		if err != nil || r.DomainID != "" {
			if err := where(r.DomainID, err); err != nil {
				return err
			}
		}
	}
	if a.GroupID != "" {
		g, err := s.store.Groups.Group(ctx, a.GroupID)
		return where(g.DomainID, err)
	}
	u, err := s.store.Users.User(ctx, a.UserID)
	return where(u.DomainID, err)
}

// checkAssignment says which part of an assignment does not exist, or why the role can't be held there.
func (s *Service) checkAssignment(ctx context.Context, a Assignment) error {
	role, err := s.store.Roles.Role(ctx, a.RoleID)
	if err != nil {
		return err
	}
	if err := s.checkActorAndScope(ctx, a.Actor, a.Scope); err != nil {
		return err
	}
	if role.DomainID == "" {
		return nil
	}
	domainID := a.DomainID
	if a.ProjectID != "" {
		p, err := s.store.Projects.Project(ctx, a.ProjectID)
		if err != nil {
			return err
		}
		domainID = p.DomainID
	}
	if role.DomainID != domainID {
		return fault.New(fault.Forbidden, "Cannot assign role %s: it belongs to domain %s and is of use only there.", role.ID, role.DomainID)
	}
	return nil
}

func (s *Service) checkActorAndScope(ctx context.Context, actor Actor, on Scope) error {
	if on.ProjectID != "" {
		if _, err := s.store.Projects.Project(ctx, on.ProjectID); err != nil {
			return err
		}
	}
	if on.DomainID != "" {
		if _, err := s.domain(ctx, on.DomainID); err != nil {
			return err
		}
	}
	if actor.GroupID != "" {
		_, err := s.store.Groups.Group(ctx, actor.GroupID)
		return err
	}
	_, err := s.store.Users.User(ctx, actor.UserID)
	return err
}

func notAssigned(a Assignment) error {
	actor, target := "user "+a.UserID, "the system"
	if a.GroupID != "" {
		actor = "group " + a.GroupID
	}
	if a.ProjectID != "" {
		target = "project " + a.ProjectID
	}
	if a.DomainID != "" {
		target = "domain " + a.DomainID
	}
	if a.Inherited {
		target = "what is below " + target
	}
	return fault.New(fault.NotFound, "Could not find role assignment with role: %s, %s, on %s.", a.RoleID, actor, target)
}

// manyTokens is how many pairs of user and project are revoked one by one; beyond, all tokens of the users are.
const manyTokens = 256

// revokeAssignment takes back the tokens that an assignment was the reason for.
func (s *Service) revokeAssignment(ctx context.Context, a Assignment) error {
	users := []string{a.UserID}
	if a.GroupID != "" {
		members, err := s.store.Users.ListUsers(ctx, UserFilter{GroupID: a.GroupID}, query.Page{})
		if err != nil {
			return fmt.Errorf("reading the members of group %s: %w", a.GroupID, err)
		}
		users = users[:0]
		for _, u := range members {
			users = append(users, u.ID)
		}
	}
	scopes := []Scope{a.Scope}
	if a.Inherited {
		below, err := s.store.Projects.ListProjects(ctx, ProjectFilter{Below: a.ProjectID + a.DomainID}, query.Page{})
		if err != nil {
			return err
		}
		scopes = scopes[:0]
		for _, p := range below {
			scopes = append(scopes, Scope{ProjectID: p.ID})
		}
	}
	var targets []auth.Target
	for _, user := range users {
		if len(users)*len(scopes) > manyTokens {
			targets = append(targets, auth.ByUser(user))
			continue
		}
		for _, on := range scopes {
			targets = append(targets, assignmentTarget(user, on))
		}
	}
	return s.revoke(ctx, targets...)
}

func assignmentTarget(userID string, on Scope) auth.Target {
	switch {
	case on.ProjectID != "":
		return auth.ByProjectAssignment(userID, on.ProjectID)
	case on.DomainID != "":
		return auth.ByDomainAssignment(userID, on.DomainID)
	default:
		return auth.BySystemAssignment(userID)
	}
}

func (s *Service) tellAssignment(ctx context.Context, verb string, a Assignment) error {
	return s.tell(ctx, "role", verb, a.RoleID, a.ProjectID, grant{a.UserID, a.GroupID, a.ProjectID, a.DomainID, a.System, a.Inherited, by(ctx)})
}
