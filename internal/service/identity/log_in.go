package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The methods of log-in.
const (
	MethodPassword = "password"
	MethodToken    = "token"
	MethodAppCred  = "application_credential"
	MethodTOTP     = "totp"

	methodEC2 = "ec2credential" // of tokens that a signature was exchanged for
)

// methods are those that can be named, in a log-in and in the rules of a user.
var methods = []string{MethodAppCred, MethodPassword, MethodToken, MethodTOTP}

// Proof is how somebody shows who they are. All methods that are named must succeed, for the same user.
type Proof struct {
	Methods  []string
	User     UserRef // for password
	Password string
	Token    string // for token
	AppCred  AppCredProof
	TOTP     TOTPProof
	Receipt  string // of an earlier attempt that lacked some methods
	From     string // the address that it comes from
}

// AppCredProof names an application credential by id, or by name and user.
type AppCredProof struct {
	ID, Name string
	User     UserRef
	Secret   string
}

// TOTPProof is a passcode that changes with time.
type TOTPProof struct {
	User     UserRef
	Passcode string
}

// DomainRef names a domain by its id, or else by its name.
type DomainRef struct{ ID, Name string }

// UserRef names a user by id, or by name and domain.
type UserRef struct {
	ID, Name string
	Domain   DomainRef
}

// ScopeRef is the scope that a log-in asks for; exactly one of its fields is set.
type ScopeRef struct {
	Unscoped bool
	System   bool
	Domain   *DomainRef
	Project  *ProjectRef
	TrustID  string
}

// ProjectRef names a project by id, or by name and domain.
type ProjectRef struct {
	ID, Name string
	Domain   DomainRef
}

// errLogIn is the one answer to a log-in that failed, whatever was wrong with it.
func errLogIn() error {
	return fault.New(fault.Unauthenticated, "The request you have made requires authentication: user, password or token are not right, or the user is disabled.")
}

// LogIn checks the proof and makes a token for the scope. Without a scope (nil) it is the user's default project, if it
// can be used, or else none; by an application credential it is that credential's project. It returns the token and its
// text. A proof that lacks methods which the user must use gives a *MoreMethods.
func (s *Service) LogIn(ctx context.Context, proof Proof, want *ScopeRef) (*auth.Token, string, error) {
	if err := s.guard.admit(proof.From, proof.guesses(), s.now()); err != nil {
		return nil, "", err
	}
	t := &auth.Token{}
	t.IssuedAt = s.time() // before any row is read: what changes later revokes this token
	t.ExpiresAt = t.IssuedAt.Add(s.cfg.TokenLife)
	var at attempt
	u, err := s.prove(ctx, proof, &at, t)
	if err != nil {
		return nil, "", err
	}
	if err := s.putUser(ctx, t, u); err != nil {
		return nil, "", err
	}
	if err := s.checkMethods(t, u, proof.Receipt); err != nil {
		return nil, "", err
	}
	if err := s.succeeded(ctx, &at, u); err != nil {
		return nil, "", err
	}
	if err := s.putScope(ctx, t, u, want); err != nil {
		return nil, "", err
	}
	return s.seal(t)
}

// guesses are those at whose secrets a proof may be a guess, each once.
func (p Proof) guesses() []string {
	var whose []string
	for _, method := range p.Methods {
		who := ""
		switch method {
		case MethodPassword:
			who = p.User.digest()
		case MethodTOTP:
			who = p.TOTP.User.digest()
		case MethodAppCred:
			who = digest(p.AppCred.ID, p.AppCred.Name, p.AppCred.User.digest())
		}
		if who != "" && !slices.Contains(whose, who) {
			whose = append(whose, who)
		}
	}
	return whose
}

func (s *Service) seal(t *auth.Token) (*auth.Token, string, error) {
	t.AuditIDs = slices.Insert(t.AuditIDs, 0, newAuditID())
	sealed, err := s.keys.Seal(t, t.IssuedAt)
	return t, sealed, err
}

