package identity_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	"github.com/aloft-cloud/aloft/internal/service/identity/store"
)

var byID = query.Page{Sort: []query.Order{{Key: "id"}}}

const totpSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

// one is a rig on SQLite alone, for what does not depend on the engine.
func one(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, dbtest.SQLite(t, store.Migrations(), event.Migrations()))
	require.NoError(t, r.EnsureBootstrap(t.Context(), adminPassword))
	return r
}

func (r *rig) guard(g identity.Guard) {
	r.t.Helper()
	require.NoError(r.t, r.SetGuard(g))
}

// clock lets a test move the time.
func (r *rig) clock() (move func(time.Duration)) {
	now := time.Now()
	r.SetClock(func() time.Time { return now })
	return func(d time.Duration) { now = now.Add(d) }
}

func (r *rig) refused(proof identity.Proof) string {
	r.t.Helper()
	_, _, err := r.LogIn(r.t.Context(), proof, nil)
	isClass(r.t, fault.Unauthenticated, err)
	return fault.Of(err).Message
}

func TestLockOut(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		move := r.clock()
		r.guard(identity.Guard{LockoutAfter: 3, LockoutFor: time.Minute})
		u := r.user("alice")
		right, wrong := byPassword("alice", "alice-password"), byPassword("alice", "wrong")
		says := r.refused(wrong)
		r.refused(wrong)
		r.logIn(right, unscoped) // forgets what failed
		for range 3 {
			r.refused(wrong)
		}
		require.Equal(t, says, r.refused(right), "locked out, and not told so")
		isClass(t, fault.Unauthenticated, r.ChangePassword(ctx, "", u.ID, "alice-password", "another"))
		move(2 * time.Minute)
		r.refused(wrong)
		r.logIn(right, unscoped)

		yes := true
		_, err := r.UpdateUser(ctx, u.ID, identity.UserChange{Options: func(o identity.UserOptions) identity.UserOptions {
			o.IgnoreLockoutFailureAttempts = &yes
			return o
		}})
		require.NoError(t, err)
		for range 5 {
			r.refused(wrong)
		}
		r.logIn(right, unscoped)
		for range 5 {
			require.Equal(t, says, r.refused(byPassword("nobody", "wrong")), "somebody unknown is refused alike")
		}
		move(time.Hour)
		require.NoError(t, r.Housekeep(ctx))
	})
}

func TestRateOfLogIns(t *testing.T) {
	r := one(t)
	move := r.clock()
	r.guard(identity.Guard{AddressRate: 1, UserRate: -1})
	proof := byPassword("nobody", "wrong")
	proof.From = "192.0.2.1"
	for range 11 {
		r.refused(proof)
	}
	_, _, err := r.LogIn(t.Context(), proof, nil)
	isClass(t, fault.RateLimited, err)
	require.Positive(t, fault.Of(err).RetryAfter)
	proof.From = "192.0.2.2"
	r.refused(proof)
	proof.From = "192.0.2.1"
	move(2 * time.Second)
	r.refused(proof)

	r.guard(identity.Guard{AddressRate: -1, UserRate: 1})
	for range 11 {
		r.refused(byPassword("alice", "x"))
	}
	_, _, err = r.LogIn(t.Context(), byPassword("alice", "x"), nil)
	isClass(t, fault.RateLimited, err)
	r.refused(byPassword("bob", "x"))
	both := byPassword("carol", "x")
	both.Methods, both.TOTP.User = []string{identity.MethodPassword, identity.MethodTOTP}, byPassword("alice", "").User
	_, _, err = r.LogIn(t.Context(), both, nil)
	isClass(t, fault.RateLimited, err)
}

