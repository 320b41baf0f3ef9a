package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// Limited is what a limit is about: a resource of a service, in one region or in all.
type Limited struct{ ServiceID, RegionID, ResourceName string }

// RegisteredLimit is the limit of every project that has none of its own. -1 is no limit.
type RegisteredLimit struct {
	Made
	Limited
	Default     int64
	Description string
}

// RegisteredLimitChange is what a request changes of a registered limit; nil leaves it.
type RegisteredLimitChange struct {
	ServiceID, RegionID, ResourceName, Description *string
	Default                                        *int64
}

// Limit is the limit of one project or domain, in place of the registered one.
type Limit struct {
	Made
	Limited
	RegisteredID string
	OwnerID      string // the project or domain
	OnDomain     bool
	Max          int64
	Description  string
}

// LimitChange is what a request changes of a limit; nil leaves it.
type LimitChange struct {
	Max         *int64
	Description *string
}

// CreateRegisteredLimits adds registered limits, all or none.
func (s *Service) CreateRegisteredLimits(ctx context.Context, all []RegisteredLimit) ([]RegisteredLimit, error) {
	all = slices.Clone(all)
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		for i := range all {
			all[i].Made = s.made("")
			if err := s.checkLimited(ctx, all[i].Limited); err != nil {
				return err
			}
			if err := s.store.RegisteredLimits.Insert(ctx, all[i]); err != nil {
				return err
			}
			if err := s.tell(ctx, "registered_limit", "created", all[i].ID, "", about{Name: all[i].ResourceName, By: by(ctx)}); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

func (s *Service) checkLimited(ctx context.Context, l Limited) error {
	if err := checkName("resource_name", l.ResourceName, maxName); err != nil {
		return err
	}
	if _, err := s.ShowService(ctx, l.ServiceID); err != nil {
		return wanted(err, "service_id", "service", l.ServiceID)
	}
	if l.RegionID == "" {
		return nil
	}
	_, err := s.ShowRegion(ctx, l.RegionID)
	return wanted(err, "region_id", "region", l.RegionID)
}

// ListRegisteredLimits lists registered limits, by all fields that are set.
func (s *Service) ListRegisteredLimits(ctx context.Context, l Limited) ([]RegisteredLimit, error) {
	return s.store.RegisteredLimits.List(ctx, l.is())
}

func (l Limited) is() Is {
	return Is{"service_id": l.ServiceID, "region_id": l.RegionID, "resource_name": l.ResourceName}
}

// ShowRegisteredLimit reads a registered limit.
func (s *Service) ShowRegisteredLimit(ctx context.Context, id string) (RegisteredLimit, error) {
	return s.store.RegisteredLimits.Get(ctx, id)
}

// UpdateRegisteredLimit changes a registered limit that no project or domain differs from.
func (s *Service) UpdateRegisteredLimit(ctx context.Context, id string, c RegisteredLimitChange) (RegisteredLimit, error) {
	var l RegisteredLimit
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if l, err = s.store.RegisteredLimits.Get(ctx, id); err != nil {
			return err
		}
		if err := s.unreferenced(ctx, id); err != nil {
			return err
		}
		set(&l.ServiceID, c.ServiceID)
		set(&l.RegionID, c.RegionID)
		set(&l.ResourceName, c.ResourceName)
		set(&l.Default, c.Default)
		set(&l.Description, c.Description)
		if err := s.checkLimited(ctx, l.Limited); err != nil {
			return err
		}
		if err := s.store.RegisteredLimits.Update(ctx, l); err != nil {
			return err
		}
		return s.tell(ctx, "registered_limit", "updated", id, "", about{Name: l.ResourceName, By: by(ctx)})
	})
	return l, err
}

func (s *Service) unreferenced(ctx context.Context, id string) error {
	limits, err := s.store.Limits.List(ctx, Is{"registered_id": id})
	if err == nil && len(limits) > 0 {
		err = fault.New(fault.Forbidden, "Unable to update or delete registered limit %s because there are project limits associated with it: %d of them, such as %s.", id, len(limits), limits[0].ID)
	}
	return err
}

// DeleteRegisteredLimit removes a registered limit that no project or domain differs from.
func (s *Service) DeleteRegisteredLimit(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.unreferenced(ctx, id); err != nil {
			return err
		}
		if err := s.store.RegisteredLimits.Delete(ctx, id); err != nil {
			return err
		}
		return s.tell(ctx, "registered_limit", "deleted", id, "", about{By: by(ctx)})
	})
}

