package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) appCredRoutes() []rest.Route {
	const creds, rules = "/v3/users/{user_id}/application_credentials", "/v3/users/{user_id}/access_rules"
	return []rest.Route{
		get(creds, "Lists the application credentials of a user.", "list_application_credentials", auth.Anyone, rest.Do(a.listAppCreds)),
		asked(change(http.MethodPost, creds, "Creates an application credential for the caller, on the project of its token.", "create_application_credential",
			"application_credential.create", rest.Do(a.createAppCred))),
		get(creds+"/{application_credential_id}", "Shows an application credential.", "get_application_credential", auth.Anyone, rest.Do(a.showAppCred)),
		asked(change(http.MethodDelete, creds+"/{application_credential_id}", "Deletes an application credential and takes its tokens back.",
			"delete_application_credential", "application_credential.delete", rest.Do(a.deleteAppCred))),
		get(rules, "Lists the access rules of a user.", "list_access_rules", auth.Anyone, rest.Do(a.listAccessRules)),
		get(rules+"/{access_rule_id}", "Shows an access rule.", "get_access_rule", auth.Anyone, rest.Do(a.showAccessRule)),
		asked(change(http.MethodDelete, rules+"/{access_rule_id}", "Deletes an access rule that no application credential has.", "delete_access_rule",
			"access_rule.delete", rest.Do(a.deleteAccessRule))),
	}
}

