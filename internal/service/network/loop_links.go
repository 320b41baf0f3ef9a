package network

import (
	"context"
	"sync"

	"github.com/aloft-cloud/aloft/internal/core/reconcile"
)

// linksKey is the one key of the loop that writes links into the ports' states.
const linksKey = "links"

// links is what the northbound has said of ports and is not written yet. After a crash the northbound says it all again.
type links struct {
	mu sync.Mutex
	up map[string]bool
}

func newLinks() *links { return &links{up: map[string]bool{}} }

// add keeps what is heard; a second report of one port replaces the first.
func (l *links) add(list []Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range list {
		l.up[one.PortID] = one.Up
	}
}

// take removes a batch.
func (l *links) take() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]bool{}
	for id, up := range l.up {
		if len(out) == unitsAtOnce {
			break
		}
		out[id] = up
		delete(l.up, id)
	}
	return out
}

// back returns a batch that could not be written, unless something newer was heard.
func (l *links) back(list map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, up := range list {
		if _, newer := l.up[id]; !newer {
			l.up[id] = up
		}
	}
}

func (s *Service) heardLinks(list []Link) {
	s.links.add(list)
	s.status.Wake(linksKey)
}

func (s *Service) linksLoop() *reconcile.Queue {
	return reconcile.New(reconcile.Loop{
		Name: "network-links", Workers: 1, Log: s.log,
		Do: func(ctx context.Context, _ string) (reconcile.Result, error) {
			for {
				list := s.links.take()
				if len(list) == 0 {
					return reconcile.Result{}, nil
				}
				if err := s.writeLinks(ctx, list); err != nil {
					s.links.back(list)
					return reconcile.Result{}, err
				}
			}
		},
	})
}

// writeLinks writes the states of ports whose link is another than it was.
func (s *Service) writeLinks(ctx context.Context, up map[string]bool) error {
	byStatus := map[string][]string{}
	for id, is := range up {
		status := StatusDown
		if is {
			status = StatusActive
		}
		byStatus[status] = append(byStatus[status], id)
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		for status, list := range byStatus {
			ports, err := s.store.SetPortStatus(ctx, list, status)
			if err != nil {
				return err
			}
			for _, p := range ports {
				if err := s.note(ctx, "port", p.ID, p.ProjectID, "updated"); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
