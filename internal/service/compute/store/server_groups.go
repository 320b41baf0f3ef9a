package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

type groupRow struct {
	bun.BaseModel `bun:"table:compute_server_groups,alias:grp"`

	ID         string           `bun:"id,pk"`
	ProjectID  string           `bun:"project_id"`
	UserID     string           `bun:"user_id"`
	Name       string           `bun:"name"`
	Policy     placement.Policy `bun:"policy"`
	MaxPerHost int              `bun:"max_per_host"`
	Revision   int64            `bun:"revision"`
	CreatedAt  time.Time        `bun:"created_at"`
}

func (r *groupRow) group() compute.ServerGroup {
	return compute.ServerGroup{
		ID: r.ID, ProjectID: r.ProjectID, UserID: r.UserID, Name: r.Name, Policy: r.Policy, MaxPerHost: r.MaxPerHost,
		Revision: r.Revision, CreatedAt: r.CreatedAt.UTC(),
	}
}

// InsertServerGroup implements compute.GroupStore.
func (s *Store) InsertServerGroup(ctx context.Context, g compute.ServerGroup) error {
	row := groupRow{
		ID: g.ID, ProjectID: g.ProjectID, UserID: g.UserID, Name: g.Name, Policy: g.Policy, MaxPerHost: g.MaxPerHost,
		Revision: 1, CreatedAt: g.CreatedAt,
	}
	if _, err := s.db.Q(ctx).NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("inserting server group %s: %w", g.ID, err)
	}
	return nil
}

// DeleteServerGroup implements compute.GroupStore.
func (s *Store) DeleteServerGroup(ctx context.Context, scope db.Scope, id string) error {
	if _, err := s.FindServerGroup(ctx, scope, id); err != nil {
		return err
	}
	res, err := s.db.Q(ctx).NewDelete().Model((*groupRow)(nil)).Where("id = ?", id).Exec(ctx)
	if err := db.MustChange(res, err, fault.Missing("server group", id)); err != nil {
		return err
	}
	_, err = s.db.Q(ctx).NewUpdate().Model((*serverRow)(nil)).Set("group_id = ''").
		Where("group_id <> ''").Where("group_id = ?", id).Exec(ctx)
	if err != nil {
		return fmt.Errorf("taking the members off server group %s: %w", id, err)
	}
	return nil
}

// FindServerGroup implements compute.GroupStore.
func (s *Store) FindServerGroup(ctx context.Context, scope db.Scope, id string) (compute.ServerGroup, error) {
	var row groupRow
	if err := s.db.Select(ctx, scope, &row).Where("grp.id = ?", id).Scan(ctx); err != nil {
		return compute.ServerGroup{}, missing(err, "server group", id)
	}
	groups, err := s.withMembers(ctx, []groupRow{row})
	if err != nil {
		return compute.ServerGroup{}, err
	}
	return groups[0], nil
}

// ListServerGroups implements compute.GroupStore.
func (s *Store) ListServerGroups(ctx context.Context, scope db.Scope, offset, limit int) ([]compute.ServerGroup, error) {
	var rows []groupRow
	q := s.db.Select(ctx, scope, &rows).Order("grp.created_at", "grp.id").Offset(int64(offset))
	if limit > 0 {
		q = q.Limit(int64(limit))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing server groups: %w", err)
	}
	return s.withMembers(ctx, rows)
}

// memberRow is a server as a member of a group.
type memberRow struct {
	ID      string `bun:"id"`
	GroupID string `bun:"group_id"`
	HostID  string `bun:"host_id"`
}

// withMembers adds the members of groups, in one query.
func (s *Store) withMembers(ctx context.Context, rows []groupRow) ([]compute.ServerGroup, error) {
	groups := convert(rows, (*groupRow).group)
	if len(groups) == 0 {
		return groups, nil
	}
	byID := map[string]*compute.ServerGroup{}
	ids := make([]string, len(groups))
	for i := range groups {
		byID[groups[i].ID], ids[i] = &groups[i], groups[i].ID
	}
	members, err := s.members(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		g := byID[m.GroupID]
		g.Members = append(g.Members, m.ID)
	}
	return groups, nil
}

// members returns the servers of groups, in the order in which they were made.
func (s *Store) members(ctx context.Context, ids []string) ([]memberRow, error) {
	var rows []memberRow
	err := s.db.Select(ctx, db.Everywhere(), (*serverRow)(nil)).Column("id", "group_id", "host_id").
		Where("server.group_id <> ''").Where("server.group_id IN (?)", bun.List(ids)).Where("server.deleted_at IS NULL").
		Order("server.created_at", "server.id").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("reading the members of %d server groups: %w", len(ids), err)
	}
	return rows, nil
}

// CountServerGroups implements compute.GroupStore.
func (s *Store) CountServerGroups(ctx context.Context, projectID string) (int, error) {
	n, err := s.db.Select(ctx, db.InProject(projectID), (*groupRow)(nil)).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting the server groups of project %s: %w", projectID, err)
	}
	return int(n), nil
}

// CountGroupMembers implements compute.GroupStore.
func (s *Store) CountGroupMembers(ctx context.Context, groupID, userID string) (int, error) {
	n, err := s.db.Select(ctx, db.Everywhere(), (*serverRow)(nil)).Where("server.group_id <> ''").
		Where("server.group_id = ?", groupID).Where("server.user_id = ?", userID).Where("server.deleted_at IS NULL").Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting the members of server group %s: %w", groupID, err)
	}
	return int(n), nil
}

// ServerGroupsByID implements compute.GroupStore.
func (s *Store) ServerGroupsByID(ctx context.Context, ids []string) ([]compute.ServerGroup, error) {
	var rows []groupRow
	if err := s.db.Select(ctx, db.Everywhere(), &rows).Where("grp.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading %d server groups: %w", len(ids), err)
	}
	return convert(rows, (*groupRow).group), nil
}

// GroupHosts implements compute.GroupStore.
func (s *Store) GroupHosts(ctx context.Context, ids []string) (map[string]map[string]int, error) {
	rows, err := s.members(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]int{}
	for _, m := range rows {
		if m.HostID == "" {
			continue
		}
		if out[m.GroupID] == nil {
			out[m.GroupID] = map[string]int{}
		}
		out[m.GroupID][m.HostID]++
	}
	return out, nil
}

// TouchServerGroups implements compute.GroupStore. Where it returns false the caller rolls back.
func (s *Store) TouchServerGroups(ctx context.Context, groups []compute.ServerGroup) (bool, error) {
	if len(groups) == 0 {
		return true, nil
	}
	rows := convert(groups, func(g *compute.ServerGroup) groupRow { return groupRow{ID: g.ID, Revision: g.Revision + 1} })
	res, err := s.db.Q(ctx).NewUpdate().Model(&rows).Column("revision").Bulk().Where("grp.revision = _data.revision - 1").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("touching %d server groups: %w", len(rows), err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("counting server groups: %w", err)
	}
	return int(n) == len(rows), nil
}
