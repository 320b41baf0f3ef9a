package compute

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// The intake gathers what hosts report, so that one transaction applies what many of them have seen.
const (
	intakeBatch = 256   // reports in one transaction
	intakeQueue = 4096  // reports that wait; more are refused, and come again with the next Sync
	intakeRows  = 10000 // servers in one transaction
)

// sighting is one report of one host on its way into the database.
type sighting struct {
	hostID  string
	host    *protocol.Host // with a Sync
	servers []protocol.Observed
	strays  []Server // servers that the host has and should not
	empty   bool     // no server is placed on the host
	up      bool     // the host was silent before
	done    chan error
}

// intake is two queues: somebody waits for what reports tell, and nobody for a Sync, of which there may be as many as hosts.
type intake struct{ reports, syncs chan *sighting }

func newIntake() *intake {
	return &intake{reports: make(chan *sighting, intakeQueue), syncs: make(chan *sighting, intakeQueue)}
}

// Sync takes all that a host sees and answers with all that it should run. It serves protocol.SubjectSync.
func (s *Service) Sync(ctx context.Context, m protocol.Sync) (protocol.SyncReply, error) {
	if m.Host.ID == "" || m.Host.Name == "" {
		return protocol.SyncReply{}, fault.Invalidf("Host", "a host must say its id and name")
	}
	if v := m.Host.Version; v < protocol.Version-1 || v > protocol.Version {
		return protocol.SyncReply{}, fault.Invalidf("Host.Version", "host %s speaks version %d of the protocol and this control node %d: update the older of the two", m.Host.Name, v, protocol.Version)
	}
	in := &sighting{hostID: m.Host.ID, host: &m.Host, servers: m.Servers}
	if err := s.submit(ctx, in); err != nil {
		return protocol.SyncReply{}, err
	}
	reply := protocol.SyncReply{Servers: []protocol.Server{}}
	if !in.empty { // what is placed on it from now on, it is told of
		servers, err := s.store.ServersOnHost(ctx, m.Host.ID)
		if err != nil {
			return reply, err
		}
		if reply.Servers, err = s.wantsOf(ctx, servers); err != nil {
			return reply, err
		}
	}
	for i := range in.strays {
		reply.Servers = append(reply.Servers, absent(&in.strays[i]))
	}
	reply.HeartbeatEvery, reply.SyncEvery = s.pulse.pace()
	return reply, nil
}

// Report takes what has changed on a host. It serves protocol.SubjectReport.
func (s *Service) Report(ctx context.Context, m protocol.Report) (protocol.Ack, error) {
	return protocol.Ack{}, s.submit(ctx, &sighting{hostID: m.HostID, servers: m.Servers})
}

