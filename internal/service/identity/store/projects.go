package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type projectRow struct {
	bun.BaseModel `bun:"table:identity_projects,alias:p"`

	ID          string `bun:",pk"`
	Name        string
	DomainID    string
	ParentID    string
	IsDomain    bool
	Enabled     bool
	Description string
	Tags        []string         `bun:"type:text"`
	Options     identity.Options `bun:"type:text"`
	Extra       map[string]any   `bun:"type:text"`
	CreatedAt   time.Time
	Revision    int64
}

func projectFrom(p identity.Project) *projectRow {
	if p.Tags == nil {
		p.Tags = []string{}
	}
	if p.Extra == nil {
		p.Extra = map[string]any{}
	}
	return &projectRow{
		ID: p.ID, Name: p.Name, DomainID: p.DomainID, ParentID: p.ParentID, IsDomain: p.IsDomain, Enabled: p.Enabled,
		Description: p.Description, Tags: p.Tags, Options: p.Options, Extra: p.Extra, CreatedAt: p.CreatedAt, Revision: p.Revision,
	}
}

func (r projectRow) noun() identity.Project {
	return identity.Project{
		ID: r.ID, Name: r.Name, DomainID: r.DomainID, ParentID: r.ParentID, IsDomain: r.IsDomain, Enabled: r.Enabled,
		Description: r.Description, Tags: r.Tags, Options: r.Options, Extra: r.Extra, CreatedAt: r.CreatedAt.UTC(), Revision: r.Revision,
	}
}

// kindOf is what messages call a project.
func kindOf(isDomain bool) string {
	if isDomain {
		return "domain"
	}
	return "project"
}

// InsertProject adds a project or domain.
func (s *Store) InsertProject(ctx context.Context, p identity.Project) error {
	return s.insert(ctx, kindOf(p.IsDomain), p.Name, projectFrom(p))
}

// UpdateProject changes a project or domain.
func (s *Store) UpdateProject(ctx context.Context, p identity.Project) error {
	row := projectFrom(p)
	row.Revision++
	return s.update(ctx, kindOf(p.IsDomain), p.Name, row, p.Revision)
}

// DeleteProject removes a project or domain.
func (s *Store) DeleteProject(ctx context.Context, id string) error {
	return s.removeOne(ctx, "project", id, (*projectRow)(nil))
}

// Project reads a project or domain.
func (s *Store) Project(ctx context.Context, id string) (identity.Project, error) {
	row, err := get[projectRow](ctx, s, "project", id, "id = ?", id)
	return row.noun(), err
}

// ProjectByName reads a project of a domain, or with an empty domainID a domain.
func (s *Store) ProjectByName(ctx context.Context, domainID, name string) (identity.Project, error) {
	row, err := get[projectRow](ctx, s, kindOf(domainID == ""), name, "domain_id = ? AND name = ?", domainID, name)
	return row.noun(), err
}

// ListProjects reads a page of projects, or of domains.
func (s *Store) ListProjects(ctx context.Context, f identity.ProjectFilter, page query.Page) ([]identity.Project, error) {
	return list(ctx, s, page, "identity_projects", projectRow.noun, func(q *bun.SelectQuery) *bun.SelectQuery {
		q = equals(q.Where("p.is_domain = ?", f.IsDomain), "id", f.ID, "name", f.Name, "domain_id", f.DomainID, "parent_id", f.ParentID)
		q = f.Tags.Apply(query.MatchAll(q, "name", f.NameIs), query.TagsInJSON("tags"))
		if f.Enabled != nil {
			q = q.Where("p.enabled = ?", *f.Enabled)
		}
		if f.UserID != "" {
			q = s.reached(ctx, q, f.UserID, f.IsDomain)
		}
		if f.Below != "" {
			q = q.Where("p.id IN (?)", bun.SafeQuery(below, f.Below))
		}
		if f.InEnabledDomain {
			q = q.Where("EXISTS (SELECT 1 FROM identity_projects AS home WHERE home.id = p.domain_id AND home.enabled)")
		}
		return q
	})
}
