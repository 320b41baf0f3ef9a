package compute

import (
	"context"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/batch"
	"github.com/aloft-cloud/aloft/internal/core/reconcile"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

const (
	pushPatience = 2 * time.Second    // a host that does not answer for so long hears it with its next Sync
	pushAgain    = protocol.SyncEvery // what was pushed is not pushed again for so long
	pushBytes    = 512 << 10          // of user data in one message, which may have 1 MiB in all
	pushServers  = 100                // in one message
)

// pusher tells hosts what they should run. What it remembers only spares repetition.
type pusher struct {
	*Service
	reads *batch.Group[*told]
	mu    sync.Mutex
	sent  map[string]map[string]push // host → server
}

type push struct {
	generation int64
	at         time.Time
}

// pushersAtOnce is how many hosts are told at the same time; one of them reads for all that are about to begin.
const pushersAtOnce = 64

func newPusher(s *Service) *pusher {
	p := &pusher{Service: s, sent: map[string]map[string]push{}}
	p.reads = batch.New(pushersAtOnce, p.read)
	return p
}

// told is what a host is to be told now.
type told struct {
	hostID  string
	lost    *Host // not nil where the host is lost
	servers []Server
	orders  []protocol.Server
}

// do looks after the servers of one host whose wants it has not carried out: a host that is there is told, one that is
// lost loses what never ran on it and what should go.
func (p *pusher) do(ctx context.Context, hostID string) (reconcile.Result, error) {
	t := &told{hostID: hostID}
	if err := p.reads.Do(ctx, t); err != nil {
		return reconcile.Result{}, err
	}
	if t.lost != nil {
		return reconcile.Result{}, p.forsake(ctx, []string{hostID}, t.lost.SeenAt)
	}
	if len(t.orders) == 0 {
		return reconcile.Result{}, nil
	}
	for _, piece := range pieces(t.orders) {
		if err := p.push(ctx, hostID, piece); err != nil {
			p.log.DebugContext(ctx, "host did not hear of its servers; it will with its next sync", "host", hostID, "error", err)
			return reconcile.Result{}, nil
		}
	}
	p.remember(hostID, t.servers, p.now())
	return reconcile.Result{}, nil
}

// read finds what hosts are to be told, in a number of statements that does not depend on theirs.
func (p *pusher) read(ctx context.Context, all []*told) error {
	ids := make([]string, len(all))
	for i, t := range all {
		ids[i] = t.hostID
	}
	hosts, err := p.store.HostsByID(ctx, ids)
	if err != nil {
		return err
	}
	behind, err := p.store.UncarriedOnHost(ctx, ids...)
	if err != nil {
		return err
	}
	byHost, servers, now := grouped(behind, func(s Server) string { return s.HostID }), []Server(nil), p.now()
	known := make(map[string]*Host, len(hosts))
	for i := range hosts {
		known[hosts[i].ID] = &hosts[i]
	}
	for _, t := range all {
		t.lost, t.servers = nil, nil
		switch h := known[t.hostID]; {
		case h == nil: // it was forgotten
		case h.Lost(now, p.started, p.settings.HostTimeout):
			t.lost = h
		default:
			t.servers = p.fresh(t.hostID, byHost[t.hostID], now)
			servers = append(servers, t.servers...)
		}
	}
	orders, err := p.wantsOf(ctx, servers)
	if err != nil {
		return err
	}
	for _, t := range all {
		t.orders, orders = orders[:len(t.servers)], orders[len(t.servers):]
	}
	return nil
}

func (p *pusher) push(ctx context.Context, hostID string, servers []protocol.Server) error {
	ctx, cancel := context.WithTimeout(ctx, pushPatience)
	defer cancel()
	return p.hosts.Push(ctx, hostID, servers)
}

// fresh are the servers that the host was not told of lately, and forgets those that are behind no more.
func (p *pusher) fresh(hostID string, behind []Server, now time.Time) []Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.sent[hostID]
	if len(behind) == 0 {
		delete(p.sent, hostID)
		return nil
	}
	kept := make(map[string]push, len(behind))
	var fresh []Server
	for i := range behind {
		was, ok := old[behind[i].ID]
		if ok && was.generation == behind[i].Generation && now.Sub(was.at) < pushAgain {
			kept[behind[i].ID] = was
			continue
		}
		fresh = append(fresh, behind[i])
	}
	p.sent[hostID] = kept
	return fresh
}

func (p *pusher) remember(hostID string, told []Server, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent[hostID] == nil {
		p.sent[hostID] = map[string]push{}
	}
	for i := range told {
		p.sent[hostID][told[i].ID] = push{told[i].Generation, now}
	}
}

// pieces cuts orders into messages that the bus can carry.
func pieces(orders []protocol.Server) [][]protocol.Server {
	var out [][]protocol.Server
	begin, size := 0, 0
	for i := range orders {
		size += len(orders[i].Guest.UserData)
		if i > begin && (size > pushBytes || i-begin == pushServers) {
			out = append(out, orders[begin:i])
			begin, size = i, len(orders[i].Guest.UserData)
		}
	}
	return append(out, orders[begin:])
}
