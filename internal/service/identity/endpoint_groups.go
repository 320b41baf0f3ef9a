package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// EndpointGroup is all endpoints that a filter selects. A project that is associated with groups or endpoints reaches
// those and no others.
type EndpointGroup struct {
	Made
	Name, Description string
	Filter            EndpointFilter
}

// EndpointGroupChange is what a request changes of a group; nil leaves it.
type EndpointGroupChange struct {
	Name, Description *string
	Filter            *EndpointFilter
}

// CreateEndpointGroup adds a group of endpoints.
func (s *Service) CreateEndpointGroup(ctx context.Context, g EndpointGroup) (EndpointGroup, error) {
	g.Made = s.made("")
	if err := checkName("endpoint_group.name", g.Name, maxName); err != nil {
		return EndpointGroup{}, err
	}
	err := s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := s.store.EndpointGroups.Insert(ctx, g); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "endpoint_group", "created", g.ID, g.Name)
	})
	return g, err
}

// ListEndpointGroups lists the groups of a name, or with an empty one all.
func (s *Service) ListEndpointGroups(ctx context.Context, name string) ([]EndpointGroup, error) {
	return s.store.EndpointGroups.List(ctx, Is{"name": name})
}

// ShowEndpointGroup reads a group.
func (s *Service) ShowEndpointGroup(ctx context.Context, id string) (EndpointGroup, error) {
	return s.store.EndpointGroups.Get(ctx, id)
}

// UpdateEndpointGroup changes a group.
func (s *Service) UpdateEndpointGroup(ctx context.Context, id string, c EndpointGroupChange) (EndpointGroup, error) {
	var g EndpointGroup
	err := s.changeCatalog(ctx, func(ctx context.Context) (err error) {
		if g, err = s.store.EndpointGroups.Get(ctx, id); err != nil {
			return err
		}
		set(&g.Name, c.Name)
		set(&g.Description, c.Description)
		set(&g.Filter, c.Filter)
		if err := checkName("endpoint_group.name", g.Name, maxName); err != nil {
			return err
		}
		if err := s.store.EndpointGroups.Update(ctx, g); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "endpoint_group", "updated", id, g.Name)
	})
	return g, err
}

// DeleteEndpointGroup removes a group and its associations.
func (s *Service) DeleteEndpointGroup(ctx context.Context, id string) error {
	return s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := s.store.EndpointGroups.Delete(ctx, id); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "endpoint_group", "deleted", id, "")
	})
}

// EndpointsOfGroup lists the endpoints that a group selects.
func (s *Service) EndpointsOfGroup(ctx context.Context, id string) ([]CatalogEndpoint, error) {
	g, err := s.store.EndpointGroups.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.ListEndpoints(ctx, g.Filter)
}

// ProjectsOfGroup lists the projects that are associated with a group.
func (s *Service) ProjectsOfGroup(ctx context.Context, id string) ([]Project, error) {
	if _, err := s.store.EndpointGroups.Get(ctx, id); err != nil {
		return nil, err
	}
	ties, err := s.store.ProjectEndpointGroups.Ties(ctx, "", id)
	if err != nil {
		return nil, err
	}
	return s.projectsOf(ctx, ties)
}

// projectsOf reads the projects on the left sides.
func (s *Service) projectsOf(ctx context.Context, ties []Tie) ([]Project, error) {
	projects := make([]Project, len(ties))
	for i, t := range ties {
		p, err := s.store.Projects.Project(ctx, t.Left)
		if err != nil {
			return nil, err
		}
		projects[i] = p
	}
	return projects, nil
}

// GroupsOfProject lists the groups that a project is associated with.
func (s *Service) GroupsOfProject(ctx context.Context, projectID string) ([]EndpointGroup, error) {
	if _, err := s.store.Projects.Project(ctx, projectID); err != nil {
		return nil, err
	}
	ties, err := s.store.ProjectEndpointGroups.Ties(ctx, projectID, "")
	if err != nil {
		return nil, err
	}
	groups := make([]EndpointGroup, len(ties))
	for i, t := range ties {
		if groups[i], err = s.store.EndpointGroups.Get(ctx, t.Right); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// pairOf reads both sides of an association of a project and a group, which must be there.
func (s *Service) pairOf(ctx context.Context, projectID, groupID string) error {
	if _, err := s.store.Projects.Project(ctx, projectID); err != nil {
		return err
	}
	_, err := s.store.EndpointGroups.Get(ctx, groupID)
	return err
}

// AddGroupToProject limits a project to the endpoints of a group, and those that it is limited to already.
func (s *Service) AddGroupToProject(ctx context.Context, projectID, groupID string) error {
	return s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := s.pairOf(ctx, projectID, groupID); err != nil {
			return err
		}
		if err := s.store.ProjectEndpointGroups.Tie(ctx, projectID, groupID); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "project_endpoint", "added", groupID, projectID)
	})
}

