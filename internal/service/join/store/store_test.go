package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/join"
	"github.com/aloft-cloud/aloft/internal/service/join/store"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func token(id string, uses int, expires time.Time) join.Token {
	return join.Token{ID: id, Hash: "hash of " + id, Uses: uses, CreatedAt: noon, ExpiresAt: expires}
}

func each(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	dbtest.Each(t, []db.Migrations{store.Migrations()}, func(t *testing.T, d *db.DB) { fn(t, store.New(d)) })
}

// write does one thing in a transaction.
func write(t *testing.T, s *store.Store, fn func(ctx context.Context) error) error {
	t.Helper()
	return s.Tx(t.Context(), fn)
}

func insert(t *testing.T, s *store.Store, one join.Token) {
	t.Helper()
	require.NoError(t, write(t, s, func(ctx context.Context) error { return s.InsertToken(ctx, one) }))
}

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		good, old, used := token("good", 2, noon.Add(time.Hour)), token("old", 1, noon), token("used", 0, noon.Add(time.Hour))
		for _, one := range []join.Token{good, old, used} {
			insert(t, s, one)
		}
		found, err := s.FindToken(ctx, "good")
		require.NoError(t, err)
		require.Equal(t, good, found)
		found, err = s.FindToken(ctx, "old")
		require.NoError(t, err, "who asks judges by the time")
		require.Equal(t, old, found)
		list, err := s.ListTokens(ctx, noon)
		require.NoError(t, err)
		require.Equal(t, []join.Token{good}, list, "neither what has expired nor what is used up")

		require.NoError(t, write(t, s, func(ctx context.Context) error { return s.DeleteExpired(ctx, noon) }))
		_, err = s.FindToken(ctx, "old")
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		revoke := func(ctx context.Context) error { return s.DeleteToken(ctx, "good") }
		require.NoError(t, write(t, s, revoke))
		require.True(t, fault.Is(write(t, s, revoke), fault.NotFound))
		err = write(t, s, func(ctx context.Context) error { return s.UseToken(ctx, "good") })
		require.True(t, fault.Is(err, fault.Conflict), "it was revoked meanwhile: %v", err)
	})
}

// However many hosts come at once, a token lets in as many as it is good for.
func TestUsesAreCounted(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		const hosts, uses = 8, 3
		insert(t, s, token("few", uses, noon))
		answers := make([]error, hosts)
		var all sync.WaitGroup
		for i := range hosts {
			all.Go(func() {
				answers[i] = s.Tx(t.Context(), func(ctx context.Context) error { return s.UseToken(ctx, "few") })
			})
		}
		all.Wait()
		let := 0
		for _, err := range answers {
			if err == nil {
				let++
				continue
			}
			require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		}
		require.Equal(t, uses, let)
	})
}

func TestMembers(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		m := join.Member{HostID: "a", Key: "print", TokenID: "good", JoinedAt: noon}
		add := func(ctx context.Context) error { return s.InsertMember(ctx, m) }
		require.NoError(t, write(t, s, add))
		found, err := s.FindMember(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, m, found)
		require.Error(t, write(t, s, add), "a host's id belongs to one key")
		_, err = s.FindMember(t.Context(), "b")
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	})
}