// putUser makes a token a user's, if it may log in at all.
func (s *Service) putUser(ctx context.Context, t *auth.Token, u User) error {
	home, err := s.store.Projects.Project(ctx, u.DomainID)
	if err != nil {
		return err
	}
	if !u.Enabled || !home.Enabled || s.inactive(u) {
		return errLogIn()
	}
	if slices.Contains(t.Methods, MethodPassword) && !slices.Contains(t.Methods, MethodToken) && s.passwordExpired(u) {
		return fault.New(fault.Unauthenticated, "The password is expired and needs to be changed for user: %s.", u.ID)
	}
	t.UserID, t.UserName, t.UserDomainID, t.UserDomainName = u.ID, u.Name, home.ID, home.Name
	t.PasswordExpiresAt = u.PasswordExpiresAt
	return nil
}

// prove runs the methods and returns the user whom they agree on. Where one fails the others still run, so that the
// answer does not tell which.
func (s *Service) prove(ctx context.Context, proof Proof, at *attempt, t *auth.Token) (User, error) {
	var u User
	var failed error
	for i, method := range proof.Methods {
		got, err := s.proveBy(ctx, method, proof, at, t)
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			return User{}, err
		}
		if err == nil && i > 0 && failed == nil && got.ID != u.ID {
			err = errLogIn()
		}
		if failed == nil {
			failed = err
		}
		u = got
		if !slices.Contains(t.Methods, method) {
			t.Methods = append(t.Methods, method)
		}
	}
	if failed != nil {
		return User{}, failed
	}
	if u.ID == "" {
		return User{}, fault.Invalidf("auth.identity.methods", "Invalid input: auth.identity.methods needs at least one of %s", strings.Join(methods, ", "))
	}
	return u, nil
}

func (s *Service) proveBy(ctx context.Context, method string, proof Proof, at *attempt, t *auth.Token) (User, error) {
	switch method {
	case MethodPassword:
		return s.provePassword(ctx, proof.User, proof.Password, at)
	case MethodToken:
		return s.proveToken(ctx, proof.Token, t)
	case MethodAppCred:
		return s.proveAppCred(ctx, proof.AppCred, t)
	case MethodTOTP:
		return s.proveTOTP(ctx, proof.TOTP, at)
	}
	return User{}, fault.New(fault.Unauthenticated, "Attempted to authenticate with an unsupported method: %q is not one of %s.", method, strings.Join(methods, ", "))
}

// provePassword takes the same time for an unknown user as for a wrong password.
func (s *Service) provePassword(ctx context.Context, ref UserRef, password string, at *attempt) (User, error) {
	u, err := s.findUser(ctx, ref)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return User{}, err
	}
	right, err := s.hasher.matches(ctx, u.PasswordHash, password)
	if err != nil {
		return User{}, err
	}
	return u, s.judge(ctx, at, ref, u, right)
}

// proveToken lets a token stand for its user. The new token keeps the old one's end and the root of its audit chain, so
// that a chain of tokens can't outlive the password that it began with. A token that permits less than its user may do
// can't be exchanged.
func (s *Service) proveToken(ctx context.Context, sealed string, t *auth.Token) (User, error) {
	old, err := s.Verify(sealed)
	if err != nil {
		return User{}, noToken(err)
	}
	if old.Delegated() {
		return User{}, fault.New(fault.Forbidden, "The token of an application credential or of a trust can't be exchanged for another: log in anew.")
	}
	u, err := s.store.Users.User(ctx, old.UserID)
	if fault.Is(err, fault.NotFound) {
		return User{}, errLogIn()
	}
	t.ExpiresAt = old.ExpiresAt
	t.AuditIDs = slices.Clone(old.AuditIDs[len(old.AuditIDs)-1:])
	for _, method := range old.Methods {
		if !slices.Contains(t.Methods, method) {
			t.Methods = append(t.Methods, method)
		}
	}
	return u, err
}

func (s *Service) findUser(ctx context.Context, ref UserRef) (User, error) {
	if ref.ID != "" {
		return s.store.Users.User(ctx, ref.ID)
	}
	d, err := s.findDomain(ctx, ref.Domain)
	if err != nil {
		return User{}, err
	}
	return s.store.Users.UserByName(ctx, d.ID, ref.Name)
}

func (s *Service) findDomain(ctx context.Context, ref DomainRef) (Project, error) {
	if ref.ID != "" {
		return s.domain(ctx, ref.ID)
	}
	return s.store.Projects.ProjectByName(ctx, "", ref.Name)
}

