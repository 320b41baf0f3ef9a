package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) projectRoutes() []rest.Route {
	return []rest.Route{
		get("/v3/projects", "Lists projects.", "list_projects", auth.Anyone, rest.Do(a.listProjects)),
		manage(change(http.MethodPost, "/v3/projects", "Creates a project.", "create_project", "project.create", rest.Do(a.createProject))),
		get("/v3/projects/{project_id}", "Shows a project.", "get_project", auth.Anyone, rest.Do(a.showProject)),
		manage(change(http.MethodPatch, "/v3/projects/{project_id}", "Changes a project.", "update_project", "project.update", rest.Do(a.updateProject))),
		manage(change(http.MethodDelete, "/v3/projects/{project_id}", "Deletes a project.", "delete_project", "project.delete", rest.Do(a.deleteProject))),
	}
}

// optionsWire are the options of projects, domains and roles.
type optionsWire struct {
	Immutable *bool `json:"immutable,omitempty"`
}

// optionsBody are the options that a request sets; null takes one away.
type optionsBody struct {
	Immutable rest.Opt[bool] `json:"immutable"`
}

// change is nil where the request says nothing of options.
func (b *optionsBody) change() *identity.Options {
	switch {
	case b == nil || !b.Immutable.Set:
		return nil
	case b.Immutable.Null:
		return &identity.Options{}
	}
	return &identity.Options{Immutable: &b.Immutable.Value}
}

func (b *optionsBody) or() identity.Options {
	if o := b.change(); o != nil {
		return *o
	}
	return identity.Options{}
}

type projectWire struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	DomainID    *string        `json:"domain_id"`
	ParentID    *string        `json:"parent_id"`
	IsDomain    bool           `json:"is_domain"`
	Enabled     bool           `json:"enabled"`
	Description string         `json:"description"`
	Tags        []string       `json:"tags"`
	Options     optionsWire    `json:"options"`
	Links       selfLink       `json:"links"`
	Extra       map[string]any `json:"*"`
}

func projectOf(ctx context.Context, p identity.Project) projectWire {
	return projectWire{
		ID: p.ID, Name: p.Name, DomainID: orNull(p.DomainID), ParentID: orNull(p.ParentID), IsDomain: p.IsDomain, Enabled: p.Enabled,
		Description: p.Description, Tags: p.Tags, Options: optionsWire(p.Options), Links: self(ctx, "/projects/"+p.ID), Extra: p.Extra,
	}
}

type projectOut struct {
	Project projectWire `json:"project"`
}

type projectsOut struct {
	Projects []projectWire `json:"projects"`

	listEnd
}

func projectList(ctx context.Context, page query.Page, projects []identity.Project) projectsOut {
	return projectsOut{
		wires(ctx, projects, projectOf),
		links(ctx, page.Limit, len(projects), func() string { return projects[len(projects)-1].ID }),
	}
}

type projectBody struct {
	Name        *string          `json:"name" check:"min=1,max=64"`
	DomainID    *string          `json:"domain_id"`
	ParentID    *string          `json:"parent_id"`
	IsDomain    *bool            `json:"is_domain"`
	Enabled     *bool            `json:"enabled"`
	Description rest.Opt[string] `json:"description"`
	Tags        *[]string        `json:"tags"`
	Options     *optionsBody     `json:"options"`
	Extra       map[string]any   `json:"*"`
}

func (b *projectBody) change() identity.ProjectChange {
	return identity.ProjectChange{
		Name: b.Name, Description: text(b.Description), Enabled: b.Enabled, Tags: b.Tags, Options: b.Options.change(), Extra: extras(b.Extra),
	}
}

type listProjectsIn struct {
	rest.List
	rest.NameQuery
	rest.TagQuery
	DomainID string `query:"domain_id"`
	ParentID string `query:"parent_id"`
	IsDomain bool   `query:"is_domain"`
	Enabled  *bool  `query:"enabled"`
}

func (a *api) listProjects(ctx context.Context, in listProjectsIn) (projectsOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return projectsOut{}, err
	}
	found, err := a.core.ListProjects(ctx, auth.From(ctx), identity.ProjectFilter{
		Name: in.Name, NameIs: in.Matches(), DomainID: in.DomainID, ParentID: in.ParentID, IsDomain: in.IsDomain, Enabled: in.Enabled,
		Tags: in.Wanted(),
	}, page)
	return projectList(ctx, page, found), err
}

func (a *api) createProject(ctx context.Context, in struct {
	Project projectBody `body:"project"`
},
) (projectOut, error) {
	b := in.Project
	if b.Name == nil {
		return projectOut{}, required("project.name")
	}
	p := identity.Project{
		Name: *b.Name, IsDomain: b.IsDomain != nil && *b.IsDomain, Enabled: b.Enabled == nil || *b.Enabled,
		Description: b.Description.Value, Options: b.Options.or(), Extra: extras(b.Extra),
	}
	if b.Tags != nil {
		p.Tags = *b.Tags
	}
	if b.DomainID != nil {
		p.DomainID = *b.DomainID
	}
	if b.ParentID != nil {
		p.ParentID = *b.ParentID
	}
	if p.DomainID == "" && p.ParentID == "" && !p.IsDomain {
		p.DomainID = domainFor(ctx, nil)
	}
	p, err := a.core.CreateProject(ctx, p)
	return projectOut{projectOf(ctx, p)}, err
}

type projectIn struct {
	ID string `path:"project_id"`
}

func (a *api) updateProject(ctx context.Context, in struct {
	projectIn
	Project projectBody `body:"project"`
},
) (projectOut, error) {
	b := in.Project
	if err := a.unmovedProject(ctx, in.ID, b); err != nil {
		return projectOut{}, err
	}
	p, err := a.core.UpdateProject(ctx, in.ID, b.change())
	return projectOut{projectOf(ctx, p)}, err
}

// unmovedProject refuses to change what places a project.
func (a *api) unmovedProject(ctx context.Context, id string, b projectBody) error {
	if err := sameID("project", id, b.Extra); err != nil {
		return err
	}
	if b.DomainID == nil && b.ParentID == nil && b.IsDomain == nil {
		return nil
	}
	p, err := a.core.ShowProject(ctx, auth.From(ctx), id)
	if err != nil {
		return err
	}
	if b.ParentID != nil && *b.ParentID != p.ParentID {
		return fault.New(fault.Forbidden, "Update of `parent_id` is not allowed: project %s is below %s for good", id, p.ParentID)
	}
	if b.IsDomain != nil && *b.IsDomain != p.IsDomain {
		return fault.Invalidf("project.is_domain", "Update of `is_domain` is not allowed.")
	}
	return sameDomain("project", p.DomainID, b.DomainID)
}

func (a *api) deleteProject(ctx context.Context, in projectIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteProject(ctx, in.ID)
}
