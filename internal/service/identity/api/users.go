package api

import (
	"context"
	"maps"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) userRoutes() []rest.Route {
	return []rest.Route{
		get("/v3/users", "Lists users.", "list_users", auth.Anyone, rest.Do(a.listUsers)),
		manage(change(http.MethodPost, "/v3/users", "Creates a user.", "create_user", "user.create", rest.Do(a.createUser))),
		get("/v3/users/{user_id}", "Shows a user.", "get_user", auth.Anyone, rest.Do(a.showUser)),
		manage(change(http.MethodPatch, "/v3/users/{user_id}", "Changes a user.", "update_user", "user.update", rest.Do(a.updateUser))),
		manage(change(http.MethodDelete, "/v3/users/{user_id}", "Deletes a user.", "delete_user", "user.delete", rest.Do(a.deleteUser))),
		{
			Method: http.MethodPost, Path: "/v3/users/{user_id}/password", Status: http.StatusNoContent, Audit: "identity.user.change_password",
			Policy: auth.NoToken("identity:change_password"), // the present password is the proof: it may be changed when no token can be had
			Doc:    "Changes a user's own password.", Do: rest.Do(a.changePassword),
		},
		get("/v3/users/{user_id}/projects", "Lists the projects on which a user has a role.", "list_user_projects", auth.Anyone, rest.Do(a.userProjects)),
		get("/v3/users/{user_id}/groups", "Lists the groups of a user.", "list_groups_for_user", auth.Anyone, rest.Do(a.userGroups)),
	}
}

type userWire struct {
	ID                string               `json:"id"`
	Name              string               `json:"name"`
	DomainID          string               `json:"domain_id"`
	Enabled           bool                 `json:"enabled"`
	Description       string               `json:"description,omitempty"`
	DefaultProjectID  string               `json:"default_project_id,omitempty"`
	PasswordExpiresAt *string              `json:"password_expires_at"`
	Options           identity.UserOptions `json:"options"`
	Links             selfLink             `json:"links"`
	Extra             map[string]any       `json:"*"`
}

func userOf(ctx context.Context, u identity.User) userWire {
	return userWire{
		ID: u.ID, Name: u.Name, DomainID: u.DomainID, Enabled: u.Enabled, Description: u.Description,
		DefaultProjectID: u.DefaultProjectID, Links: self(ctx, "/users/"+u.ID), Extra: u.Extra,
		PasswordExpiresAt: stampOrNull(u.PasswordExpiresAt), Options: u.Options,
	}
}

type userOut struct {
	User userWire `json:"user"`
}

type usersOut struct {
	Users []userWire `json:"users"`

	listEnd
}

func userList(ctx context.Context, page query.Page, users []identity.User) usersOut {
	return usersOut{
		wires(ctx, users, userOf),
		links(ctx, page.Limit, len(users), func() string { return users[len(users)-1].ID }),
	}
}

// userBody is what may be set of a user.
type userBody struct {
	Name             *string          `json:"name" check:"min=1,max=255"`
	DomainID         *string          `json:"domain_id"`
	DefaultProjectID rest.Opt[string] `json:"default_project_id"`
	Enabled          *bool            `json:"enabled"`
	Description      rest.Opt[string] `json:"description"`
	Password         rest.Opt[string] `json:"password"`
	Options          *userOptionsBody `json:"options"`
	Extra            map[string]any   `json:"*"`
}

// userQuery are the filters of users.
type userQuery struct {
	rest.NameQuery
	Enabled         *bool    `query:"enabled"`
	PasswordExpires []string `query:"password_expires_at"`
}

func (q userQuery) filter() (identity.UserFilter, error) {
	bounds, err := rest.Bounds("password_expires_at", q.PasswordExpires)
	return identity.UserFilter{Name: q.Name, NameIs: q.Matches(), Enabled: q.Enabled, PasswordExpires: bounds}, err
}

type listUsersIn struct {
	rest.List
	userQuery
	DomainID string `query:"domain_id"`
}

func (a *api) listUsers(ctx context.Context, in listUsersIn) (usersOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return usersOut{}, err
	}
	f, err := in.filter()
	if err != nil {
		return usersOut{}, err
	}
	f.DomainID = in.DomainID
	users, err := a.core.ListUsers(ctx, auth.From(ctx), f, page)
	return userList(ctx, page, users), err
}