// CheckGroupInProject is NotFound unless the project is associated with the group.
func (s *Service) CheckGroupInProject(ctx context.Context, projectID, groupID string) error {
	if err := s.pairOf(ctx, projectID, groupID); err != nil {
		return err
	}
	return tied(ctx, s.store.ProjectEndpointGroups, "endpoint group", projectID, groupID)
}

func tied(ctx context.Context, in Ties, kind, projectID, id string) error {
	ties, err := in.Ties(ctx, projectID, id)
	if err == nil && len(ties) == 0 {
		err = fault.New(fault.NotFound, "Could not find %s %s in project %s.", kind, id, projectID)
	}
	return err
}

// RemoveGroupFromProject takes the association away.
func (s *Service) RemoveGroupFromProject(ctx context.Context, projectID, groupID string) error {
	return s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := s.pairOf(ctx, projectID, groupID); err != nil {
			return err
		}
		if err := s.store.ProjectEndpointGroups.Untie(ctx, projectID, groupID); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "project_endpoint", "removed", groupID, projectID)
	})
}

// AddEndpointToProject limits a project to an endpoint, and those that it is limited to already.
func (s *Service) AddEndpointToProject(ctx context.Context, projectID, endpointID string) error {
	return s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := s.endpointAndProject(ctx, endpointID, projectID); err != nil {
			return err
		}
		if err := s.store.ProjectEndpoints.Tie(ctx, projectID, endpointID); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "project_endpoint", "added", endpointID, projectID)
	})
}

func (s *Service) endpointAndProject(ctx context.Context, endpointID, projectID string) error {
	if _, err := s.ShowEndpoint(ctx, endpointID); err != nil {
		return err
	}
	_, err := s.store.Projects.Project(ctx, projectID)
	return err
}

// CheckEndpointInProject is NotFound unless the project is associated with the endpoint.
func (s *Service) CheckEndpointInProject(ctx context.Context, projectID, endpointID string) error {
	if err := s.endpointAndProject(ctx, endpointID, projectID); err != nil {
		return err
	}
	return tied(ctx, s.store.ProjectEndpoints, "endpoint", projectID, endpointID)
}

// RemoveEndpointFromProject takes the association away.
func (s *Service) RemoveEndpointFromProject(ctx context.Context, projectID, endpointID string) error {
	return s.changeCatalog(ctx, func(ctx context.Context) error {
		if err := s.store.ProjectEndpoints.Untie(ctx, projectID, endpointID); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "project_endpoint", "removed", endpointID, projectID)
	})
}

// ProjectsOfEndpoint lists the projects that are associated with an endpoint directly.
func (s *Service) ProjectsOfEndpoint(ctx context.Context, endpointID string) ([]Project, error) {
	if _, err := s.ShowEndpoint(ctx, endpointID); err != nil {
		return nil, err
	}
	ties, err := s.store.ProjectEndpoints.Ties(ctx, "", endpointID)
	if err != nil {
		return nil, err
	}
	return s.projectsOf(ctx, ties)
}

// EndpointsOfProject lists the endpoints that a project is associated with, directly or through groups.
func (s *Service) EndpointsOfProject(ctx context.Context, projectID string) ([]CatalogEndpoint, error) {
	groups, err := s.GroupsOfProject(ctx, projectID)
	if err != nil {
		return nil, err
	}
	ties, err := s.store.ProjectEndpoints.Ties(ctx, projectID, "")
	if err != nil {
		return nil, err
	}
	all, err := s.ListEndpoints(ctx, EndpointFilter{})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e CatalogEndpoint) bool {
		return !slices.ContainsFunc(ties, func(t Tie) bool { return t.Right == e.ID }) &&
			!slices.ContainsFunc(groups, func(g EndpointGroup) bool { return g.Filter.selects(e) })
	}), nil
}
