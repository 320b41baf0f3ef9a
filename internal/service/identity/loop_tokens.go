package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/event"
)

// How often this control node reads what the others may have written.
const (
	revocationPeriod = 500 * time.Millisecond
	keyPeriod        = 10 * time.Second
	housekeeping     = time.Minute
)

// lateness is how long after its IssuedBefore a revocation may become visible: the length of a transaction and the
// difference of two clocks.
const lateness = 15 * time.Second

// eventRevoked is the type of the event that carries a revocation.
const eventRevoked = "identity.token.revoked"

// revoke takes tokens back, in the caller's transaction: it adds rows and events, and on commit takes effect here.
func (s *Service) revoke(ctx context.Context, targets ...auth.Target) error {
	now := s.time()
	revs := make([]auth.Revocation, len(targets))
	for i, target := range targets {
		revs[i] = auth.Revocation{Target: target, IssuedBefore: now, ExpiresAt: now.Add(maxTokenLife + expiredWindow)}
		if err := s.tell(ctx, "token", "revoked", "", target.ProjectID, revs[i]); err != nil {
			return err
		}
	}
	if err := s.store.Tokens.InsertRevocations(ctx, revs); err != nil {
		return err
	}
	s.db.AfterCommit(ctx, func() { s.revoked.Add(revs...) })
	return nil
}

// Load reads token keys, the catalog and revocations into memory, and makes the first key if there is none.
func (s *Service) Load(ctx context.Context) error {
	if err := s.keys.rotate(ctx, s.db, s.time(), s.cfg.KeyAge); err != nil {
		return fmt.Errorf("loading the token keys: %w", err)
	}
	if err := s.loadCatalog(ctx); err != nil {
		return fmt.Errorf("loading the catalog: %w", err)
	}
	return s.loadRevocations(ctx, time.Time{})
}

func (s *Service) loadRevocations(ctx context.Context, since time.Time) error {
	revs, err := s.store.Tokens.Revocations(ctx, since)
	if err != nil {
		return err
	}
	s.revoked.Add(revs...)
	return nil
}

// Run keeps keys and revocations in memory as the database has them, rotates the keys, and forgets what is over.
// Without the database it goes on with what it knows.
func (s *Service) Run(ctx context.Context) error {
	cancel := s.events.Subscribe(eventRevoked, s.heard)
	defer cancel()
	defer s.followCatalog(ctx)()
	tick := time.NewTicker(revocationPeriod)
	defer tick.Stop()
	read, keysRead, cleaned := s.time().Add(-lateness), s.time(), s.time()
	healthy := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := s.time()
		err := s.loadRevocations(ctx, read.Add(-lateness))
		if err == nil {
			read = now
		}
		if err == nil && now.Sub(keysRead) >= keyPeriod {
			keysRead = now
			_, err = s.keys.load(ctx)
		}
		if err == nil && now.Sub(cleaned) >= housekeeping {
			cleaned = now
			err = s.clean(ctx, now)
		}
		if err != nil && healthy && ctx.Err() == nil {
			s.log.Error("reading token keys and revocations failed; going on with those known", "error", err)
		}
		healthy = err == nil
	}
}

// heard takes a revocation from an event, which is faster than the table.
func (s *Service) heard(ev event.Event) {
	var rev auth.Revocation
	if err := json.Unmarshal(ev.Data, &rev); err != nil {
		s.log.Warn("an event holds no revocation; the table does", "event", ev.ID, "error", err)
		return
	}
	s.revoked.Add(rev)
}

func (s *Service) clean(ctx context.Context, now time.Time) error {
	s.revoked.Prune(now)
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.Guards.DeleteFailures(ctx, now.Add(-s.guard.LockoutFor)); err != nil {
			return err
		}
		return s.store.Tokens.DeleteRevocations(ctx, now)
	})
	if err != nil {
		return err
	}
	return s.keys.rotate(ctx, s.db, now, s.cfg.KeyAge)
}
