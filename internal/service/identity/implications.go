package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Inference is a role with those that it implies directly.
type Inference struct {
	Prior   Role
	Implies []Role
}

// Imply lets a role imply another; saying it twice changes nothing.
func (s *Service) Imply(ctx context.Context, i Implication) (Inference, error) {
	var found Inference
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if found, err = s.inference(ctx, i); err != nil {
			return err
		}
		if err := s.mayImply(ctx, found.Prior, found.Implies[0]); err != nil {
			return err
		}
		if err := s.store.Roles.Imply(ctx, i); err != nil {
			return err
		}
		return s.tell(ctx, "role", "implies", i.RoleID, "", implies{i.ImpliedID, by(ctx)})
	})
	return found, err
}

// implies is the data of the events about implications.
type implies struct {
	ImpliedID string `json:"implied_role_id"`
	By        string `json:"by,omitempty"`
}

// mayImply refuses what would make roles mean something else than they say.
func (s *Service) mayImply(ctx context.Context, prior, implied Role) error {
	if prior.DomainID == "" && implied.DomainID != "" {
		return fault.New(fault.Forbidden, "Role %s is of all domains and cannot imply role %s, which is of domain %s only.", prior.ID, implied.ID, implied.DomainID)
	}
	if implied.DomainID == "" && implied.Name == RoleAdmin {
		return fault.New(fault.Forbidden, "%s cannot be an implied roles: role %s is given directly or not at all.", implied.ID, RoleAdmin)
	}
	below, err := s.impliedBy(ctx, implied.ID)
	if err != nil {
		return err
	}
	if slices.Contains(below, prior.ID) {
		return fault.New(fault.Forbidden, "Role %s cannot imply role %s: that one implies it already, and implications must not come back to where they began.", prior.ID, implied.ID)
	}
	return nil
}

// Unimply takes an implication away, and the tokens that carry what it gave.
func (s *Service) Unimply(ctx context.Context, i Implication) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		there, err := s.inference(ctx, i)
		if err != nil {
			return err
		}
		targets, err := s.tokensWith(ctx, there.Prior)
		if err != nil {
			return err
		}
		found, err := s.store.Roles.Unimply(ctx, i)
		if err != nil {
			return err
		}
		if !found {
			return notImplied(i)
		}
		if err := s.revoke(ctx, targets...); err != nil {
			return err
		}
		return s.tell(ctx, "role", "implies_not", i.RoleID, "", implies{i.ImpliedID, by(ctx)})
	})
}

// tokensWith are the tokens that a role may be behind: those that carry it, or where it is of a domain, and therefore in
// no token, those that carry what it implies.
func (s *Service) tokensWith(ctx context.Context, r Role) ([]auth.Target, error) {
	if r.DomainID == "" {
		return []auth.Target{auth.ByRole(r.ID)}, nil
	}
	ids, err := s.impliedBy(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	targets := make([]auth.Target, len(ids))
	for i, id := range ids {
		targets[i] = auth.ByRole(id)
	}
	return targets, nil
}

// ShowImplication reads both roles of an implication.
func (s *Service) ShowImplication(ctx context.Context, i Implication) (Inference, error) {
	found, err := s.inference(ctx, i)
	if err != nil {
		return Inference{}, err
	}
	all, err := s.store.Roles.Implications(ctx)
	if err != nil {
		return Inference{}, err
	}
	if !slices.Contains(all, i) {
		return Inference{}, notImplied(i)
	}
	return found, nil
}

func notImplied(i Implication) error {
	return fault.New(fault.NotFound, "Could not find implied role: role %s does not imply role %s.", i.RoleID, i.ImpliedID)
}

func (s *Service) inference(ctx context.Context, i Implication) (Inference, error) {
	prior, err := s.store.Roles.Role(ctx, i.RoleID)
	if err != nil {
		return Inference{}, err
	}
	implied, err := s.store.Roles.Role(ctx, i.ImpliedID)
	return Inference{Prior: prior, Implies: []Role{implied}}, err
}

// ListImplications reads the roles that each role implies directly; with a role those of that one only.
func (s *Service) ListImplications(ctx context.Context, roleID string) ([]Inference, error) {
	var found []Inference
	if roleID != "" {
		prior, err := s.store.Roles.Role(ctx, roleID)
		if err != nil {
			return nil, err
		}
		found = []Inference{{Prior: prior}}
	}
	all, err := s.store.Roles.Implications(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range all { // ordered by the first role
		if roleID != "" && i.RoleID != roleID {
			continue
		}
		one, err := s.inference(ctx, i)
		if err != nil {
			return nil, err
		}
		if last := len(found) - 1; last >= 0 && found[last].Prior.ID == i.RoleID {
			found[last].Implies = append(found[last].Implies, one.Implies...)
			continue
		}
		found = append(found, one)
	}
	return found, nil
}
