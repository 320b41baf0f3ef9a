package reconcile

import (
	"context"
	"embed"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of Members.
func Migrations() db.Migrations {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the name above is not a path
	}
	return db.Migrations{Name: "reconcile", FS: sub}
}

// The pace of the heart: a node that has not beaten for memberGone is taken for dead by the others, and by itself.
const (
	memberBeat = time.Second
	memberGone = 4 * time.Second
)

// Members is the Owner where several control nodes share one database: each writes a heartbeat, and keys are spread
// over those that live by rendezvous hashing, so that only a dead node's keys move. Clocks need not agree: a node is
// dead when its counter has stood still for a while on the watch of whoever looks. A node that cannot reach the
// database owns nothing, as the others will have taken its keys.
type Members struct {
	db  *db.DB
	id  string
	log *slog.Logger

	seen map[string]sighting // by Run only
	view atomic.Pointer[view]

	mu      sync.Mutex
	changed chan struct{} // closed when the view changes
}

// view is who lives; it is valid until a time, as long as this node's own heart beats.
type view struct {
	ids   []string
	seeds []uint64
	until time.Time
}

// sighting is when a member's counter was last seen to have moved.
type sighting struct {
	beat int64
	at   time.Time
}

type member struct {
	bun.BaseModel `bun:"table:reconcile_members"`
	ID            string `bun:"id,pk"`
	Beat          int64  `bun:"beat"`
}

// NewMembers returns the membership of the control node id, which owns nothing until Run has written its first beat.
func NewMembers(d *db.DB, id string, log *slog.Logger) *Members {
	m := &Members{db: d, id: id, log: log, seen: map[string]sighting{}, changed: make(chan struct{})}
	m.view.Store(&view{})
	return m
}

// Run beats until ctx ends, then takes this node off the list so that the others need not wait for its death.
func (m *Members) Run(ctx context.Context) error {
	ticker := time.NewTicker(memberBeat)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if err := m.once(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "writing the heartbeat failed", "node", m.id, "error", err)
		}
		m.expire()
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	m.show(nil, time.Time{})
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), memberBeat)
	defer cancel()
	return m.forget(last, []string{m.id})
}

// once beats and looks at the others.
func (m *Members) once(ctx context.Context) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, memberGone/2)
	defer cancel()
	var rows []member
	err := m.db.Tx(ctx, func(ctx context.Context) error {
		rows = nil
		_, err := m.db.Q(ctx).NewInsert().Model(&member{ID: m.id, Beat: 1}).
			On("CONFLICT (id) DO UPDATE").Set("beat = ?TableAlias.beat + 1").Exec(ctx)
		if err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		if err := m.db.Q(ctx).NewSelect().Model(&rows).Scan(ctx); err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	live, dead := m.judge(rows, time.Now())
	m.show(live, begun.Add(memberGone))
	if len(dead) > 0 {
		return m.forget(ctx, dead)
	}
	return nil
}

// judge tells who lives, and who is dead for so long that its row can go.
func (m *Members) judge(rows []member, now time.Time) (live, dead []string) {
	was := m.seen
	m.seen = make(map[string]sighting, len(rows))
	for _, r := range rows {
		s, known := was[r.ID]
		if !known || s.beat != r.Beat {
			s = sighting{beat: r.Beat, at: now}
		}
		m.seen[r.ID] = s
		still := now.Sub(s.at)
		switch {
		case r.ID == m.id || still < memberGone:
			live = append(live, r.ID)
		case still > 100*memberGone:
			dead = append(dead, r.ID)
		}
	}
	slices.Sort(live)
	return live, dead
}

func (m *Members) forget(ctx context.Context, ids []string) error {
	err := m.db.Tx(ctx, func(ctx context.Context) error {
		_, err := m.db.Q(ctx).NewDelete().Model((*member)(nil)).Where("id IN (?)", bun.List(ids)).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("removing control nodes from the list: %w", err)
	}
	return nil
}

// show makes a view the present one, and tells whoever waits if it differs in more than its time.
func (m *Members) show(ids []string, until time.Time) {
	v := &view{ids: ids, until: until}
	for _, id := range ids {
		v.seeds = append(v.seeds, hash(id))
	}
	was := m.view.Swap(v)
	if slices.Equal(was.ids, ids) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.changed)
	m.changed = make(chan struct{})
}

// expire drops a view that is not valid any more, so that the keys are swept when the database is back.
func (m *Members) expire() {
	if v := m.view.Load(); len(v.ids) > 0 && time.Now().After(v.until) {
		m.show(nil, time.Time{})
	}
}

// Changed returns a channel that is closed when keys change hands the next time.
func (m *Members) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// Live are the ids of the control nodes that live, sorted; none while this one cannot reach the database.
func (m *Members) Live() []string {
	v := m.view.Load()
	if time.Now().After(v.until) {
		return nil
	}
	return slices.Clone(v.ids)
}

// Owns tells whether this node works on a key.
func (m *Members) Owns(key string) bool {
	v := m.view.Load()
	if time.Now().After(v.until) {
		return false
	}
	i := v.owner(key)
	return i >= 0 && v.ids[i] == m.id
}

// owner is the index of the member whose hash with the key is the highest.
func (v *view) owner(key string) int {
	best, most := -1, uint64(0)
	k := hash(key)
	for i, seed := range v.seeds {
		if score := mix(seed ^ k); best < 0 || score > most {
			best, most = i, score
		}
	}
	return best
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // a hash never fails
	return h.Sum64()
}

// mix spreads the bits of x evenly: the finisher of the SplitMix64 generator.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

var (
	_ Owner    = (*Members)(nil)
	_ changing = (*Members)(nil)
)
