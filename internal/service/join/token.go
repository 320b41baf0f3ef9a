package join

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// The bounds of a token.
const (
	MaxUses    = 10_000
	MaxLife    = 7 * 24 * time.Hour
	idLength   = 12
	minimumTTL = time.Second
)

// Token lets a number of hosts join until it expires.
type Token struct {
	ID        string
	Hash      string // SHA-256 of the secret in hex; the secret has 130 random bits, so nothing slower is needed
	Uses      int    // that are left
	ExpiresAt time.Time
	CreatedAt time.Time
}

// CreateToken makes a token; the text is shown once and kept nowhere.
func (s *Service) CreateToken(ctx context.Context, uses int, life time.Duration) (Token, protocol.JoinToken, error) {
	if uses < 1 || uses > MaxUses {
		return Token{}, protocol.JoinToken{}, fault.Invalidf("join_token.uses", "uses must be from 1 to %d, but is %d", MaxUses, uses)
	}
	if life < minimumTTL || life > MaxLife {
		return Token{}, protocol.JoinToken{}, fault.Invalidf("join_token.life", "life must be from 1 second to %s, but is %s", MaxLife, life)
	}
	if err := s.reachable(); err != nil {
		return Token{}, protocol.JoinToken{}, err
	}
	text := protocol.JoinToken{ID: strings.ToLower(rand.Text()[:idLength]), Secret: rand.Text(), Fingerprint: s.signer.Fingerprint()}
	now := time.Now().UTC().Truncate(time.Microsecond)
	t := Token{ID: text.ID, Hash: hash(text.Secret), Uses: uses, CreatedAt: now, ExpiresAt: now.Add(life)}
	err := s.store.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.DeleteExpired(ctx, now); err != nil {
			return err
		}
		return s.store.InsertToken(ctx, t)
	})
	return t, text, err
}

// ListTokens returns the tokens that can still be used, the oldest first.
func (s *Service) ListTokens(ctx context.Context) ([]Token, error) {
	return s.store.ListTokens(ctx, time.Now().UTC())
}

// DeleteToken makes a token useless at once. Hosts that have joined by it stay.
func (s *Service) DeleteToken(ctx context.Context, id string) error {
	return s.store.Tx(ctx, func(ctx context.Context) error { return s.store.DeleteToken(ctx, id) })
}

// check finds the token that a host shows. Who does not know the secret learns nothing.
func (s *Service) check(ctx context.Context, text string) (Token, error) {
	unknown := fault.New(fault.Forbidden, "the join token is not known here, or has expired: make a new one with `aloft join-token`")
	shown, err := protocol.ParseJoinToken(strings.TrimSpace(text))
	if err != nil {
		return Token{}, fault.Invalidf("token", "token is malformed: %v", err)
	}
	t, err := s.store.FindToken(ctx, shown.ID)
	if fault.Is(err, fault.NotFound) {
		return Token{}, unknown
	}
	if err != nil {
		return Token{}, err
	}
	if subtle.ConstantTimeCompare([]byte(hash(shown.Secret)), []byte(t.Hash)) != 1 || !time.Now().Before(t.ExpiresAt) {
		return Token{}, unknown
	}
	return t, nil
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
