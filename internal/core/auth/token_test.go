package auth

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

var issued = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func newKey(t testing.TB, id uint32, from time.Time) Key {
	t.Helper()
	secret := make([]byte, KeySize)
	_, err := rand.Read(secret)
	require.NoError(t, err)
	return Key{ID: id, Secret: secret, SignsFrom: from}
}

func newRing(t testing.TB, keys ...Key) *Keyring {
	t.Helper()
	ring := &Keyring{}
	require.NoError(t, ring.Replace(keys))
	return ring
}

func sample() *Token {
	return &Token{
		Caller: Caller{
			UserID: "0123456789abcdef0123456789abcdef", UserName: "alice", UserDomainID: "default", UserDomainName: "Default",
			ProjectID: "fedcba9876543210fedcba9876543210", ProjectName: "demo",
			ProjectDomainID: "default", ProjectDomainName: "Default",
			Roles: []string{"manager", "member", "reader"}, Methods: []string{"password"}, AuditIDs: []string{"3ChSpTVAQjyKIb1v0KDlZw"},
			IssuedAt: issued, ExpiresAt: issued.Add(time.Hour),
		},
		RoleIDs: []string{strings.Repeat("a1", 16), strings.Repeat("b2", 16), strings.Repeat("c3", 16)},
	}
}

func TestTokenSealOpen(t *testing.T) {
	ring := newRing(t, newKey(t, 1, issued))
	sealed, err := ring.Seal(sample(), issued)
	require.NoError(t, err)
	got, err := ring.Open(sealed)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(sample(), got))
	require.NotContains(t, sealed, "alice")

	require.False(t, got.Expired(issued.Add(time.Hour-1)))
	require.True(t, got.Expired(issued.Add(time.Hour)))
}

func TestTokenStaysBelowOneKilobyte(t *testing.T) {
	tok := sample()
	ring := newRing(t, newKey(t, 1, issued))
	sealed, err := ring.Seal(tok, issued)
	require.NoError(t, err)
	require.Less(t, len(sealed), 420, "a usual token")

	tok.UserName, tok.ProjectName = strings.Repeat("u", 255), strings.Repeat("p", 64)
	tok.UserDomainID, tok.ProjectDomainID = tok.ProjectID, tok.ProjectID
	tok.UserDomainName, tok.ProjectDomainName = strings.Repeat("d", 64), strings.Repeat("d", 64)
	tok.Roles = append(tok.Roles, "admin", "service")
	tok.RoleIDs = append(tok.RoleIDs, strings.Repeat("d4", 16), strings.Repeat("e5", 16))
	tok.Methods = append(tok.Methods, "token")
	tok.AuditIDs = append(tok.AuditIDs, tok.AuditIDs[0])
	sealed, err = ring.Seal(tok, issued)
	require.NoError(t, err)
	require.Less(t, len(sealed), 1024, "the longest names")
}

func TestTokenTampered(t *testing.T) {
	ring := newRing(t, newKey(t, 1, issued))
	sealed, err := ring.Seal(sample(), issued)
	require.NoError(t, err)
	for i := range sealed {
		other := byte('A')
		if sealed[i] == other {
			other = 'B'
		}
		_, err := ring.Open(sealed[:i] + string(other) + sealed[i+1:])
		require.True(t, fault.Is(err, fault.Unauthenticated), "character %d changed", i)
		_, err = ring.Open(sealed[:i])
		require.True(t, fault.Is(err, fault.Unauthenticated), "cut to %d", i)
	}
	_, err = ring.Open(sealed + "A")
	require.Error(t, err)
	_, err = ring.Open(strings.Repeat("A", maxSealed+1))
	require.Error(t, err)
	_, err = newRing(t, newKey(t, 1, issued)).Open(sealed)
	require.Error(t, err, "another installation's key of the same number")
	_, err = (&Keyring{}).Open(sealed)
	require.Error(t, err)
	_, err = (&Keyring{}).Seal(sample(), issued)
	require.Error(t, err)
}

