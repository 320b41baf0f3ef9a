package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type quotaRow struct {
	bun.BaseModel `bun:"table:network_quotas,alias:q"`

	ProjectID string `bun:"project_id,pk"`
	Resource  string `bun:"resource,pk"`
	Most      int    `bun:"most"`
}

// Quotas implements network.QuotaStore.
func (s *Store) Quotas(ctx context.Context, sc db.Scope) (map[string]network.Quota, error) {
	var rows []quotaRow
	if err := s.db.Select(ctx, sc, &rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading quotas: %w", err)
	}
	out := map[string]network.Quota{}
	for _, r := range rows {
		if out[r.ProjectID] == nil {
			out[r.ProjectID] = network.Quota{}
		}
		out[r.ProjectID][r.Resource] = r.Most
	}
	return out, nil
}

// SetQuota implements network.QuotaStore.
func (s *Store) SetQuota(ctx context.Context, projectID string, q network.Quota) error {
	rows := make([]quotaRow, 0, len(q))
	for resource, most := range q {
		rows = append(rows, quotaRow{ProjectID: projectID, Resource: resource, Most: most})
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := s.db.Q(ctx).NewInsert().Model(&rows).On("CONFLICT (project_id, resource) DO UPDATE").Set("most = EXCLUDED.most").Exec(ctx)
	if err != nil {
		return fmt.Errorf("writing the quota of project %s: %w", projectID, err)
	}
	return nil
}

// RemoveQuota implements network.QuotaStore.
func (s *Store) RemoveQuota(ctx context.Context, projectID string) error {
	return s.remove(ctx, (*quotaRow)(nil), "project_id", projectID)
}
