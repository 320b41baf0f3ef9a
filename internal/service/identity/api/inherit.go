package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// inheritRoutes are the assignments that projects inherit from a domain or from a project above them (OS-INHERIT).
func (a *api) inheritRoutes() []rest.Route {
	routes := inheritedRoutes[userOnProject, userOnProjectRole](a, "/v3/OS-INHERIT/projects/{project_id}/users/{user_id}", "project_user")
	routes = append(routes, inheritedRoutes[groupOnProject, groupOnProjectRole](a, "/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}", "project_group")...)
	routes = append(routes, inheritedRoutes[userOnDomain, userOnDomainRole](a, "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}", "domain_user")...)
	return append(routes, inheritedRoutes[groupOnDomain, groupOnDomainRole](a, "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}", "domain_group")...)
}

func inherited(h held) identity.Assignment {
	a := assignment(h)
	a.Inherited = true
	return a
}

// inheritedRoutes are the routes of one kind of actor on one kind of scope.
func inheritedRoutes[H holder, R held](a *api, path, audit string) []rest.Route {
	words := strings.Split(audit, "_")
	what := "a " + words[1] + " on all projects below a " + words[0]
	one := path + "/roles/{role_id}/inherited_to_projects"
	return []rest.Route{
		get(path+"/roles/inherited_to_projects", "Lists the roles that are assigned to "+what+".", "list_grants", auth.Anyone,
			rest.Do(func(ctx context.Context, in H) (rolesOut, error) {
				roles, err := a.core.RolesOn(ctx, auth.From(ctx), in.actor(), in.scope(), true)
				return rolesOut{wires(ctx, roles, roleOf), whole(ctx)}, err
			})),
		answers(http.StatusNoContent, get(one, "Checks that a role is assigned to "+what+".", "check_grant", auth.Anyone,
			rest.Do(func(ctx context.Context, in R) (rest.None, error) {
				return rest.None{}, a.core.CheckAssigned(ctx, auth.From(ctx), inherited(in))
			}))),
		answers(http.StatusNoContent, manage(change(http.MethodPut, one, "Assigns a role to "+what+".", "create_grant", audit+".assign_inherited",
			rest.Do(func(ctx context.Context, in R) (rest.None, error) {
				return rest.None{}, a.core.Assign(ctx, inherited(in))
			})))),
		manage(change(http.MethodDelete, one, "Takes a role from "+what+".", "revoke_grant", audit+".unassign_inherited",
			rest.Do(func(ctx context.Context, in R) (rest.None, error) {
				return rest.None{}, a.core.Unassign(ctx, inherited(in))
			}))),
	}
}
