package reconcile

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// node is a control node with a fast heart, that a test can stop in good order or kill.
type node struct {
	*Members
	kill func() // without saying good-bye
	stop func()
}

func newNode(t *testing.T, d *db.DB, id string) *node {
	m := NewMembers(d, id, quiet())
	m.beat, m.gone = 20*time.Millisecond, 400*time.Millisecond
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

func eventually(t *testing.T, ok func() bool, why string) {
	t.Helper()
	require.Eventually(t, ok, time.Minute, 5*time.Millisecond, why)
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
	dbtest.Each(t, []db.Migrations{Migrations()}, func(t *testing.T, d *db.DB) {
		ks := keys(3000)
		a, b, c := newNode(t, d, "a"), newNode(t, d, "b"), newNode(t, d, "c")
		all := []string{"a", "b", "c"}
		eventually(t, func() bool {
			return slices.Equal(a.Live(), all) && slices.Equal(b.Live(), all) && slices.Equal(c.Live(), all)
		}, "all see all")
		for _, n := range []*node{a, b, c} {
			require.InDelta(t, 1000, owned(n.Members, ks), 150)
		}
		require.Equal(t, 3000, owned(a.Members, ks)+owned(b.Members, ks)+owned(c.Members, ks), "each key has one owner")

		ofA := slices.DeleteFunc(slices.Clone(ks), func(k string) bool { return !a.Owns(k) })
		changed := a.Changed()
		c.kill()
		eventually(t, func() bool { return slices.Equal(a.Live(), all[:2]) && slices.Equal(b.Live(), all[:2]) }, "a dead node is missed")
		<-changed
		require.Equal(t, len(ofA), owned(a.Members, ofA), "only the dead node's keys have moved")
		require.Equal(t, 3000, owned(a.Members, ks)+owned(b.Members, ks))
		require.Zero(t, owned(c.Members, ks))

		b.stop()
		eventually(t, func() bool { return owned(a.Members, ks) == 3000 }, "a node that leaves says so")
	})
}

func TestANodeThatIsCutOffOwnsNothing(t *testing.T) {
	d := dbtest.SQLite(t, Migrations())
	a := newNode(t, d, "a")
	eventually(t, func() bool { return a.Owns("x") }, "alone it owns all")
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
	eventually(t, func() bool { return !a.Owns("x") && len(a.Live()) == 0 }, "the others will have taken its keys")
	close(free)
	done.Wait()
	eventually(t, func() bool { return a.Owns("x") }, "it comes back")
}

func TestJudge(t *testing.T) {
	m := NewMembers(nil, "a", quiet())
	now := time.Now()
	live, dead := m.judge([]member{{ID: "a", Beat: 1}, {ID: "b", Beat: 1}}, now)
	require.Equal(t, []string{"a", "b"}, live, "who is new may live")
	require.Empty(t, dead)
	live, _ = m.judge([]member{{ID: "a", Beat: 2}, {ID: "b", Beat: 1}}, now.Add(m.gone))
	require.Equal(t, []string{"a"}, live)
	_, dead = m.judge([]member{{ID: "a", Beat: 2}, {ID: "b", Beat: 1}}, now.Add(101*m.gone))
	require.Equal(t, []string{"b"}, dead)
	live, dead = m.judge([]member{{ID: "a", Beat: 2}, {ID: "b", Beat: 2}}, now.Add(102*m.gone))
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
