package identity

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// domain reads a domain; a project that is none is not found.
func (s *Service) domain(ctx context.Context, id string) (Project, error) {
	p, err := s.store.Projects.Project(ctx, id)
	if fault.Is(err, fault.NotFound) || (err == nil && !p.IsDomain) {
		return Project{}, fault.New(fault.NotFound, "Could not find domain: %s.", id)
	}
	return p, err
}

// ShowDomain reads a domain, for those who read it and those whose token is in it.
func (s *Service) ShowDomain(ctx context.Context, c *auth.Caller, id string) (Project, error) {
	if !seesDomain(c, id) {
		return Project{}, refused("identity:get_domain")
	}
	return s.domain(ctx, id)
}

// ListDomains reads a page of domains. To readers of a domain theirs is the only one.
func (s *Service) ListDomains(ctx context.Context, f ProjectFilter, page query.Page) (_ []Project, err error) {
	f.IsDomain = true
	if c := auth.From(ctx); c != nil {
		if f.ID, err = readableDomain(c, f.ID, "identity:list_domains"); err != nil {
			return nil, err
		}
	}
	return s.store.Projects.ListProjects(ctx, f, page)
}

// UpdateDomain changes a domain. That there is none everyone is told, as Keystone's own tests want it. Disabling it takes back all tokens that it has to do with.
func (s *Service) UpdateDomain(ctx context.Context, id string, c ProjectChange) (Project, error) {
	var p Project
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if p, err = s.domain(ctx, id); err != nil {
			return err
		}
		if err := administer(ctx, "identity:update_domain"); err != nil {
			return err
		}
		return s.updateProject(ctx, &p, c)
	})
	return p, err
}

// DeleteDomain removes a disabled domain and all that is in it.
func (s *Service) DeleteDomain(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := administer(ctx, "identity:delete_domain"); err != nil {
			return err
		}
		p, err := s.domain(ctx, id)
		if err != nil {
			return err
		}
		return s.deleteDomain(ctx, p)
	})
}

func (s *Service) deleteDomain(ctx context.Context, d Project) error {
	if d.ID == DefaultDomainID {
		return fault.New(fault.Forbidden, "Cannot delete domain %s: it is where Aloft's own administrator is.", d.ID)
	}
	if err := mutable("domain", d.ID, d.Options, false); err != nil {
		return err
	}
	if d.Enabled {
		return fault.New(fault.Forbidden, "Cannot delete a domain that is enabled, please disable it first.")
	}
	if err := s.emptyDomain(ctx, d.ID); err != nil {
		return err
	}
	if err := s.store.Assignments.UnassignScope(ctx, Scope{DomainID: d.ID}); err != nil {
		return err
	}
	if err := s.store.Projects.DeleteProject(ctx, d.ID); err != nil {
		return err
	}
	if err := s.revoke(ctx, auth.ByDomain(d.ID)); err != nil {
		return err
	}
	return s.tellProject(ctx, "deleted", d)
}

// emptyDomain deletes the projects, groups, users and roles of a domain.
func (s *Service) emptyDomain(ctx context.Context, id string) error {
	all := query.Page{}
	projects, err := s.store.Projects.ListProjects(ctx, ProjectFilter{DomainID: id}, all)
	if err != nil {
		return err
	}
	if err := each(ctx, projects, s.deleteProject); err != nil {
		return err
	}
	groups, err := s.store.Groups.ListGroups(ctx, GroupFilter{DomainID: id}, all)
	if err != nil {
		return err
	}
	if err := each(ctx, groups, s.deleteGroup); err != nil {
		return err
	}
	users, err := s.store.Users.ListUsers(ctx, UserFilter{DomainID: id}, all)
	if err != nil {
		return err
	}
	if err := each(ctx, users, s.deleteUser); err != nil {
		return err
	}
	roles, err := s.store.Roles.ListRoles(ctx, RoleFilter{DomainID: id}, all)
	if err != nil {
		return err
	}
	return each(ctx, roles, func(ctx context.Context, r Role) error { return s.store.Roles.DeleteRole(ctx, r.ID) })
}

func each[T any](ctx context.Context, items []T, do func(context.Context, T) error) error {
	for _, item := range items {
		if err := do(ctx, item); err != nil {
			return err
		}
	}
	return nil
}
