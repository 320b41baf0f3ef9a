package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type scopeOut struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	IPVersion int    `json:"ip_version"`
	Shared    bool   `json:"shared"`
	TenantID  string `json:"tenant_id"`
	ProjectID string `json:"project_id"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
	Revision  int64  `json:"revision_number"`
}

type scopesOut struct {
	Scopes []scopeOut `json:"address_scopes"`
	Links  []link     `json:"address_scopes_links,omitempty"`
}

type scopeShow struct {
	Scope scopeOut `json:"address_scope"`
}

type scopeIn struct {
	owner

	Name      rest.Opt[string] `json:"name" check:"max=255"`
	IPVersion int              `json:"ip_version" check:"required"`
	Shared    bool             `json:"shared"`
}

func newScopeOut(a network.AddressScope) scopeOut {
	out := scopeOut{
		ID: a.ID, Name: a.Name, IPVersion: 4, Shared: a.Shared, TenantID: a.ProjectID, ProjectID: a.ProjectID,
		CreatedAt: clock(a.CreatedAt), UpdatedAt: clock(a.UpdatedAt), Revision: a.Revision,
	}
	if a.V6 {
		out.IPVersion = 6
	}
	return out
}

func (a *api) listScopes(ctx context.Context, in listIn) (scopesOut, error) {
	q, err := in.query(map[string]string{"name": "name", "ip_version": "ip_version", "shared": "shared"})
	if err != nil {
		return scopesOut{}, err
	}
	list, err := a.core.AddressScopes(ctx, auth.From(ctx), q)
	if err != nil {
		return scopesOut{}, err
	}
	var out scopesOut
	for _, s := range list {
		out.Scopes = append(out.Scopes, newScopeOut(s))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createScope(ctx context.Context, in struct {
	Scope  *scopeIn   `body:"address_scope"`
	Scopes *[]scopeIn `body:"address_scopes"`
},
) (made, error) {
	return create(ctx, a, "address_scope", "address_scopes", in.Scope, in.Scopes, a.newScope)
}

func (a *api) newScope(ctx context.Context, w scopeIn) (scopeOut, error) {
	if err := checkVersion(w.IPVersion); err != nil {
		return scopeOut{}, err
	}
	s, err := a.core.CreateAddressScope(ctx, auth.From(ctx), network.NewAddressScope{
		ProjectID: w.id(), Name: w.Name.Value, V6: w.IPVersion == 6, Shared: w.Shared,
	})
	return newScopeOut(s), err
}

func checkVersion(v int) error {
	if v == 4 || v == 6 {
		return nil
	}
	return fault.Invalidf("ip_version", "Invalid input for ip_version. Reason: '%d' is not in [4, 6].", v).WithCode("InvalidInput")
}

func (a *api) showScope(ctx context.Context, in byID) (scopeShow, error) {
	s, err := a.core.ShowAddressScope(ctx, auth.From(ctx), in.ID)
	return scopeShow{newScopeOut(s)}, err
}

func (a *api) changeScope(ctx context.Context, in struct {
	condition
	ID    string `path:"id"`
	Scope struct {
		Name   rest.Opt[string] `json:"name" check:"max=255"`
		Shared *bool            `json:"shared"`
	} `body:"address_scope"`
},
) (scopeShow, error) {
	revision, err := in.revision()
	if err != nil {
		return scopeShow{}, err
	}
	s, err := a.core.ChangeAddressScope(ctx, auth.From(ctx), in.ID, network.AddressScopeChange{Name: given(in.Scope.Name), Shared: in.Scope.Shared, Revision: revision})
	return scopeShow{newScopeOut(s)}, err
}

func (a *api) deleteScope(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteAddressScope)
}