// putScope fills the scope and its roles into a token.
func (s *Service) putScope(ctx context.Context, t *auth.Token, u User, want *ScopeRef) error {
	switch {
	case t.AppCredID != "":
		return s.putAppCred(ctx, t, want)
	case want == nil:
		return s.putDefault(ctx, t, u)
	case want.TrustID != "":
		return s.putTrust(ctx, t, want.TrustID)
	case want.Unscoped:
		return nil
	case want.System:
		t.System = true
		return s.putRoles(ctx, t, Scope{System: true}, "the system")
	case want.Domain != nil:
		return s.putDomain(ctx, t, *want.Domain)
	default:
		return s.putProject(ctx, t, *want.Project)
	}
}

// putDefault scopes to the user's default project, or to nothing if it can't be used.
func (s *Service) putDefault(ctx context.Context, t *auth.Token, u User) error {
	if u.DefaultProjectID == "" {
		return nil
	}
	scoped := *t
	err := s.putProject(ctx, &scoped, ProjectRef{ID: u.DefaultProjectID})
	if fault.Is(err, fault.Unauthenticated) {
		return nil
	}
	*t = scoped
	return err
}

func (s *Service) putProject(ctx context.Context, t *auth.Token, ref ProjectRef) error {
	if err := s.putPlace(ctx, t, ref); err != nil {
		return err
	}
	return s.putRoles(ctx, t, Scope{ProjectID: t.ProjectID}, "project "+t.ProjectID)
}

// putPlace scopes to a project, and leaves the roles to others.
func (s *Service) putPlace(ctx context.Context, t *auth.Token, ref ProjectRef) error {
	p, home, err := s.findProject(ctx, ref)
	if err != nil {
		return absent(err, "project", ref.ID+ref.Name)
	}
	if !p.Enabled || !home.Enabled {
		return absent(nil, "project", p.ID)
	}
	t.ProjectID, t.ProjectName, t.ProjectDomainID, t.ProjectDomainName = p.ID, p.Name, home.ID, home.Name
	return nil
}

// findProject reads a project and its domain.
func (s *Service) findProject(ctx context.Context, ref ProjectRef) (p, home Project, err error) {
	if ref.ID != "" {
		p, err = s.store.Projects.Project(ctx, ref.ID)
		if err == nil && p.IsDomain {
			err = fault.Missing("project", ref.ID)
		}
	} else if home, err = s.findDomain(ctx, ref.Domain); err == nil {
		p, err = s.store.Projects.ProjectByName(ctx, home.ID, ref.Name)
	}
	if err == nil && home.ID == "" {
		home, err = s.store.Projects.Project(ctx, p.DomainID)
	}
	return p, home, err
}

func (s *Service) putDomain(ctx context.Context, t *auth.Token, ref DomainRef) error {
	d, err := s.findDomain(ctx, ref)
	if err != nil {
		return absent(err, "domain", ref.ID+ref.Name)
	}
	if !d.Enabled {
		return absent(nil, "domain", d.ID)
	}
	t.DomainID, t.DomainName = d.ID, d.Name
	return s.putRoles(ctx, t, Scope{DomainID: d.ID}, "domain "+d.ID)
}

func (s *Service) putRoles(ctx context.Context, t *auth.Token, on Scope, what string) error {
	roles, err := s.EffectiveRoles(ctx, t.UserID, on)
	if err != nil {
		return err
	}
	return setRoles(t, roles, what)
}

func setRoles(t *auth.Token, roles []Role, what string) error {
	if len(roles) == 0 {
		return fault.New(fault.Unauthenticated, "User %s has no access to %s: no role is assigned to it there, itself or through a group.", t.UserID, what)
	}
	for _, r := range roles {
		t.Roles = append(t.Roles, r.Name)
		t.RoleIDs = append(t.RoleIDs, r.ID)
	}
	return nil
}

// absent turns a scope that is not there, or disabled, into a refused log-in.
func absent(err error, kind, name string) error {
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return fault.Wrap(fault.Unauthenticated, err, "The %s %s can't be used: it does not exist, is disabled, or is in a domain that is.", kind, name)
}

// newAuditID returns what a token is known by in logs and revocations: 16 random bytes as 22 characters.
func newAuditID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails (its documentation)
	return base64.RawURLEncoding.EncodeToString(id)
}
