package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) tokenRoutes() []rest.Route {
	return []rest.Route{
		{
			Method: http.MethodPost, Path: "/v3/auth/tokens", Policy: auth.NoToken("identity:authenticate"), Audit: "identity.token.create",
			Doc: "Logs in by one or several methods (password, token, application_credential, totp), and makes a token for a scope.", Do: rest.Do(a.logIn),
		},
		get("/v3/auth/tokens", "Shows a token: the caller's own, or for services and administrators any.", "validate_token", auth.Anyone, rest.Do(a.showToken)),
		{
			Method: http.MethodDelete, Path: "/v3/auth/tokens", Policy: auth.P("identity:revoke_token", auth.Anyone), Audit: "identity.token.revoke",
			Doc: "Takes a token back.", Do: rest.Do(a.revokeToken),
		},
		get("/v3/auth/catalog", "Lists the services that the caller's token can reach.", "get_auth_catalog", auth.Anyone, rest.Do(a.showCatalog)),
		get("/v3/auth/projects", "Lists the projects that the caller can scope a token to.", "get_auth_projects", auth.Anyone, rest.Do(a.reachableProjects)),
		get("/v3/auth/domains", "Lists the domains that the caller can scope a token to.", "get_auth_domains", auth.Anyone, rest.Do(a.reachableDomains)),
		get("/v3/auth/system", "Tells whether the caller can scope a token to the system.", "get_auth_system", auth.Anyone, rest.Do(a.reachableSystem)),
	}
}

type logInIn struct {
	Auth      authBody `body:"auth"`
	Receipt   string   `header:"Openstack-Auth-Receipt"`
	NoCatalog *string  `query:"nocatalog"`
}

type tokenOut struct {
	Subject string    `header:"X-Subject-Token" json:"-"`
	Vary    string    `header:"Vary" json:"-"`
	Cache   string    `header:"Cache-Control" json:"-"`
	Token   tokenWire `json:"token"`
}

// logInOut is a token, or the receipt of a log-in that lacks methods.
type logInOut struct {
	Subject      string       `header:"X-Subject-Token" json:"-"`
	Receipt      string       `header:"Openstack-Auth-Receipt" json:"-"`
	Vary         string       `header:"Vary" json:"-"`
	Cache        string       `header:"Cache-Control" json:"-"`
	Token        *tokenWire   `json:"token,omitempty"`
	ReceiptWire  *receiptWire `json:"receipt,omitempty"`
	RequiredAuth [][]string   `json:"required_auth_methods,omitempty"`
}

// HTTPStatus tells the two apart.
func (o logInOut) HTTPStatus() int {
	if o.ReceiptWire != nil {
		return http.StatusUnauthorized
	}
	return http.StatusCreated
}

func (a *api) logIn(ctx context.Context, in logInIn) (logInOut, error) {
	scope, err := scopeOf(in.Auth.Scope)
	if err != nil {
		return logInOut{}, err
	}
	proof := in.Auth.Identity.proof()
	proof.Receipt, proof.From = in.Receipt, rest.RemoteAddr(ctx)
	t, sealed, err := a.core.LogIn(ctx, proof, scope)
	var more *identity.MoreMethods
	if errors.As(err, &more) {
		receipt := receiptOf(more.Proven)
		return logInOut{Receipt: more.Receipt, Vary: "X-Auth-Token", Cache: "no-store", ReceiptWire: &receipt, RequiredAuth: more.Required}, nil
	}
	if err != nil {
		return logInOut{}, err
	}
	wire := a.tokenWire(t, in.NoCatalog == nil)
	return logInOut{Subject: sealed, Vary: "X-Auth-Token", Cache: "no-store", Token: &wire}, nil
}

func (a *api) tokenOut(t *auth.Token, sealed string, withCatalog bool) tokenOut {
	return tokenOut{Subject: sealed, Vary: "X-Auth-Token", Cache: "no-store", Token: a.tokenWire(t, withCatalog)}
}

type subjectIn struct {
	Subject      string  `header:"X-Subject-Token"`
	NoCatalog    *string `query:"nocatalog"`
	AllowExpired *string `query:"allow_expired"`
}

func (a *api) showToken(ctx context.Context, in subjectIn) (tokenOut, error) {
	t, err := a.core.ShowToken(auth.From(ctx), in.Subject, said(in.AllowExpired))
	if err != nil {
		return tokenOut{}, noSubject(in, err)
	}
	return a.tokenOut(t, in.Subject, in.NoCatalog == nil), nil
}

func (a *api) revokeToken(ctx context.Context, in struct {
	Subject string `header:"X-Subject-Token"`
},
) (rest.None, error) {
	err := a.core.RevokeToken(ctx, auth.From(ctx), in.Subject)
	return rest.None{}, noSubject(subjectIn{Subject: in.Subject}, err)
}

// noSubject says what is wrong where the header is missing.
func noSubject(in subjectIn, err error) error {
	if err != nil && in.Subject == "" {
		return fault.New(fault.NotFound, "Could not find token: the request needs it in the header X-Subject-Token.")
	}
	return err
}

type catalogOut struct {
	Catalog []catalogWire `json:"catalog"`

	listEnd
}

func (a *api) showCatalog(ctx context.Context, _ struct{}) (catalogOut, error) {
	on := scopeOfCaller(auth.From(ctx))
	if on == (identity.Scope{}) {
		return catalogOut{}, fault.New(fault.Forbidden, "An unscoped token has no catalog: log in with a scope.")
	}
	return catalogOut{a.catalogFor(on, auth.From(ctx).UserID), whole(ctx)}, nil
}

func (a *api) reachableProjects(ctx context.Context, in rest.List) (projectsOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return projectsOut{}, err
	}
	found, err := a.core.Reachable(ctx, auth.From(ctx), false, page)
	return projectList(ctx, page, found), err
}

func (a *api) reachableDomains(ctx context.Context, in rest.List) (domainsOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return domainsOut{}, err
	}
	found, err := a.core.Reachable(ctx, auth.From(ctx), true, page)
	return domainList(ctx, page, found), err
}

type systemOut struct {
	System []systemWire `json:"system"`

	listEnd
}

func (a *api) reachableSystem(ctx context.Context, _ struct{}) (systemOut, error) {
	out := systemOut{listEnd: whole(ctx)}
	reached, err := a.core.ReachesSystem(ctx, auth.From(ctx))
	if reached {
		out.System = []systemWire{{true}}
	}
	return out, err
}
