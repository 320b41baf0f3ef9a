package auth

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRules(t *testing.T) {
	callers := map[string]*Caller{
		"nobody":        nil,
		"unscoped":      {UserID: "u"},
		"reader":        {ProjectID: "p", Roles: []string{"reader"}},
		"member":        {ProjectID: "p", Roles: []string{"member", "reader"}},
		"admin":         {ProjectID: "p", Roles: []string{"admin", "member", "reader"}},
		"system reader": {System: true, Roles: []string{"reader"}},
		"domain reader": {DomainID: "d", Roles: []string{"reader"}},
	}
	for _, c := range []struct {
		name   string
		policy Policy
		passes []string
	}{
		{"no token", NoToken("x"), []string{"nobody", "unscoped", "reader", "member", "admin", "system reader", "domain reader"}},
		{"anyone", P("x", Anyone), []string{"unscoped", "reader", "member", "admin", "system reader", "domain reader"}},
		{"project reader", P("x", ProjectReader), []string{"reader", "member", "admin"}},
		{"project member", P("x", ProjectMember), []string{"member", "admin"}},
		{"admin", P("x", AdminOnly), []string{"admin"}},
		{"system reader", P("x", SystemReader), []string{"admin", "system reader"}},
	} {
		for name, caller := range callers {
			want := false
			for _, p := range c.passes {
				want = want || p == name
			}
			require.Equal(t, want, c.policy.Allows(caller, nil), "%s for %s", c.name, name)
		}
	}
}

func TestScopeOfACaller(t *testing.T) {
	member := &Caller{ProjectID: "p", Roles: []string{"member"}}
	require.Equal(t, "p", member.Scope().ProjectID())
	admin := &Caller{ProjectID: "p", Roles: []string{"admin"}}
	require.Empty(t, admin.Scope().ProjectID())
	require.Equal(t, "p", admin.Own().ProjectID())
	var nobody *Caller
	require.Empty(t, nobody.Scope().ProjectID())
}
