package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// maxRules is how long the access rules of an application credential may be together, in bytes: they travel in tokens.
const maxRules = 3 << 10

// RoleRef names a role by id, or else a global one by name.
type RoleRef struct{ ID, Name string }

// CreateAppCred makes an application credential for the caller, on the project of its token. Without roles it has all
// of the token's. It returns the secret, which is drawn if none is given and can't be read again.
func (s *Service) CreateAppCred(ctx context.Context, c *auth.Caller, a AppCred, roles []RoleRef, secret string) (AppCred, string, error) {
	if !isOwner(c, a.UserID) || c.ProjectID == "" {
		return AppCred{}, "", refused("identity:create_application_credential")
	}
	for _, check := range []error{withoutTrust(c), unrestricted(c), checkName("name", a.Name, maxName), s.checkFuture(a.ExpiresAt), checkRules(a.Rules)} {
		if check != nil {
			return AppCred{}, "", check
		}
	}
	var err error
	if a.RoleIDs, err = s.appCredRoles(ctx, c, roles); err != nil {
		return AppCred{}, "", err
	}
	if secret == "" {
		secret = newSecret()
	}
	if a.SecretHash, err = s.hasher.hash(ctx, secret); err != nil {
		return AppCred{}, "", err
	}
	a.ProjectID, a.CreatedAt = c.ProjectID, s.time()
	if a.ID == "" {
		a.ID = newID()
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if a.Rules, err = s.ensureRules(ctx, a); err != nil {
			return err
		}
		if err := s.store.AppCreds.InsertAppCred(ctx, a); err != nil {
			return err
		}
		return s.tell(ctx, "application_credential", "created", a.ID, a.ProjectID, about{a.Name, "", by(ctx)})
	})
	return a, secret, err
}

// newSecret draws a secret of 64 bytes.
func newSecret() string {
	raw := make([]byte, 64)
	_, _ = rand.Read(raw) // never fails (its documentation)
	return base64.RawURLEncoding.EncodeToString(raw)
}

func (s *Service) checkFuture(at time.Time) error {
	if !at.IsZero() && !at.After(s.now()) {
		return fault.Invalidf("expires_at", "The 'expires_at' must not be before now. The server could not comply with the request since it is either malformed or otherwise incorrect.")
	}
	return nil
}

func checkRules(rules []AccessRule) error {
	size := 0
	for _, r := range rules {
		size += len(auth.AccessRule(r.Service, r.Method, r.Path))
	}
	if size > maxRules {
		return fault.Invalidf("access_rules", "Invalid input: the access rules have %d bytes together and may have %d", size, maxRules)
	}
	return nil
}

// appCredRoles are the ids of the roles that an application credential is to have; the caller must have them now.
func (s *Service) appCredRoles(ctx context.Context, c *auth.Caller, refs []RoleRef) ([]string, error) {
	all, err := s.store.Roles.ListRoles(ctx, RoleFilter{EveryDomain: true}, query.Page{})
	if err != nil {
		return nil, err
	}
	has, err := s.rolesNow(ctx, c)
	if err != nil {
		return nil, err
	}
	byID := map[string]Role{}
	var ids []string
	for _, r := range all {
		byID[r.ID] = r
		if len(refs) == 0 && r.DomainID == "" && slices.Contains(has, r.Name) {
			ids = append(ids, r.ID)
		}
	}
	for _, ref := range refs {
		if ref.ID == "" {
			at := slices.IndexFunc(all, func(r Role) bool { return r.DomainID == "" && r.Name == ref.Name })
			if at < 0 {
				return nil, fault.New(fault.NotFound, "Could not find role: %s.", ref.Name)
			}
			ref.ID = all[at].ID
		}
		ids = append(ids, ref.ID)
	}
	if ids, err = s.impliedBy(ctx, ids...); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if r := byID[id]; r.ID == "" || r.DomainID == "" && !slices.Contains(has, r.Name) || r.DomainID != "" && slices.ContainsFunc(refs, func(x RoleRef) bool { return x.ID == id }) {
			return nil, fault.Invalidf("roles", "Invalid application credential: Cannot create an application credential with unassigned role")
		}
	}
	return ids, nil
}

