package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type credentialRow struct {
	bun.BaseModel `bun:"table:identity_credentials,alias:c"`

	ID        string `bun:",pk"`
	UserID    string
	ProjectID string
	Type      string
	Blob      string
	Extra     map[string]any `bun:"type:text"`
	UsedStep  int64
	CreatedAt time.Time
	Revision  int64
}

func credentialFrom(c identity.Credential) *credentialRow {
	if c.Extra == nil {
		c.Extra = map[string]any{}
	}
	return &credentialRow{
		ID: c.ID, UserID: c.UserID, ProjectID: c.ProjectID, Type: c.Type, Blob: c.Blob, Extra: c.Extra,
		CreatedAt: c.CreatedAt, Revision: c.Revision,
	}
}

func (r credentialRow) noun() identity.Credential {
	return identity.Credential{
		ID: r.ID, UserID: r.UserID, ProjectID: r.ProjectID, Type: r.Type, Blob: r.Blob, Extra: r.Extra,
		CreatedAt: r.CreatedAt.UTC(), Revision: r.Revision,
	}
}

// InsertCredential adds a credential.
func (s *Store) InsertCredential(ctx context.Context, c identity.Credential) error {
	return s.insert(ctx, "credential", c.ID, credentialFrom(c))
}

// UpdateCredential changes a credential; passcodes that were used remain so.
func (s *Store) UpdateCredential(ctx context.Context, c identity.Credential) error {
	row := credentialFrom(c)
	row.Revision++
	res, err := s.db.Q(ctx).NewUpdate().Model(row).ExcludeColumn("id", "created_at", "used_step").WherePK().
		Where("revision = ?", c.Revision).Exec(ctx)
	return changed(res, err, "credential", c.ID)
}

// DeleteCredential removes a credential.
func (s *Store) DeleteCredential(ctx context.Context, id string) error {
	return s.removeOne(ctx, "credential", id, (*credentialRow)(nil))
}

// DeleteCredentialsOf removes the credentials of a project.
func (s *Store) DeleteCredentialsOf(ctx context.Context, projectID string) error {
	_, err := s.remove(ctx, "credentials", (*credentialRow)(nil), "project_id = ?", projectID)
	return err
}

// Credential reads a credential.
func (s *Store) Credential(ctx context.Context, id string) (identity.Credential, error) {
	row, err := get[credentialRow](ctx, s, "credential", id, "id = ?", id)
	return row.noun(), err
}

// ListCredentials reads a page of credentials.
func (s *Store) ListCredentials(ctx context.Context, f identity.CredentialFilter, page query.Page) ([]identity.Credential, error) {
	return list(ctx, s, page, "identity_credentials", credentialRow.noun, func(q *bun.SelectQuery) *bun.SelectQuery {
		return equals(q, "user_id", f.UserID, "project_id", f.ProjectID, "type", f.Type)
	})
}

// UseStep moves the last used step of time on, never back.
func (s *Store) UseStep(ctx context.Context, id string, step int64) (bool, error) {
	res, err := s.db.Q(ctx).NewUpdate().Model((*credentialRow)(nil)).Set("used_step = ?", step).Where("id = ? AND used_step < ?", id, step).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("noting the use of a passcode: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
