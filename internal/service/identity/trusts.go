package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// maxRedelegation is how many trusts may follow the first in a chain.
const maxRedelegation = 3

// NewTrust is a trust as its trustor asks for it.
type NewTrust struct {
	Trust
	Roles             []RoleRef
	AllowRedelegation bool
	RedelegationCount *int64 // nil: as many as can be
}

func noAppCreds(c *auth.Caller) error {
	if c.AppCredID != "" {
		return fault.New(fault.Forbidden, "You are not authorized to perform the requested action: using method 'application_credential' is not allowed for managing trusts.")
	}
	return nil
}

// CreateTrust makes a trust of the caller. With the token of a trust it passes that one on.
func (s *Service) CreateTrust(ctx context.Context, c *auth.Caller, n NewTrust) (Trust, error) {
	if c.UserID != n.TrustorID || c.ProjectID == "" {
		return Trust{}, refused("identity:create_trust")
	}
	if err := noAppCreds(c); err != nil {
		return Trust{}, err
	}
	if n.ProjectID != "" && len(n.Roles) == 0 {
		return Trust{}, fault.New(fault.Forbidden, "You are not authorized to perform the requested action: At least one role should be specified.")
	}
	if err := s.checkFuture(n.ExpiresAt); err != nil {
		return Trust{}, err
	}
	t := n.Trust
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if _, err := s.store.Users.User(ctx, t.TrusteeID); err != nil {
			return err
		}
		chain, err := s.chain(ctx, c.TrustID)
		if err != nil {
			return err
		}
		if t.RoleIDs, err = s.trustRoles(ctx, n, chain); err != nil {
			return err
		}
		if err := s.setRedelegation(&t, n, chain); err != nil {
			return err
		}
		t.ID, t.CreatedAt = newID(), s.time()
		if err := s.store.Trusts.InsertTrust(ctx, t); err != nil {
			return err
		}
		return s.tell(ctx, "trust", "created", t.ID, t.ProjectID, grant{UserID: t.TrusteeID, ProjectID: t.ProjectID, By: by(ctx)})
	})
	return t, err
}

// chain is a trust and those before it, to the first; none for "".
func (s *Service) chain(ctx context.Context, id string) ([]Trust, error) {
	var chain []Trust
	for id != "" && len(chain) <= maxRedelegation+1 {
		t, err := s.livingTrust(ctx, id)
		if err != nil {
			return nil, err
		}
		chain = append(chain, t)
		id = t.FromTrustID
	}
	return chain, nil
}

// livingTrust reads a trust that has neither expired nor been used up; others can't be found.
func (s *Service) livingTrust(ctx context.Context, id string) (Trust, error) {
	t, err := s.store.Trusts.Trust(ctx, id)
	if err == nil && (s.checkFuture(t.ExpiresAt) != nil || (t.RemainingUses != nil && *t.RemainingUses <= 0)) {
		err = fault.New(fault.NotFound, "Could not find trust: %s.", id)
	}
	return t, err
}

// trustRoles are the ids of the roles to be trusted; the one at the root of the chain must have them.
func (s *Service) trustRoles(ctx context.Context, n NewTrust, chain []Trust) ([]string, error) {
	root := n.TrustorID
	if len(chain) > 0 {
		root = chain[len(chain)-1].TrustorID
	}
	var held []string
	if n.ProjectID != "" {
		if _, err := s.store.Projects.Project(ctx, n.ProjectID); err != nil {
			return nil, err
		}
		var err error
		if held, err = s.heldOn(ctx, root, n.ProjectID); err != nil {
			return nil, err
		}
	}
	ids := []string{}
	for _, ref := range n.Roles {
		if ref.ID == "" {
			named, err := s.store.Roles.ListRoles(ctx, RoleFilter{Name: ref.Name}, query.Page{})
			if err != nil {
				return nil, err
			}
			for _, r := range named {
				ref.ID = r.ID
			}
		}
		if !slices.Contains(held, ref.ID) {
			return nil, fault.New(fault.NotFound, "Could not find role: %s.", ref.ID+ref.Name)
		}
		if !slices.Contains(ids, ref.ID) {
			ids = append(ids, ref.ID)
		}
	}
	return ids, nil
}

// heldOn are the ids of all roles that a user has on a project, those of its domain too.
func (s *Service) heldOn(ctx context.Context, userID, projectID string) ([]string, error) {
	held, err := s.store.Assignments.Held(ctx, userID, Scope{ProjectID: projectID})
	if err != nil {
		return nil, err
	}
	return s.impliedBy(ctx, held...)
}

