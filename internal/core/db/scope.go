package db

import (
	"context"

	"github.com/uptrace/bun"
)

// Scope is which projects' rows a read may see. The zero Scope sees none, so a forgotten scope shows nothing rather
// than everything.
type Scope struct {
	projectID  string
	everywhere bool
}

// InProject sees the rows of one project. An empty project sees none.
func InProject(projectID string) Scope { return Scope{projectID: projectID} }

// Everywhere sees the rows of all projects.
func Everywhere() Scope { return Scope{everywhere: true} }

// ProjectID is the project of an InProject scope, and "" for the others.
func (s Scope) ProjectID() string { return s.projectID }

// All tells whether the scope sees the rows of all projects.
func (s Scope) All() bool { return s.everywhere }

// Sees tells whether the scope sees the rows of a project.
func (s Scope) Sees(projectID string) bool {
	return s.everywhere || (s.projectID != "" && s.projectID == projectID)
}

// Select begins a read of rows that belong to projects. It is the only way to read a table that has project_id.
func (d *DB) Select(ctx context.Context, s Scope, model any) *bun.SelectQuery {
	q := d.Q(ctx).NewSelect().Model(model)
	switch {
	case s.everywhere:
		return q
	case s.projectID == "":
		return q.Where("1 = 0")
	default:
		return q.Where("?TableAlias.project_id = ?", s.projectID)
	}
}
