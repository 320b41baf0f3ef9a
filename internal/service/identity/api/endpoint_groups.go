package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

const epFilter = "/v3/OS-EP-FILTER"

// endpointFilterRoutes limit projects to some endpoints.
func (a *api) endpointFilterRoutes() []rest.Route {
	const (
		groups      = epFilter + "/endpoint_groups"
		group       = groups + "/{endpoint_group_id}"
		groupOf     = group + "/projects/{project_id}"
		endpointsOf = epFilter + "/projects/{project_id}/endpoints"
		endpointOf  = endpointsOf + "/{endpoint_id}"
	)
	return []rest.Route{
		get(groups, "Lists the groups of endpoints.", "list_endpoint_groups", auth.SystemReader, rest.Do(a.listEndpointGroups)),
		change(http.MethodPost, groups, "Creates a group of the endpoints that a filter selects.", "create_endpoint_group", "endpoint_group.create", rest.Do(a.createEndpointGroup)),
		get(group, "Shows a group of endpoints.", "get_endpoint_group", auth.SystemReader, rest.Do(a.showEndpointGroup)),
		change(http.MethodPatch, group, "Changes a group of endpoints.", "update_endpoint_group", "endpoint_group.update", rest.Do(a.updateEndpointGroup)),
		change(http.MethodDelete, group, "Deletes a group of endpoints and its associations.", "delete_endpoint_group", "endpoint_group.delete", rest.Do(a.deleteEndpointGroup)),
		get(group+"/endpoints", "Lists the endpoints that a group selects.", "list_endpoints_associated_with_endpoint_group", auth.SystemReader, rest.Do(a.endpointsOfGroup)),
		get(group+"/projects", "Lists the projects that are associated with a group.", "list_projects_associated_with_endpoint_group", auth.SystemReader, rest.Do(a.projectsOfGroup)),
		silent(change(http.MethodPut, groupOf, "Associates a group with a project.", "add_endpoint_group_to_project", "endpoint_group.add_project", rest.Do(a.addGroupToProject))),
		get(groupOf, "Shows whether a group is associated with a project.", "get_endpoint_group_in_project", auth.SystemReader, rest.Do(a.checkGroupInProject)),
		change(http.MethodDelete, groupOf, "Takes a group from a project.", "remove_endpoint_group_from_project", "endpoint_group.remove_project", rest.Do(a.removeGroupFromProject)),
		get(epFilter+"/projects/{project_id}/endpoint_groups", "Lists the groups that are associated with a project.", "list_endpoint_groups_for_project", auth.SystemReader, rest.Do(a.groupsOfProject)),
		get(epFilter+"/endpoints/{endpoint_id}/projects", "Lists the projects that are associated with an endpoint.", "list_projects_for_endpoint", auth.SystemReader, rest.Do(a.projectsOfEndpoint)),
		get(endpointsOf, "Lists the endpoints that are associated with a project.", "list_endpoints_for_project", auth.SystemReader, rest.Do(a.endpointsOfProject)),
		silent(change(http.MethodPut, endpointOf, "Associates an endpoint with a project.", "add_endpoint_to_project", "endpoint.add_project", rest.Do(a.addEndpointToProject))),
		silent(get(endpointOf, "Tells whether an endpoint is associated with a project.", "check_endpoint_in_project", auth.SystemReader, rest.Do(a.checkEndpointInProject))),
		change(http.MethodDelete, endpointOf, "Takes an endpoint from a project.", "remove_endpoint_from_project", "endpoint.remove_project", rest.Do(a.removeEndpointFromProject)),
	}
}

type endpointGroupWire struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Description *string    `json:"description"`
	Filters     filterWire `json:"filters"`
	Links       selfLink   `json:"links"`
}

type filterWire struct {
	ServiceID string `json:"service_id,omitempty" check:"min=1"`
	Interface string `json:"interface,omitempty" check:"enum=admin|internal|public"`
	RegionID  string `json:"region_id,omitempty" check:"min=1"`
}

type endpointGroupOut struct {
	Group endpointGroupWire `json:"endpoint_group"`
}

type endpointGroupsOut struct {
	Groups []endpointGroupWire `json:"endpoint_groups"`

	listEnd
}

type endpointGroupBody struct {
	Name        *string          `json:"name" check:"min=1,max=255"`
	Description rest.Opt[string] `json:"description"`
	Filters     *filterWire      `json:"filters"`
}

func endpointGroupOf(ctx context.Context, g identity.EndpointGroup) endpointGroupWire {
	return endpointGroupWire{g.ID, g.Name, orNull(g.Description), filterWire(g.Filter), self(ctx, "/OS-EP-FILTER/endpoint_groups/"+g.ID)}
}

func (a *api) listEndpointGroups(ctx context.Context, in struct {
	pageIn
	Name string `query:"name"`
},
) (endpointGroupsOut, error) {
	all, err := a.core.ListEndpointGroups(ctx, in.Name)
	if err != nil {
		return endpointGroupsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, identity.EndpointGroup.Key)
	return endpointGroupsOut{wires(ctx, all, endpointGroupOf), at}, err
}

func (a *api) createEndpointGroup(ctx context.Context, in struct {
	Group endpointGroupBody `body:"endpoint_group"`
},
) (endpointGroupOut, error) {
	b := in.Group
	if b.Name == nil {
		return endpointGroupOut{}, required("endpoint_group.name")
	}
	if b.Filters == nil || *b.Filters == (filterWire{}) {
		return endpointGroupOut{}, required("endpoint_group.filters")
	}
	g, err := a.core.CreateEndpointGroup(ctx, identity.EndpointGroup{
		Name: *b.Name, Description: b.Description.Value, Filter: identity.EndpointFilter(*b.Filters),
	})
	return endpointGroupOut{endpointGroupOf(ctx, g)}, err
}

