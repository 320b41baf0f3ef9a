package compute

import (
	"context"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

const (
	livenessEvery = time.Second // between looks for hosts that have fallen silent
	livenessBatch = 500         // hosts in one transaction
)

// Heartbeat takes the call of a host. It serves protocol.SubjectHeartbeat, on every control node.
func (s *Service) Heartbeat(h protocol.Heartbeat) {
	if !s.pulse.called(h, s.now()) {
		return
	}
	s.hosts.AskSync(h.HostID) // what was done while it was lost, it hasn't heard
	s.changes.add([]string{h.HostID}, false)
	s.placement.Wake(placementKey)
}

// watchHosts gives up hosts that have fallen silent, until ctx ends.
func (s *Service) watchHosts(ctx context.Context) error {
	tick := time.NewTicker(livenessEvery)
	defer tick.Stop()
	for grace := true; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if grace && s.pulse.heardAll(s.now()) {
			grace = false
			s.changes.add(nil, true) // hosts that have not called since are not up any more
		}
		if err := s.meetStrangers(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "hosts that call could not be looked up; trying again", "error", err)
		}
		if err := s.loseHosts(ctx, s.pulse.silent(s.now())); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "lost hosts could not be given up; trying again", "error", err)
		}
	}
}

// meetStrangers looks for the rows of hosts that call, and has those Sync that have none.
func (s *Service) meetStrangers(ctx context.Context) error {
	for {
		ids := s.pulse.strangers(livenessBatch)
		if len(ids) == 0 {
			return nil
		}
		hosts, err := s.store.HostsByID(ctx, ids)
		if err != nil {
			return err
		}
		known := make([]string, len(hosts))
		for i := range hosts {
			known[i] = hosts[i].ID
		}
		s.pulse.met(known)
		slices.Sort(known)
		for _, id := range ids {
			if _, found := slices.BinarySearch(known, id); !found {
				s.pulse.forget(id)
				s.hosts.AskSync(id)
			}
		}
	}
}

// loseHosts takes hosts for lost, many in one transaction: what never ran on them is built elsewhere, and what should go
// from them is gone. Each host is the business of one control node; the others note only that it is silent.
func (s *Service) loseHosts(ctx context.Context, silent []string) error {
	s.changes.add(silent, false) // before what they leave is built elsewhere
	for batch := range slices.Chunk(silent, livenessBatch) {
		now := s.now()
		mine := slices.DeleteFunc(slices.Clone(batch), func(id string) bool { return s.owner != nil && !s.owner.Owns(id) })
		if len(mine) > 0 {
			s.log.WarnContext(ctx, "hosts are lost", "hosts", len(mine), "first", mine[0])
			// Seen a moment longer ago than one may be silent, so that they are down in this very instant.
			if err := s.forsake(ctx, mine, now.Add(-s.settings.HostTimeout-time.Microsecond)); err != nil {
				return err
			}
		}
		s.pulse.giveUp(batch, now)
	}
	return nil
}

// forsake writes that hosts were seen for the last time, and applies that to the servers whose wants they have not
// carried out. A host that has called meanwhile may have been given servers since, and keeps them.
func (s *Service) forsake(ctx context.Context, hostIDs []string, seen time.Time) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		behind, err := s.store.UncarriedOnHost(ctx, hostIDs...)
		if err != nil {
			return err
		}
		now := s.now()
		lost := s.pulse.stillSilent(hostIDs, now)
		if err := s.store.TouchHosts(ctx, lost, seen); err != nil {
			return err
		}
		outcomes := make([]outcome, 0, len(behind))
		for i := range behind {
			if slices.Contains(lost, behind[i].HostID) {
				o := outcome{server: behind[i]}
				o.verdict = o.server.forsake(now, s.settings)
				outcomes = append(outcomes, o)
			}
		}
		return s.apply(ctx, outcomes)
	})
}
