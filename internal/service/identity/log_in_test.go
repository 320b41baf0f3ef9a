package identity_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	"github.com/aloft-cloud/aloft/internal/service/identity/store"
)

var page = query.Page{Sort: []query.Order{{Key: "name"}}}

func TestBootstrapIsIdempotent(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		_, token := r.logIn(byPassword("admin", adminPassword), nil)
		for _, password := range []string{"", adminPassword} {
			require.NoError(t, r.EnsureBootstrap(ctx, password))
		}
		require.Empty(t, r.events.take(), "nothing was there to do")
		_, err := r.Verify(token)
		require.NoError(t, err)

		require.NoError(t, r.EnsureBootstrap(ctx, "another"))
		_, err = r.Verify(token)
		isClass(t, fault.Unauthenticated, err)
		_, _, err = r.LogIn(ctx, byPassword("admin", adminPassword), nil)
		isClass(t, fault.Unauthenticated, err)
		admin, _ := r.logIn(byPassword("admin", "another"), nil)
		require.Equal(t, "admin", admin.ProjectName)
		require.Equal(t, []string{"admin", "manager", "member", "reader"}, admin.Roles)

		for _, want := range []*identity.ScopeRef{toSystem, toDomain} {
			scoped, _ := r.logIn(byPassword("admin", "another"), want)
			require.True(t, scoped.Has(identity.RoleAdmin))
		}
		roles, err := r.ListRoles(ctx, identity.RoleFilter{}, page)
		require.NoError(t, err)
		require.Len(t, roles, 5)
	})
}

func TestBootstrapOnTwoControlNodes(t *testing.T) {
	dbtest.Each(t, []db.Migrations{store.Migrations()}, func(t *testing.T, d *db.DB) {
		var both errgroup.Group
		for range 2 {
			both.Go(func() error {
				s := newService(t, d, &recorder{}, 'k')
				if err := s.Load(t.Context()); err != nil {
					return err
				}
				return s.EnsureBootstrap(t.Context(), adminPassword)
			})
		}
		require.NoError(t, both.Wait())
		r := newRig(t, d)
		r.logIn(byPassword("admin", adminPassword), toSystem)
	})
}

func TestLogInScopes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		u, p, off := r.user("alice"), r.project("demo"), r.project("off")
		r.assign(identity.Actor{UserID: u.ID}, identity.Scope{ProjectID: p.ID}, "member")
		r.assign(identity.Actor{UserID: u.ID}, identity.Scope{ProjectID: off.ID}, "member")
		no := false
		_, err := r.UpdateProject(ctx, off.ID, identity.ProjectChange{Enabled: &no})
		require.NoError(t, err)
		alice := byPassword("alice", "alice-password")

		got, sealed := r.logIn(alice, toProject(p.ID))
		again, err := r.Verify(sealed)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(got, again), "the token says all that the answer does")
		require.Equal(t, p.ID, got.ProjectID)
		require.Equal(t, "demo", got.ProjectName)
		require.Equal(t, "Default", got.ProjectDomainName)
		require.Equal(t, []string{"member", "reader"}, got.Roles)
		require.Equal(t, []string{"password"}, got.Methods)
		require.Equal(t, time.Hour, got.ExpiresAt.Sub(got.IssuedAt))

		got, _ = r.logIn(alice, nil)
		require.Empty(t, got.ProjectID, "alice has no default project")
		_, err = r.UpdateUser(ctx, u.ID, identity.UserChange{DefaultProjectID: &p.ID})
		require.NoError(t, err)
		got, _ = r.logIn(alice, nil)
		require.Equal(t, p.ID, got.ProjectID)
		got, _ = r.logIn(alice, unscoped)
		require.Empty(t, got.ProjectID)
		require.Empty(t, got.Roles)
		_, err = r.UpdateUser(ctx, u.ID, identity.UserChange{DefaultProjectID: &off.ID})
		require.NoError(t, err)
		got, _ = r.logIn(alice, nil)
		require.Empty(t, got.ProjectID, "a default that can't be used is as none")

		byName := &identity.ScopeRef{Project: &identity.ProjectRef{Name: "demo", Domain: identity.DomainRef{Name: "Default"}}}
		byID := alice
		byID.User = identity.UserRef{ID: u.ID}
		got, _ = r.logIn(byID, byName)
		require.Equal(t, p.ID, got.ProjectID)

		refusals := map[string]struct {
			proof identity.Proof
			want  *identity.ScopeRef
		}{
			"wrong password":      {byPassword("alice", "x"), nil},
			"empty password":      {byPassword("alice", ""), nil},
			"unknown user":        {byPassword("nobody", "x"), nil},
			"unknown domain":      {identity.Proof{Methods: []string{"password"}, User: identity.UserRef{Name: "alice", Domain: identity.DomainRef{ID: "x"}}, Password: "alice-password"}, nil},
			"unknown method":      {identity.Proof{Methods: []string{"magic"}}, nil},
			"disabled project":    {alice, toProject(off.ID)},
			"unknown project":     {alice, toProject("x")},
			"a domain as project": {alice, toProject(identity.DefaultDomainID)},
			"no role on system":   {alice, toSystem},
			"no role on domain":   {alice, toDomain},
		}
		for name, c := range refusals {
			_, _, err := r.LogIn(ctx, c.proof, c.want)
			isClass(t, fault.Unauthenticated, err)
			require.NotEmpty(t, fault.Of(err).Message, name)
		}
		_, _, err = r.LogIn(ctx, identity.Proof{}, nil)
		isClass(t, fault.Invalid, err)
		for _, proof := range []identity.Proof{
			byToken("gAAAA"), {Methods: []string{"password", "token"}, User: alice.User, Password: alice.Password, Token: "x"},
		} {
			_, _, err = r.LogIn(ctx, proof, nil)
			isClass(t, fault.NotFound, err)
		}
	})
}

