package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// member is a user with a role on a project, and its token there.
func (r *rig) member(name, role string, p identity.Project) (identity.User, *auth.Caller) {
	r.t.Helper()
	u := r.user(name)
	r.assign(identity.Actor{UserID: u.ID}, identity.Scope{ProjectID: p.ID}, role)
	t, _ := r.logIn(byPassword(name, name+"-password"), toProject(p.ID))
	return u, &t.Caller
}

func byAppCred(id, secret string) identity.Proof {
	return identity.Proof{Methods: []string{identity.MethodAppCred}, AppCred: identity.AppCredProof{ID: id, Secret: secret}}
}

func toTrust(id string) *identity.ScopeRef { return &identity.ScopeRef{TrustID: id} }

func TestAppCredPermitsNoMoreThanItsRoles(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := r.project("demo")
		u, c := r.member("alice", "manager", p)
		a, secret, err := r.CreateAppCred(ctx, c, identity.AppCred{Name: "ci", UserID: u.ID}, []identity.RoleRef{{Name: "member"}}, "")
		require.NoError(t, err)
		require.Greater(t, len(secret), 80)

		got, sealed := r.logIn(byAppCred(a.ID, secret), nil)
		require.Equal(t, p.ID, got.ProjectID)
		require.ElementsMatch(t, []string{"member", "reader"}, got.Roles)
		require.Equal(t, []string{identity.MethodAppCred}, got.Methods)
		require.Equal(t, a.ID, got.AppCredID)
		byName := identity.Proof{Methods: []string{identity.MethodAppCred}, AppCred: identity.AppCredProof{Name: "ci", Secret: secret, User: identity.UserRef{ID: u.ID}}}
		r.logIn(byName, nil)

		for _, bad := range []struct {
			proof identity.Proof
			scope *identity.ScopeRef
		}{
			{byAppCred(a.ID, "wrong"), nil},
			{byAppCred(a.ID, ""), nil},
			{byAppCred("nothing", secret), nil},
			{byAppCred(a.ID, secret), toProject(p.ID)},
			{byAppCred(a.ID, secret), unscoped},
		} {
			_, _, err := r.LogIn(ctx, bad.proof, bad.scope)
			isClass(t, fault.Unauthenticated, err)
		}
		_, _, err = r.LogIn(ctx, byToken(sealed), toProject(p.ID))
		isClass(t, fault.Forbidden, err)

		// It makes no others, unless it is unrestricted; and those not for roles that it lacks.
		_, _, err = r.CreateAppCred(ctx, &got.Caller, identity.AppCred{Name: "b", UserID: u.ID}, nil, "")
		isClass(t, fault.Forbidden, err)
		free, secret2, err := r.CreateAppCred(ctx, c, identity.AppCred{Name: "free", UserID: u.ID, Unrestricted: true}, []identity.RoleRef{{Name: "member"}}, "my own secret")
		require.NoError(t, err)
		require.Equal(t, "my own secret", secret2)
		freed, _ := r.logIn(byAppCred(free.ID, secret2), nil)
		_, _, err = r.CreateAppCred(ctx, &freed.Caller, identity.AppCred{Name: "c", UserID: u.ID}, []identity.RoleRef{{Name: "manager"}}, "")
		isClass(t, fault.Invalid, err)
		child, _, err := r.CreateAppCred(ctx, &freed.Caller, identity.AppCred{Name: "c", UserID: u.ID}, nil, "")
		require.NoError(t, err)
		require.Len(t, child.RoleIDs, 2)

		require.NoError(t, r.DeleteAppCred(ctx, c, u.ID, a.ID))
		_, err = r.Verify(sealed)
		isClass(t, fault.Unauthenticated, err)
		_, _, err = r.LogIn(ctx, byAppCred(a.ID, secret), nil)
		isClass(t, fault.Unauthenticated, err)

		// A role that the user has no more is one that the credential has no more.
		require.NoError(t, r.Unassign(ctx, identity.Assignment{Actor: identity.Actor{UserID: u.ID}, Scope: identity.Scope{ProjectID: p.ID}, RoleID: r.role("manager")}))
		_, _, err = r.LogIn(ctx, byAppCred(free.ID, secret2), nil)
		isClass(t, fault.Unauthenticated, err)
	})
}