// rolesNow are the names of the roles that the caller has on its project now: those of a delegated token, and otherwise
// those of its user, which may have got more since the token was made.
func (s *Service) rolesNow(ctx context.Context, c *auth.Caller) ([]string, error) {
	if c.Delegated() {
		return c.Roles, nil
	}
	roles, err := s.EffectiveRoles(ctx, c.UserID, Scope{ProjectID: c.ProjectID})
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.Name
	}
	return names, err
}

// ensureRules finds or makes the access rules of a new application credential. One that is named by its id must be the
// user's.
func (s *Service) ensureRules(ctx context.Context, a AppCred) ([]AccessRule, error) {
	rules := slices.Clone(a.Rules)
	for i := range rules {
		rules[i].UserID = a.UserID
		sought := rules[i]
		if sought.Path != "" {
			sought.ID = "" // the user's rule of the same content, whatever its id
		}
		found, err := s.store.AppCreds.ListAccessRules(ctx, sought)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			rules[i] = found[0]
			continue
		}
		if rules[i].ID != "" && rules[i].Path == "" {
			return nil, fault.New(fault.NotFound, "Could not find Access Rule: %s.", rules[i].ID)
		}
		if rules[i].ID == "" {
			rules[i].ID = newID()
		}
		if err := s.store.AppCreds.InsertAccessRule(ctx, rules[i]); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// ShowAppCred reads an application credential of a user.
func (s *Service) ShowAppCred(ctx context.Context, c *auth.Caller, userID, id string) (AppCred, error) {
	a, err := s.store.AppCreds.AppCred(ctx, id)
	if err := owned(c, readsSecrets(c), userID, a.UserID, "identity:get_application_credential", err); err != nil {
		return AppCred{}, err
	}
	return a, withoutTrust(c)
}

// ListAppCreds reads a page of the application credentials of a user.
func (s *Service) ListAppCreds(ctx context.Context, c *auth.Caller, f AppCredFilter, page query.Page) ([]AppCred, error) {
	if !readsSecrets(c) && !isOwner(c, f.UserID) {
		return nil, refused("identity:list_application_credentials")
	}
	if err := withoutTrust(c); err != nil {
		return nil, err
	}
	return s.store.AppCreds.ListAppCreds(ctx, f, page)
}

// DeleteAppCred removes an application credential and takes its tokens back.
func (s *Service) DeleteAppCred(ctx context.Context, c *auth.Caller, userID, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		a, err := s.store.AppCreds.AppCred(ctx, id)
		if err := owned(c, administers(c), userID, a.UserID, "identity:delete_application_credential", err); err != nil {
			return err
		}
		if err := withoutTrust(c); err != nil {
			return err
		}
		if err := unrestricted(c); err != nil {
			return err
		}
		if err := s.store.AppCreds.DeleteAppCred(ctx, id); err != nil {
			return err
		}
		if err := s.revoke(ctx, auth.ByDelegation(id)); err != nil {
			return err
		}
		return s.tell(ctx, "application_credential", "deleted", id, a.ProjectID, about{a.Name, "", by(ctx)})
	})
}