// CreateLimits adds limits, all or none. The owner of each is a project or a domain; a project that is a domain makes
// it a domain's limit.
func (s *Service) CreateLimits(ctx context.Context, all []Limit) ([]Limit, error) {
	all = slices.Clone(all)
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		for i := range all {
			all[i].Made = s.made("")
			if err := s.placeLimit(ctx, &all[i]); err != nil {
				return err
			}
		}
		if err := s.checkLimits(ctx, all); err != nil {
			return err
		}
		for i := range all {
			if err := s.store.Limits.Insert(ctx, all[i]); err != nil {
				return err
			}
			if err := s.tell(ctx, "limit", "created", all[i].ID, all[i].OwnerID, about{Name: all[i].ResourceName, By: by(ctx)}); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

// placeLimit ties a limit to its owner and to its registered limit, both of which must be there.
func (s *Service) placeLimit(ctx context.Context, l *Limit) error {
	if err := s.checkLimited(ctx, l.Limited); err != nil {
		return err
	}
	kind, find := "project", s.store.Projects.Project
	if l.OnDomain {
		kind, find = "domain", s.domain
	}
	owner, err := find(ctx, l.OwnerID)
	if err != nil {
		return wanted(err, kind+"_id", kind, l.OwnerID)
	}
	l.OnDomain = owner.IsDomain
	registered, err := s.store.RegisteredLimits.List(ctx, Is{"service_id": l.ServiceID, "resource_name": l.ResourceName})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(registered, func(r RegisteredLimit) bool { return r.RegionID == l.RegionID })
	if i < 0 {
		return fault.New(fault.Forbidden, "Unable to create a limit that has no corresponding registered limit: register one for %s of service %s first.", l.ResourceName, l.ServiceID)
	}
	l.RegisteredID = registered[i].ID
	return nil
}

// LimitFilter selects limits by all of its fields that are set.
type LimitFilter struct {
	Limited
	ProjectID, DomainID string
}

// ListLimits lists the limits that a caller may see: all for those who read everything and for services, those of a
// domain and its projects for who is in the domain, and those of the own project for others.
func (s *Service) ListLimits(ctx context.Context, c *auth.Caller, f LimitFilter, page query.Page) ([]Limit, error) {
	if f.ProjectID != "" && f.DomainID != "" {
		return nil, nil
	}
	is := f.is()
	is["owner_id"] = f.ProjectID + f.DomainID
	if is["owner_id"] == "" && c.ProjectID != "" && !s.seesAllLimits(c) {
		is["owner_id"] = c.ProjectID
	}
	sees := s.seesLimits(c)
	var out []Limit
	for {
		limits, err := s.store.Limits.Page(ctx, is, page)
		if err != nil {
			return nil, err
		}
		for _, l := range limits {
			page.Marker = l.ID
			ok, err := sees(ctx, l)
			if err != nil {
				return nil, err
			}
			if ok && (f.DomainID == "" || l.OnDomain) && (f.ProjectID == "" || !l.OnDomain) {
				out = append(out, l)
			}
			if len(out) == page.Limit && page.Limit > 0 {
				return out, nil
			}
		}
		if len(limits) < page.Limit || page.Limit == 0 {
			return out, nil
		}
	}
}

func (s *Service) seesAllLimits(c *auth.Caller) bool {
	return c == nil || readsAll(c) || c.Has(RoleService) || c.System
}

// seesLimits returns a function that tells whether a caller may see a limit, and reads the projects of the caller's
// domain once.
func (s *Service) seesLimits(c *auth.Caller) func(context.Context, Limit) (bool, error) {
	var projects map[string]bool
	return func(ctx context.Context, l Limit) (bool, error) {
		switch {
		case s.seesAllLimits(c):
			return true, nil
		case c.DomainID == "":
			return !l.OnDomain && l.OwnerID == c.ProjectID, nil
		case l.OnDomain:
			return l.OwnerID == c.DomainID, nil
		}
		if projects == nil {
			all, err := s.store.Projects.ListProjects(ctx, ProjectFilter{DomainID: c.DomainID}, query.Page{})
			if err != nil {
				return false, err
			}
			projects = map[string]bool{}
			for _, p := range all {
				projects[p.ID] = true
			}
		}
		return projects[l.OwnerID], nil
	}
}

// ShowLimit reads a limit for those who may see it. Who may not can't tell whether it is there.
func (s *Service) ShowLimit(ctx context.Context, c *auth.Caller, id string) (Limit, error) {
	const policy = "identity:get_limit"
	l, err := s.store.Limits.Get(ctx, id)
	if err != nil {
		return Limit{}, hide(c, err, policy)
	}
	ok, err := s.seesLimits(c)(ctx, l)
	if err == nil && !ok {
		err = refused(policy)
	}
	if err != nil {
		return Limit{}, err
	}
	return l, nil
}

// UpdateLimit changes a limit.
func (s *Service) UpdateLimit(ctx context.Context, id string, c LimitChange) (Limit, error) {
	var l Limit
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if l, err = s.store.Limits.Get(ctx, id); err != nil {
			return err
		}
		set(&l.Max, c.Max)
		set(&l.Description, c.Description)
		if err := s.checkLimits(ctx, []Limit{l}); err != nil {
			return err
		}
		if err := s.store.Limits.Update(ctx, l); err != nil {
			return err
		}
		return s.tell(ctx, "limit", "updated", id, l.OwnerID, about{Name: l.ResourceName, By: by(ctx)})
	})
	return l, err
}

// DeleteLimit removes a limit; the registered one is then in force.
func (s *Service) DeleteLimit(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.Limits.Delete(ctx, id); err != nil {
			return err
		}
		return s.tell(ctx, "limit", "deleted", id, "", about{By: by(ctx)})
	})
}