// Whether the user is there or not, a log-in takes a password hash, and says the same.
func TestUnknownUserCannotBeToldFromWrongPassword(t *testing.T) {
	r := one(t)
	says := map[string]string{}
	for _, user := range []string{"admin", "nobody"} {
		waiting, release := r.HoldHashes()
		refused := make(chan error, 1)
		go func() {
			_, _, err := r.LogIn(t.Context(), byPassword(user, "wrong"), nil)
			refused <- err
		}()
		require.Eventually(t, func() bool { return waiting() == 1 }, time.Minute, time.Millisecond, "%s is refused without a hash", user)
		release()
		err := <-refused
		isClass(t, fault.Unauthenticated, err)
		says[user] = fault.Of(err).Message
	}
	require.Equal(t, says["admin"], says["nobody"])
}

func TestRescopedTokenKeepsItsEndAndItsChain(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		first, sealed := r.logIn(byPassword("admin", adminPassword), unscoped)
		r.SetClock(func() time.Time { return first.IssuedAt.Add(30 * time.Minute) })
		second, sealedAgain := r.logIn(byToken(sealed), toSystem)
		require.True(t, second.System)
		require.Equal(t, first.ExpiresAt, second.ExpiresAt)
		require.Equal(t, []string{"password", "token"}, second.Methods)
		require.Len(t, second.AuditIDs, 2)
		require.Equal(t, first.AuditIDs[0], second.AuditIDs[1])
		third, _ := r.logIn(byToken(sealedAgain), unscoped)
		require.Equal(t, first.AuditIDs[0], third.AuditIDs[1])
		require.NotEqual(t, second.AuditIDs[0], third.AuditIDs[0])

		r.SetClock(func() time.Time { return first.ExpiresAt })
		_, err := r.Verify(sealedAgain)
		isClass(t, fault.Unauthenticated, err)
		_, _, err = r.LogIn(t.Context(), byToken(sealed), unscoped)
		isClass(t, fault.NotFound, err)
	})
}

func TestKeysRotate(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		start := time.Now()
		at := func(d time.Duration) { r.SetClock(func() time.Time { return start.Add(d) }) }
		keys := func() []identity.SealedKey {
			k, err := r.stores.Tokens.Keys(ctx)
			require.NoError(t, err)
			return k
		}
		require.Len(t, keys(), 1)
		at(23 * time.Hour)
		require.NoError(t, r.Housekeep(ctx))
		require.Len(t, keys(), 1, "it is not time")
		at(24 * time.Hour)
		require.NoError(t, r.Housekeep(ctx))
		require.Len(t, keys(), 2)
		_, old := r.logIn(byPassword("admin", adminPassword), unscoped)

		at(24*time.Hour + 10*time.Minute)
		_, young := r.logIn(byPassword("admin", adminPassword), unscoped)
		for _, token := range []string{old, young} {
			_, err := r.Verify(token)
			require.NoError(t, err)
		}
		other := newService(t, r.db, &recorder{}, 'k')
		require.NoError(t, other.Load(ctx))
		_, err := other.Verify(young)
		require.NoError(t, err, "another control node has the keys")

		at(96*time.Hour + 10*time.Minute)
		require.NoError(t, r.Housekeep(ctx))
		first := keys()[0].ID
		require.Greater(t, first, uint32(1), "the first key has retired")

		thief := newService(t, r.db, &recorder{}, 'x')
		isClass(t, fault.Unavailable, thief.Load(ctx))
	})
}