func (a *api) createUser(ctx context.Context, in struct {
	User userBody `body:"user"`
},
) (userOut, error) {
	b := in.User
	if b.Name == nil {
		return userOut{}, required("user.name")
	}
	u, err := a.core.CreateUser(ctx, identity.User{
		Name: *b.Name, DomainID: domainFor(ctx, b.DomainID), DefaultProjectID: b.DefaultProjectID.Value, Enabled: b.Enabled == nil || *b.Enabled,
		Description: b.Description.Value, Options: b.Options.or(), Extra: extras(b.Extra),
	}, b.Password.Value)
	return userOut{userOf(ctx, u)}, err
}

type userIn struct {
	ID string `path:"user_id"`
}

func (a *api) showUser(ctx context.Context, in userIn) (userOut, error) {
	u, err := a.core.ShowUser(ctx, auth.From(ctx), in.ID)
	return userOut{userOf(ctx, u)}, err
}

func (a *api) updateUser(ctx context.Context, in struct {
	userIn
	User userBody `body:"user"`
},
) (userOut, error) {
	b := in.User
	if err := a.unmoved(ctx, in.ID, b.DomainID, b.Extra); err != nil {
		return userOut{}, err
	}
	u, err := a.core.UpdateUser(ctx, in.ID, identity.UserChange{
		Name: b.Name, Description: text(b.Description), DefaultProjectID: text(b.DefaultProjectID), Password: text(b.Password),
		Enabled: b.Enabled, Options: b.Options.change(), Extra: extras(b.Extra),
	})
	return userOut{userOf(ctx, u)}, err
}

// unmoved refuses to move a user to another domain or id.
func (a *api) unmoved(ctx context.Context, id string, domainID *string, extra map[string]any) error {
	if err := sameID("user", id, extra); err != nil || domainID == nil {
		return err
	}
	u, err := a.core.ShowUser(ctx, auth.From(ctx), id)
	if err != nil {
		return err
	}
	return sameDomain("user", u.DomainID, domainID)
}

func (a *api) deleteUser(ctx context.Context, in userIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteUser(ctx, in.ID)
}

func (a *api) changePassword(ctx context.Context, in struct {
	userIn
	User struct {
		Password string `json:"password" check:"required"`
		Original string `json:"original_password" check:"required"`
	} `body:"user"`
},
) (rest.None, error) {
	return rest.None{}, a.core.ChangePassword(ctx, rest.RemoteAddr(ctx), in.ID, in.User.Original, in.User.Password)
}

type ofUserIn struct {
	userIn
	rest.List
	rest.NameQuery
}

func (a *api) userProjects(ctx context.Context, in struct {
	ofUserIn
	DomainID string `query:"domain_id"`
	Enabled  *bool  `query:"enabled"`
},
) (projectsOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return projectsOut{}, err
	}
	f := identity.ProjectFilter{Name: in.Name, NameIs: in.Matches(), DomainID: in.DomainID, Enabled: in.Enabled}
	found, err := a.core.ProjectsOf(ctx, auth.From(ctx), in.ID, f, page)
	return projectList(ctx, page, found), err
}

func (a *api) userGroups(ctx context.Context, in ofUserIn) (groupsOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return groupsOut{}, err
	}
	found, err := a.core.GroupsOf(ctx, auth.From(ctx), in.ID, identity.GroupFilter{Name: in.Name, NameIs: in.Matches()}, page)
	return groupList(ctx, page, found), err
}

// domainFor is where a new thing belongs: as the body says, or else the domain of the caller's token, or else Default.
func domainFor(ctx context.Context, said *string) string {
	if said != nil && *said != "" {
		return *said
	}
	if c := auth.From(ctx); c != nil && c.DomainID != "" {
		return c.DomainID
	}
	return identity.DefaultDomainID
}

// extras are the attributes that a client adds, without those that only the service writes.
func extras(given map[string]any) map[string]any {
	out := maps.Clone(given)
	for _, own := range []string{"id", "links", "password_expires_at", "original_password", "domain", "created_at"} {
		delete(out, own)
	}
	return out
}

func required(field string) error {
	return fault.Invalidf(field, "Invalid input: %s is a required field", field)
}

func sameID(kind, id string, extra map[string]any) error {
	if given, ok := extra["id"]; ok && given != id {
		return fault.Invalidf(kind+".id", "Cannot change %s ID: it is %s for good", kind, id)
	}
	return nil
}

func sameDomain(kind, have string, given *string) error {
	if given != nil && *given != have {
		return fault.Invalidf(kind+".domain_id", "Cannot change domain ID: the %s is in domain %s for good", kind, have)
	}
	return nil
}