// RolesByID reads roles by their ids and leaves out those that were deleted.
func (s *Service) RolesByID(ctx context.Context, ids []string) ([]Role, error) {
	roles := make([]Role, 0, len(ids))
	for _, id := range ids {
		r, err := s.store.Roles.Role(ctx, id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		roles = append(roles, r)
	}
	return roles, nil
}

// ListAccessRules reads the access rules of a user that have all fields which are set.
func (s *Service) ListAccessRules(ctx context.Context, c *auth.Caller, f AccessRule) ([]AccessRule, error) {
	if !readsSecrets(c) && !isOwner(c, f.UserID) {
		return nil, refused("identity:list_access_rules")
	}
	if err := withoutTrust(c); err != nil {
		return nil, err
	}
	return s.store.AppCreds.ListAccessRules(ctx, f)
}

// ShowAccessRule reads an access rule of a user.
func (s *Service) ShowAccessRule(ctx context.Context, c *auth.Caller, userID, id string) (AccessRule, error) {
	return s.accessRule(ctx, c, readsSecrets(c), userID, id, "identity:get_access_rule")
}

func (s *Service) accessRule(ctx context.Context, c *auth.Caller, everybody bool, userID, id, policy string) (AccessRule, error) {
	if !everybody && !isOwner(c, userID) {
		return AccessRule{}, refused(policy)
	}
	if err := withoutTrust(c); err != nil {
		return AccessRule{}, err
	}
	found, err := s.store.AppCreds.ListAccessRules(ctx, AccessRule{ID: id, UserID: userID})
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "Could not find Access Rule: %s.", id)
	}
	if err != nil {
		return AccessRule{}, err
	}
	return found[0], nil
}

// DeleteAccessRule removes an access rule that no application credential has.
func (s *Service) DeleteAccessRule(ctx context.Context, c *auth.Caller, userID, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.accessRule(ctx, c, administers(c), userID, id, "identity:delete_access_rule"); err != nil {
			return err
		}
		err := s.store.AppCreds.DeleteAccessRule(ctx, id)
		if fault.Is(err, fault.Conflict) {
			return fault.Wrap(fault.Forbidden, err, "May not delete access rule in use: an application credential has it; delete that first.")
		}
		if err != nil {
			return err
		}
		return s.tell(ctx, "access_rule", "deleted", id, "", about{By: by(ctx)})
	})
}

// proveAppCred takes the same time for an unknown application credential as for a wrong secret.
func (s *Service) proveAppCred(ctx context.Context, proof AppCredProof, t *auth.Token) (User, error) {
	a, u, err := s.findAppCred(ctx, proof)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return User{}, err
	}
	right, err := s.hasher.matches(ctx, a.SecretHash, proof.Secret)
	if err != nil {
		return User{}, err
	}
	if !right || s.checkFuture(a.ExpiresAt) != nil || t.AppCredID != "" {
		return User{}, errLogIn()
	}
	standOn(t, a)
	return u, nil
}

func (s *Service) findAppCred(ctx context.Context, proof AppCredProof) (AppCred, User, error) {
	if proof.ID != "" {
		a, err := s.store.AppCreds.AppCred(ctx, proof.ID)
		if err != nil {
			return AppCred{}, User{}, err
		}
		u, err := s.store.Users.User(ctx, a.UserID)
		return a, u, err
	}
	u, err := s.findUser(ctx, proof.User)
	if err != nil {
		return AppCred{}, User{}, err
	}
	a, err := s.store.AppCreds.AppCredByName(ctx, u.ID, proof.Name)
	return a, u, err
}

// putAppCred scopes to the project of the application credential, with those of its roles that the user still has.
func (s *Service) putAppCred(ctx context.Context, t *auth.Token, want *ScopeRef) error {
	if want != nil {
		return fault.New(fault.Unauthenticated, "Error authenticating with application credential: Application credentials cannot request a scope.")
	}
	a, err := s.store.AppCreds.AppCred(ctx, t.AppCredID)
	if err != nil {
		return absent(err, "application credential", t.AppCredID)
	}
	if err := s.putPlace(ctx, t, ProjectRef{ID: a.ProjectID}); err != nil {
		return err
	}
	held, err := s.EffectiveRoles(ctx, t.UserID, Scope{ProjectID: a.ProjectID})
	if err != nil {
		return err
	}
	held = slices.DeleteFunc(held, func(r Role) bool { return !slices.Contains(a.RoleIDs, r.ID) })
	return setRoles(t, held, "project "+a.ProjectID)
}
