package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type keyRow struct {
	bun.BaseModel `bun:"table:compute_keypairs,alias:kp"`

	UserID      string    `bun:"user_id,pk"`
	Name        string    `bun:"name,pk"`
	PublicKey   string    `bun:"public_key"`
	Fingerprint string    `bun:"fingerprint"`
	CreatedAt   time.Time `bun:"created_at"`
}

func (r *keyRow) keyPair() compute.KeyPair {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(r.UserID + "/" + r.Name)) // a hash takes all
	return compute.KeyPair{
		UserID: r.UserID, Name: r.Name, PublicKey: r.PublicKey, Fingerprint: r.Fingerprint,
		Number: int64(sum.Sum32()), CreatedAt: r.CreatedAt.UTC(),
	}
}

// InsertKeyPair implements compute.KeyStore.
func (s *Store) InsertKeyPair(ctx context.Context, k compute.KeyPair) error {
	row := keyRow{UserID: k.UserID, Name: k.Name, PublicKey: k.PublicKey, Fingerprint: k.Fingerprint, CreatedAt: k.CreatedAt}
	if _, err := s.db.Q(ctx).NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("inserting key pair %s: %w", k.Name, err)
	}
	return nil
}

// DeleteKeyPair implements compute.KeyStore.
func (s *Store) DeleteKeyPair(ctx context.Context, userID, name string) error {
	res, err := s.db.Q(ctx).NewDelete().Model((*keyRow)(nil)).Where("user_id = ?", userID).Where("name = ?", name).Exec(ctx)
	return db.MustChange(res, err, fault.Missing("keypair", name))
}

// FindKeyPair implements compute.KeyStore.
func (s *Store) FindKeyPair(ctx context.Context, userID, name string) (compute.KeyPair, error) {
	var row keyRow
	err := s.db.Q(ctx).NewSelect().Model(&row).Where("user_id = ?", userID).Where("name = ?", name).Scan(ctx)
	if err != nil {
		return compute.KeyPair{}, missing(err, "keypair", name)
	}
	return row.keyPair(), nil
}

// ListKeyPairs implements compute.KeyStore.
func (s *Store) ListKeyPairs(ctx context.Context, userID, after string, limit int) ([]compute.KeyPair, error) {
	var rows []keyRow
	q := s.db.Q(ctx).NewSelect().Model(&rows).Where("user_id = ?", userID).Order("name")
	if after != "" {
		q = q.Where("name > ?", after)
	}
	if limit > 0 {
		q = q.Limit(int64(limit))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing key pairs: %w", err)
	}
	return convert(rows, (*keyRow).keyPair), nil
}
