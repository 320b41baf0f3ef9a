package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// ProjectChange is what a request changes of a project or domain; nil leaves it.
type ProjectChange struct {
	Name, Description *string
	Enabled           *bool
	Tags              *[]string
	Options           *Options
	Extra             map[string]any // added to what is there; a nil value removes
}

// maxDepth is how deep projects may nest, the domain included, as Keystone's default.
const maxDepth = 5

// CreateProject makes a project in a domain, below its parent or directly.
func (s *Service) CreateProject(ctx context.Context, p Project) (Project, error) {
	if err := checkName("name", p.Name, maxProjectName); err != nil {
		return Project{}, err
	}
	if err := checkTags(p.Tags); err != nil {
		return Project{}, err
	}
	p.ID, p.CreatedAt, p.Revision = newID(), s.time(), 1
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if p.IsDomain {
			if err := administer(ctx, "identity:create_domain"); err != nil {
				return err
			}
			if p.DomainID != "" || p.ParentID != "" {
				return fault.Invalidf("parent_id", "a project that is a domain has neither a domain nor a parent")
			}
			return s.insertProject(ctx, p)
		}
		err := s.placeProject(ctx, &p)
		if err := manageFound(ctx, p.DomainID, err, "identity:create_project"); err != nil {
			return err
		}
		return s.insertProject(ctx, p)
	})
	return p, err
}

// maxTags is how many tags a project may have, as in Keystone.
const maxTags = 80

// checkTags refuses tags that a filter could not name, and doubles.
func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return fault.Invalidf("tags", "Invalid input: there are %d tags and may be at most %d", len(tags), maxTags)
	}
	for i, tag := range tags {
		if err := checkName("tags", tag, maxName); err != nil {
			return err
		}
		if strings.ContainsAny(tag, "/,") {
			return fault.Invalidf("tags", "Invalid input: the tag %q has a '/' or a ',', which tags can't", tag)
		}
		if slices.Contains(tags[:i], tag) {
			return fault.Invalidf("tags", "Invalid input: the tag %q is there twice", tag)
		}
	}
	return nil
}

// placeProject finds the domain of a project from its parent, and checks both.
func (s *Service) placeProject(ctx context.Context, p *Project) error {
	if p.ParentID == "" {
		p.ParentID = p.DomainID
	}
	parent, err := s.store.Projects.Project(ctx, p.ParentID)
	if err != nil {
		return err
	}
	domainID := parent.DomainID
	if parent.IsDomain {
		domainID = parent.ID
	}
	if p.DomainID != "" && p.DomainID != domainID {
		return fault.Invalidf("parent_id", "Cannot create project, since it specifies domain_id %s, but its parent %s is in domain %s", p.DomainID, p.ParentID, domainID)
	}
	if !parent.Enabled {
		return fault.New(fault.Forbidden, "Cannot create project %s: its parent %s is disabled", p.Name, parent.ID)
	}
	p.DomainID = domainID
	for depth := 2; !parent.IsDomain; depth++ {
		if depth >= maxDepth {
			return fault.New(fault.Forbidden, "Max hierarchy depth reached for %s branch: projects nest up to %d deep, their domain included", p.ParentID, maxDepth)
		}
		if parent, err = s.store.Projects.Project(ctx, parent.ParentID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) insertProject(ctx context.Context, p Project) error {
	if err := s.store.Projects.InsertProject(ctx, p); err != nil {
		return err
	}
	return s.tellProject(ctx, "created", p)
}

// tellProject adds the event of a project or domain.
func (s *Service) tellProject(ctx context.Context, verb string, p Project) error {
	if p.IsDomain {
		return s.tell(ctx, "domain", verb, p.ID, "", about{p.Name, p.ID, by(ctx)})
	}
	return s.tell(ctx, "project", verb, p.ID, p.ID, about{p.Name, p.DomainID, by(ctx)})
}

// ShowProject reads a project, or a domain as a project.
func (s *Service) ShowProject(ctx context.Context, c *auth.Caller, id string) (Project, error) {
	const policy = "identity:get_project"
	p, err := s.store.Projects.Project(ctx, id)
	if err != nil {
		return Project{}, hide(c, err, policy)
	}
	if !readsProject(c, p) {
		return Project{}, refused(policy)
	}
	return p, nil
}

// ListProjects reads a page of the projects that the caller may read.
func (s *Service) ListProjects(ctx context.Context, c *auth.Caller, f ProjectFilter, page query.Page) (projects []Project, err error) {
	if f.DomainID, err = readableDomain(c, f.DomainID, "identity:list_projects"); err != nil {
		return nil, err
	}
	return s.store.Projects.ListProjects(ctx, f, page)
}

// UpdateProject changes a project. Disabling it takes back the tokens that are scoped to it.
func (s *Service) UpdateProject(ctx context.Context, id string, c ProjectChange) (Project, error) {
	var p Project
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		p, err = s.store.Projects.Project(ctx, id)
		if err := manageFound(ctx, p.DomainID, err, "identity:update_project"); err != nil {
			return err
		}
		return s.updateProject(ctx, &p, c)
	})
	return p, err
}

