package join_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/pki"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/join"
	"github.com/aloft-cloud/aloft/internal/service/join/store"
)

// nobody knows no host.
type nobody struct{}

func (nobody) KnowsHost(context.Context, string) (bool, error) { return false, nil }

// A token lets in until its time, and nobody who shows another secret; who is refused is not told which it was.
func TestWhoMayJoin(t *testing.T) {
	authority, err := pki.Ensure(t.TempDir(), "127.0.0.1:0")
	require.NoError(t, err)
	tokens := store.New(dbtest.SQLite(t, store.Migrations()))
	s := join.New(join.Config{Bus: []string{"tls://10.0.0.1:4222"}, Southbound: []string{"ssl:10.0.0.1:6642"}}, tokens, authority, nobody{}, slog.New(slog.DiscardHandler))

	const secret, other = "SECRETSECRETSECRET", "ANOTHERANOTHERANOTHER"
	sum := sha256.Sum256([]byte(secret))
	now := time.Now()
	for id, expires := range map[string]time.Time{"goodtoken": now.Add(time.Hour), "oldtokens": now.Add(-time.Second)} {
		require.NoError(t, tokens.Tx(t.Context(), func(ctx context.Context) error {
			return tokens.InsertToken(ctx, join.Token{ID: id, Hash: hex.EncodeToString(sum[:]), Uses: 1, CreatedAt: now, ExpiresAt: expires})
		}))
	}
	ask := func(id, secret string) error {
		host := uuid.NewString()
		request, err := pki.HostRequest(t.TempDir(), host)
		require.NoError(t, err)
		token := protocol.JoinToken{ID: id, Secret: secret, Fingerprint: authority.Fingerprint()}
		_, err = s.Join(t.Context(), protocol.Join{Token: token.String(), HostID: host, Version: protocol.Version, Request: string(request)})
		return err
	}
	var said []string
	for _, refused := range [][2]string{{"oldtokens", secret}, {"goodtoken", other}, {"nosuchone", secret}} {
		err := ask(refused[0], refused[1])
		require.True(t, fault.Is(err, fault.Forbidden), "%v: %v", refused, err)
		said = append(said, err.Error())
	}
	require.Equal(t, said[0], said[1])
	require.Equal(t, said[0], said[2])
	require.NoError(t, ask("goodtoken", secret), "what was refused has not used it up")
	require.True(t, fault.Is(ask("goodtoken", secret), fault.Conflict), "it was good for one host")
}
