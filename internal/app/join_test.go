package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/bus"
	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/pki"
	hostjoin "github.com/aloft-cloud/aloft/internal/host/join"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// joinable is a control node that hosts can join, and its URL.
func joinable(t *testing.T) (*Control, string) {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.DataDir, cfg.EtcDir, cfg.RunDir = filepath.Join(dir, "data"), filepath.Join(dir, "etc"), filepath.Join(dir, "run")
	cfg.Address, cfg.BusListen = "127.0.0.1", "127.0.0.1:0"
	require.NoError(t, cfg.Complete())
	ctx, cancel := context.WithCancel(context.Background())
	control, err := NewControl(ctx, cfg, ControlOptions{Version: "test", Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, control.Bootstrap(ctx, adminPassword))
	server := httptest.NewUnstartedServer(control.Handler())
	server.Listener = tls.NewListener(server.Listener, control.Authority().ServerTLS())
	server.Start()
	ended := make(chan error, 1)
	go func() { ended <- control.Run(ctx) }()
	t.Cleanup(func() {
		server.Close()
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, control.Close())
	})
	return control, "https://" + server.Listener.Addr().String()
}

func newToken(t *testing.T, c *Control, uses int, life time.Duration) protocol.JoinToken {
	t.Helper()
	_, token, err := c.join.CreateToken(t.Context(), uses, life)
	require.NoError(t, err)
	return token
}

func TestAHostJoins(t *testing.T) {
	control, url := joinable(t)
	token := newToken(t, control, 1, time.Hour)
	dir, id := t.TempDir(), uuid.NewString()
	_, joined, err := hostjoin.Load(dir)
	require.NoError(t, err)
	require.False(t, joined)

	h, err := hostjoin.Join(t.Context(), dir, id, url, token)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", h.Address)
	require.Equal(t, []string{"ssl:127.0.0.1:6642"}, h.Southbound)
	kept, joined, err := hostjoin.Load(dir)
	require.NoError(t, err)
	require.True(t, joined)
	require.Equal(t, h, kept)
	_, err = hostjoin.Join(t.Context(), dir, id, url, token)
	require.NoError(t, err, "a host whose answer was lost asks again by the same key")

	config, err := pki.LoadHostTLS(dir)
	require.NoError(t, err)
	b, err := bus.Dial(t.Context(), strings.Join(h.Bus, ","), config, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(b.Close)
	before, err := os.ReadFile(filepath.Join(dir, "host.pem"))
	require.NoError(t, err)
	require.NoError(t, renewMembership(t.Context(), b, dir, id, slog.New(slog.DiscardHandler)))
	after, err := os.ReadFile(filepath.Join(dir, "host.pem"))
	require.NoError(t, err)
	require.NotEqual(t, before, after)

	other := t.TempDir()
	request, err := pki.HostRequest(other, id)
	require.NoError(t, err)
	_, err = bus.Request[protocol.Renew, protocol.Membership](t.Context(), b, protocol.SubjectRenew, protocol.Renew{Request: string(request)})
	require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
	_, err = hostjoin.Join(t.Context(), other, id, url, newToken(t, control, 1, time.Hour))
	require.ErrorContains(t, err, "has joined before, with another key", "no token makes its bearer another host")
	_, err = hostjoin.Join(t.Context(), t.TempDir(), uuid.NewString(), url, token)
	require.ErrorContains(t, err, "used up")
}

func TestAHostIsRefused(t *testing.T) {
	control, url := joinable(t)
	good := newToken(t, control, 5, time.Hour)
	revoked := newToken(t, control, 1, time.Hour)
	require.NoError(t, control.join.DeleteToken(t.Context(), revoked.ID))
	wrong, unknown := good, good
	wrong.Secret, unknown.ID = strings.Repeat("A", 26), "abcdefghijkl"
	for _, token := range []protocol.JoinToken{revoked, wrong, unknown} {
		dir := t.TempDir()
		_, err := hostjoin.Join(t.Context(), dir, uuid.NewString(), url, token)
		require.ErrorContains(t, err, "the join token is not known here, or has expired")
		_, joined, err := hostjoin.Load(dir)
		require.NoError(t, err)
		require.False(t, joined)
	}
	_, err := hostjoin.Join(t.Context(), t.TempDir(), "no uuid", url, good)
	require.ErrorContains(t, err, "host_id must be a UUID")
	for _, bad := range []string{"http://127.0.0.1:1", "127.0.0.1:8443", "https://x/y", ""} {
		_, err := hostjoin.Join(t.Context(), t.TempDir(), uuid.NewString(), bad, good)
		require.ErrorContains(t, err, "https://address:port", bad)
	}
	for _, bad := range []struct {
		uses int
		life time.Duration
	}{{0, time.Hour}, {1, 0}, {1, 8 * 24 * time.Hour}, {1 << 30, time.Hour}} {
		_, _, err := control.join.CreateToken(t.Context(), bad.uses, bad.life)
		require.True(t, fault.Is(err, fault.Invalid))
	}
	tokens, err := control.join.ListTokens(t.Context())
	require.NoError(t, err)
	require.Len(t, tokens, 1)
	require.Equal(t, 5, tokens[0].Uses, "who is refused uses nothing")
	require.NotContains(t, tokens[0].Hash, good.Secret)
}

// Who is in between has another CA, and must not hear the token.
func TestSomebodyInBetweenHearsNoToken(t *testing.T) {
	control, _ := joinable(t)
	mine, err := pki.Ensure(t.TempDir(), "127.0.0.1")
	require.NoError(t, err)
	var asked, posts atomic.Int32
	between := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Method != http.MethodGet || r.URL.Path != protocol.CAPath {
			posts.Add(1)
		}
		ca := mine.CAPEM()
		if asked.Load() > 1 { // the true certificate, which it can't speak for
			ca = control.Authority().CAPEM()
		}
		_, _ = w.Write(ca)
	}))
	between.Listener = tls.NewListener(between.Listener, mine.ServerTLS())
	between.Start()
	defer between.Close()
	url := "https://" + between.Listener.Addr().String()
	token := newToken(t, control, 1, time.Hour)
	_, err = hostjoin.Join(t.Context(), t.TempDir(), uuid.NewString(), url, token)
	require.ErrorContains(t, err, "another installation")
	_, err = hostjoin.Join(t.Context(), t.TempDir(), uuid.NewString(), url, token)
	require.ErrorContains(t, err, "certificate signed by unknown authority")
	require.EqualValues(t, 2, asked.Load())
	require.Zero(t, posts.Load())
}

