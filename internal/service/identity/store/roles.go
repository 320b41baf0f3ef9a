package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type roleRow struct {
	bun.BaseModel `bun:"table:identity_roles,alias:r"`

	ID          string `bun:",pk"`
	Name        string
	DomainID    string
	Description string
	Options     identity.Options `bun:"type:text"`
	Extra       map[string]any   `bun:"type:text"`
	CreatedAt   time.Time
	Revision    int64
}

type implicationRow struct {
	bun.BaseModel `bun:"table:identity_implied_roles,alias:i"`

	RoleID    string `bun:",pk"`
	ImpliedID string `bun:",pk"`
}

func roleFrom(r identity.Role) *roleRow {
	if r.Extra == nil {
		r.Extra = map[string]any{}
	}
	return &roleRow{
		ID: r.ID, Name: r.Name, DomainID: r.DomainID, Description: r.Description, Options: r.Options, Extra: r.Extra,
		CreatedAt: r.CreatedAt, Revision: r.Revision,
	}
}

func (r roleRow) noun() identity.Role {
	return identity.Role{
		ID: r.ID, Name: r.Name, DomainID: r.DomainID, Description: r.Description, Options: r.Options, Extra: r.Extra,
		CreatedAt: r.CreatedAt.UTC(), Revision: r.Revision,
	}
}

// InsertRole adds a role.
func (s *Store) InsertRole(ctx context.Context, r identity.Role) error {
	return s.insert(ctx, "role", r.Name, roleFrom(r))
}

// UpdateRole changes a role.
func (s *Store) UpdateRole(ctx context.Context, r identity.Role) error {
	row := roleFrom(r)
	row.Revision++
	return s.update(ctx, "role", r.Name, row, r.Revision)
}

// DeleteRole removes a role with its assignments and implications.
func (s *Store) DeleteRole(ctx context.Context, id string) error {
	return s.removeOne(ctx, "role", id, (*roleRow)(nil))
}

// Role reads a role.
func (s *Store) Role(ctx context.Context, id string) (identity.Role, error) {
	row, err := get[roleRow](ctx, s, "role", id, "id = ?", id)
	return row.noun(), err
}

// ListRoles reads a page of roles.
func (s *Store) ListRoles(ctx context.Context, f identity.RoleFilter, page query.Page) ([]identity.Role, error) {
	return list(ctx, s, page, "identity_roles", roleRow.noun, func(q *bun.SelectQuery) *bun.SelectQuery {
		q = query.MatchAll(equals(q, "name", f.Name), "name", f.NameIs)
		if !f.EveryDomain {
			q = q.Where("r.domain_id = ?", f.DomainID)
		}
		return q
	})
}

// Imply lets a role imply another.
func (s *Store) Imply(ctx context.Context, i identity.Implication) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&implicationRow{RoleID: i.RoleID, ImpliedID: i.ImpliedID}).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("letting role %s imply %s: %w", i.RoleID, i.ImpliedID, err)
	}
	return nil
}

// Unimply takes an implication away and tells whether there was one.
func (s *Store) Unimply(ctx context.Context, i identity.Implication) (bool, error) {
	n, err := s.remove(ctx, "implication", (*implicationRow)(nil), "role_id = ? AND implied_id = ?", i.RoleID, i.ImpliedID)
	return n > 0, err
}

// Implications reads all of them; there are few.
func (s *Store) Implications(ctx context.Context) ([]identity.Implication, error) {
	var rows []implicationRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Order("role_id", "implied_id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing the implied roles: %w", err)
	}
	all := make([]identity.Implication, len(rows))
	for i, row := range rows {
		all[i] = identity.Implication{RoleID: row.RoleID, ImpliedID: row.ImpliedID}
	}
	return all, nil
}
