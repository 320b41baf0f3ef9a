package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type keyRow struct {
	bun.BaseModel `bun:"table:identity_token_keys,alias:k"`

	ID        int64 `bun:",pk"`
	Secret    string
	SignsFrom time.Time
}

type revocationRow struct {
	bun.BaseModel `bun:"table:identity_revocations,alias:v"`

	ID           string `bun:",pk"`
	AuditID      string
	UserID       string
	ProjectID    string
	DomainID     string
	RoleID       string
	System       bool
	DelegationID string
	IssuedBefore time.Time
	ExpiresAt    time.Time
}

// Keys reads the token keys that are in use.
func (s *Store) Keys(ctx context.Context) ([]identity.SealedKey, error) {
	var rows []keyRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Order("id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the token keys: %w", err)
	}
	keys := make([]identity.SealedKey, len(rows))
	for i, row := range rows {
		keys[i] = identity.SealedKey{ID: uint32(row.ID), Secret: row.Secret, SignsFrom: row.SignsFrom.UTC()}
	}
	return keys, nil
}

// InsertKey adds a token key; Conflict if another control node was faster.
func (s *Store) InsertKey(ctx context.Context, k identity.SealedKey) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&keyRow{ID: int64(k.ID), Secret: k.Secret, SignsFrom: k.SignsFrom}).Exec(ctx)
	if db.IsUnique(err) {
		return fault.Wrap(fault.Conflict, err, "token key %d is there already", k.ID)
	}
	if err != nil {
		return fmt.Errorf("writing token key %d: %w", k.ID, err)
	}
	return nil
}

// DeleteKeys removes token keys.
func (s *Store) DeleteKeys(ctx context.Context, ids []uint32) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := s.remove(ctx, "token keys", (*keyRow)(nil), "id IN (?)", bun.List(ids))
	return err
}

// InsertRevocations adds revocations.
func (s *Store) InsertRevocations(ctx context.Context, revs []auth.Revocation) error {
	if len(revs) == 0 {
		return nil
	}
	rows := make([]revocationRow, len(revs))
	for i, r := range revs {
		rows[i] = revocationRow{
			ID: uuid.NewString(), AuditID: r.AuditID, UserID: r.UserID, ProjectID: r.ProjectID, DomainID: r.DomainID,
			RoleID: r.RoleID, System: r.System, DelegationID: r.DelegationID, IssuedBefore: r.IssuedBefore, ExpiresAt: r.ExpiresAt,
		}
	}
	if _, err := s.db.Q(ctx).NewInsert().Model(&rows).Exec(ctx); err != nil {
		return fmt.Errorf("writing revocations: %w", err)
	}
	return nil
}

// Revocations reads those of a time and after it.
func (s *Store) Revocations(ctx context.Context, since time.Time) ([]auth.Revocation, error) {
	var rows []revocationRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Where("issued_before >= ?", since.UTC()).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading revocations: %w", err)
	}
	revs := make([]auth.Revocation, len(rows))
	for i, r := range rows {
		revs[i] = auth.Revocation{
			Target: auth.Target{
				AuditID: r.AuditID, UserID: r.UserID, ProjectID: r.ProjectID, DomainID: r.DomainID, RoleID: r.RoleID, System: r.System,
				DelegationID: r.DelegationID,
			},
			IssuedBefore: r.IssuedBefore.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
		}
	}
	return revs, nil
}

// DeleteRevocations removes those that no living token can match.
func (s *Store) DeleteRevocations(ctx context.Context, expired time.Time) error {
	_, err := s.remove(ctx, "revocations", (*revocationRow)(nil), "expires_at < ?", expired.UTC())
	return err
}