func TestAppCredRefusals(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := r.project("demo")
		u, c := r.member("alice", "member", p)
		other, oc := r.member("bob", "member", p)
		for what, bad := range map[string]struct {
			a     identity.AppCred
			roles []identity.RoleRef
			class fault.Class
		}{
			"another's":      {identity.AppCred{Name: "x", UserID: other.ID}, nil, fault.Forbidden},
			"no name":        {identity.AppCred{Name: " ", UserID: u.ID}, nil, fault.Invalid},
			"past":           {identity.AppCred{Name: "x", UserID: u.ID, ExpiresAt: time.Now().Add(-time.Hour)}, nil, fault.Invalid},
			"unassigned":     {identity.AppCred{Name: "x", UserID: u.ID}, []identity.RoleRef{{Name: "admin"}}, fault.Invalid},
			"unknown role":   {identity.AppCred{Name: "x", UserID: u.ID}, []identity.RoleRef{{Name: "nobody"}}, fault.NotFound},
			"unknown id":     {identity.AppCred{Name: "x", UserID: u.ID}, []identity.RoleRef{{ID: "nobody"}}, fault.Invalid},
			"another's rule": {identity.AppCred{Name: "x", UserID: u.ID, Rules: []identity.AccessRule{{ID: "nothing"}}}, nil, fault.NotFound},
		} {
			_, _, err := r.CreateAppCred(ctx, c, bad.a, bad.roles, "")
			require.True(t, fault.Is(err, bad.class), "%s: %v", what, err)
		}
		a, _, err := r.CreateAppCred(ctx, c, identity.AppCred{Name: "x", UserID: u.ID}, nil, "")
		require.NoError(t, err)
		_, _, err = r.CreateAppCred(ctx, c, identity.AppCred{Name: "x", UserID: u.ID}, nil, "")
		isClass(t, fault.Conflict, err)

		for _, path := range []string{u.ID, other.ID} {
			_, err = r.ShowAppCred(ctx, oc, path, a.ID)
			isClass(t, fault.Forbidden, err)
			isClass(t, fault.Forbidden, r.DeleteAppCred(ctx, oc, path, a.ID))
		}
		_, err = r.ShowAppCred(ctx, oc, other.ID, "nothing")
		isClass(t, fault.NotFound, err)
		_, err = r.ListAppCreds(ctx, oc, identity.AppCredFilter{UserID: u.ID}, page)
		isClass(t, fault.Forbidden, err)
		domain, _ := r.logIn(byPassword("admin", adminPassword), toDomain)
		_, err = r.ShowAppCred(ctx, &domain.Caller, u.ID, a.ID)
		isClass(t, fault.Forbidden, err)
		found, err := r.ListAppCreds(ctx, adminCaller(t, r), identity.AppCredFilter{UserID: u.ID}, page)
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.NoError(t, r.DeleteUser(ctx, u.ID))
		_, err = r.ShowAppCred(ctx, adminCaller(t, r), u.ID, a.ID)
		isClass(t, fault.NotFound, err)
	})
}

func TestAccessRulesAreSharedAndBindTokens(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		u, c := r.member("alice", "member", r.project("demo"))
		rule := identity.AccessRule{Service: "compute", Method: "GET", Path: "/v2.1/servers"}
		var made []identity.AppCred
		for _, name := range []string{"a", "b"} {
			a, secret, err := r.CreateAppCred(ctx, c, identity.AppCred{Name: name, UserID: u.ID, Rules: []identity.AccessRule{rule}}, nil, "")
			require.NoError(t, err)
			made = append(made, a)
			got, sealed := r.logIn(byAppCred(a.ID, secret), nil)
			require.True(t, got.May("compute", "GET", "/v2.1/servers"))
			caller, err := r.Authenticate(ctx, sealed)
			require.NoError(t, err)
			require.False(t, caller.May("compute", "POST", "/v2.1/servers"))
		}
		rules, err := r.ListAccessRules(ctx, c, identity.AccessRule{UserID: u.ID})
		require.NoError(t, err)
		require.Len(t, rules, 1)
		isClass(t, fault.Forbidden, r.DeleteAccessRule(ctx, c, u.ID, rules[0].ID))
		for _, a := range made {
			require.NoError(t, r.DeleteAppCred(ctx, c, u.ID, a.ID))
		}
		require.NoError(t, r.DeleteAccessRule(ctx, c, u.ID, rules[0].ID))
		_, err = r.ShowAccessRule(ctx, c, u.ID, rules[0].ID)
		isClass(t, fault.NotFound, err)
	})
}

