package compute

import (
	"context"
	"fmt"
)

// outcome is a judged server: the row as it is to be, and what else follows.
type outcome struct {
	server Server
	verdict
}

// apply writes outcomes in the transaction of ctx, in a number of statements that does not depend on their number: rows,
// claims, ports, quota and actions move together or not at all.
func (s *Service) apply(ctx context.Context, outcomes []outcome) error {
	var (
		rows    []Server
		gone    []string
		left    []string                // their hosts
		settled = map[string][]string{} // message → servers
		claims  = map[string]*Claim{}
		usage   = map[string]*Usage{}
	)
	now := s.now()
	for i := range outcomes {
		o := &outcomes[i]
		if !o.changed {
			continue
		}
		if !o.noted {
			o.server.UpdatedAt = now
		}
		rows = append(rows, o.server)
		if o.left != "" {
			left = append(left, o.server.ID)
			c := entry(claims, o.left)
			c.HostID = o.left
			c.Servers++
			c.Size = c.Size.plus(o.server.Size, 1)
		}
		if o.settled {
			settled[o.message] = append(settled[o.message], o.server.ID)
		}
		if o.gone {
			gone = append(gone, o.server.ID)
			u := entry(usage, o.server.ProjectID)
			u.Servers--
			u.VCPUs -= o.server.Size.VCPUs
			u.MemoryMiB -= o.server.Size.MemoryMiB
		}
	}
	if err := s.store.SaveServers(ctx, rows); err != nil {
		return err
	}
	released := values(claims)
	if err := s.store.Release(ctx, released); err != nil {
		return err
	}
	if err := s.store.ReleaseBandwidth(ctx, left); err != nil {
		return err
	}
	if err := s.tellOfHosts(ctx, claimedHosts(released), false); err != nil {
		return err
	}
	if len(gone) > 0 {
		if err := s.networks.Release(ctx, gone); err != nil {
			return fmt.Errorf("releasing the ports of %d servers: %w", len(gone), err)
		}
	}
	for project, u := range usage {
		if _, err := s.store.Use(ctx, project, *u, Quota{}); err != nil {
			return err
		}
	}
	for message, ids := range settled {
		if err := s.store.FinishActions(ctx, ids, message, now); err != nil {
			return err
		}
	}
	return s.announce(ctx, outcomes)
}

// announce adds the events of outcomes, and wakes the loops.
func (s *Service) announce(ctx context.Context, outcomes []outcome) error {
	for i := range outcomes {
		o := &outcomes[i]
		if !o.changed || o.noted {
			continue
		}
		kind := serverUpdated
		if o.gone {
			kind = serverDeleted
		}
		if err := s.tell(ctx, kind, &o.server); err != nil {
			return err
		}
		s.wake(ctx, &o.server)
	}
	return nil
}

func entry[V any](m map[string]*V, key string) *V {
	if m[key] == nil {
		m[key] = new(V)
	}
	return m[key]
}

func values[V any](m map[string]*V) []V {
	out := make([]V, 0, len(m))
	for _, v := range m {
		out = append(out, *v)
	}
	return out
}
