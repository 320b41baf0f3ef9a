package api

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// authBody is what a client sends to log in.
type authBody struct {
	Identity identityBody `json:"identity" check:"required"`
	Scope    any          `json:"scope"` // an object, or the text "unscoped"
}

type identityBody struct {
	Methods  []string      `json:"methods" check:"required,min=1"`
	Password *passwordBody `json:"password"`
	Token    *struct {
		ID string `json:"id" check:"required"`
	} `json:"token"`
	AppCred *appCredLogIn `json:"application_credential"`
	TOTP    *totpBody     `json:"totp"`
}

// given tells whether what a method needs is there; unknown methods need nothing.
func (b *identityBody) given(method string) bool {
	switch method {
	case identity.MethodPassword:
		return b.Password != nil
	case identity.MethodToken:
		return b.Token != nil
	case identity.MethodAppCred:
		return b.AppCred != nil
	case identity.MethodTOTP:
		return b.TOTP != nil
	}
	return true
}

type userRefBody struct {
	ID     string      `json:"id"`
	Name   string      `json:"name"`
	Domain *domainBody `json:"domain"`
}

func (b *userRefBody) ref() identity.UserRef {
	if b == nil {
		return identity.UserRef{}
	}
	return identity.UserRef{ID: b.ID, Name: b.Name, Domain: b.Domain.ref()}
}

type appCredLogIn struct {
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	Secret string       `json:"secret" check:"required"`
	User   *userRefBody `json:"user"`
}

// Validate refuses an application credential that is named by neither id nor name and user.
func (b *appCredLogIn) Validate() error {
	if b.ID == "" && (b.Name == "" || b.User == nil) {
		return fault.Invalidf("auth.identity.application_credential", "Expecting to find id, or name and user, in application_credential. The server could not comply with the request since it is malformed or otherwise incorrect.")
	}
	return nil
}

type totpBody struct {
	User struct {
		ID       string      `json:"id"`
		Name     string      `json:"name"`
		Domain   *domainBody `json:"domain"`
		Passcode string      `json:"passcode" check:"required,max=64"`
	} `json:"user" check:"required"`
}

type passwordBody struct {
	User struct {
		ID       string      `json:"id"`
		Name     string      `json:"name"`
		Domain   *domainBody `json:"domain"`
		Password string      `json:"password" check:"required"`
	} `json:"user" check:"required"`
}

type domainBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Validate refuses a method without what it needs.
func (b *identityBody) Validate() error {
	for _, method := range b.Methods {
		if !b.given(method) {
			return fault.Invalidf("auth.identity."+method, "Expecting to find %s in identity, as methods names it. The server could not comply with the request since it is malformed or otherwise incorrect.", method)
		}
	}
	return nil
}

// Validate refuses a user who is named by neither id nor name and domain.
func (b *passwordBody) Validate() error {
	u := b.User
	if u.ID == "" && u.Name == "" {
		return fault.Invalidf("auth.identity.password.user", "Expecting to find id or name in user. The server could not comply with the request since it is malformed or otherwise incorrect.")
	}
	if u.ID == "" && (u.Domain == nil || *u.Domain == domainBody{}) {
		return fault.Invalidf("auth.identity.password.user.domain", "Expecting to find domain in user: a name needs a domain with an id or a name.")
	}
	return nil
}

func (d *domainBody) ref() identity.DomainRef {
	if d == nil {
		return identity.DomainRef{}
	}
	return identity.DomainRef{ID: d.ID, Name: d.Name}
}

func (b identityBody) proof() identity.Proof {
	p := identity.Proof{Methods: b.Methods}
	if b.Password != nil {
		u := b.Password.User
		p.User = identity.UserRef{ID: u.ID, Name: u.Name, Domain: u.Domain.ref()}
		p.Password = u.Password
	}
	if b.Token != nil {
		p.Token = b.Token.ID
	}
	if b.AppCred != nil {
		p.AppCred = identity.AppCredProof{ID: b.AppCred.ID, Name: b.AppCred.Name, User: b.AppCred.User.ref(), Secret: b.AppCred.Secret}
	}
	if b.TOTP != nil {
		u := b.TOTP.User
		p.TOTP = identity.TOTPProof{User: identity.UserRef{ID: u.ID, Name: u.Name, Domain: u.Domain.ref()}, Passcode: u.Passcode}
	}
	return p
}

