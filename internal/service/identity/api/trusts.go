package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) trustRoutes() []rest.Route {
	const trusts = "/v3/OS-TRUST/trusts"
	return []rest.Route{
		get(trusts, "Lists trusts: one's own by trustor or trustee, or for administrators all.", "list_trusts", auth.Anyone, rest.Do(a.listTrusts)),
		asked(change(http.MethodPost, trusts, "Creates a trust of the caller, or passes on the one of its token.", "create_trust", "trust.create", rest.Do(a.createTrust))),
		get(trusts+"/{trust_id}", "Shows a trust.", "get_trust", auth.Anyone, rest.Do(a.showTrust)),
		asked(change(http.MethodDelete, trusts+"/{trust_id}", "Deletes a trust and those that pass it on, and takes their tokens back.", "delete_trust",
			"trust.delete", rest.Do(a.deleteTrust))),
		get(trusts+"/{trust_id}/roles", "Lists the roles of a trust.", "list_roles_for_trust", auth.Anyone, rest.Do(a.trustRoles)),
		get(trusts+"/{trust_id}/roles/{role_id}", "Shows a role of a trust.", "get_role_for_trust", auth.Anyone, rest.Do(a.trustRole)),
	}
}

type trustWire struct {
	ID                string      `json:"id"`
	TrustorUserID     string      `json:"trustor_user_id"`
	TrusteeUserID     string      `json:"trustee_user_id"`
	ProjectID         *string     `json:"project_id"`
	Impersonation     bool        `json:"impersonation"`
	ExpiresAt         *string     `json:"expires_at"`
	DeletedAt         *string     `json:"deleted_at"`
	RemainingUses     *int64      `json:"remaining_uses"`
	RedelegationCount int64       `json:"redelegation_count"`
	RedelegatedFrom   string      `json:"redelegated_trust_id,omitempty"`
	Roles             *[]roleWire `json:"roles,omitempty"`
	RolesLinks        *listLinks  `json:"roles_links,omitempty"`
	Links             selfLink    `json:"links"`
}

func trustOf(ctx context.Context, t identity.Trust) trustWire {
	w := trustWire{
		ID: t.ID, TrustorUserID: t.TrustorID, TrusteeUserID: t.TrusteeID, ProjectID: orNull(t.ProjectID), Impersonation: t.Impersonation,
		RemainingUses: t.RemainingUses, RedelegationCount: t.RedelegationCount, RedelegatedFrom: t.FromTrustID,
		Links: self(ctx, "/OS-TRUST/trusts/"+t.ID),
	}
	if !t.ExpiresAt.IsZero() {
		at := stamp(t.ExpiresAt)
		w.ExpiresAt = &at
	}
	return w
}

// wholeTrust is a trust with its roles.
func (a *api) wholeTrust(ctx context.Context, t identity.Trust, err error) (trustOut, error) {
	if err != nil {
		return trustOut{}, err
	}
	roles, err := a.core.RolesByID(ctx, t.RoleIDs)
	w, all := trustOf(ctx, t), listLinks{Self: v3(ctx) + "/OS-TRUST/trusts/" + t.ID + "/roles"}
	list := wires(ctx, roles, roleOf)
	w.Roles, w.RolesLinks = &list, &all
	return trustOut{w}, err
}

type trustOut struct {
	Trust trustWire `json:"trust"`
}

type trustsOut struct {
	Trusts []trustWire `json:"trusts"`

	listEnd
}

type trustBody struct {
	TrustorUserID     string         `json:"trustor_user_id" check:"required"`
	TrusteeUserID     string         `json:"trustee_user_id" check:"required"`
	Impersonation     bool           `json:"impersonation" check:"required"`
	ProjectID         *string        `json:"project_id"`
	RemainingUses     *int64         `json:"remaining_uses" check:"min=1"`
	ExpiresAt         *string        `json:"expires_at"`
	AllowRedelegation *bool          `json:"allow_redelegation"`
	RedelegationCount *int64         `json:"redelegation_count" check:"nonneg"`
	Roles             []roleRefBody  `json:"roles" check:"max=100"`
	Extra             map[string]any `json:"*"` // Keystone takes what it does not know, and forgets it
}

func (a *api) createTrust(ctx context.Context, in struct {
	Trust trustBody `body:"trust"`
},
) (trustOut, error) {
	b := in.Trust
	expires, err := parseTime("trust.expires_at", b.ExpiresAt)
	if err != nil {
		return trustOut{}, err
	}
	t, err := a.core.CreateTrust(ctx, auth.From(ctx), identity.NewTrust{
		Trust: identity.Trust{
			TrustorID: b.TrustorUserID, TrusteeID: b.TrusteeUserID, ProjectID: str(b.ProjectID), Impersonation: b.Impersonation,
			ExpiresAt: expires, RemainingUses: b.RemainingUses,
		},
		Roles: roleRefs(b.Roles), AllowRedelegation: b.AllowRedelegation != nil && *b.AllowRedelegation, RedelegationCount: b.RedelegationCount,
	})
	return a.wholeTrust(ctx, t, err)
}

type trustIn struct {
	ID string `path:"trust_id"`
}

func (a *api) showTrust(ctx context.Context, in trustIn) (trustOut, error) {
	t, err := a.core.ShowTrust(ctx, auth.From(ctx), in.ID)
	return a.wholeTrust(ctx, t, err)
}

func (a *api) listTrusts(ctx context.Context, in struct {
	rest.List
	nameless
	TrustorUserID string `query:"trustor_user_id"`
	TrusteeUserID string `query:"trustee_user_id"`
},
) (trustsOut, error) {
	page, err := in.Page("id", maxPage)
	if err != nil {
		return trustsOut{}, err
	}
	found, err := a.core.ListTrusts(ctx, auth.From(ctx), identity.TrustFilter{TrustorID: in.TrustorUserID, TrusteeID: in.TrusteeUserID}, page)
	found = known(in.nameless, found)
	return trustsOut{
		wires(ctx, found, trustOf),
		links(ctx, page.Limit, len(found), func() string { return found[len(found)-1].ID }),
	}, err
}

func (a *api) deleteTrust(ctx context.Context, in trustIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteTrust(ctx, auth.From(ctx), in.ID)
}

func (a *api) trustRoles(ctx context.Context, in trustIn) (rolesOut, error) {
	t, err := a.core.ShowTrust(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return rolesOut{}, err
	}
	roles, err := a.core.RolesByID(ctx, t.RoleIDs)
	return rolesOut{wires(ctx, roles, roleOf), whole(ctx)}, err
}

func (a *api) trustRole(ctx context.Context, in struct {
	trustIn
	RoleID string `path:"role_id"`
},
) (roleOut, error) {
	t, err := a.core.ShowTrust(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return roleOut{}, err
	}
	roles, err := a.core.RolesByID(ctx, t.RoleIDs)
	for _, r := range roles {
		if r.ID == in.RoleID {
			return roleOut{roleOf(ctx, r)}, err
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "Could not find role: %s.", in.RoleID)
	}
	return roleOut{}, err
}
