package api_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func byTokenBody(token string) string {
	return `{"auth":{"identity":{"methods":["token"],"token":{"id":"` + token + `"}},"scope":"unscoped"}}`
}

func TestLogInsThatComeTooFast(t *testing.T) {
	now := time.Now()
	c := newCloud(t, func(cfg *identity.Config) {
		cfg.Now = func() time.Time { return now }
		cfg.Guard = identity.Guard{AddressRate: 1, LockoutAfter: -1}
	})
	token := c.token("admin", adminPassword, inAdmin)
	wrong := func() answer { return c.call(http.MethodPost, "/v3/auth/tokens", passwordBody("admin", "wrong", "")) }
	for range 10 {
		require.Equal(t, http.StatusUnauthorized, wrong().status)
	}
	refused := wrong()
	require.Equal(t, http.StatusTooManyRequests, refused.status, refused.raw)
	require.EqualValues(t, 429, refused.at("error", "code"))
	require.Equal(t, "Too Many Requests", refused.at("error", "title"))
	seconds, err := strconv.Atoi(refused.header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, seconds)
	again := c.call(http.MethodPost, "/v3/auth/tokens", byTokenBody(token))
	require.Equal(t, http.StatusCreated, again.status, "who has a token is let in all the while: %s", again.raw)
	now = now.Add(time.Duration(seconds) * time.Second)
	require.Equal(t, http.StatusUnauthorized, wrong().status, "who waits as long as they are told may try again")
}

func TestTokensThatAreNoLonger(t *testing.T) {
	now := time.Now()
	c := newCloud(t, func(cfg *identity.Config) { cfg.Now = func() time.Time { return now } })
	revoked, expired := c.token("admin", adminPassword, inAdmin), c.token("admin", adminPassword, inAdmin)
	gone := c.call(http.MethodDelete, "/v3/auth/tokens", "", "X-Auth-Token", revoked, "X-Subject-Token", revoked)
	require.Equal(t, http.StatusNoContent, gone.status)
	now = now.Add(2 * time.Hour)
	admin := c.token("admin", adminPassword, inAdmin)
	for what, token := range map[string]string{"revoked": revoked, "expired": expired, "no token at all": "gAAAAABgarbage"} {
		a := c.call(http.MethodPost, "/v3/auth/tokens", byTokenBody(token))
		require.Equal(t, http.StatusNotFound, a.status, "log-in by a token that is %s: %s", what, a.raw)
		a = c.call(http.MethodGet, "/v3/auth/tokens", "", "X-Auth-Token", admin, "X-Subject-Token", token)
		require.Equal(t, http.StatusNotFound, a.status, what)
		a = c.call(http.MethodGet, "/v3/auth/projects", "", "X-Auth-Token", token)
		require.Equal(t, http.StatusUnauthorized, a.status, what)
	}
}