// What can't be guessed may come as often as one likes, whatever else comes from there.
func TestRateSparesWhatIsNoGuess(t *testing.T) {
	r := one(t)
	r.clock()
	r.guard(identity.Guard{AddressRate: 1, UserRate: 1})
	p := r.project("demo")
	u, c := r.member("alice", "member", p)
	key, err := r.CreateEC2(t.Context(), c, u.ID, p.ID)
	require.NoError(t, err)
	_, token := r.logIn(byPassword("alice", "alice-password"), unscoped)
	again := byToken(token)
	again.From = "192.0.2.1"
	for range 50 {
		_, _, err := r.LogIn(t.Context(), again, toProject(p.ID))
		require.NoError(t, err)
	}
	again.Methods = []string{identity.MethodToken, identity.MethodPassword}
	again.User, again.Password = byPassword("alice", "").User, "alice-password"
	r.guard(identity.Guard{AddressRate: 1, UserRate: 1}) // forgets how the test came here
	for range 11 {
		_, _, err := r.LogIn(t.Context(), again, toProject(p.ID))
		require.NoError(t, err)
	}
	_, _, err = r.LogIn(t.Context(), again, toProject(p.ID))
	isClass(t, fault.RateLimited, err)

	signed := func(secret string) error {
		_, _, err := r.LogInSigned(t.Context(), identity.SignedFor(identity.SignedRequest{
			Access: key.Access, Verb: "GET", Host: "h", Path: "/", Params: map[string]string{"SignatureVersion": "2", "SignatureMethod": "HmacSHA256"},
		}, secret))
		return err
	}
	for range 50 {
		require.NoError(t, signed(key.Secret))
	}
	for range 11 {
		isClass(t, fault.Unauthenticated, signed("guessed"))
	}
	isClass(t, fault.RateLimited, signed("guessed"))
	isClass(t, fault.RateLimited, signed(key.Secret))
}

func TestPasswordRules(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		move := r.clock()
		const day = 24 * time.Hour
		u := r.user("alice")
		r.guard(identity.Guard{Password: identity.PasswordRules{
			Patterns: []string{`[a-z]`, `[0-9]`, `.{6,}`}, Description: "six characters with a letter and a digit",
			History: 3, MinimumAge: day, ExpiresAfter: 30 * day,
		}})
		_, err := r.CreateUser(ctx, identity.User{Name: "bob", DomainID: identity.DefaultDomainID}, "short")
		isClass(t, fault.Invalid, err)
		require.Contains(t, err.Error(), "a letter and a digit")
		change := func(from, to string) error { return r.ChangePassword(ctx, "", u.ID, from, to) }
		isClass(t, fault.Invalid, change("alice-password", "second2")) // too young
		move(2 * day)
		isClass(t, fault.Invalid, change("alice-password", "secondsecond"))
		require.NoError(t, change("alice-password", "second2"))
		move(2 * day)
		require.NoError(t, change("second2", "third33"))
		move(2 * day)
		isClass(t, fault.Invalid, change("third33", "third33"))
		isClass(t, fault.Invalid, change("third33", "second2"))
		require.NoError(t, change("third33", "fourth4"))

		got, _ := r.logIn(byPassword("alice", "fourth4"), unscoped)
		require.False(t, got.PasswordExpiresAt.IsZero())
		move(31 * day)
		require.Contains(t, r.refused(byPassword("alice", "fourth4")), "expired")
		require.NotContains(t, r.refused(byPassword("alice", "wrong")), "expired")
		require.NoError(t, change("fourth4", "fifth55"))
		r.logIn(byPassword("alice", "fifth55"), unscoped)

		yes := true
		set := func(o identity.UserOptions) identity.UserOptions {
			o.LockPassword, o.IgnorePasswordExpiry = &yes, &yes
			return o
		}
		_, err = r.UpdateUser(ctx, u.ID, identity.UserChange{Options: set})
		require.NoError(t, err)
		move(31 * day)
		r.logIn(byPassword("alice", "fifth55"), unscoped)
		isClass(t, fault.Invalid, change("fifth55", "sixth66"))
	})
}

func TestChangeUponFirstUse(t *testing.T) {
	r := one(t)
	r.guard(identity.Guard{Password: identity.PasswordRules{ChangeUponFirstUse: true, MinimumAge: time.Hour}})
	u := r.user("alice")
	require.Contains(t, r.refused(byPassword("alice", "alice-password")), "expired")
	require.NoError(t, r.ChangePassword(t.Context(), "", u.ID, "alice-password", "own"))
	r.logIn(byPassword("alice", "own"), unscoped)
	reset := "reset"
	_, err := r.UpdateUser(t.Context(), u.ID, identity.UserChange{Password: &reset})
	require.NoError(t, err)
	require.Contains(t, r.refused(byPassword("alice", "reset")), "expired")
	require.Error(t, r.SetGuard(identity.Guard{Password: identity.PasswordRules{Patterns: []string{"("}, Description: "x"}}))
	require.Error(t, r.SetGuard(identity.Guard{Password: identity.PasswordRules{Patterns: []string{"a"}}}))
}

