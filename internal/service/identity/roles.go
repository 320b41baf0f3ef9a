package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// RoleChange is what a request changes of a role; nil leaves it.
type RoleChange struct {
	Name, Description *string
	Options           *Options
	Extra             map[string]any // added to what is there; a nil value removes
}

// CreateRole makes a role; with a domain, one for that domain only.
func (s *Service) CreateRole(ctx context.Context, r Role) (Role, error) {
	if err := checkName("name", r.Name, maxName); err != nil {
		return Role{}, err
	}
	if err := administer(ctx, "identity:create_role"); err != nil {
		return Role{}, err
	}
	r.ID, r.CreatedAt, r.Revision = newID(), s.time(), 1
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if r.DomainID != "" {
			if _, err := s.domain(ctx, r.DomainID); err != nil {
				return err
			}
		}
		if err := s.store.Roles.InsertRole(ctx, r); err != nil {
			return err
		}
		return s.tell(ctx, "role", "created", r.ID, "", about{r.Name, r.DomainID, by(ctx)})
	})
	return r, err
}

// ShowRole reads a role.
func (s *Service) ShowRole(ctx context.Context, id string) (Role, error) {
	r, err := s.store.Roles.Role(ctx, id)
	if err != nil {
		return Role{}, err
	}
	if c := auth.From(ctx); c != nil && !readsAll(c) && (!c.Has(RoleManager) || !managed(r)) {
		return Role{}, refused("identity:get_role")
	}
	return r, nil
}

// ListRoles reads a page of roles. Managers of a domain look there for those that they may give.
func (s *Service) ListRoles(ctx context.Context, f RoleFilter, page query.Page) ([]Role, error) {
	if c := auth.From(ctx); c != nil && !readsAll(c) && (f.DomainID != "" || !managesDomain(c, c.DomainID)) {
		return nil, refused("identity:list_roles")
	}
	return s.store.Roles.ListRoles(ctx, f, page)
}

// UpdateRole changes a role. That there is none everyone is told, here and below, as Keystone's own tests want it.
func (s *Service) UpdateRole(ctx context.Context, id string, c RoleChange) (Role, error) {
	var r Role
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if r, err = s.store.Roles.Role(ctx, id); err != nil {
			return err
		}
		if err := administer(ctx, "identity:update_role"); err != nil {
			return err
		}
		unlocks := c.Options != nil && !c.Options.immutable() && c.Name == nil && c.Description == nil && len(c.Extra) == 0
		if err := mutable("role", id, r.Options, unlocks); err != nil {
			return err
		}
		r.Extra = mergeExtra(r.Extra, c.Extra)
		set(&r.Name, c.Name)
		set(&r.Description, c.Description)
		set(&r.Options, c.Options)
		if err := checkName("name", r.Name, maxName); err != nil {
			return err
		}
		if err := s.store.Roles.UpdateRole(ctx, r); err != nil {
			return err
		}
		return s.tell(ctx, "role", "updated", id, "", about{r.Name, r.DomainID, by(ctx)})
	})
	return r, err
}

// DeleteRole removes a role, its assignments, and the tokens that carry it.
func (s *Service) DeleteRole(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		r, err := s.store.Roles.Role(ctx, id)
		if err != nil {
			return err
		}
		if err := administer(ctx, "identity:delete_role"); err != nil {
			return err
		}
		if err := mutable("role", id, r.Options, false); err != nil {
			return err
		}
		targets, err := s.tokensWith(ctx, r)
		if err != nil {
			return err
		}
		if err := s.store.Roles.DeleteRole(ctx, id); err != nil {
			return err
		}
		if err := s.revoke(ctx, targets...); err != nil {
			return err
		}
		return s.tell(ctx, "role", "deleted", id, "", about{r.Name, r.DomainID, by(ctx)})
	})
}

// impliedBy is a role and all that it implies, directly or not.
func (s *Service) impliedBy(ctx context.Context, ids ...string) ([]string, error) {
	all, err := s.store.Roles.Implications(ctx)
	if err != nil {
		return nil, err
	}
	return closure(ids, all), nil
}

// closure adds to roles all that they imply. Each is there once, and a loop ends.
func closure(ids []string, all []Implication) []string {
	out := slices.Clone(ids)
	for i := 0; i < len(out); i++ {
		for _, imp := range all {
			if imp.RoleID == out[i] && !slices.Contains(out, imp.ImpliedID) {
				out = append(out, imp.ImpliedID)
			}
		}
	}
	return out
}

// EffectiveRoles are the roles that a user has on a scope: assigned to it, to its groups, and implied by those.
func (s *Service) EffectiveRoles(ctx context.Context, userID string, on Scope) ([]Role, error) {
	held, err := s.store.Assignments.Held(ctx, userID, on)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	ids, err := s.impliedBy(ctx, held...)
	if err != nil {
		return nil, err
	}
	roles := make([]Role, 0, len(ids))
	for _, id := range ids {
		r, err := s.store.Roles.Role(ctx, id)
		if err != nil {
			return nil, err
		}
		if r.DomainID == "" { // a domain's role is there to imply others
			roles = append(roles, r)
		}
	}
	return roles, nil
}

// mutable refuses to change what is immutable, unless all that the change does is to make it mutable.
func mutable(kind, id string, now Options, onlyUnlocks bool) error {
	if !now.immutable() || onlyUnlocks {
		return nil
	}
	return fault.New(fault.Forbidden, "Cannot change or delete %s %s: it is immutable. Set its option immutable to false first, and nothing else with it.", kind, id)
}
