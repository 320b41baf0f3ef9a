package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) roleRoutes() []rest.Route {
	return []rest.Route{
		get("/v3/roles", "Lists roles; managers of a domain see the global ones.", "list_roles", auth.Anyone, rest.Do(a.listRoles)),
		change(http.MethodPost, "/v3/roles", "Creates a role.", "create_role", "role.create", rest.Do(a.createRole)),
		get("/v3/roles/{role_id}", "Shows a role.", "get_role", auth.Anyone, rest.Do(a.showRole)),
		asked(change(http.MethodPatch, "/v3/roles/{role_id}", "Changes a role.", "update_role", "role.update", rest.Do(a.updateRole))),
		asked(change(http.MethodDelete, "/v3/roles/{role_id}", "Deletes a role and all its assignments.", "delete_role", "role.delete", rest.Do(a.deleteRole))),
	}
}

type roleWire struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	DomainID    *string        `json:"domain_id"`
	Description *string        `json:"description"`
	Options     optionsWire    `json:"options"`
	Links       selfLink       `json:"links"`
	Extra       map[string]any `json:"*"`
}

func roleOf(ctx context.Context, r identity.Role) roleWire {
	return roleWire{r.ID, r.Name, orNull(r.DomainID), orNull(r.Description), optionsWire(r.Options), self(ctx, "/roles/"+r.ID), r.Extra}
}

type roleOut struct {
	Role roleWire `json:"role"`
}

type rolesOut struct {
	Roles []roleWire `json:"roles"`

	listEnd
}

type roleBody struct {
	Name        *string          `json:"name" check:"min=1,max=255"`
	DomainID    *string          `json:"domain_id"`
	Description rest.Opt[string] `json:"description"`
	Options     *optionsBody     `json:"options"`
	Extra       map[string]any   `json:"*"`
}

type listRolesIn struct {
	rest.List
	rest.NameQuery
	DomainID string `query:"domain_id"`
}

func (a *api) listRoles(ctx context.Context, in listRolesIn) (rolesOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return rolesOut{}, err
	}
	roles, err := a.core.ListRoles(ctx, identity.RoleFilter{Name: in.Name, NameIs: in.Matches(), DomainID: in.DomainID}, page)
	return rolesOut{
		wires(ctx, roles, roleOf),
		links(ctx, page.Limit, len(roles), func() string { return roles[len(roles)-1].ID }),
	}, err
}

func (a *api) createRole(ctx context.Context, in struct {
	Role roleBody `body:"role"`
},
) (roleOut, error) {
	b := in.Role
	if b.Name == nil {
		return roleOut{}, required("role.name")
	}
	r := identity.Role{Name: *b.Name, Description: b.Description.Value, Options: b.Options.or(), Extra: extras(b.Extra)}
	if b.DomainID != nil {
		r.DomainID = *b.DomainID
	}
	r, err := a.core.CreateRole(ctx, r)
	return roleOut{roleOf(ctx, r)}, err
}

type roleIn struct {
	ID string `path:"role_id"`
}

func (a *api) showRole(ctx context.Context, in roleIn) (roleOut, error) {
	r, err := a.core.ShowRole(ctx, in.ID)
	return roleOut{roleOf(ctx, r)}, err
}

func (a *api) updateRole(ctx context.Context, in struct {
	roleIn
	Role roleBody `body:"role"`
},
) (roleOut, error) {
	b := in.Role
	if err := sameID("role", in.ID, b.Extra); err != nil {
		return roleOut{}, err
	}
	if b.DomainID != nil {
		r, err := a.core.ShowRole(ctx, in.ID)
		if err == nil {
			err = sameDomain("role", r.DomainID, b.DomainID)
		}
		if err != nil {
			return roleOut{}, err
		}
	}
	r, err := a.core.UpdateRole(ctx, in.ID, identity.RoleChange{
		Name: b.Name, Description: text(b.Description), Options: b.Options.change(), Extra: extras(b.Extra),
	})
	return roleOut{roleOf(ctx, r)}, err
}

func (a *api) deleteRole(ctx context.Context, in roleIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteRole(ctx, in.ID)
}
