package identity

import (
	"context"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

// Revocations lists what took tokens back since a time, as far as such a token could still be alive.
func (s *Service) Revocations(ctx context.Context, since time.Time) ([]auth.Revocation, error) {
	all, err := s.store.Tokens.Revocations(ctx, since)
	if err != nil {
		return nil, err
	}
	now := s.time()
	all = slices.DeleteFunc(all, func(r auth.Revocation) bool { return now.After(r.ExpiresAt) })
	slices.SortStableFunc(all, func(a, b auth.Revocation) int { return a.IssuedBefore.Compare(b.IssuedBefore) })
	return all, nil
}
