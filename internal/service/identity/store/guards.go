package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

type failuresRow struct {
	bun.BaseModel `bun:"table:identity_log_in_failures,alias:lf"`

	Who      string `bun:",pk"`
	Failures int64
	LastAt   time.Time
}

type oldPasswordRow struct {
	bun.BaseModel `bun:"table:identity_old_passwords,alias:op"`

	ID         string `bun:",pk"`
	UserID     string
	Hash       string
	ReplacedAt time.Time
}

// Failures reads how many log-ins failed, and when the last did.
func (s *Store) Failures(ctx context.Context, who string) (n int, last time.Time, err error) {
	var row failuresRow
	err = s.db.Q(ctx).NewSelect().Model(&row).Where("who = ?", who).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("reading the failed log-ins of %s: %w", who, err)
	}
	return int(row.Failures), row.LastAt.UTC(), nil
}

// AddFailure counts one more failed log-in, from one again if the last was before since.
func (s *Store) AddFailure(ctx context.Context, who string, now, since time.Time) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&failuresRow{Who: who, Failures: 1, LastAt: now}).On("CONFLICT (who) DO UPDATE").
		Set("failures = CASE WHEN lf.last_at < ? THEN 1 ELSE lf.failures + 1 END", since).Set("last_at = EXCLUDED.last_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("counting a failed log-in of %s: %w", who, err)
	}
	return nil
}

// ClearFailures forgets the failed log-ins of somebody.
func (s *Store) ClearFailures(ctx context.Context, who string) error {
	_, err := s.remove(ctx, "failed log-ins", (*failuresRow)(nil), "who = ?", who)
	return err
}

// DeleteFailures forgets failed log-ins before a time.
func (s *Store) DeleteFailures(ctx context.Context, before time.Time) error {
	_, err := s.remove(ctx, "failed log-ins", (*failuresRow)(nil), "last_at < ?", before)
	return err
}

// AddOldPassword keeps the hash of a replaced password and only the newest ones beside it.
func (s *Store) AddOldPassword(ctx context.Context, userID, hash string, now time.Time, keep int) error {
	row := &oldPasswordRow{ID: uuid.NewString(), UserID: userID, Hash: hash, ReplacedAt: now}
	if _, err := s.db.Q(ctx).NewInsert().Model(row).Exec(ctx); err != nil {
		return fmt.Errorf("keeping an old password of user %s: %w", userID, err)
	}
	newest := s.db.Q(ctx).NewSelect().Model((*oldPasswordRow)(nil)).Column("id").Where("user_id = ?", userID).
		Order("replaced_at DESC", "id").Limit(int64(keep))
	_, err := s.remove(ctx, "old passwords", (*oldPasswordRow)(nil), "user_id = ? AND id NOT IN (?)", userID, newest)
	return err
}

// OldPasswords reads the hashes of a user's replaced passwords, newest first.
func (s *Store) OldPasswords(ctx context.Context, userID string, most int) ([]string, error) {
	var hashes []string
	err := s.db.Q(ctx).NewSelect().Model((*oldPasswordRow)(nil)).Column("hash").Where("user_id = ?", userID).
		Order("replaced_at DESC", "id").Limit(int64(most)).Scan(ctx, &hashes)
	if err != nil {
		return nil, fmt.Errorf("reading the old passwords of user %s: %w", userID, err)
	}
	return hashes, nil
}

// SetActive notes when a user was last active.
func (s *Store) SetActive(ctx context.Context, userID string, now time.Time) error {
	_, err := s.db.Q(ctx).NewUpdate().Model((*userRow)(nil)).Set("last_active_at = ?", now).Where("id = ?", userID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting that user %s is active: %w", userID, err)
	}
	return nil
}
