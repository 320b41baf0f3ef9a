package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) groupRoutes() []rest.Route {
	member := get("/v3/groups/{group_id}/users/{user_id}", "Checks that a user is in a group.", "check_user_in_group", auth.Anyone, rest.Do(a.checkMember))
	member.Status = http.StatusNoContent
	add := manage(change(http.MethodPut, "/v3/groups/{group_id}/users/{user_id}", "Puts a user into a group.", "add_user_to_group", "group.add_user", rest.Do(a.addMember)))
	add.Status = http.StatusNoContent
	return []rest.Route{
		get("/v3/groups", "Lists groups.", "list_groups", auth.Anyone, rest.Do(a.listGroups)),
		manage(change(http.MethodPost, "/v3/groups", "Creates a group.", "create_group", "group.create", rest.Do(a.createGroup))),
		get("/v3/groups/{group_id}", "Shows a group.", "get_group", auth.Anyone, rest.Do(a.showGroup)),
		manage(change(http.MethodPatch, "/v3/groups/{group_id}", "Changes a group.", "update_group", "group.update", rest.Do(a.updateGroup))),
		asked(change(http.MethodDelete, "/v3/groups/{group_id}", "Deletes a group.", "delete_group", "group.delete", rest.Do(a.deleteGroup))),
		get("/v3/groups/{group_id}/users", "Lists the users in a group.", "list_users_in_group", auth.Anyone, rest.Do(a.groupUsers)),
		member, add,
		manage(change(http.MethodDelete, "/v3/groups/{group_id}/users/{user_id}", "Takes a user out of a group.", "remove_user_from_group", "group.remove_user", rest.Do(a.removeMember))),
	}
}

type groupWire struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	DomainID    string         `json:"domain_id"`
	Description string         `json:"description"`
	Links       selfLink       `json:"links"`
	Extra       map[string]any `json:"*"`
}

func groupOf(ctx context.Context, g identity.Group) groupWire {
	return groupWire{g.ID, g.Name, g.DomainID, g.Description, self(ctx, "/groups/"+g.ID), g.Extra}
}

type groupOut struct {
	Group groupWire `json:"group"`
}

type groupsOut struct {
	Groups []groupWire `json:"groups"`

	listEnd
}

func groupList(ctx context.Context, page query.Page, groups []identity.Group) groupsOut {
	return groupsOut{
		wires(ctx, groups, groupOf),
		links(ctx, page.Limit, len(groups), func() string { return groups[len(groups)-1].ID }),
	}
}

type groupBody struct {
	Name        *string          `json:"name" check:"min=1,max=64"`
	DomainID    *string          `json:"domain_id"`
	Description rest.Opt[string] `json:"description"`
	Extra       map[string]any   `json:"*"`
}

type groupIn struct {
	ID string `path:"group_id"`
}

type memberIn struct {
	groupIn
	UserID string `path:"user_id"`
}

type listGroupsIn struct {
	rest.List
	rest.NameQuery
	DomainID string `query:"domain_id"`
}

func (a *api) listGroups(ctx context.Context, in listGroupsIn) (groupsOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return groupsOut{}, err
	}
	groups, err := a.core.ListGroups(ctx, auth.From(ctx), identity.GroupFilter{Name: in.Name, NameIs: in.Matches(), DomainID: in.DomainID}, page)
	return groupList(ctx, page, groups), err
}

func (a *api) createGroup(ctx context.Context, in struct {
	Group groupBody `body:"group"`
},
) (groupOut, error) {
	b := in.Group
	if b.Name == nil {
		return groupOut{}, required("group.name")
	}
	g, err := a.core.CreateGroup(ctx, identity.Group{Name: *b.Name, DomainID: domainFor(ctx, b.DomainID), Description: b.Description.Value, Extra: extras(b.Extra)})
	return groupOut{groupOf(ctx, g)}, err
}

func (a *api) showGroup(ctx context.Context, in groupIn) (groupOut, error) {
	g, err := a.core.ShowGroup(ctx, auth.From(ctx), in.ID)
	return groupOut{groupOf(ctx, g)}, err
}

func (a *api) updateGroup(ctx context.Context, in struct {
	groupIn
	Group groupBody `body:"group"`
},
) (groupOut, error) {
	b := in.Group
	if err := sameID("group", in.ID, b.Extra); err != nil {
		return groupOut{}, err
	}
	if b.DomainID != nil {
		g, err := a.core.ShowGroup(ctx, auth.From(ctx), in.ID)
		if err == nil {
			err = sameDomain("group", g.DomainID, b.DomainID)
		}
		if err != nil {
			return groupOut{}, err
		}
	}
	g, err := a.core.UpdateGroup(ctx, in.ID, identity.GroupChange{Name: b.Name, Description: text(b.Description), Extra: extras(b.Extra)})
	return groupOut{groupOf(ctx, g)}, err
}

func (a *api) deleteGroup(ctx context.Context, in groupIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteGroup(ctx, in.ID)
}

type groupUsersIn struct {
	groupIn
	rest.List
	userQuery
}

func (a *api) groupUsers(ctx context.Context, in groupUsersIn) (usersOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return usersOut{}, err
	}
	f, err := in.filter()
	if err != nil {
		return usersOut{}, err
	}
	users, err := a.core.MembersOf(ctx, auth.From(ctx), in.ID, f, page)
	return userList(ctx, page, users), err
}

func (a *api) checkMember(ctx context.Context, in memberIn) (rest.None, error) {
	is, err := a.core.IsMember(ctx, auth.From(ctx), in.ID, in.UserID)
	if err == nil && !is {
		err = fault.New(fault.NotFound, "User '%s' not found in group '%s'", in.UserID, in.ID)
	}
	return rest.None{}, err
}

func (a *api) addMember(ctx context.Context, in memberIn) (rest.None, error) {
	return rest.None{}, a.core.AddMember(ctx, in.ID, in.UserID)
}

func (a *api) removeMember(ctx context.Context, in memberIn) (rest.None, error) {
	return rest.None{}, a.core.RemoveMember(ctx, in.ID, in.UserID)
}
