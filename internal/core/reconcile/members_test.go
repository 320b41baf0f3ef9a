package reconcile

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// node is a control node that a test can stop in good order or kill.
type node struct {
	*Members
	kill func() // without saying good-bye
	stop func()
}

func newNode(t *testing.T, d *db.DB, id string) *node {
	m := NewMembers(d, id, quiet())
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = m.Run(ctx) })
	n := &node{Members: m}
	n.stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
	})
	n.kill = func() {
		n.stop()
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context) error { // as if it had not left
			_, err := d.Q(ctx).NewInsert().Model(&member{ID: id, Beat: 1 << 40}).Exec(ctx)
			return err
		}))
	}
	t.Cleanup(n.stop)
	return n
}

// inBubble runs a test once with each engine, in a bubble whose time passes only while nobody waits for the database:
// no heart misses a beat because the machine is slow. Beats may still lose a conflict, and are late by one then.
func inBubble(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	urls := map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "aloft.db") },
		"postgres": func(t *testing.T) string { return dbtest.PostgresURL(t) },
	}
	for engine, url := range urls {
		t.Run(engine, func(t *testing.T) {
			url := url(t)
			synctest.Test(t, func(t *testing.T) { fn(t, dbtest.Open(t, url, Migrations())) })
		})
	}
}

func keys(n int) []string {
	ks := make([]string, n)
	for i := range ks {
		ks[i] = fmt.Sprintf("server-%d", i)
	}
	return ks
}

func owned(m *Members, ks []string) (n int) {
	for _, k := range ks {
		if m.Owns(k) {
			n++
		}
	}
	return n
}

func TestMembersShareTheKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, d *db.DB) {
		ks := keys(3000)
		a, b, c := newNode(t, d, "a"), newNode(t, d, "b"), newNode(t, d, "c")
		all := []string{"a", "b", "c"}
		pass(4 * memberBeat)
		for _, n := range []*node{a, b, c} {
			require.Equal(t, all, n.Live(), "all see all")
		}
		for _, n := range []*node{a, b, c} {
			require.InDelta(t, 1000, owned(n.Members, ks), 150)
		}
		require.Equal(t, 3000, owned(a.Members, ks)+owned(b.Members, ks)+owned(c.Members, ks), "each key has one owner")

		ofA := slices.DeleteFunc(slices.Clone(ks), func(k string) bool { return !a.Owns(k) })
		changed := a.Changed()
		c.kill()
		pass(memberGone + 4*memberBeat)
		require.Equal(t, all[:2], a.Live(), "a dead node is missed")
		require.Equal(t, all[:2], b.Live())
		<-changed
		require.Equal(t, len(ofA), owned(a.Members, ofA), "only the dead node's keys have moved")
		require.Equal(t, 3000, owned(a.Members, ks)+owned(b.Members, ks))
		require.Zero(t, owned(c.Members, ks))

		b.stop()
		pass(4 * memberBeat)
		require.Equal(t, 3000, owned(a.Members, ks), "a node that leaves says so")
	})
}

func TestANodeThatIsCutOffOwnsNothing(t *testing.T) {
	url := "sqlite://" + filepath.Join(t.TempDir(), "aloft.db")
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.Open(t, url, Migrations())
		a := newNode(t, d, "a")
		pass(memberBeat)
		require.True(t, a.Owns("x"), "alone it owns all")
		busy, free := make(chan struct{}), make(chan struct{})
		var done sync.WaitGroup
		done.Go(func() {
			_ = d.Tx(t.Context(), func(context.Context) error { // nobody else can write
				close(busy)
				<-free
				return nil
			})
		})
		<-busy
		pass(memberGone + memberBeat)
		require.False(t, a.Owns("x"), "the others will have taken its keys")
		require.Empty(t, a.Live())
		close(free)
		done.Wait()
		pass(memberGone)
		require.True(t, a.Owns("x"), "it comes back")
	})
}

func TestJudge(t *testing.T) {
	m := NewMembers(nil, "a", quiet())
	now := time.Now()
	live, dead := m.judge([]member{{ID: "a", Beat: 1}, {ID: "b", Beat: 1}}, now)
	require.Equal(t, []string{"a", "b"}, live, "who is new may live")
	require.Empty(t, dead)
	live, _ = m.judge([]member{{ID: "a", Beat: 2}, {ID: "b", Beat: 1}}, now.Add(memberGone))
	require.Equal(t, []string{"a"}, live)
	_, dead = m.judge([]member{{ID: "a", Beat: 2}, {ID: "b", Beat: 1}}, now.Add(101*memberGone))
	require.Equal(t, []string{"b"}, dead)
	live, dead = m.judge([]member{{ID: "a", Beat: 2}, {ID: "b", Beat: 2}}, now.Add(102*memberGone))
	require.Equal(t, []string{"a", "b"}, live, "it is back")
	require.Empty(t, dead)
}

// When a member leaves, no key moves between those that stay.
func TestOnlyTheKeysOfWhoLeavesMoveProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9-]{1,12}`), 2, 8, rapid.ID).Draw(r, "ids")
		leaves := rapid.IntRange(0, len(ids)-1).Draw(r, "leaves")
		rest := slices.Delete(slices.Clone(ids), leaves, leaves+1)
		before, after := viewOf(ids), viewOf(rest)
		for _, k := range rapid.SliceOfN(rapid.String(), 1, 50).Draw(r, "keys") {
			if was := ids[before.owner(k)]; was != ids[leaves] {
				require.Equal(r, was, rest[after.owner(k)])
			}
		}
	})
}

func viewOf(ids []string) *view {
	v := &view{ids: ids}
	for _, id := range ids {
		v.seeds = append(v.seeds, hash(id))
	}
	return v
}