// scopeOf reads the scope: nil where there is none.
func scopeOf(v any) (*identity.ScopeRef, error) {
	if v == nil {
		return nil, nil
	}
	if v == "unscoped" {
		return &identity.ScopeRef{Unscoped: true}, nil
	}
	scope, ok := v.(map[string]any)
	if !ok || len(scope) != 1 {
		return nil, badScope("scope must be \"unscoped\" or an object with exactly one of project, domain, system, OS-TRUST:trust, unscoped")
	}
	for kind, what := range scope {
		object, _ := what.(map[string]any)
		switch kind {
		case "unscoped":
			return &identity.ScopeRef{Unscoped: true}, nil
		case "system":
			if object["all"] != true {
				return nil, badScope("scope.system must be {\"all\": true}")
			}
			return &identity.ScopeRef{System: true}, nil
		case "domain":
			d, err := domainRef(object, "scope.domain")
			return &identity.ScopeRef{Domain: &d}, err
		case "project":
			p, err := projectRef(object)
			return &identity.ScopeRef{Project: &p}, err
		case "OS-TRUST:trust":
			id, _ := object["id"].(string)
			if id == "" {
				return nil, badScope("scope.OS-TRUST:trust needs an id")
			}
			return &identity.ScopeRef{TrustID: id}, nil
		}
	}
	return nil, badScope("scope must have one of project, domain, system, OS-TRUST:trust, unscoped")
}

func badScope(message string) error {
	return fault.Invalidf("auth.scope", "Invalid input: %s", message)
}

func domainRef(object map[string]any, field string) (identity.DomainRef, error) {
	id, _ := object["id"].(string)
	name, _ := object["name"].(string)
	if id == "" && name == "" {
		return identity.DomainRef{}, badScope(field + " needs an id or a name")
	}
	return identity.DomainRef{ID: id, Name: name}, nil
}

func projectRef(object map[string]any) (identity.ProjectRef, error) {
	id, _ := object["id"].(string)
	if id != "" {
		return identity.ProjectRef{ID: id}, nil
	}
	name, _ := object["name"].(string)
	if name == "" {
		return identity.ProjectRef{}, badScope("scope.project needs an id, or a name and a domain")
	}
	domain, _ := object["domain"].(map[string]any)
	d, err := domainRef(domain, "scope.project.domain")
	return identity.ProjectRef{Name: name, Domain: d}, err
}

// tokenWire is a token as its answer shows it.
type tokenWire struct {
	Methods   []string       `json:"methods"`
	User      tokenUser      `json:"user"`
	AuditIDs  []string       `json:"audit_ids"`
	ExpiresAt string         `json:"expires_at"`
	IssuedAt  string         `json:"issued_at"`
	Project   *ownedRef      `json:"project,omitempty"`
	IsDomain  *bool          `json:"is_domain,omitempty"`
	Domain    *ref           `json:"domain,omitempty"`
	System    *systemWire    `json:"system,omitempty"`
	Roles     []ref          `json:"roles,omitempty"`
	Catalog   *[]catalogWire `json:"catalog,omitempty"`
	AppCred   *appCredToken  `json:"application_credential,omitempty"`
	Trust     *trustToken    `json:"OS-TRUST:trust,omitempty"`
	Partners  []partnerWire  `json:"service_providers,omitempty"`
}

// partnerWire is a service provider as tokens tell of it.
type partnerWire struct {
	ID      string `json:"id"`
	AuthURL string `json:"auth_url"`
	URL     string `json:"sp_url"`
}

type appCredToken struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Restricted  bool             `json:"restricted"`
	AccessRules []accessRuleText `json:"access_rules,omitempty"`
}

type accessRuleText struct {
	Service string `json:"service"`
	Method  string `json:"method"`
	Path    string `json:"path"`
}

type trustToken struct {
	ID            string `json:"id"`
	Impersonation bool   `json:"impersonation"`
	Trustor       ref    `json:"trustor_user"`
	Trustee       ref    `json:"trustee_user"`
}

