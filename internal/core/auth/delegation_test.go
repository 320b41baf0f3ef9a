package auth

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestAccessRules(t *testing.T) {
	d := Delegation{AccessRules: []string{
		AccessRule("compute", "GET", "/v2.1/servers/*/ips"), AccessRule("network", "POST", "/v2.0/{thing}"), AccessRule("image", "GET", "/v2/**"),
	}}
	for _, c := range []struct {
		service, method, path string
		may                   bool
	}{
		{"compute", "GET", "/v2.1/servers/x/ips", true},
		{"compute", "GET", "/v2.1/servers/x/y/ips", false},
		{"compute", "GET", "/v2.1/servers/x/ips/private", false},
		{"compute", "GET", "/v2.1/servers//ips", false},
		{"compute", "POST", "/v2.1/servers/x/ips", false},
		{"network", "GET", "/v2.1/servers/x/ips", false},
		{"network", "POST", "/v2.0/ports", true},
		{"network", "POST", "/v2.0/ports/1", false},
		{"image", "GET", "/v2/images/1/file", true},
		{"image", "GET", "/v2", false},
		{"image", "GET", "/v2xx", false},
	} {
		require.Equal(t, c.may, d.May(c.service, c.method, c.path), "%+v", c)
	}
	require.True(t, d.May("compute", "GET", "/", "/v2.1/servers/x/ips"), "either path")
	require.True(t, (&Delegation{}).May("compute", "GET", "/anything"))
}

func TestDelegationTravelsInTheToken(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	sent := Token{Caller: Caller{
		UserID: "u", IssuedAt: now, ExpiresAt: now.Add(time.Hour), PasswordExpiresAt: now.Add(2 * time.Hour),
		Delegation: Delegation{
			AppCredID: "a", AppCredName: "n", Unrestricted: true, AccessRules: []string{"compute GET /x", "image GET /y"},
			TrustID: "t", TrustorID: "r", TrusteeID: "e", Impersonates: true, Delegators: []string{"r", "e"},
		},
	}}
	var got Token
	require.NoError(t, got.decode(sent.encode()))
	require.Empty(t, cmp.Diff(sent, got))
}

func TestRevocationOfWhatATokenStandsOn(t *testing.T) {
	now := time.Now()
	trust := &Token{Caller: Caller{UserID: "trustor", ProjectID: "p", IssuedAt: now, Delegation: Delegation{TrustID: "t", Delegators: []string{"trustee", "first"}}}}
	cred := &Token{Caller: Caller{UserID: "u", ProjectID: "p", IssuedAt: now, Delegation: Delegation{AppCredID: "a"}}}
	plain := &Token{Caller: Caller{UserID: "u", ProjectID: "p", IssuedAt: now}}
	for _, c := range []struct {
		target Target
		hits   []*Token
	}{
		{ByUser("trustee"), []*Token{trust}},
		{ByUser("trustor"), []*Token{trust}},
		{ByProjectAssignment("first", "p"), []*Token{trust}},
		{ByProjectAssignment("first", "q"), nil},
		{ByDelegation("t"), []*Token{trust}},
		{ByDelegation("a"), []*Token{cred}},
		{ByDelegation("u"), nil},
	} {
		var r Revocations
		r.Add(Revocation{Target: c.target, IssuedBefore: now, ExpiresAt: now.Add(time.Hour)})
		for _, token := range []*Token{trust, cred, plain} {
			require.Equal(t, slices.Contains(c.hits, token), r.Revoked(token), "%+v of %+v", c.target, token)
		}
	}
}