func TestInactiveUsers(t *testing.T) {
	r := one(t)
	move := r.clock()
	r.guard(identity.Guard{InactiveAfter: 10 * 24 * time.Hour})
	u := r.user("alice")
	move(6 * 24 * time.Hour)
	r.logIn(byPassword("alice", "alice-password"), unscoped)
	move(6 * 24 * time.Hour)
	r.logIn(byPassword("alice", "alice-password"), unscoped)
	move(11 * 24 * time.Hour)
	r.refused(byPassword("alice", "alice-password"))
	yes := true
	_, err := r.UpdateUser(t.Context(), u.ID, identity.UserChange{Options: func(o identity.UserOptions) identity.UserOptions {
		o.IgnoreUserInactivity = &yes
		return o
	}})
	require.NoError(t, err)
	r.logIn(byPassword("alice", "alice-password"), unscoped)
}

func TestSeveralMethods(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		now := time.Now()
		r.SetClock(func() time.Time { return now })
		r.guard(identity.Guard{PasscodeWindow: 1})
		u := r.user("alice")
		admin := adminCaller(t, r)
		cr, err := r.CreateCredential(ctx, admin, identity.Credential{UserID: u.ID, Type: "totp", Blob: totpSecret})
		require.NoError(t, err)
		uri, err := r.EnrolmentURI(ctx, cr)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(uri, "otpauth://totp/Aloft:alice?"), uri)
		_, err = r.UpdateUser(ctx, u.ID, identity.UserChange{Options: func(o identity.UserOptions) identity.UserOptions {
			o.MFARules = [][]string{{"password", "totp"}, {"no such method"}}
			return o
		}})
		require.NoError(t, err)

		both := byPassword("alice", "alice-password")
		both.Methods = []string{identity.MethodPassword, identity.MethodTOTP}
		both.TOTP = identity.TOTPProof{User: identity.UserRef{ID: u.ID}, Passcode: identity.PasscodeAt(totpSecret, now)}
		wrong := both
		wrong.Password = "wrong"
		wrong.TOTP.Passcode = "000000"
		says := r.refused(wrong)
		got, _ := r.logIn(both, unscoped)
		require.ElementsMatch(t, both.Methods, got.Methods)
		require.Equal(t, says, r.refused(both), "a passcode is good once")

		// One method gives a receipt, which the other completes.
		_, _, err = r.LogIn(ctx, byPassword("alice", "alice-password"), nil)
		var more *identity.MoreMethods
		require.True(t, errors.As(err, &more), "%v", err)
		require.Equal(t, [][]string{{"password", "totp"}}, more.Required)
		isClass(t, fault.Unauthenticated, err)
		_, err = r.Verify(more.Receipt)
		isClass(t, fault.Unauthenticated, err)
		now = now.Add(time.Minute)
		rest := identity.Proof{Methods: []string{identity.MethodTOTP}, TOTP: both.TOTP, Receipt: more.Receipt}
		rest.TOTP.Passcode = identity.PasscodeAt(totpSecret, now.Add(-30*time.Second))
		got, token := r.logIn(rest, unscoped)
		require.ElementsMatch(t, both.Methods, got.Methods)
		again, _ := r.logIn(byToken(token), unscoped)
		require.Contains(t, again.Methods, identity.MethodTOTP)
		rest.TOTP.Passcode = identity.PasscodeAt(totpSecret, now.Add(-time.Minute))
		r.refused(rest) // before the one that was used
		stolen := byPassword("admin", adminPassword)
		stolen.Receipt = more.Receipt
		_, _, err = r.LogIn(ctx, stolen, nil)
		isClass(t, fault.Unauthenticated, err)

		no := false
		_, err = r.UpdateUser(ctx, u.ID, identity.UserChange{Options: func(o identity.UserOptions) identity.UserOptions {
			o.MFAEnabled = &no
			return o
		}})
		require.NoError(t, err)
		r.logIn(byPassword("alice", "alice-password"), unscoped)
	})
}

