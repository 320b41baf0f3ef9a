package identity

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// LimitModel is how the limits of a tree of projects have to do with one another.
type LimitModel string

// The closed set of models.
const (
	// LimitsFlat compares no limit with another.
	LimitsFlat LimitModel = "flat"
	// LimitsStrictTwoLevel has domains and projects directly below them. No project may have a higher limit than its
	// domain, and what the projects of a domain use counts together against the domain's limit.
	LimitsStrictTwoLevel LimitModel = "strict_two_level"
)

// Description says what a model does, as the API shows it.
func (m LimitModel) Description() string {
	if m == LimitsStrictTwoLevel {
		return "A domain and the projects directly below it are two levels: no project's limit may be above its domain's, and projects may not nest deeper."
	}
	return "Limits of projects and domains are independent of one another."
}

// LimitModel is the model that is in force.
func (s *Service) LimitModel() LimitModel { return s.cfg.LimitModel }

// checkLimits refuses limits that contradict one another or those that are there. Of two in one request, the request's
// own count.
func (s *Service) checkLimits(ctx context.Context, changed []Limit) error {
	if s.cfg.LimitModel != LimitsStrictTwoLevel {
		return nil
	}
	for _, l := range changed {
		var err error
		if l.OnDomain {
			err = s.checkAboveProjects(ctx, l, changed)
		} else {
			err = s.checkBelowDomain(ctx, l, changed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exceeds compares limits, of which -1 is none.
func exceeds(limit, bound int64) bool {
	return bound >= 0 && (limit < 0 || limit > bound)
}

// limitOf is the limit of an owner: in the request, or stored.
func (s *Service) limitOf(ctx context.Context, about Limit, owner string, changed []Limit) (Limit, bool, error) {
	for _, l := range changed {
		if l.OwnerID == owner && l.RegisteredID == about.RegisteredID {
			return l, true, nil
		}
	}
	stored, err := s.store.Limits.List(ctx, Is{"owner_id": owner, "registered_id": about.RegisteredID})
	if err != nil || len(stored) == 0 {
		return Limit{}, false, err
	}
	return stored[0], true, nil
}

// checkBelowDomain compares a project's limit with its domain's, or with the registered one if the domain has none.
func (s *Service) checkBelowDomain(ctx context.Context, l Limit, changed []Limit) error {
	p, err := s.store.Projects.Project(ctx, l.OwnerID)
	if err != nil {
		return err
	}
	if p.ParentID != p.DomainID {
		return fault.New(fault.Forbidden, "Invalid resource limit: project %s is below project %s, and the model strict_two_level limits only projects directly below a domain.", p.ID, p.ParentID)
	}
	domain, found, err := s.limitOf(ctx, l, p.DomainID, changed)
	if err != nil {
		return err
	}
	bound := domain.Max
	if !found {
		registered, err := s.store.RegisteredLimits.Get(ctx, l.RegisteredID)
		if err != nil {
			return err
		}
		bound = registered.Default
	}
	if exceeds(l.Max, bound) {
		return fault.New(fault.Forbidden, "Invalid resource limit: %s of project %s would be %d, which is above the %d of its domain %s.", l.ResourceName, p.ID, l.Max, bound, p.DomainID)
	}
	return nil
}

// checkAboveProjects compares a domain's limit with those of its projects.
func (s *Service) checkAboveProjects(ctx context.Context, l Limit, changed []Limit) error {
	projects, err := s.store.Projects.ListProjects(ctx, ProjectFilter{DomainID: l.OwnerID}, query.Page{})
	if err != nil {
		return err
	}
	limits, err := s.store.Limits.List(ctx, Is{"registered_id": l.RegisteredID})
	if err != nil {
		return err
	}
	max := map[string]int64{}
	for _, of := range [][]Limit{limits, changed} {
		for _, other := range of {
			if other.RegisteredID == l.RegisteredID {
				max[other.OwnerID] = other.Max
			}
		}
	}
	for _, p := range projects {
		if has, ok := max[p.ID]; ok && exceeds(has, l.Max) {
			return fault.New(fault.Forbidden, "Invalid resource limit: %s of domain %s would be %d, which is below the %d of its project %s.", l.ResourceName, l.OwnerID, l.Max, has, p.ID)
		}
	}
	return nil
}