// submit waits until a sighting is in the database.
func (s *Service) submit(ctx context.Context, in *sighting) error {
	in.up, in.done = s.pulse.reported(in.hostID, s.now()), make(chan error, 1)
	queue := s.intake.reports
	if in.host != nil {
		queue = s.intake.syncs
	}
	select {
	case queue <- in:
	default:
		f := fault.New(fault.Unavailable, "too many hosts report at the same time; try again")
		f.RetryAfter = time.Second
		return f
	}
	select {
	case err := <-in.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeSightings applies sightings until ctx ends, in batches: whatever has come while the last one was written.
func (s *Service) takeSightings(ctx context.Context) error {
	for ctx.Err() == nil {
		first := s.intake.next()
		for first == nil {
			select {
			case <-ctx.Done():
				return nil
			case first = <-s.intake.reports:
			case first = <-s.intake.syncs:
			}
		}
		s.takeBatch(ctx, s.intake.gather(first))
	}
	return nil
}

// next is a sighting that waits, reports before Syncs; nil if there is none.
func (i *intake) next() *sighting {
	for _, queue := range []chan *sighting{i.reports, i.syncs} {
		select {
		case s := <-queue:
			return s
		default:
		}
	}
	return nil
}

func (i *intake) gather(first *sighting) []*sighting {
	batch, rows := []*sighting{first}, len(first.servers)
	for len(batch) < intakeBatch && rows < intakeRows {
		s := i.next()
		if s == nil {
			break
		}
		batch = append(batch, s)
		rows += len(s.servers)
	}
	return batch
}

// takeBatch applies a batch. If it fails as a whole, each is tried alone, so that a bad one harms no other.
func (s *Service) takeBatch(ctx context.Context, batch []*sighting) {
	err := s.applySightings(ctx, batch)
	if err != nil && len(batch) > 1 && !errors.Is(err, context.Canceled) {
		s.log.WarnContext(ctx, "reports are applied one by one, as the batch failed", "reports", len(batch), "error", err)
		for _, in := range batch {
			in.done <- s.applySightings(ctx, []*sighting{in})
		}
		return
	}
	for _, in := range batch {
		in.done <- err
	}
}

// applySightings judges what hosts have seen and writes what follows.
func (s *Service) applySightings(ctx context.Context, batch []*sighting) error {
	var ids []string
	for _, in := range batch {
		for _, o := range in.servers {
			ids = append(ids, o.ID)
		}
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.noteHosts(ctx, batch); err != nil {
			return err
		}
		rows, err := s.store.ServersByID(ctx, ids)
		if err != nil {
			return err
		}
		byID := make(map[string]*outcome, len(rows))
		outcomes := make([]outcome, len(rows))
		for i := range rows {
			outcomes[i].server = rows[i]
			byID[rows[i].ID] = &outcomes[i]
		}
		now := s.now()
		for _, in := range batch {
			in.strays = nil
			for _, o := range in.servers {
				out := byID[o.ID]
				switch {
				case out == nil: // no row knows it: it is left as it is
				case out.server.HostID != in.hostID:
					if o.Power != protocol.Absent {
						stray := out.server
						stray.Generation = max(stray.Generation, o.Generation+1)
						in.strays = append(in.strays, stray)
					}
				default:
					out.add(judge(&out.server, o, now, s.settings))
				}
			}
		}
		return s.apply(ctx, outcomes)
	})
}

// add joins the verdicts of two reports about one server in a batch.
func (o *outcome) add(v verdict) {
	if !v.changed {
		return
	}
	noted := v.noted && (!o.changed || o.noted)
	if o.settled {
		v.settled, v.message = true, o.message
	}
	if o.left != "" {
		v.left = o.left
	}
	v.gone = v.gone || o.gone
	v.noted = noted
	o.verdict = v
}

// noteHosts writes what hosts say of themselves if that is new, and with a Sync now and then that they were seen. Otherwise
// that they are there is kept in memory: a commit costs more than itself, as readers lose what they have of the file.
func (s *Service) noteHosts(ctx context.Context, batch []*sighting) error {
	ids := make([]string, len(batch))
	for i, in := range batch {
		ids[i] = in.hostID
	}
	known, err := s.store.HostsByID(ctx, ids)
	if err != nil {
		return err
	}
	byID := make(map[string]*Host, len(known))
	for i := range known {
		byID[known[i].ID] = &known[i]
	}
	now := s.now()
	var seen, changed []string // hosts
	described := map[string]*protocol.Host{}
	for _, in := range batch {
		h := byID[in.hostID]
		if in.host == nil && h == nil {
			return fault.Invalidf("HostID", "host %s is not known: it must Sync first", in.hostID)
		}
		if h == nil || in.up {
			s.log.InfoContext(ctx, "host is up", "host", in.hostID)
			changed = append(changed, in.hostID)
			s.db.AfterCommit(ctx, func() { s.placement.Wake(placementKey) })
		}
		in.empty = h == nil || h.Servers == 0
		switch {
		case in.host == nil:
			continue
		case h == nil || h.Host != *in.host:
			described[in.hostID] = in.host
			changed = append(changed, in.hostID)
			news := Host{}
			if h != nil {
				news = *h
			}
			news.Host, h = *in.host, &news
		case in.up || s.pulse.unwritten(in.hostID, now):
			seen = append(seen, in.hostID)
		}
		byID[in.hostID] = h
	}
	if err := s.store.UpsertHosts(ctx, values(described), s.settings.DefaultZone, now); err != nil {
		return err
	}
	if err := s.tellOfHosts(ctx, changed, false); err != nil {
		return err
	}
	s.db.AfterCommit(ctx, func() { s.pulse.wrote(slices.AppendSeq(seen, maps.Keys(described)), now) })
	return s.store.TouchHosts(ctx, seen, now)
}

// wantsOf is what hosts should run of servers.
func (s *Service) wantsOf(ctx context.Context, servers []Server) ([]protocol.Server, error) {
	if len(servers) == 0 {
		return []protocol.Server{}, nil
	}
	ids := make([]string, 0, len(servers))
	for i := range servers {
		if servers[i].Wanted != protocol.Absent {
			ids = append(ids, servers[i].ID)
		}
	}
	ports, err := s.networks.PortsOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("reading the ports of %d servers: %w", len(ids), err)
	}
	out := make([]protocol.Server, len(servers))
	for i := range servers {
		if out[i], err = wants(&servers[i], ports[servers[i].ID]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