func TestTrustDelegates(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := r.project("demo")
		trustor, tc := r.member("alice", "member", p)
		trustee := r.user("bob")
		asBob := byPassword("bob", "bob-password")
		two := int64(2)
		for _, impersonates := range []bool{true, false} {
			tr, err := r.CreateTrust(ctx, tc, identity.NewTrust{
				Trust: identity.Trust{TrustorID: trustor.ID, TrusteeID: trustee.ID, ProjectID: p.ID, Impersonation: impersonates, RemainingUses: &two},
				Roles: []identity.RoleRef{{Name: "reader"}},
			})
			require.NoError(t, err)
			got, sealed := r.logIn(asBob, toTrust(tr.ID))
			require.Equal(t, p.ID, got.ProjectID)
			require.Equal(t, []string{"reader"}, got.Roles)
			require.Equal(t, map[bool]string{true: trustor.ID, false: trustee.ID}[impersonates], got.UserID)
			_, _, err = r.LogIn(ctx, byPassword("alice", "alice-password"), toTrust(tr.ID))
			isClass(t, fault.Forbidden, err)
			_, _, err = r.LogIn(ctx, byToken(sealed), unscoped)
			isClass(t, fault.Forbidden, err)

			_, second := r.logIn(asBob, toTrust(tr.ID))
			_, _, err = r.LogIn(ctx, asBob, toTrust(tr.ID))
			isClass(t, fault.Unauthenticated, err)
			_, err = r.ShowTrust(ctx, tc, tr.ID)
			isClass(t, fault.NotFound, err)

			// What may not be done with it.
			_, _, err = r.CreateAppCred(ctx, &got.Caller, identity.AppCred{Name: "x", UserID: got.UserID}, nil, "")
			isClass(t, fault.Forbidden, err)

			require.NoError(t, r.DeleteTrust(ctx, tc, tr.ID))
			for _, token := range []string{sealed, second} {
				_, err = r.Verify(token)
				isClass(t, fault.Unauthenticated, err)
			}
		}
	})
}

func TestTrustEndsWithWhatItStandsOn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := r.project("demo")
		trustee := r.user("bob")
		no := false
		for what, end := range map[string]func(trustor identity.User) error{
			"role taken": func(u identity.User) error {
				return r.Unassign(ctx, identity.Assignment{Actor: identity.Actor{UserID: u.ID}, Scope: identity.Scope{ProjectID: p.ID}, RoleID: r.role("member")})
			},
			"trustor disabled": func(u identity.User) error {
				_, err := r.UpdateUser(ctx, u.ID, identity.UserChange{Enabled: &no})
				return err
			},
			"trustor deleted": func(u identity.User) error { return r.DeleteUser(ctx, u.ID) },
		} {
			trustor, tc := r.member("alice "+what, "member", p)
			tr, err := r.CreateTrust(ctx, tc, identity.NewTrust{
				Trust: identity.Trust{TrustorID: trustor.ID, TrusteeID: trustee.ID, ProjectID: p.ID}, Roles: []identity.RoleRef{{Name: "member"}},
			})
			require.NoError(t, err)
			_, sealed := r.logIn(byPassword("bob", "bob-password"), toTrust(tr.ID))
			require.NoError(t, end(trustor), what)
			_, err = r.Verify(sealed)
			require.True(t, fault.Is(err, fault.Unauthenticated), "%s: %v", what, err)
			_, _, err = r.LogIn(ctx, byPassword("bob", "bob-password"), toTrust(tr.ID))
			require.Error(t, err, what)
			require.Contains(t, []fault.Class{fault.Unauthenticated, fault.Forbidden}, fault.Of(err).Class, what)
		}
	})
}

