package identity

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Policy is a document that services may fetch for their endpoints. Aloft stores it and does not read it.
type Policy struct {
	Made
	Type, Blob string
	Extra      map[string]any
}

// PolicyChange is what a request changes of a policy; nil leaves it.
type PolicyChange struct {
	Type, Blob *string
	Extra      map[string]any
}

// PolicyTarget is what a policy is for: an endpoint, a service, or a service in a region.
type PolicyTarget struct{ EndpointID, ServiceID, RegionID string }

// PolicyAssociation says which policy a target has. A target has one at most.
type PolicyAssociation struct {
	PolicyTarget
	PolicyID string
}

// PolicyAssociations keeps which policy is for what.
type PolicyAssociations interface {
	Associate(ctx context.Context, a PolicyAssociation) error // in place of another policy of the target
	PolicyOf(ctx context.Context, t PolicyTarget) (policyID string, err error)
	Dissociate(ctx context.Context, a PolicyAssociation) error // nothing if there is none
	AssociationsOf(ctx context.Context, policyID string) ([]PolicyAssociation, error)
	Forget(ctx context.Context, t PolicyTarget) error // all that name any of what is set
}

// CreatePolicy stores a policy.
func (s *Service) CreatePolicy(ctx context.Context, p Policy) (Policy, error) {
	p.Made = s.made("")
	if p.Extra == nil {
		p.Extra = map[string]any{}
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.Policies.Insert(ctx, p); err != nil {
			return err
		}
		return s.tell(ctx, "policy", "created", p.ID, "", about{By: by(ctx)})
	})
	return p, err
}

// ListPolicies lists the policies of a type, or with an empty one all.
func (s *Service) ListPolicies(ctx context.Context, kind string) ([]Policy, error) {
	return s.store.Policies.List(ctx, Is{"type": kind})
}

// ShowPolicy reads a policy.
func (s *Service) ShowPolicy(ctx context.Context, id string) (Policy, error) {
	return s.store.Policies.Get(ctx, id)
}

// UpdatePolicy changes a policy.
func (s *Service) UpdatePolicy(ctx context.Context, id string, c PolicyChange) (Policy, error) {
	var p Policy
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if p, err = s.store.Policies.Get(ctx, id); err != nil {
			return err
		}
		set(&p.Type, c.Type)
		set(&p.Blob, c.Blob)
		p.Extra = mergeExtra(p.Extra, c.Extra)
		if err := s.store.Policies.Update(ctx, p); err != nil {
			return err
		}
		return s.tell(ctx, "policy", "updated", id, "", about{By: by(ctx)})
	})
	return p, err
}

// DeletePolicy removes a policy and its associations.
func (s *Service) DeletePolicy(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.Policies.Delete(ctx, id); err != nil {
			return err
		}
		return s.tell(ctx, "policy", "deleted", id, "", about{By: by(ctx)})
	})
}

// known reads a policy and what it is to be for, all of which must be there.
func (s *Service) known(ctx context.Context, a PolicyAssociation) error {
	_, err := s.store.Policies.Get(ctx, a.PolicyID)
	if err == nil && a.EndpointID != "" {
		_, err = s.ShowEndpoint(ctx, a.EndpointID)
	}
	if err == nil && a.ServiceID != "" {
		_, err = s.ShowService(ctx, a.ServiceID)
	}
	if err == nil && a.RegionID != "" {
		_, err = s.ShowRegion(ctx, a.RegionID)
	}
	return err
}

// AssociatePolicy gives a target its policy, in place of any other.
func (s *Service) AssociatePolicy(ctx context.Context, a PolicyAssociation) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.known(ctx, a); err != nil {
			return err
		}
		if err := s.store.PolicyAssociations.Associate(ctx, a); err != nil {
			return err
		}
		return s.tell(ctx, "policy", "associated", a.PolicyID, "", about{By: by(ctx)})
	})
}

// CheckPolicyAssociation is NotFound unless the target has the policy.
func (s *Service) CheckPolicyAssociation(ctx context.Context, a PolicyAssociation) error {
	if err := s.known(ctx, a); err != nil {
		return err
	}
	id, err := s.store.PolicyAssociations.PolicyOf(ctx, a.PolicyTarget)
	if err == nil && id != a.PolicyID {
		err = fault.New(fault.NotFound, "Could not find the association: the policy %s is there instead of %s.", id, a.PolicyID)
	}
	return err
}

// DissociatePolicy takes the policy from a target, if it has it.
func (s *Service) DissociatePolicy(ctx context.Context, a PolicyAssociation) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.known(ctx, a); err != nil {
			return err
		}
		if err := s.store.PolicyAssociations.Dissociate(ctx, a); err != nil {
			return err
		}
		return s.tell(ctx, "policy", "dissociated", a.PolicyID, "", about{By: by(ctx)})
	})
}

// EndpointsOfPolicy lists the endpoints that a policy was associated with: itself, through its service, or through its
// service in its region or a region above that.
func (s *Service) EndpointsOfPolicy(ctx context.Context, id string) ([]CatalogEndpoint, error) {
	if _, err := s.store.Policies.Get(ctx, id); err != nil {
		return nil, err
	}
	associations, err := s.store.PolicyAssociations.AssociationsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	all, err := s.ListEndpoints(ctx, EndpointFilter{})
	if err != nil {
		return nil, err
	}
	regions, err := s.ListRegions(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []CatalogEndpoint
	for _, e := range all {
		for _, a := range associations {
			if a.covers(e, regions) {
				out = append(out, e)
				break
			}
		}
	}
	return out, nil
}

func (t PolicyTarget) covers(e CatalogEndpoint, regions []Region) bool {
	if t.EndpointID != "" {
		return t.EndpointID == e.ID
	}
	if t.ServiceID != e.ServiceID {
		return false
	}
	if t.RegionID == "" {
		return true
	}
	for _, id := range below(regions, t.RegionID) {
		if id == e.RegionID {
			return true
		}
	}
	return false
}

// PolicyOfEndpoint reads the policy of an endpoint: its own, or that of its service in its region or the nearest region
// above, or that of its service.
func (s *Service) PolicyOfEndpoint(ctx context.Context, endpointID string) (Policy, error) {
	e, err := s.ShowEndpoint(ctx, endpointID)
	if err != nil {
		return Policy{}, err
	}
	targets := []PolicyTarget{{EndpointID: e.ID}}
	for region := e.RegionID; region != ""; {
		targets = append(targets, PolicyTarget{ServiceID: e.ServiceID, RegionID: region})
		r, err := s.ShowRegion(ctx, region)
		if err != nil {
			return Policy{}, err
		}
		region = r.ParentID
	}
	for _, t := range append(targets, PolicyTarget{ServiceID: e.ServiceID}) {
		id, err := s.store.PolicyAssociations.PolicyOf(ctx, t)
		if err == nil {
			return s.store.Policies.Get(ctx, id)
		}
		if !fault.Is(err, fault.NotFound) {
			return Policy{}, err
		}
	}
	return Policy{}, fault.New(fault.NotFound, "No policy is associated with endpoint %s.", endpointID)
}