func TestCredentialsAreEncryptedAndTheirOwners(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := r.project("demo")
		u, c := r.member("alice", "reader", p)
		_, bob := r.member("bob", "member", p)
		cr, err := r.CreateCredential(ctx, c, identity.Credential{UserID: u.ID, Type: "cert", Blob: "very secret"})
		require.NoError(t, err)
		raw, err := r.stores.Credentials.Credential(ctx, cr.ID)
		require.NoError(t, err)
		require.NotContains(t, raw.Blob, "secret")
		got, err := r.ShowCredential(ctx, c, cr.ID)
		require.NoError(t, err)
		require.Equal(t, "very secret", got.Blob)

		_, err = r.ShowCredential(ctx, bob, cr.ID)
		isClass(t, fault.Forbidden, err)
		_, err = r.ShowCredential(ctx, bob, "nothing")
		isClass(t, fault.Forbidden, err)
		_, err = r.ShowCredential(ctx, adminCaller(t, r), "nothing")
		isClass(t, fault.NotFound, err)
		_, err = r.UpdateCredential(ctx, c, cr.ID, identity.CredentialChange{UserID: &bob.UserID})
		isClass(t, fault.Forbidden, err)
		blob := "new"
		_, err = r.UpdateCredential(ctx, c, cr.ID, identity.CredentialChange{Blob: &blob})
		require.NoError(t, err)
		mine, err := r.ListCredentials(ctx, c, identity.CredentialFilter{}, byID)
		require.NoError(t, err)
		require.Len(t, mine, 1)
		require.Equal(t, "new", mine[0].Blob)
		none, err := r.ListCredentials(ctx, bob, identity.CredentialFilter{}, byID)
		require.NoError(t, err)
		require.Empty(t, none)
		isClass(t, fault.Forbidden, r.DeleteCredential(ctx, bob, cr.ID))
		require.NoError(t, r.DeleteCredential(ctx, c, cr.ID))
	})
}

func TestEC2Keys(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p := r.project("demo")
		u, c := r.member("alice", "member", p)
		key, err := r.CreateEC2(ctx, c, u.ID, p.ID)
		require.NoError(t, err)
		sign := func(access, secret string) identity.SignedRequest {
			return identity.SignedFor(identity.SignedRequest{
				Access: access, Verb: "GET", Host: "h", Path: "/",
				Params: map[string]string{"SignatureVersion": "2", "SignatureMethod": "HmacSHA256", "Timestamp": time.Now().UTC().Format(time.RFC3339)},
			}, secret)
		}
		got, _, err := r.LogInSigned(ctx, sign(key.Access, key.Secret))
		require.NoError(t, err)
		require.Equal(t, []string{u.ID, p.ID}, []string{got.UserID, got.ProjectID})
		for _, bad := range []identity.SignedRequest{sign(key.Access, "x"), sign("", "")} {
			_, _, err := r.LogInSigned(ctx, bad)
			isClass(t, fault.Unauthenticated, err)
		}
		for _, unknown := range []identity.SignedRequest{sign("x", key.Secret), sign("x", "")} {
			_, _, err := r.LogInSigned(ctx, unknown)
			isClass(t, fault.NotFound, err)
		}
		old := sign(key.Access, key.Secret)
		r.SetClock(func() time.Time { return time.Now().Add(time.Hour) })
		_, _, err = r.LogInSigned(ctx, old)
		isClass(t, fault.Unauthenticated, err)
		r.SetClock(time.Now)

		// With the token of an application credential, the key permits what that permits, and no more; nor does what the
		// client says of it count.
		a, secret, err := r.CreateAppCred(ctx, c, identity.AppCred{Name: "x", UserID: u.ID, Unrestricted: true}, []identity.RoleRef{{Name: "reader"}}, "")
		require.NoError(t, err)
		limited, _ := r.logIn(byAppCred(a.ID, secret), nil)
		raw, err := json.Marshal(map[string]string{"access": "mine", "secret": "s", "trust_id": "t"})
		require.NoError(t, err)
		_, err = r.CreateCredential(ctx, &limited.Caller, identity.Credential{UserID: u.ID, ProjectID: p.ID, Type: "ec2", Blob: string(raw)})
		require.NoError(t, err)
		got, _, err = r.LogInSigned(ctx, sign("mine", "s"))
		require.NoError(t, err)
		require.Equal(t, []string{"reader"}, got.Roles)
		require.Equal(t, a.ID, got.AppCredID)

		_, err = r.CreateEC2(ctx, c, u.ID, "nowhere")
		isClass(t, fault.NotFound, err)
		for _, blob := range []string{"", "{}", "[]", `{"access":1}`} {
			_, err = r.CreateCredential(ctx, c, identity.Credential{UserID: u.ID, ProjectID: p.ID, Type: "ec2", Blob: blob})
			isClass(t, fault.Invalid, err)
		}
		require.NoError(t, r.DeleteEC2(ctx, c, u.ID, key.Access))
		_, err = r.ShowEC2(ctx, c, u.ID, key.Access)
		isClass(t, fault.NotFound, err)
		left, err := r.ListEC2(ctx, c, u.ID)
		require.NoError(t, err)
		require.Len(t, left, 1)
	})
}