// setRedelegation says how far a trust may be passed on, within what the trusts before it allow.
func (s *Service) setRedelegation(t *Trust, n NewTrust, chain []Trust) error {
	passes := n.AllowRedelegation && (n.RedelegationCount == nil || *n.RedelegationCount > 0)
	t.RedelegationCount = maxRedelegation
	if n.RedelegationCount != nil {
		t.RedelegationCount = *n.RedelegationCount
	}
	if t.RedelegationCount > maxRedelegation {
		return fault.New(fault.Forbidden, "Requested redelegation depth of %d is greater than allowed %d", t.RedelegationCount, maxRedelegation)
	}
	if passes && t.RemainingUses != nil {
		return fault.Invalidf("trust.remaining_uses", "remaining_uses must not be set if redelegation is allowed. The server could not comply with the request since it is either malformed or otherwise incorrect.")
	}
	if len(chain) > 0 {
		if err := continues(t, n, chain[0], passes); err != nil {
			return err
		}
	}
	if !passes {
		t.RedelegationCount = 0
	}
	return nil
}

// continues makes a trust the next in a chain, and refuses what goes beyond the one before.
func continues(t *Trust, n NewTrust, from Trust, passes bool) error {
	switch {
	case from.RedelegationCount <= 0:
		return fault.New(fault.Forbidden, "Remaining redelegation depth of %d out of allowed range of [0..%d]", from.RedelegationCount, maxRedelegation)
	case t.RemainingUses != nil:
		return fault.New(fault.Forbidden, "Field \"remaining_uses\" is set to %d while it must not be set in order to redelegate a trust", *t.RemainingUses)
	case t.ProjectID != from.ProjectID:
		return fault.New(fault.Forbidden, "A redelegated trust is of the same project as the trust before it: %s", from.ProjectID)
	case !containsAll(from.RoleIDs, t.RoleIDs):
		return fault.New(fault.Forbidden, "Some of requested roles are not in redelegated trust")
	case t.Impersonation && !from.Impersonation:
		return fault.New(fault.Forbidden, "Impersonation is not allowed because redelegated trust does not specify impersonation. Redelegated trust id: %s", from.ID)
	case passes && n.RedelegationCount != nil && *n.RedelegationCount != from.RedelegationCount-1:
		return fault.New(fault.Forbidden, "Modifying \"redelegation_count\" upon redelegation is forbidden. Omitting this parameter is advised.")
	case !from.ExpiresAt.IsZero() && t.ExpiresAt.After(from.ExpiresAt):
		return fault.New(fault.Forbidden, "Requested expiration time is more than redelegated trust can provide")
	}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = from.ExpiresAt
	}
	t.FromTrustID, t.RedelegationCount = from.ID, from.RedelegationCount-1
	return nil
}

// ShowTrust reads a trust, for its two ends and those who read everything.
func (s *Service) ShowTrust(ctx context.Context, c *auth.Caller, id string) (Trust, error) {
	t, err := s.livingTrust(ctx, id)
	if err != nil {
		return Trust{}, err
	}
	if !readsSecrets(c) && !isOwner(c, t.TrustorID) && !isOwner(c, t.TrusteeID) {
		return Trust{}, refused("identity:get_trust")
	}
	return t, noAppCreds(c)
}

// ListTrusts reads a page of trusts: one's own at either end, or for those who read everything all.
func (s *Service) ListTrusts(ctx context.Context, c *auth.Caller, f TrustFilter, page query.Page) ([]Trust, error) {
	mine := (f.TrustorID != "" && isOwner(c, f.TrustorID)) || (f.TrustorID == "" && f.TrusteeID != "" && isOwner(c, f.TrusteeID))
	if !readsSecrets(c) && !mine {
		return nil, refused("identity:list_trusts")
	}
	if err := noAppCreds(c); err != nil {
		return nil, err
	}
	found, err := s.store.Trusts.ListTrusts(ctx, f, page)
	return found, err
}

// DeleteTrust removes a trust and those that pass it on, and takes their tokens back.
func (s *Service) DeleteTrust(ctx context.Context, c *auth.Caller, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		t, err := s.store.Trusts.Trust(ctx, id)
		if err != nil {
			return err
		}
		if !administers(c) && !isOwner(c, t.TrustorID) {
			return refused("identity:delete_trust")
		}
		if err := noAppCreds(c); err != nil {
			return err
		}
		if err := s.revokeTrusts(ctx, t); err != nil {
			return err
		}
		if err := s.store.Trusts.DeleteTrust(ctx, id); err != nil {
			return err
		}
		return s.tell(ctx, "trust", "deleted", id, t.ProjectID, grant{UserID: t.TrusteeID, ProjectID: t.ProjectID, By: by(ctx)})
	})
}