type accessRuleWire struct {
	ID      string    `json:"id"`
	Service string    `json:"service"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Links   *selfLink `json:"links,omitempty"`
}

func accessRuleOf(ctx context.Context, r identity.AccessRule) accessRuleWire {
	l := self(ctx, "/users/"+r.UserID+"/access_rules/"+r.ID)
	return accessRuleWire{r.ID, r.Service, r.Method, r.Path, &l}
}

type roleInList struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	DomainID *string `json:"domain_id"`
}

type appCredWire struct {
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	Description  *string          `json:"description"`
	UserID       string           `json:"user_id"`
	ProjectID    string           `json:"project_id"`
	System       *string          `json:"system"`
	Roles        []roleInList     `json:"roles"`
	Unrestricted bool             `json:"unrestricted"`
	ExpiresAt    *string          `json:"expires_at"`
	Secret       string           `json:"secret,omitempty"`
	AccessRules  []accessRuleWire `json:"access_rules,omitempty"`
	Links        selfLink         `json:"links"`
}

// naiveFormat is how Keystone writes the times of application credentials: without a zone.
const naiveFormat = "2006-01-02T15:04:05.000000"

func (a *api) appCredOf(ctx context.Context, ac identity.AppCred) (appCredWire, error) {
	roles, err := a.core.RolesByID(ctx, ac.RoleIDs)
	w := appCredWire{
		ID: ac.ID, Name: ac.Name, Description: orNull(ac.Description), UserID: ac.UserID, ProjectID: ac.ProjectID,
		Unrestricted: ac.Unrestricted, Links: self(ctx, "/users/"+ac.UserID+"/application_credentials/"+ac.ID),
	}
	for _, r := range roles {
		w.Roles = append(w.Roles, roleInList{r.ID, r.Name, orNull(r.DomainID)})
	}
	for _, r := range ac.Rules {
		w.AccessRules = append(w.AccessRules, accessRuleWire{ID: r.ID, Service: r.Service, Method: r.Method, Path: r.Path})
	}
	if !ac.ExpiresAt.IsZero() {
		text := ac.ExpiresAt.Format(naiveFormat)
		w.ExpiresAt = &text
	}
	return w, err
}

type appCredOut struct {
	AppCred appCredWire `json:"application_credential"`
}

type appCredsOut struct {
	AppCreds []appCredWire `json:"application_credentials"`

	listEnd
}

type accessRuleBody struct {
	ID      string `json:"id"`
	Service string `json:"service" check:"max=64"`
	Method  string `json:"method" check:"enum=DELETE|GET|HEAD|PATCH|POST|PUT"`
	Path    string `json:"path" check:"max=225"`
}

// Validate refuses a rule that is neither named by its id nor whole.
func (b *accessRuleBody) Validate() error {
	whole := b.Service != "" && b.Method != "" && strings.HasPrefix(b.Path, "/")
	if !whole && (b.ID == "" || b.Service+b.Method+b.Path != "") {
		return fault.Invalidf("access_rules", "Invalid input: an access rule has an id, or service, method and a path that begins with /")
	}
	return nil
}

type roleRefBody struct {
	ID   string `json:"id"`
	Name string `json:"name" check:"max=255"`
}

// Validate refuses a role that is named twice or not at all.
func (b *roleRefBody) Validate() error {
	if (b.ID == "") == (b.Name == "") {
		return fault.Invalidf("roles", "Invalid input: a role is named by either id or name")
	}
	return nil
}

func roleRefs(bodies []roleRefBody) []identity.RoleRef {
	refs := make([]identity.RoleRef, len(bodies))
	for i, b := range bodies {
		refs[i] = identity.RoleRef(b)
	}
	return refs
}

type appCredBody struct {
	ID           string           `json:"id" check:"max=64"`
	Name         string           `json:"name" check:"required,min=1,max=255"`
	Description  *string          `json:"description"`
	Secret       *string          `json:"secret"`
	ExpiresAt    *string          `json:"expires_at"`
	ProjectID    string           `json:"project_id"` // the token's project is meant, whatever it says
	System       *string          `json:"system"`
	Roles        []roleRefBody    `json:"roles" check:"max=100"`
	Unrestricted *bool            `json:"unrestricted"`
	AccessRules  []accessRuleBody `json:"access_rules" check:"max=100"`
}

// parseTime reads a time as clients of Keystone write it; nil is none.
func parseTime(field string, text *string) (time.Time, error) {
	if text == nil || *text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, *text); err == nil {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, fault.Invalidf(field, "Invalid input for field %s: it is not a time such as 2026-01-31T12:00:00.000000Z", field)
}

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (a *api) createAppCred(ctx context.Context, in struct {
	userIn
	AppCred appCredBody `body:"application_credential"`
},
) (appCredOut, error) {
	b := in.AppCred
	expires, err := parseTime("application_credential.expires_at", b.ExpiresAt)
	if err != nil {
		return appCredOut{}, err
	}
	n := identity.AppCred{
		Name: b.Name, UserID: in.ID, Description: str(b.Description), ExpiresAt: expires, Unrestricted: b.Unrestricted != nil && *b.Unrestricted,
	}
	for _, r := range b.AccessRules {
		n.Rules = append(n.Rules, identity.AccessRule{ID: r.ID, Service: r.Service, Method: r.Method, Path: r.Path})
	}
	made, secret, err := a.core.CreateAppCred(ctx, auth.From(ctx), n, roleRefs(b.Roles), str(b.Secret))
	if err != nil {
		return appCredOut{}, err
	}
	w, err := a.appCredOf(ctx, made)
	w.Secret = secret
	return appCredOut{w}, err
}

type appCredIn struct {
	UserID string `path:"user_id"`
	ID     string `path:"application_credential_id"`
}

func (a *api) showAppCred(ctx context.Context, in appCredIn) (appCredOut, error) {
	found, err := a.core.ShowAppCred(ctx, auth.From(ctx), in.UserID, in.ID)
	if err != nil {
		return appCredOut{}, err
	}
	w, err := a.appCredOf(ctx, found)
	return appCredOut{w}, err
}

func (a *api) listAppCreds(ctx context.Context, in struct {
	userIn
	rest.List
	Name string `query:"name"`
},
) (appCredsOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return appCredsOut{}, err
	}
	found, err := a.core.ListAppCreds(ctx, auth.From(ctx), identity.AppCredFilter{UserID: in.ID, Name: in.Name}, page)
	if err != nil {
		return appCredsOut{}, err
	}
	out := appCredsOut{
		listEnd: links(ctx, page.Limit, len(found), func() string { return found[len(found)-1].ID }),
	}
	for _, f := range found {
		w, err := a.appCredOf(ctx, f)
		if err != nil {
			return appCredsOut{}, err
		}
		out.AppCreds = append(out.AppCreds, w)
	}
	return out, nil
}

func (a *api) deleteAppCred(ctx context.Context, in appCredIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteAppCred(ctx, auth.From(ctx), in.UserID, in.ID)
}

type accessRuleOut struct {
	Rule accessRuleWire `json:"access_rule"`
}

type accessRulesOut struct {
	Rules []accessRuleWire `json:"access_rules"`

	listEnd
}

func (a *api) listAccessRules(ctx context.Context, in struct {
	userIn
	pageIn
	Service string `query:"service"`
	Method  string `query:"method"`
	Path    string `query:"path"`
},
) (accessRulesOut, error) {
	f := identity.AccessRule{UserID: in.ID, Service: in.Service, Method: in.Method, Path: in.Path}
	found, err := a.core.ListAccessRules(ctx, auth.From(ctx), f)
	if err != nil {
		return accessRulesOut{}, err
	}
	found, at, err := part(ctx, in.pageIn, found, func(r identity.AccessRule) string { return r.ID })
	return accessRulesOut{wires(ctx, found, accessRuleOf), at}, err
}

type accessRuleIn struct {
	UserID string `path:"user_id"`
	ID     string `path:"access_rule_id"`
}

func (a *api) showAccessRule(ctx context.Context, in accessRuleIn) (accessRuleOut, error) {
	found, err := a.core.ShowAccessRule(ctx, auth.From(ctx), in.UserID, in.ID)
	return accessRuleOut{accessRuleOf(ctx, found)}, err
}

func (a *api) deleteAccessRule(ctx context.Context, in accessRuleIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteAccessRule(ctx, auth.From(ctx), in.UserID, in.ID)
}
