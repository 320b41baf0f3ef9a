package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type trustRow struct {
	bun.BaseModel `bun:"table:identity_trusts,alias:tr"`

	ID                 string `bun:",pk"`
	TrustorID          string
	TrusteeID          string
	ProjectID          string `bun:",nullzero"`
	Impersonation      bool
	Roles              []string  `bun:"type:text"`
	ExpiresAt          time.Time `bun:",nullzero"`
	RemainingUses      *int64
	RedelegationCount  int64
	RedelegatedTrustID string `bun:",nullzero"`
	CreatedAt          time.Time
}

func (r trustRow) noun() identity.Trust {
	return identity.Trust{
		ID: r.ID, TrustorID: r.TrustorID, TrusteeID: r.TrusteeID, ProjectID: r.ProjectID, Impersonation: r.Impersonation,
		RoleIDs: r.Roles, ExpiresAt: r.ExpiresAt.UTC(), RemainingUses: r.RemainingUses, RedelegationCount: r.RedelegationCount,
		FromTrustID: r.RedelegatedTrustID, CreatedAt: r.CreatedAt.UTC(),
	}
}

// InsertTrust adds a trust.
func (s *Store) InsertTrust(ctx context.Context, t identity.Trust) error {
	if t.RoleIDs == nil {
		t.RoleIDs = []string{}
	}
	return s.insert(ctx, "trust", t.ID, &trustRow{
		ID: t.ID, TrustorID: t.TrustorID, TrusteeID: t.TrusteeID, ProjectID: t.ProjectID, Impersonation: t.Impersonation,
		Roles: t.RoleIDs, ExpiresAt: t.ExpiresAt, RemainingUses: t.RemainingUses, RedelegationCount: t.RedelegationCount,
		RedelegatedTrustID: t.FromTrustID, CreatedAt: t.CreatedAt,
	})
}

// DeleteTrust removes a trust and those that were made from it.
func (s *Store) DeleteTrust(ctx context.Context, id string) error {
	return s.removeOne(ctx, "trust", id, (*trustRow)(nil))
}

// Trust reads a trust.
func (s *Store) Trust(ctx context.Context, id string) (identity.Trust, error) {
	row, err := get[trustRow](ctx, s, "trust", id, "id = ?", id)
	return row.noun(), err
}

// ListTrusts reads a page of trusts.
func (s *Store) ListTrusts(ctx context.Context, f identity.TrustFilter, page query.Page) ([]identity.Trust, error) {
	return list(ctx, s, page, "identity_trusts", trustRow.noun, func(q *bun.SelectQuery) *bun.SelectQuery {
		return equals(q, "trustor_id", f.TrustorID, "trustee_id", f.TrusteeID, "project_id", f.ProjectID, "redelegated_trust_id", f.FromTrustID)
	})
}

// UseTrust counts one use of a trust, if it has one left or any number of them.
func (s *Store) UseTrust(ctx context.Context, id string) (bool, error) {
	res, err := s.db.Q(ctx).NewUpdate().Model((*trustRow)(nil)).Set("remaining_uses = remaining_uses - 1").
		Where("id = ? AND (remaining_uses IS NULL OR remaining_uses > 0)", id).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("counting a use of trust %s: %w", id, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
