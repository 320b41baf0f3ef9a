package compute

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// The pace of the picture. It is drawn from the database once, and then hears of changes; whole it is only drawn again
// against what might have been missed.
const (
	pictureAge   = 5 * time.Minute // an older picture is drawn anew
	refusalAge   = time.Second     // before a server is refused, an older picture is drawn anew …
	drawingShare = 20              // … but only a part of the time goes into drawing
	readAtOnce   = 500             // hosts in one query
)

// changes are the hosts that have changed since the picture was brought up to date. Anyone may add to them.
type changes struct {
	mu    sync.Mutex
	hosts map[string]struct{}
	all   bool // settings or aggregates: every host may be another
}

func (c *changes) add(ids []string, all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = c.all || all
	for _, id := range ids {
		c.hosts[id] = struct{}{}
	}
}

func (c *changes) take() (ids []string, all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids, all = slices.Collect(maps.Keys(c.hosts)), c.all
	clear(c.hosts)
	c.all = false
	return ids, all
}

// picture is the scheduler's knowledge of all hosts. It may be old: the claim in the database has the last word. Only one
// goroutine uses it.
type picture struct {
	*placement.Picture
	tuning Tuning
	byHost map[string]*aggregated
	drawn  time.Time
	cost   time.Duration
}

// look brings the picture up to date: the hosts that have changed are read again, and all if it is older than age.
func (p *placer) look(ctx context.Context, age time.Duration) error {
	ids, all := p.changes.take()
	now := p.now()
	if p.picture == nil || all || now.Sub(p.picture.drawn) > age {
		if err := p.draw(ctx, now); err != nil {
			p.changes.add(nil, true)
			return err
		}
		return nil
	}
	if err := p.reread(ctx, ids); err != nil {
		p.changes.add(ids, false)
		return err
	}
	return nil
}

// draw makes the picture from the database.
func (p *placer) draw(ctx context.Context, now time.Time) error {
	tuning, err := p.Tuning(ctx)
	if err != nil {
		return err
	}
	aggregates, err := p.store.Aggregates(ctx)
	if err != nil {
		return err
	}
	hosts, err := p.store.Hosts(ctx)
	if err != nil {
		return err
	}
	byHost := combinations(aggregates, tuning)
	p.picture = &picture{
		Picture: placement.New(tuning.weight(), metadataBySet(byHost)), tuning: tuning, byHost: byHost, drawn: now,
	}
	p.put(hosts)
	p.picture.cost = p.now().Sub(now)
	return nil
}

// put takes hosts that have just been read into the picture. The time is that after the reading: by an earlier one, a host
// that was given up while it was read would still be up.
func (p *placer) put(hosts []Host) {
	now := p.now()
	for i := range hosts {
		h := &hosts[i]
		p.picture.Put(h.view(p.picture.byHost[h.ID], p.picture.tuning, h.Up(now, p.settings.HostTimeout)))
	}
}

// reread makes hosts of the picture what they are in the database.
func (p *placer) reread(ctx context.Context, ids []string) error {
	for part := range slices.Chunk(ids, readAtOnce) {
		hosts, err := p.store.HostsByID(ctx, part)
		if err != nil {
			return err
		}
		p.put(hosts)
	}
	return nil
}

// stale tells whether the picture is old enough to be drawn anew before a server is refused.
func (p *picture) stale(now time.Time) bool {
	return now.Sub(p.drawn) > max(refusalAge, drawingShare*p.cost)
}

// hostsChanged is the type of the event that tells control nodes of hosts that are to be read again.
const hostsChanged = "compute.host.changed"

// hostNews is its data.
type hostNews struct {
	Origin string   `json:"origin"` // the control node that has seen to it itself
	Hosts  []string `json:"hosts,omitempty"`
	All    bool     `json:"all,omitempty"`
}

// tellOfHosts makes the schedulers of all control nodes read hosts again, after the transaction of ctx.
func (s *Service) tellOfHosts(ctx context.Context, ids []string, all bool) error {
	if len(ids) == 0 && !all {
		return nil
	}
	s.db.AfterCommit(ctx, func() { s.changes.add(ids, all) })
	return s.tellOthers(ctx, ids, all)
}

// tellOthers is tellOfHosts for the other control nodes alone.
func (s *Service) tellOthers(ctx context.Context, ids []string, all bool) error {
	data, err := json.Marshal(hostNews{Origin: s.node, Hosts: ids, All: all})
	if err != nil {
		return fmt.Errorf("encoding the event about %d hosts: %w", len(ids), err)
	}
	return s.events.Add(ctx, event.Event{Type: hostsChanged, Object: "host", Data: data})
}

// hearOfHosts notes what other control nodes did to hosts.
func (s *Service) hearOfHosts(e event.Event) {
	var n hostNews
	if err := json.Unmarshal(e.Data, &n); err != nil || n.Origin == s.node {
		return // not ours to understand, or what we told ourselves
	}
	s.changes.add(n.Hosts, n.All)
}

func newNode() string { return uuid.NewString() }