func TestKeyRotation(t *testing.T) {
	old, next := newKey(t, 1, issued), newKey(t, 2, issued.Add(time.Minute))
	ring := newRing(t, next, old)
	before, err := ring.Seal(sample(), issued)
	require.NoError(t, err)
	after, err := ring.Seal(sample(), issued.Add(time.Minute))
	require.NoError(t, err)

	onlyOld := newRing(t, old)
	_, err = onlyOld.Open(before)
	require.NoError(t, err, "the new key does not seal before its time")
	_, err = onlyOld.Open(after)
	require.Error(t, err, "the new key seals from its time on")
	for _, sealed := range []string{before, after} {
		_, err = ring.Open(sealed)
		require.NoError(t, err)
	}

	require.NoError(t, ring.Replace([]Key{next}))
	_, err = ring.Open(before)
	require.Error(t, err, "a key that was retired opens nothing")
	_, err = ring.Seal(sample(), issued.Add(-time.Hour))
	require.NoError(t, err, "a clock that is behind does not stop log-ins")
	require.Error(t, ring.Replace([]Key{{ID: 3, Secret: []byte("short")}}))
}

func TestTokenEncodingKeepsEverything(t *testing.T) {
	id := rapid.OneOf(rapid.Just("default"), rapid.StringMatching(`[0-9a-f]{32}`), rapid.StringMatching(`[0-9A-F]{32}`))
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 6).Draw(rt, "roles")
		roles := rapid.SliceOfN(rapid.StringN(1, 64, -1), n, n)
		want := &Token{
			Caller: Caller{
				UserID: id.Draw(rt, "user"), UserName: rapid.String().Draw(rt, "name"), UserDomainID: id.Draw(rt, "domain"), UserDomainName: rapid.SampledFrom([]string{"", "Default", "x"}).Draw(rt, "domain name"),
				ProjectID: id.Draw(rt, "project"), ProjectName: rapid.String().Draw(rt, "project name"),
				ProjectDomainID: id.Draw(rt, "project domain"), ProjectDomainName: rapid.SampledFrom([]string{"", "Default", "y"}).Draw(rt, "project domain name"),
				DomainID: id.Draw(rt, "scope"), DomainName: rapid.String().Draw(rt, "scope name"),
				System: rapid.Bool().Draw(rt, "system"), Roles: roles.Draw(rt, "roles"),
				IssuedAt: issued, ExpiresAt: issued.Add(time.Duration(rapid.Int64Range(0, 1e9).Draw(rt, "ttl")) * time.Microsecond),
			},
			RoleIDs: rapid.SliceOfN(id, n, n).Draw(rt, "role ids"),
		}
		if n == 0 {
			want.Roles, want.RoleIDs = nil, nil
		}
		got := &Token{}
		require.NoError(rt, got.decode(want.encode()))
		require.Empty(rt, cmp.Diff(want, got))
	})
}

func FuzzTokenDecode(f *testing.F) {
	f.Add(sample().encode())
	f.Add([]byte{})
	f.Add([]byte{fieldIssuedAt, 2, 1})
	f.Add([]byte{fieldUserID, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{99, 2, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		tok := &Token{}
		if tok.decode(b) != nil {
			return
		}
		again := &Token{}
		require.NoError(t, again.decode(tok.encode()))
		require.Empty(t, cmp.Diff(tok, again))
	})
}

func FuzzTokenOpen(f *testing.F) {
	ring := newRing(f, newKey(f, 1, issued))
	sealed, err := ring.Seal(sample(), issued)
	require.NoError(f, err)
	f.Add(sealed[:40])
	f.Add("")
	f.Add("AQAAAAE" + strings.Repeat("A", 60))
	f.Fuzz(func(t *testing.T, s string) {
		if s == sealed {
			return
		}
		_, err := ring.Open(s)
		require.True(t, fault.Is(err, fault.Unauthenticated))
	})
}

func BenchmarkVerify(b *testing.B) {
	ring := newRing(b, newKey(b, 1, issued))
	sealed, err := ring.Seal(sample(), issued)
	require.NoError(b, err)
	revoked := &Revocations{}
	for range 1000 {
		revoked.Add(Revocation{Target: ByUser(rand.Text()), IssuedBefore: issued, ExpiresAt: issued})
	}
	for b.Loop() {
		t, err := ring.Open(sealed)
		if err != nil || t.Expired(issued) || revoked.Revoked(t) {
			b.Fatal("a good token was refused")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}
