// Package store keeps the tokens by which hosts join, and the hosts that have.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/join"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the steps to this service's tables.
func Migrations() db.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is in the program
	}
	return db.Migrations{Name: "join", FS: sub}
}

// Store implements join.Store.
type Store struct{ db *db.DB }

var _ join.Store = (*Store)(nil)

// New makes a store on a migrated database.
func New(d *db.DB) *Store { return &Store{d} }

type tokenRow struct {
	bun.BaseModel `bun:"table:join_tokens,alias:t"`
	ID            string    `bun:"id,pk"`
	Hash          string    `bun:"hash"`
	Uses          int       `bun:"uses"`
	ExpiresAt     time.Time `bun:"expires_at"`
	CreatedAt     time.Time `bun:"created_at"`
}

func (r *tokenRow) token() join.Token {
	return join.Token{ID: r.ID, Hash: r.Hash, Uses: r.Uses, ExpiresAt: r.ExpiresAt.UTC(), CreatedAt: r.CreatedAt.UTC()}
}

type memberRow struct {
	bun.BaseModel `bun:"table:join_members,alias:m"`
	HostID        string    `bun:"host_id,pk"`
	Key           string    `bun:"key"`
	TokenID       string    `bun:"token_id"`
	JoinedAt      time.Time `bun:"joined_at"`
}

// Tx implements join.Store.
func (s *Store) Tx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.db.Tx(ctx, fn)
}

// InsertToken implements join.Store.
func (s *Store) InsertToken(ctx context.Context, t join.Token) error {
	row := tokenRow{ID: t.ID, Hash: t.Hash, Uses: t.Uses, ExpiresAt: t.ExpiresAt, CreatedAt: t.CreatedAt}
	if _, err := s.db.Q(ctx).NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("inserting a join token: %w", err)
	}
	return nil
}

// FindToken implements join.Store.
func (s *Store) FindToken(ctx context.Context, id string) (join.Token, error) {
	var row tokenRow
	err := s.db.Q(ctx).NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if err != nil {
		return join.Token{}, missing(err, "join token", id)
	}
	return row.token(), nil
}

// ListTokens implements join.Store.
func (s *Store) ListTokens(ctx context.Context, now time.Time) ([]join.Token, error) {
	var rows []tokenRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Where("expires_at > ?", now).Where("uses > 0").Order("created_at", "id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing the join tokens: %w", err)
	}
	out := make([]join.Token, len(rows))
	for i := range rows {
		out[i] = rows[i].token()
	}
	return out, nil
}

// DeleteToken implements join.Store.
func (s *Store) DeleteToken(ctx context.Context, id string) error {
	res, err := s.db.Q(ctx).NewDelete().Model((*tokenRow)(nil)).Where("id = ?", id).Exec(ctx)
	return db.MustChange(res, err, fault.Missing("join token", id))
}

// DeleteExpired implements join.Store.
func (s *Store) DeleteExpired(ctx context.Context, now time.Time) error {
	if _, err := s.db.Q(ctx).NewDelete().Model((*tokenRow)(nil)).Where("expires_at <= ?", now).Exec(ctx); err != nil {
		return fmt.Errorf("deleting expired join tokens: %w", err)
	}
	return nil
}

// UseToken implements join.Store.
func (s *Store) UseToken(ctx context.Context, id string) error {
	res, err := s.db.Q(ctx).NewUpdate().Model((*tokenRow)(nil)).Set("uses = uses - 1").Where("id = ?", id).Where("uses > 0").Exec(ctx)
	return db.MustChange(res, err, fault.New(fault.Conflict, "the join token has been used up: make a new one with `aloft join-token`"))
}

// InsertMember implements join.Store.
func (s *Store) InsertMember(ctx context.Context, m join.Member) error {
	row := memberRow{HostID: m.HostID, Key: m.Key, TokenID: m.TokenID, JoinedAt: m.JoinedAt}
	if _, err := s.db.Q(ctx).NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("inserting the member %s: %w", m.HostID, err)
	}
	return nil
}

// FindMember implements join.Store.
func (s *Store) FindMember(ctx context.Context, hostID string) (join.Member, error) {
	var row memberRow
	err := s.db.Q(ctx).NewSelect().Model(&row).Where("host_id = ?", hostID).Scan(ctx)
	if err != nil {
		return join.Member{}, missing(err, "host", hostID)
	}
	return join.Member{HostID: row.HostID, Key: row.Key, TokenID: row.TokenID, JoinedAt: row.JoinedAt.UTC()}, nil
}

func missing(err error, what, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Missing(what, id)
	}
	return fmt.Errorf("reading %s %s: %w", what, id, err)
}
