package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type groupRow struct {
	bun.BaseModel `bun:"table:identity_groups,alias:g"`

	ID          string `bun:",pk"`
	Name        string
	DomainID    string
	Description string
	Extra       map[string]any `bun:"type:text"`
	CreatedAt   time.Time
	Revision    int64
}

type memberRow struct {
	bun.BaseModel `bun:"table:identity_group_members,alias:m"`

	GroupID string `bun:",pk"`
	UserID  string `bun:",pk"`
}

func groupFrom(g identity.Group) *groupRow {
	if g.Extra == nil {
		g.Extra = map[string]any{}
	}
	return &groupRow{ID: g.ID, Name: g.Name, DomainID: g.DomainID, Description: g.Description, Extra: g.Extra, CreatedAt: g.CreatedAt, Revision: g.Revision}
}

func (r groupRow) noun() identity.Group {
	return identity.Group{ID: r.ID, Name: r.Name, DomainID: r.DomainID, Description: r.Description, Extra: r.Extra, CreatedAt: r.CreatedAt.UTC(), Revision: r.Revision}
}

// InsertGroup adds a group.
func (s *Store) InsertGroup(ctx context.Context, g identity.Group) error {
	return s.insert(ctx, "group", g.Name, groupFrom(g))
}

// UpdateGroup changes a group.
func (s *Store) UpdateGroup(ctx context.Context, g identity.Group) error {
	row := groupFrom(g)
	row.Revision++
	return s.update(ctx, "group", g.Name, row, g.Revision)
}

// DeleteGroup removes a group and its memberships.
func (s *Store) DeleteGroup(ctx context.Context, id string) error {
	return s.removeOne(ctx, "group", id, (*groupRow)(nil))
}

// Group reads a group.
func (s *Store) Group(ctx context.Context, id string) (identity.Group, error) {
	row, err := get[groupRow](ctx, s, "group", id, "id = ?", id)
	return row.noun(), err
}

// ListGroups reads a page of groups.
func (s *Store) ListGroups(ctx context.Context, f identity.GroupFilter, page query.Page) ([]identity.Group, error) {
	return list(ctx, s, page, "identity_groups", groupRow.noun, func(q *bun.SelectQuery) *bun.SelectQuery {
		q = query.MatchAll(equals(q, "name", f.Name, "domain_id", f.DomainID), "name", f.NameIs)
		if f.UserID != "" {
			q = q.Where("g.id IN (SELECT group_id FROM identity_group_members WHERE user_id = ?)", f.UserID)
		}
		return q
	})
}

// AddMember puts a user into a group.
func (s *Store) AddMember(ctx context.Context, groupID, userID string) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&memberRow{GroupID: groupID, UserID: userID}).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("adding user %s to group %s: %w", userID, groupID, err)
	}
	return nil
}

// RemoveMember takes a user out of a group; NotFound if it is not in it.
func (s *Store) RemoveMember(ctx context.Context, groupID, userID string) error {
	n, err := s.remove(ctx, "membership", (*memberRow)(nil), "group_id = ? AND user_id = ?", groupID, userID)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.NotFound, "User '%s' not found in group '%s'", userID, groupID)
	}
	return nil
}

// IsMember tells whether a user is in a group.
func (s *Store) IsMember(ctx context.Context, groupID, userID string) (bool, error) {
	found, err := s.db.Q(ctx).NewSelect().Model((*memberRow)(nil)).Where("group_id = ? AND user_id = ?", groupID, userID).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for user %s in group %s: %w", userID, groupID, err)
	}
	return found, nil
}
