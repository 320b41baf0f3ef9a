package identity

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// expiredWindow is how long after its end a token can still be shown to those who ask for that, so that a service can
// finish what it began with it.
const expiredWindow = 48 * time.Hour

// Verify reads a token, without the database. A token that is not ours, expired or was taken back is Unauthenticated.
func (s *Service) Verify(sealed string) (*auth.Token, error) { return s.verify(sealed, 0) }

// verify lets a token have been expired for a time.
func (s *Service) verify(sealed string, window time.Duration) (*auth.Token, error) {
	t, err := s.keys.Open(sealed)
	if err != nil {
		return nil, err
	}
	if t.Receipt {
		return nil, fault.New(fault.Unauthenticated, "this is the receipt of a log-in that lacks methods, and no token")
	}
	if t.Expired(s.now().Add(-window)) {
		return nil, fault.New(fault.Unauthenticated, "the token has expired; log in again to get another")
	}
	if s.revoked.Revoked(t) {
		return nil, fault.New(fault.Unauthenticated, "the token was revoked; log in again to get another")
	}
	return t, nil
}

// Authenticate turns the token of a request into its caller.
func (s *Service) Authenticate(_ context.Context, sealed string) (*auth.Caller, error) {
	t, err := s.Verify(sealed)
	if err != nil {
		return nil, err
	}
	return &t.Caller, nil
}

// ShowToken reads another token, or the caller's own: anyone may ask about their own, services and those who read
// everything about all. A token that is not valid is NotFound.
// AllowExpired lets it have been expired for a while.
func (s *Service) ShowToken(c *auth.Caller, subject string, allowExpired bool) (*auth.Token, error) {
	window := time.Duration(0)
	if allowExpired {
		window = expiredWindow
	}
	t, err := s.verify(subject, window)
	if err != nil {
		return nil, noToken(err)
	}
	if t.UserID != c.UserID && !readsAll(c) && !c.Has(RoleService) {
		return nil, refused("identity:validate_token")
	}
	return t, nil
}

// noToken is the answer, to everybody, about a token that is not valid or is no longer.
func noToken(err error) error {
	return fault.Wrap(fault.NotFound, err, "Could not find token: it is not a valid token, or has expired, or was revoked.")
}

// RevokeToken takes a token back: one's own, or as an admin any.
func (s *Service) RevokeToken(ctx context.Context, c *auth.Caller, subject string) error {
	t, err := s.Verify(subject)
	if err != nil {
		return noToken(err)
	}
	if t.UserID != c.UserID && !c.Admin() {
		return refused("identity:revoke_token")
	}
	return s.db.Tx(ctx, func(ctx context.Context) error { return s.revoke(ctx, auth.ByAudit(t.AuditIDs[0])) })
}