func TestJoinTokensByTheAPI(t *testing.T) {
	p := newPlane(t)
	w := p.call(http.MethodPost, "/v1/join-tokens", `{"join_token":{}}`, p.admin)
	require.Equal(t, http.StatusConflict, w.Code)
	require.Contains(t, w.Body.String(), "--address", "nobody could reach it")
	w = p.call(http.MethodPost, protocol.JoinPath, `{"token":"x","host_id":"`+uuid.NewString()+`","version":1,"request":"x"}`, "")
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "request must be a certificate request")

	control, _ := joinable(t)
	p.control = control
	p.admin = p.token("admin", adminPassword, "default", map[string]any{"project": map[string]any{"name": "admin", "domain": map[string]any{"id": "default"}}})
	w = p.call(http.MethodPost, "/v1/join-tokens", `{"join_token":{"uses":3,"life":60}}`, p.admin)
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	var made struct {
		Token struct {
			ID, Token string
			Uses      int
		} `json:"join_token"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &made))
	token, err := protocol.ParseJoinToken(made.Token.Token)
	require.NoError(t, err)
	require.Equal(t, control.Authority().Fingerprint(), token.Fingerprint)
	require.Equal(t, 3, made.Token.Uses)
	w = p.call(http.MethodGet, "/v1/join-tokens", "", p.admin)
	require.Contains(t, w.Body.String(), made.Token.ID)
	require.NotContains(t, w.Body.String(), token.Secret)
	require.Equal(t, http.StatusNoContent, p.call(http.MethodDelete, "/v1/join-tokens/"+made.Token.ID, "", p.admin).Code)
	require.Equal(t, http.StatusNotFound, p.call(http.MethodDelete, "/v1/join-tokens/"+made.Token.ID, "", p.admin).Code)
	w = p.call(http.MethodGet, protocol.CAPath, "", "")
	require.Equal(t, control.Authority().CAPEM(), w.Body.Bytes())
}