// onlyUnlocks tells whether a change is to make a thing mutable, and nothing else.
func (c ProjectChange) onlyUnlocks() bool {
	unlocks := c.Options != nil && !c.Options.immutable()
	return unlocks && c.Name == nil && c.Description == nil && c.Enabled == nil && c.Tags == nil && len(c.Extra) == 0
}

func (s *Service) updateProject(ctx context.Context, p *Project, c ProjectChange) error {
	kind := "project"
	if p.IsDomain {
		kind = "domain"
	}
	if err := mutable(kind, p.ID, p.Options, c.onlyUnlocks()); err != nil {
		return err
	}
	if c.Enabled != nil && *c.Enabled != p.Enabled && !p.IsDomain {
		if err := s.maySwitch(ctx, *p, *c.Enabled); err != nil {
			return err
		}
	}
	set(&p.Name, c.Name)
	set(&p.Description, c.Description)
	set(&p.Enabled, c.Enabled)
	set(&p.Tags, c.Tags)
	set(&p.Options, c.Options)
	p.Extra = mergeExtra(p.Extra, c.Extra)
	if err := checkName("name", p.Name, maxProjectName); err != nil {
		return err
	}
	if err := checkTags(p.Tags); err != nil {
		return err
	}
	if err := s.store.Projects.UpdateProject(ctx, *p); err != nil {
		return err
	}
	if c.Enabled != nil && !*c.Enabled {
		target := auth.ByProject(p.ID)
		if p.IsDomain {
			target = auth.ByDomain(p.ID)
		}
		if err := s.revoke(ctx, target); err != nil {
			return err
		}
	}
	return s.tellProject(ctx, "updated", *p)
}

// DeleteProject removes a project without children, its assignments, and the tokens that are scoped to it. Services
// that keep something for it hear "identity.project.deleted".
func (s *Service) DeleteProject(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		p, err := s.store.Projects.Project(ctx, id)
		if err := manageFound(ctx, p.DomainID, err, "identity:delete_project"); err != nil {
			return err
		}
		if p.IsDomain {
			return s.deleteDomain(ctx, p)
		}
		if err := mutable("project", id, p.Options, false); err != nil {
			return err
		}
		children, err := s.store.Projects.ListProjects(ctx, ProjectFilter{ParentID: id}, query.Page{Limit: 1})
		if err != nil {
			return err
		}
		if len(children) > 0 {
			return fault.New(fault.Forbidden, "Cannot delete the project %s since it is not a leaf in the hierarchy: delete %s first.", id, children[0].ID)
		}
		return s.deleteProject(ctx, p)
	})
}

func (s *Service) deleteProject(ctx context.Context, p Project) error {
	if err := s.store.Assignments.UnassignScope(ctx, Scope{ProjectID: p.ID}); err != nil {
		return err
	}
	if err := s.store.Users.ClearDefaultProject(ctx, p.ID); err != nil {
		return err
	}
	if err := s.store.Credentials.DeleteCredentialsOf(ctx, p.ID); err != nil {
		return err
	}
	if err := s.store.Projects.DeleteProject(ctx, p.ID); err != nil {
		return err
	}
	if err := s.revoke(ctx, auth.ByProject(p.ID)); err != nil {
		return err
	}
	return s.tellProject(ctx, "deleted", p)
}