type endpointGroupIn struct {
	ID string `path:"endpoint_group_id"`
}

func (a *api) showEndpointGroup(ctx context.Context, in endpointGroupIn) (endpointGroupOut, error) {
	g, err := a.core.ShowEndpointGroup(ctx, in.ID)
	return endpointGroupOut{endpointGroupOf(ctx, g)}, err
}

func (a *api) updateEndpointGroup(ctx context.Context, in struct {
	endpointGroupIn
	Group endpointGroupBody `body:"endpoint_group"`
},
) (endpointGroupOut, error) {
	b := in.Group
	if err := something("endpoint_group", b); err != nil {
		return endpointGroupOut{}, err
	}
	g, err := a.core.UpdateEndpointGroup(ctx, in.ID, identity.EndpointGroupChange{
		Name: b.Name, Description: text(b.Description), Filter: (*identity.EndpointFilter)(b.Filters),
	})
	return endpointGroupOut{endpointGroupOf(ctx, g)}, err
}

func (a *api) deleteEndpointGroup(ctx context.Context, in endpointGroupIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteEndpointGroup(ctx, in.ID)
}

func (a *api) endpointsOfGroup(ctx context.Context, in struct {
	endpointGroupIn
	pageIn
},
) (endpointsOut, error) {
	all, err := a.core.EndpointsOfGroup(ctx, in.ID)
	if err != nil {
		return endpointsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, identity.CatalogEndpoint.Key)
	return endpointsOut{wires(ctx, all, endpointOf), at}, err
}

func (a *api) projectsOfGroup(ctx context.Context, in struct {
	endpointGroupIn
	pageIn
},
) (projectsOut, error) {
	all, err := a.core.ProjectsOfGroup(ctx, in.ID)
	if err != nil {
		return projectsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, func(p identity.Project) string { return p.ID })
	return projectsOut{wires(ctx, all, projectOf), at}, err
}

type groupInProject struct {
	GroupID   string `path:"endpoint_group_id"`
	ProjectID string `path:"project_id"`
}

type groupInProjectOut struct {
	Association struct {
		GroupID   string   `json:"endpoint_group_id"`
		ProjectID string   `json:"project_id"`
		Links     selfLink `json:"links"`
	} `json:"project_endpoint_group"`
}

func (a *api) addGroupToProject(ctx context.Context, in groupInProject) (rest.None, error) {
	return rest.None{}, a.core.AddGroupToProject(ctx, in.ProjectID, in.GroupID)
}

func (a *api) checkGroupInProject(ctx context.Context, in groupInProject) (groupInProjectOut, error) {
	out := groupInProjectOut{}
	out.Association.GroupID, out.Association.ProjectID = in.GroupID, in.ProjectID
	out.Association.Links = self(ctx, "/OS-EP-FILTER/endpoint_groups/"+in.GroupID+"/projects/"+in.ProjectID)
	return out, a.core.CheckGroupInProject(ctx, in.ProjectID, in.GroupID)
}

func (a *api) removeGroupFromProject(ctx context.Context, in groupInProject) (rest.None, error) {
	return rest.None{}, a.core.RemoveGroupFromProject(ctx, in.ProjectID, in.GroupID)
}

type inProject struct {
	ProjectID string `path:"project_id"`
}

func (a *api) groupsOfProject(ctx context.Context, in struct {
	inProject
	pageIn
},
) (endpointGroupsOut, error) {
	all, err := a.core.GroupsOfProject(ctx, in.ProjectID)
	if err != nil {
		return endpointGroupsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, identity.EndpointGroup.Key)
	return endpointGroupsOut{wires(ctx, all, endpointGroupOf), at}, err
}

func (a *api) projectsOfEndpoint(ctx context.Context, in struct {
	endpointIn
	pageIn
},
) (projectsOut, error) {
	all, err := a.core.ProjectsOfEndpoint(ctx, in.ID)
	if err != nil {
		return projectsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, func(p identity.Project) string { return p.ID })
	return projectsOut{wires(ctx, all, projectOf), at}, err
}

func (a *api) endpointsOfProject(ctx context.Context, in struct {
	inProject
	pageIn
},
) (endpointsOut, error) {
	all, err := a.core.EndpointsOfProject(ctx, in.ProjectID)
	if err != nil {
		return endpointsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, identity.CatalogEndpoint.Key)
	return endpointsOut{wires(ctx, all, endpointOf), at}, err
}

type endpointInProject struct {
	ProjectID  string `path:"project_id"`
	EndpointID string `path:"endpoint_id"`
}

func (a *api) addEndpointToProject(ctx context.Context, in endpointInProject) (rest.None, error) {
	return rest.None{}, a.core.AddEndpointToProject(ctx, in.ProjectID, in.EndpointID)
}

func (a *api) checkEndpointInProject(ctx context.Context, in endpointInProject) (rest.None, error) {
	return rest.None{}, a.core.CheckEndpointInProject(ctx, in.ProjectID, in.EndpointID)
}

func (a *api) removeEndpointFromProject(ctx context.Context, in endpointInProject) (rest.None, error) {
	return rest.None{}, a.core.RemoveEndpointFromProject(ctx, in.ProjectID, in.EndpointID)
}