func TestTrustIsPassedOn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := r.project("demo")
		alice, tc := r.member("alice", "member", p)
		bob, carol := r.user("bob"), r.user("carol")
		first, err := r.CreateTrust(ctx, tc, identity.NewTrust{
			Trust: identity.Trust{TrustorID: alice.ID, TrusteeID: bob.ID, ProjectID: p.ID, Impersonation: true},
			Roles: []identity.RoleRef{{Name: "reader"}}, AllowRedelegation: true,
		})
		require.NoError(t, err)
		require.Equal(t, int64(3), first.RedelegationCount)
		got, _ := r.logIn(byPassword("bob", "bob-password"), toTrust(first.ID))
		next := func(change func(*identity.NewTrust)) (identity.Trust, error) {
			n := identity.NewTrust{
				Trust: identity.Trust{TrustorID: alice.ID, TrusteeID: carol.ID, ProjectID: p.ID, Impersonation: true}, Roles: []identity.RoleRef{{Name: "reader"}},
			}
			change(&n)
			return r.CreateTrust(ctx, &got.Caller, n)
		}
		one := int64(1)
		for _, bad := range []func(*identity.NewTrust){
			func(n *identity.NewTrust) { n.Roles = []identity.RoleRef{{Name: "member"}} },
			func(n *identity.NewTrust) { n.RemainingUses = &one },
			func(n *identity.NewTrust) { n.AllowRedelegation, n.RedelegationCount = true, &one },
			func(n *identity.NewTrust) { n.TrustorID = bob.ID },
		} {
			_, err := next(bad)
			isClass(t, fault.Forbidden, err)
		}
		second, err := next(func(*identity.NewTrust) {})
		require.NoError(t, err)
		require.Equal(t, first.ID, second.FromTrustID)
		require.Zero(t, second.RedelegationCount)
		last, sealed := r.logIn(byPassword("carol", "carol-password"), toTrust(second.ID))
		require.Equal(t, alice.ID, last.UserID)

		// Who passed it on is one whom it depends on.
		require.NoError(t, r.DeleteTrust(ctx, tc, first.ID))
		_, err = r.Verify(sealed)
		isClass(t, fault.Unauthenticated, err)
		_, err = r.ShowTrust(ctx, adminCaller(t, r), second.ID)
		isClass(t, fault.NotFound, err)
	})
}

func TestTrustRefusals(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := r.project("demo")
		alice, tc := r.member("alice", "member", p)
		bob := r.user("bob")
		good := identity.Trust{TrustorID: alice.ID, TrusteeID: bob.ID, ProjectID: p.ID}
		reader := []identity.RoleRef{{Name: "reader"}}
		for what, bad := range map[string]struct {
			n     identity.NewTrust
			class fault.Class
		}{
			"another's":       {identity.NewTrust{Trust: identity.Trust{TrustorID: bob.ID, TrusteeID: alice.ID, ProjectID: p.ID}, Roles: reader}, fault.Forbidden},
			"no roles":        {identity.NewTrust{Trust: good}, fault.Forbidden},
			"a role not held": {identity.NewTrust{Trust: good, Roles: []identity.RoleRef{{Name: "admin"}}}, fault.NotFound},
			"no such role":    {identity.NewTrust{Trust: good, Roles: []identity.RoleRef{{Name: "nobody"}}}, fault.NotFound},
			"no such trustee": {identity.NewTrust{Trust: identity.Trust{TrustorID: alice.ID, TrusteeID: "x", ProjectID: p.ID}, Roles: reader}, fault.NotFound},
			"past":            {identity.NewTrust{Trust: identity.Trust{TrustorID: alice.ID, TrusteeID: bob.ID, ProjectID: p.ID, ExpiresAt: time.Now().Add(-time.Hour)}, Roles: reader}, fault.Invalid},
		} {
			_, err := r.CreateTrust(ctx, tc, bad.n)
			require.True(t, fault.Is(err, bad.class), "%s: %v", what, err)
		}
		_, err := r.ListTrusts(ctx, tc, identity.TrustFilter{}, page)
		isClass(t, fault.Forbidden, err)
		_, err = r.ListTrusts(ctx, tc, identity.TrustFilter{TrustorID: bob.ID}, page)
		isClass(t, fault.Forbidden, err)
	})
}
