package compute

import (
	"context"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

const (
	// presumed is how old the last sign of life in the database may be of a host that a control node which has just
	// started takes to be there: signs of life are written down with whole Syncs only, and not with each.
	presumed = 2 * syncMost
	// writtenEvery is how old it is before it is written anew: a cloud at rest does not write.
	writtenEvery = syncMost / 2
)

// pulse is what this control node has heard of the hosts. It is in memory alone, as every control node hears all hosts
// within moments; the database is told when a host comes or is lost.
type pulse struct {
	since   time.Time // when this control node began to listen
	timeout time.Duration

	mu      sync.RWMutex
	hosts   map[string]beat
	servers int // what all hosts say that they have
}

// beat is what was last heard of a host.
type beat struct {
	at      time.Time
	written time.Time // what the database has for it, by this control node
	servers int       // that it knows of
	known   bool      // it has a row
	lost    bool      // it was told that it is
}

func newPulse(since time.Time, timeout time.Duration) *pulse {
	return &pulse{since: since, timeout: timeout, hosts: map[string]beat{}}
}

// called notes a heartbeat. again tells whether the host counted as lost before.
func (p *pulse) called(h protocol.Heartbeat, at time.Time) (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, heard := p.hosts[h.HostID]
	p.servers += h.Servers - b.servers
	again = b.late(at, p.timeout) || !heard && p.heardAll(at)
	p.hosts[h.HostID] = beat{at: at, written: b.written, servers: h.Servers, known: b.known}
	return again
}

// late tells whether the host was heard of before, but not for too long.
func (b beat) late(now time.Time, timeout time.Duration) bool {
	return b.lost || !b.at.IsZero() && now.Sub(b.at) > timeout
}

// reported notes that a host has said something that is on its way into the database. up tells whether it was silent
// before.
func (p *pulse) reported(id string, at time.Time) (up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, heard := p.hosts[id]
	up = !heard || b.late(at, p.timeout)
	b.at, b.known, b.lost = at, true, false
	p.hosts[id] = b
	return up
}

// unwritten tells whether the sign of life in the database is old.
func (p *pulse) unwritten(id string, now time.Time) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return now.Sub(p.hosts[id].written) >= writtenEvery
}

// wrote notes that the database has a sign of life of hosts.
func (p *pulse) wrote(ids []string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		b := p.hosts[id]
		b.written = at
		p.hosts[id] = b
	}
}

// silent are the hosts that have called once, and not for too long. It names them again until they are given up.
func (p *pulse) silent(now time.Time) (ids []string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for id, b := range p.hosts {
		if !b.lost && now.Sub(b.at) > p.timeout {
			ids = append(ids, id)
		}
	}
	return ids
}

// stillSilent are those of hosts that have not called lately.
func (p *pulse) stillSilent(ids []string, now time.Time) (silent []string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, id := range ids {
		if now.Sub(p.hosts[id].at) > p.timeout {
			silent = append(silent, id)
		}
	}
	return silent
}

// strangers are hosts that call and whose rows nobody has looked for.
func (p *pulse) strangers(most int) (ids []string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for id, b := range p.hosts {
		if !b.known && !b.lost {
			if ids = append(ids, id); len(ids) == most {
				break
			}
		}
	}
	return ids
}

// met notes that hosts have rows.
func (p *pulse) met(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		b := p.hosts[id]
		b.known = true
		p.hosts[id] = b
	}
}

// giveUp notes that hosts are taken for lost, unless they have called meanwhile.
func (p *pulse) giveUp(ids []string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if b := p.hosts[id]; now.Sub(b.at) > p.timeout {
			b.lost = true
			p.hosts[id] = b
		}
	}
}

// forget drops a host that has no row.
func (p *pulse) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.servers -= p.hosts[id].servers
	delete(p.hosts, id)
}

// heardAll tells whether every host that lives has had the time to call.
func (p *pulse) heardAll(now time.Time) bool { return now.Sub(p.since) > p.timeout }

// freshen makes the last sign of life of hosts what it is, from what it was when the rows were written.
func (p *pulse) freshen(hosts []Host, now time.Time) {
	grace := !p.heardAll(now)
	p.mu.RLock()
	defer p.mu.RUnlock()
	for i := range hosts {
		h := &hosts[i]
		b, heard := p.hosts[h.ID]
		switch {
		case b.at.After(h.SeenAt):
			h.SeenAt = b.at
		case !heard && grace && h.SeenAt.Before(p.since) && p.since.Sub(h.SeenAt) < presumed:
			h.SeenAt = p.since // it has had no time to call
		}
	}
}

// The pace of whole Syncs: hosts are asked to Sync so rarely that all of them together cost a control node little.
const (
	syncLeast     = protocol.SyncEvery
	syncMost      = time.Hour
	syncPerHost   = 100 * time.Millisecond
	syncPerServer = 8 * time.Millisecond
)

// pace is how often a host is to call, and to Sync.
func (p *pulse) pace() (heartbeat, sync time.Duration) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	sync = time.Duration(len(p.hosts))*syncPerHost + time.Duration(p.servers)*syncPerServer
	return p.timeout * 5 / 7, min(max(sync, syncLeast), syncMost)
}

// freshStore is a Store whose hosts show their last sign of life.
type freshStore struct {
	Store
	pulse *pulse
	now   func() time.Time
}

// Hosts implements HostStore.
func (f freshStore) Hosts(ctx context.Context) ([]Host, error) {
	hosts, err := f.Store.Hosts(ctx)
	f.pulse.freshen(hosts, f.now())
	return hosts, err
}

// FindHost implements HostStore.
func (f freshStore) FindHost(ctx context.Context, id string) (Host, error) {
	h, err := f.Store.FindHost(ctx, id)
	one := []Host{h}
	f.pulse.freshen(one, f.now())
	return one[0], err
}

// HostsByID implements HostStore.
func (f freshStore) HostsByID(ctx context.Context, ids []string) ([]Host, error) {
	hosts, err := f.Store.HostsByID(ctx, ids)
	f.pulse.freshen(hosts, f.now())
	return hosts, err
}
