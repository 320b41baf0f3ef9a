package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type quotaRow struct {
	bun.BaseModel `bun:"table:compute_quotas,alias:quota"`

	ProjectID     string `bun:"project_id,pk"`
	Servers       int    `bun:"servers"`
	VCPUs         int    `bun:"vcpus"`
	MemoryMiB     int    `bun:"memory_mib"`
	KeyPairs      int    `bun:"key_pairs"`
	MetadataItems int    `bun:"metadata_items"`
	ServerGroups  int    `bun:"server_groups"`
	GroupMembers  int    `bun:"group_members"`
}

type usageRow struct {
	bun.BaseModel `bun:"table:compute_usage,alias:usage"`

	ProjectID string `bun:"project_id,pk"`
	Servers   int    `bun:"servers"`
	VCPUs     int    `bun:"vcpus"`
	MemoryMiB int    `bun:"memory_mib"`
}

// Quota implements compute.UsageStore.
func (s *Store) Quota(ctx context.Context, projectID string, defaults compute.Quota) (compute.Quota, error) {
	var row quotaRow
	err := s.db.Select(ctx, db.InProject(projectID), &row).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return defaults, nil
	}
	if err != nil {
		return compute.Quota{}, fmt.Errorf("reading the quota of project %s: %w", projectID, err)
	}
	return compute.Quota{
		Servers: row.Servers, VCPUs: row.VCPUs, MemoryMiB: row.MemoryMiB, KeyPairs: row.KeyPairs, MetadataItems: row.MetadataItems,
		ServerGroups: row.ServerGroups, GroupMembers: row.GroupMembers,
	}, nil
}

// SetQuota implements compute.UsageStore.
func (s *Store) SetQuota(ctx context.Context, projectID string, q compute.Quota) error {
	row := quotaRow{
		ProjectID: projectID, Servers: q.Servers, VCPUs: q.VCPUs, MemoryMiB: q.MemoryMiB, KeyPairs: q.KeyPairs, MetadataItems: q.MetadataItems,
		ServerGroups: q.ServerGroups, GroupMembers: q.GroupMembers,
	}
	_, err := s.db.Q(ctx).NewInsert().Model(&row).On("CONFLICT (project_id) DO UPDATE").
		Set("servers = EXCLUDED.servers").Set("vcpus = EXCLUDED.vcpus").Set("memory_mib = EXCLUDED.memory_mib").
		Set("key_pairs = EXCLUDED.key_pairs").Set("metadata_items = EXCLUDED.metadata_items").
		Set("server_groups = EXCLUDED.server_groups").Set("group_members = EXCLUDED.group_members").Exec(ctx)
	if err != nil {
		return fmt.Errorf("writing the quota of project %s: %w", projectID, err)
	}
	return nil
}

// Usage implements compute.UsageStore.
func (s *Store) Usage(ctx context.Context, projectID string) (compute.Usage, error) {
	var row usageRow
	err := s.db.Select(ctx, db.InProject(projectID), &row).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return compute.Usage{}, fmt.Errorf("reading the usage of project %s: %w", projectID, err)
	}
	return compute.Usage{Servers: row.Servers, VCPUs: row.VCPUs, MemoryMiB: row.MemoryMiB}, nil
}

// Use implements compute.UsageStore.
func (s *Store) Use(ctx context.Context, projectID string, more compute.Usage, most compute.Quota) (bool, error) {
	empty := usageRow{ProjectID: projectID}
	if _, err := s.db.Q(ctx).NewInsert().Model(&empty).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return false, fmt.Errorf("opening the usage of project %s: %w", projectID, err)
	}
	q := s.db.Q(ctx).NewUpdate().Model((*usageRow)(nil)).Where("project_id = ?", projectID)
	for _, c := range []struct {
		column    string
		add, most int
	}{{"servers", more.Servers, most.Servers}, {"vcpus", more.VCPUs, most.VCPUs}, {"memory_mib", more.MemoryMiB, most.MemoryMiB}} {
		q = q.Set("? = ? + ?", bun.Ident(c.column), bun.Ident(c.column), c.add)
		if c.add > 0 && c.most >= 0 {
			q = q.Where("? + ? <= ?", bun.Ident(c.column), c.add, c.most)
		}
	}
	res, err := q.Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("adding to the usage of project %s: %w", projectID, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("counting usage: %w", err)
	}
	return n > 0, nil
}