// receiptWire is what a log-in has proven that lacks methods.
type receiptWire struct {
	Methods   []string  `json:"methods"`
	User      tokenUser `json:"user"`
	ExpiresAt string    `json:"expires_at"`
	IssuedAt  string    `json:"issued_at"`
}

func receiptOf(t *auth.Token) receiptWire {
	return receiptWire{Methods: t.Methods, User: tokenUserOf(t), ExpiresAt: stamp(t.ExpiresAt), IssuedAt: stamp(t.IssuedAt)}
}

func tokenUserOf(t *auth.Token) tokenUser {
	return tokenUser{ref{t.UserDomainID, t.UserDomainName}, t.UserID, t.UserName, stampOrNull(t.PasswordExpiresAt)}
}

// putDelegation shows what a token stands on.
func (w *tokenWire) putDelegation(d auth.Delegation) {
	if d.AppCredID != "" {
		w.AppCred = &appCredToken{ID: d.AppCredID, Name: d.AppCredName, Restricted: !d.Unrestricted}
		for _, rule := range d.AccessRules {
			parts := strings.SplitN(rule, " ", 3)
			w.AppCred.AccessRules = append(w.AppCred.AccessRules, accessRuleText{parts[0], parts[1], parts[2]})
		}
	}
	if d.TrustID != "" {
		w.Trust = &trustToken{d.TrustID, d.Impersonates, ref{ID: d.TrustorID}, ref{ID: d.TrusteeID}}
	}
}

type tokenUser struct {
	Domain            ref     `json:"domain"`
	ID                string  `json:"id"`
	Name              string  `json:"name"`
	PasswordExpiresAt *string `json:"password_expires_at"`
}

type systemWire struct {
	All bool `json:"all"`
}

type catalogWire struct {
	Endpoints []endpointInCatalog `json:"endpoints"`
	ID        string              `json:"id"`
	Type      string              `json:"type"`
	Name      string              `json:"name"`
}

type endpointInCatalog struct {
	ID        string  `json:"id"`
	Interface string  `json:"interface"`
	RegionID  *string `json:"region_id"`
	URL       string  `json:"url"`
	Region    *string `json:"region"`
}

func (a *api) tokenWire(t *auth.Token, withCatalog bool) tokenWire {
	w := tokenWire{
		Methods: t.Methods, AuditIDs: t.AuditIDs, IssuedAt: stamp(t.IssuedAt), ExpiresAt: stamp(t.ExpiresAt),
		User: tokenUserOf(t),
	}
	w.putDelegation(t.Delegation)
	switch {
	case t.ProjectID != "":
		w.Project = &ownedRef{t.ProjectID, t.ProjectName, &ref{t.ProjectDomainID, t.ProjectDomainName}}
		w.IsDomain = new(bool)
	case t.DomainID != "":
		w.Domain = &ref{t.DomainID, t.DomainName}
	case t.System:
		w.System = &systemWire{true}
	}
	for i := range t.Roles {
		w.Roles = append(w.Roles, ref{t.RoleIDs[i], t.Roles[i]})
	}
	for _, p := range a.core.Partners() {
		w.Partners = append(w.Partners, partnerWire{p.ID, p.AuthURL, p.ServiceURL})
	}
	on := scopeOfCaller(&t.Caller)
	if withCatalog && on != (identity.Scope{}) {
		c := a.catalogFor(on, t.UserID)
		w.Catalog = &c
	}
	return w
}

func scopeOfCaller(c *auth.Caller) identity.Scope {
	return identity.Scope{ProjectID: c.ProjectID, DomainID: c.DomainID, System: c.System}
}

func (a *api) catalogFor(on identity.Scope, userID string) []catalogWire {
	services := a.core.Catalog(on, userID)
	out := make([]catalogWire, len(services))
	for i, s := range services {
		out[i] = catalogWire{ID: s.ID, Type: s.Type, Name: s.Name}
		for _, e := range s.Endpoints {
			out[i].Endpoints = append(out[i].Endpoints, endpointInCatalog{e.ID, e.Interface, orNull(e.RegionID), e.URL, orNull(e.RegionID)})
		}
	}
	return out
}