// revokeTrusts takes back the tokens of a trust and of all that follow it.
func (s *Service) revokeTrusts(ctx context.Context, t Trust) error {
	if err := s.revoke(ctx, auth.ByDelegation(t.ID)); err != nil {
		return err
	}
	next, err := s.store.Trusts.ListTrusts(ctx, TrustFilter{FromTrustID: t.ID}, query.Page{})
	if err != nil {
		return err
	}
	for _, n := range next {
		if err := s.revokeTrusts(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// putTrust scopes a token to a trust: to its project, with its roles as long as who gave them still has them all, and
// for the trustor if it impersonates. The token's user must be the trustee.
func (s *Service) putTrust(ctx context.Context, t *auth.Token, id string) error {
	chain, err := s.chain(ctx, id)
	if err != nil {
		return absent(err, "trust", id)
	}
	trust := chain[0]
	if t.UserID != trust.TrusteeID {
		return fault.New(fault.Forbidden, "User is not a trustee: the trust %s is for another user.", id)
	}
	if trust.ProjectID != "" {
		if err := s.putPlace(ctx, t, ProjectRef{ID: trust.ProjectID}); err != nil {
			return err
		}
	}
	for i, link := range chain {
		if i > 0 && (link.RedelegationCount <= 0 || !containsAll(link.RoleIDs, trust.RoleIDs)) {
			return fault.New(fault.Forbidden, "The trust %s goes beyond the one that it passes on.", id)
		}
		for _, end := range []string{link.TrustorID, link.TrusteeID} {
			if err := s.mayDelegate(ctx, end); err != nil {
				return err
			}
			if !slices.Contains(t.Delegators, end) {
				t.Delegators = append(t.Delegators, end)
			}
		}
		if !link.ExpiresAt.IsZero() && link.ExpiresAt.Before(t.ExpiresAt) {
			t.ExpiresAt = link.ExpiresAt
		}
	}
	t.TrustID, t.TrustorID, t.TrusteeID, t.Impersonates = trust.ID, trust.TrustorID, trust.TrusteeID, trust.Impersonation
	if err := s.putTrustRoles(ctx, t, trust, chain[len(chain)-1].TrustorID); err != nil {
		return err
	}
	if trust.Impersonation {
		if err := s.impersonate(ctx, t, trust.TrustorID); err != nil {
			return err
		}
	}
	return s.useTrust(ctx, id)
}

func (s *Service) mayDelegate(ctx context.Context, userID string) error {
	u, err := s.store.Users.User(ctx, userID)
	if err != nil {
		return absent(err, "user", userID)
	}
	home, err := s.store.Projects.Project(ctx, u.DomainID)
	if err != nil {
		return err
	}
	if !u.Enabled || !home.Enabled {
		return fault.New(fault.Forbidden, "Trustor is disabled: a user of the trust, or its domain, is.")
	}
	return nil
}

func (s *Service) putTrustRoles(ctx context.Context, t *auth.Token, trust Trust, root string) error {
	if trust.ProjectID == "" {
		return nil
	}
	ids, err := s.impliedBy(ctx, trust.RoleIDs...)
	if err != nil {
		return err
	}
	held, err := s.heldOn(ctx, root, trust.ProjectID)
	if err != nil {
		return err
	}
	if !containsAll(held, ids) {
		return fault.New(fault.Forbidden, "Trustee has no delegated roles: who gave the trust no longer has all of its roles.")
	}
	roles, err := s.RolesByID(ctx, ids)
	if err != nil {
		return err
	}
	roles = slices.DeleteFunc(roles, func(r Role) bool { return r.DomainID != "" })
	return setRoles(t, roles, "project "+trust.ProjectID)
}

func (s *Service) impersonate(ctx context.Context, t *auth.Token, userID string) error {
	u, err := s.store.Users.User(ctx, userID)
	if err != nil {
		return err
	}
	home, err := s.store.Projects.Project(ctx, u.DomainID)
	t.UserID, t.UserName, t.UserDomainID, t.UserDomainName = u.ID, u.Name, home.ID, home.Name
	return err
}

func (s *Service) useTrust(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		left, err := s.store.Trusts.UseTrust(ctx, id)
		if err == nil && !left {
			err = absent(nil, "trust", id)
		}
		return err
	})
}
