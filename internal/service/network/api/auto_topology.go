package api

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// topologyShow is a map, as fields=dry-run would leave nothing of a struct.
type topologyShow struct {
	Topology map[string]string `json:"auto_allocated_topology"`
}

func newTopologyShow(id, projectID string) topologyShow {
	return topologyShow{map[string]string{"id": id, "tenant_id": projectID, "project_id": projectID}}
}

type topologyIn struct {
	ID     string   `path:"id"`
	Fields []string `query:"fields" doc:"dry-run: only tell whether it could be made."`
}

// project is the one that is meant; clients write None for that of the token.
func (in topologyIn) project() string {
	if in.ID == "None" || in.ID == "null" {
		return ""
	}
	return in.ID
}

func (a *api) topologies() []rest.Route {
	const path = "/v2.0/auto-allocated-topology/{id}"
	return []rest.Route{
		{
			Method: "GET", Path: path, Policy: auth.P("get_auto_allocated_topology", auth.ProjectMember), Audit: "network.auto_allocated_topology.create",
			Doc: "Shows a project's network that leads outside, and makes it on the first request.", Do: rest.Do(a.showTopology),
		},
		{
			Method: "DELETE", Path: path, Policy: auth.P("delete_auto_allocated_topology", auth.ProjectMember), Audit: "network.auto_allocated_topology.delete",
			Doc: "Deletes the network that was made for a project, with its router.", Do: rest.Do(a.deleteTopology),
		},
	}
}

func (a *api) showTopology(ctx context.Context, in topologyIn) (topologyShow, error) {
	if slices.Contains(in.Fields, "dry-run") {
		projectID, err := a.core.CheckAutoTopology(ctx, auth.From(ctx), in.project())
		return newTopologyShow("dry-run=pass", projectID), err
	}
	t, err := a.core.AutoTopologyOf(ctx, auth.From(ctx), in.project())
	return newTopologyShow(t.NetworkID, t.ProjectID), err
}

func (a *api) deleteTopology(ctx context.Context, in topologyIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteAutoTopology(ctx, auth.From(ctx), in.project())
}
