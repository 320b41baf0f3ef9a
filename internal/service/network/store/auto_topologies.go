package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type topologyRow struct {
	bun.BaseModel `bun:"table:auto_topologies,alias:at"`

	ProjectID string `bun:"project_id,pk"`
	NetworkID string `bun:"network_id"`
	RouterID  string `bun:"router_id"`
}

// AutoTopology implements network.AutoTopologyStore.
func (s *Store) AutoTopology(ctx context.Context, projectID string) (network.AutoTopology, bool, error) {
	var rows []topologyRow
	if err := s.db.Select(ctx, db.InProject(projectID), &rows).Scan(ctx); err != nil {
		return network.AutoTopology{}, false, fmt.Errorf("reading the topology of project %s: %w", projectID, err)
	}
	if len(rows) == 0 {
		return network.AutoTopology{}, false, nil
	}
	return network.AutoTopology{ProjectID: rows[0].ProjectID, NetworkID: rows[0].NetworkID, RouterID: rows[0].RouterID}, true, nil
}

// AddAutoTopology implements network.AutoTopologyStore.
func (s *Store) AddAutoTopology(ctx context.Context, t network.AutoTopology) error {
	added, err := s.insert(ctx, &topologyRow{ProjectID: t.ProjectID, NetworkID: t.NetworkID, RouterID: t.RouterID})
	if err == nil && !added {
		return fault.Conflictf("auto_allocated_topology", t.NetworkID, "another request makes the topology of project %s at the same time; try again", t.ProjectID).
			WithCode("AutoAllocationFailure")
	}
	return err
}

// RemoveAutoTopology implements network.AutoTopologyStore.
func (s *Store) RemoveAutoTopology(ctx context.Context, projectID string) error {
	return s.remove(ctx, (*topologyRow)(nil), "project_id", projectID)
}
