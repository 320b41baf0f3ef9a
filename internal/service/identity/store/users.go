package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type userRow struct {
	bun.BaseModel `bun:"table:identity_users,alias:u"`

	ID                string `bun:",pk"`
	Name              string
	DomainID          string
	DefaultProjectID  string
	Enabled           bool
	Description       string
	Extra             map[string]any `bun:"type:text"`
	PasswordHash      string
	PasswordChangedAt time.Time
	PasswordExpiresAt time.Time            `bun:",nullzero"`
	LastActiveAt      time.Time            `bun:",nullzero"`
	Options           identity.UserOptions `bun:"type:text"`
	CreatedAt         time.Time
	Revision          int64
}

func userFrom(u identity.User) *userRow {
	if u.Extra == nil {
		u.Extra = map[string]any{}
	}
	return &userRow{
		ID: u.ID, Name: u.Name, DomainID: u.DomainID, DefaultProjectID: u.DefaultProjectID, Enabled: u.Enabled,
		Description: u.Description, Extra: u.Extra, PasswordHash: u.PasswordHash, PasswordChangedAt: u.PasswordChangedAt,
		PasswordExpiresAt: u.PasswordExpiresAt, LastActiveAt: u.LastActiveAt, Options: u.Options,
		CreatedAt: u.CreatedAt, Revision: u.Revision,
	}
}

func (r userRow) noun() identity.User {
	return identity.User{
		ID: r.ID, Name: r.Name, DomainID: r.DomainID, DefaultProjectID: r.DefaultProjectID, Enabled: r.Enabled,
		Description: r.Description, Extra: r.Extra, PasswordHash: r.PasswordHash, PasswordChangedAt: r.PasswordChangedAt.UTC(),
		PasswordExpiresAt: r.PasswordExpiresAt.UTC(), LastActiveAt: r.LastActiveAt.UTC(), Options: r.Options,
		CreatedAt: r.CreatedAt.UTC(), Revision: r.Revision,
	}
}

// InsertUser adds a user.
func (s *Store) InsertUser(ctx context.Context, u identity.User) error {
	return s.insert(ctx, "user", u.Name, userFrom(u))
}

// UpdateUser changes a user.
func (s *Store) UpdateUser(ctx context.Context, u identity.User) error {
	row := userFrom(u)
	row.Revision++
	return s.update(ctx, "user", u.Name, row, u.Revision)
}

// DeleteUser removes a user and its memberships.
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	return s.removeOne(ctx, "user", id, (*userRow)(nil))
}

// User reads a user.
func (s *Store) User(ctx context.Context, id string) (identity.User, error) {
	row, err := get[userRow](ctx, s, "user", id, "id = ?", id)
	return row.noun(), err
}

// UserByName reads the user of a name in a domain.
func (s *Store) UserByName(ctx context.Context, domainID, name string) (identity.User, error) {
	row, err := get[userRow](ctx, s, "user", name, "domain_id = ? AND name = ?", domainID, name)
	return row.noun(), err
}

// ListUsers reads a page of users.
func (s *Store) ListUsers(ctx context.Context, f identity.UserFilter, page query.Page) ([]identity.User, error) {
	return list(ctx, s, page, "identity_users", userRow.noun, func(q *bun.SelectQuery) *bun.SelectQuery {
		q = query.MatchAll(equals(q, "name", f.Name, "domain_id", f.DomainID), "name", f.NameIs)
		if f.Enabled != nil {
			q = q.Where("u.enabled = ?", *f.Enabled)
		}
		for _, b := range f.PasswordExpires {
			q = b.Apply(q, "password_expires_at")
		}
		if f.GroupID != "" {
			q = q.Where("u.id IN (SELECT user_id FROM identity_group_members WHERE group_id = ?)", f.GroupID)
		}
		return q
	})
}

// ClearDefaultProject takes a project away from those whose default it is.
func (s *Store) ClearDefaultProject(ctx context.Context, projectID string) error {
	_, err := s.db.Q(ctx).NewUpdate().Model((*userRow)(nil)).Set("default_project_id = ''").Set("revision = revision + 1").
		Where("default_project_id = ?", projectID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("clearing the default project %s: %w", projectID, err)
	}
	return nil
}
