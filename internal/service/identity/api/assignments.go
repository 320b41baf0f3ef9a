package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) assignmentRoutes() []rest.Route {
	routes := []rest.Route{
		get("/v3/role_assignments", "Lists who holds which role on what.", "list_role_assignments", auth.Anyone, rest.Do(a.listAssignments)),
	}
	routes = append(routes, grantRoutes[userOnProject, userOnProjectRole](a, "/v3/projects/{project_id}/users/{user_id}", "project_user")...)
	routes = append(routes, grantRoutes[groupOnProject, groupOnProjectRole](a, "/v3/projects/{project_id}/groups/{group_id}", "project_group")...)
	routes = append(routes, grantRoutes[userOnDomain, userOnDomainRole](a, "/v3/domains/{domain_id}/users/{user_id}", "domain_user")...)
	routes = append(routes, grantRoutes[groupOnDomain, groupOnDomainRole](a, "/v3/domains/{domain_id}/groups/{group_id}", "domain_group")...)
	routes = append(routes, grantRoutes[userOnSystem, userOnSystemRole](a, "/v3/system/users/{user_id}", "system_user")...)
	return append(routes, grantRoutes[groupOnSystem, groupOnSystemRole](a, "/v3/system/groups/{group_id}", "system_group")...)
}

// The parts of the paths that name an assignment.
type (
	onProject struct {
		ProjectID string `path:"project_id"`
	}
	onDomain struct {
		DomainID string `path:"domain_id"`
	}
	onSystem struct{}
	ofUser   struct {
		UserID string `path:"user_id"`
	}
	ofGroup struct {
		GroupID string `path:"group_id"`
	}
	withRole struct {
		RoleID string `path:"role_id"`
	}
)

func (p onProject) scope() identity.Scope { return identity.Scope{ProjectID: p.ProjectID} }
func (p onDomain) scope() identity.Scope  { return identity.Scope{DomainID: p.DomainID} }
func (onSystem) scope() identity.Scope    { return identity.Scope{System: true} }
func (p ofUser) actor() identity.Actor    { return identity.Actor{UserID: p.UserID} }
func (p ofGroup) actor() identity.Actor   { return identity.Actor{GroupID: p.GroupID} }
func (p withRole) role() string           { return p.RoleID }

type (
	userOnProject struct {
		onProject
		ofUser
	}
	groupOnProject struct {
		onProject
		ofGroup
	}
	userOnDomain struct {
		onDomain
		ofUser
	}
	groupOnDomain struct {
		onDomain
		ofGroup
	}
	userOnSystem struct {
		onSystem
		ofUser
	}
	groupOnSystem struct {
		onSystem
		ofGroup
	}

	userOnProjectRole struct {
		onProject
		ofUser
		withRole
	}
	groupOnProjectRole struct {
		onProject
		ofGroup
		withRole
	}
	userOnDomainRole struct {
		onDomain
		ofUser
		withRole
	}
	groupOnDomainRole struct {
		onDomain
		ofGroup
		withRole
	}
	userOnSystemRole struct {
		onSystem
		ofUser
		withRole
	}
	groupOnSystemRole struct {
		onSystem
		ofGroup
		withRole
	}
)

// holder names who holds roles on what; held one of these roles.
type holder interface {
	scope() identity.Scope
	actor() identity.Actor
}

type held interface {
	holder
	role() string
}

func assignment(h held) identity.Assignment {
	return identity.Assignment{Actor: h.actor(), Scope: h.scope(), RoleID: h.role()}
}

// grantRoutes are the four routes of one kind of actor on one kind of scope.
func grantRoutes[H holder, R held](a *api, path, audit string) []rest.Route {
	words := strings.Split(audit, "_")
	what := "a " + words[1] + " on a " + words[0]
	if words[0] == "system" {
		what = "a " + words[1] + " on the system"
	}
	check := get(path+"/roles/{role_id}", "Checks that a role is assigned to "+what+".", "check_grant", auth.Anyone,
		rest.Do(func(ctx context.Context, in R) (rest.None, error) {
			return rest.None{}, a.core.CheckAssigned(ctx, auth.From(ctx), assignment(in))
		}))
	check.Status = http.StatusNoContent
	assign := manage(change(http.MethodPut, path+"/roles/{role_id}", "Assigns a role to "+what+".", "create_grant", audit+".assign",
		rest.Do(func(ctx context.Context, in R) (rest.None, error) {
			return rest.None{}, a.core.Assign(ctx, assignment(in))
		})))
	assign.Status = http.StatusNoContent
	return []rest.Route{
		get(path+"/roles", "Lists the roles that are assigned to "+what+".", "list_grants", auth.Anyone,
			rest.Do(func(ctx context.Context, in H) (rolesOut, error) {
				roles, err := a.core.RolesOn(ctx, auth.From(ctx), in.actor(), in.scope(), false)
				return rolesOut{wires(ctx, roles, roleOf), whole(ctx)}, err
			})),
		check, assign,
		manage(change(http.MethodDelete, path+"/roles/{role_id}", "Takes a role from "+what+".", "revoke_grant", audit+".unassign",
			rest.Do(func(ctx context.Context, in R) (rest.None, error) {
				return rest.None{}, a.core.Unassign(ctx, assignment(in))
			}))),
	}
}

// grantPath is where an assignment is found, or without a role the list of them.
func grantPath(a identity.Assignment) string {
	path := "/system"
	if a.ProjectID != "" {
		path = "/projects/" + a.ProjectID
	}
	if a.DomainID != "" {
		path = "/domains/" + a.DomainID
	}
	if a.GroupID != "" {
		path += "/groups/" + a.GroupID
	} else {
		path += "/users/" + a.UserID
	}
	path += "/roles"
	if a.RoleID != "" {
		path += "/" + a.RoleID
	}
	if a.Inherited {
		return "/OS-INHERIT" + path + "/inherited_to_projects"
	}
	return path
}

// said tells whether a query parameter is there and not a word for no: in Keystone, "?effective" alone says yes.
func said(parameter *string) bool {
	if parameter == nil {
		return false
	}
	switch strings.ToLower(*parameter) {
	case "0", "false", "no", "off":
		return false
	}
	return true
}
