package identity

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/event"
)

// catalogPeriod is how often the catalog is read again though nothing was heard of it.
const catalogPeriod = 30 * time.Second

// catalogBook holds the catalog in memory, so that no token needs the database for it.
type catalogBook struct {
	mu   sync.Mutex // held while it is read, so that the last to begin is the last to finish
	view atomic.Pointer[catalogView]
	wake chan struct{} // has something when the catalog was changed elsewhere
}

func newCatalogBook(own installed) *catalogBook {
	b := &catalogBook{wake: make(chan struct{}, 1)}
	b.view.Store(&catalogView{services: listed(own.services, own.endpoints)})
	return b
}

func (b *catalogBook) nudge() {
	select {
	case b.wake <- struct{}{}:
	default: // it is awake
	}
}

// catalogView is the catalog at one moment. It never changes.
type catalogView struct {
	services []CatalogService               // enabled, with their enabled endpoints
	direct   map[string]map[string]struct{} // of a project: the endpoints that it is limited to
	groups   map[string][]string            // of a project: the groups of endpoints that it is limited to
	members  map[string]map[string]struct{} // of a group: its endpoints
	partners []ServiceProvider              // enabled
}

// filterFor tells which endpoints a project reaches: all where none are associated with it.
func (v *catalogView) filterFor(projectID string) func(endpointID string) bool {
	direct := v.direct[projectID]
	groups := slices.DeleteFunc(slices.Clone(v.groups[projectID]), func(id string) bool { return len(v.members[id]) == 0 })
	if len(direct) == 0 && len(groups) == 0 {
		return func(string) bool { return true }
	}
	return func(endpointID string) bool {
		if _, ok := direct[endpointID]; ok {
			return true
		}
		return slices.ContainsFunc(groups, func(id string) bool {
			_, ok := v.members[id][endpointID]
			return ok
		})
	}
}

// listed gives services their endpoints, without what is disabled.
func listed(services []CatalogService, endpoints []CatalogEndpoint) []CatalogService {
	of := map[string][]CatalogEndpoint{}
	for _, e := range endpoints {
		if e.Enabled {
			of[e.ServiceID] = append(of[e.ServiceID], e)
		}
	}
	var out []CatalogService
	for _, service := range services {
		if service.Enabled {
			service.Endpoints = of[service.ID]
			out = append(out, service)
		}
	}
	return out
}

// loadCatalog reads the catalog into memory.
func (s *Service) loadCatalog(ctx context.Context) error {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	services, err := s.ListServices(ctx, "", "")
	if err != nil {
		return err
	}
	endpoints, err := s.ListEndpoints(ctx, EndpointFilter{})
	if err != nil {
		return err
	}
	view := &catalogView{
		services: listed(services, endpoints), direct: map[string]map[string]struct{}{}, groups: map[string][]string{},
		members: map[string]map[string]struct{}{},
	}
	if err := s.loadFilters(ctx, view, endpoints); err != nil {
		return err
	}
	enabled := true
	if view.partners, err = s.ListServiceProviders(ctx, "", &enabled); err != nil {
		return err
	}
	s.book.view.Store(view)
	return nil
}

func (s *Service) loadFilters(ctx context.Context, view *catalogView, endpoints []CatalogEndpoint) error {
	ties, err := s.store.ProjectEndpoints.Ties(ctx, "", "")
	if err != nil {
		return err
	}
	for _, t := range ties {
		put(view.direct, t.Left, t.Right)
	}
	if ties, err = s.store.ProjectEndpointGroups.Ties(ctx, "", ""); err != nil {
		return err
	}
	for _, t := range ties {
		view.groups[t.Left] = append(view.groups[t.Left], t.Right)
	}
	groups, err := s.store.EndpointGroups.List(ctx, nil)
	if err != nil {
		return err
	}
	for _, g := range groups {
		for _, e := range endpoints {
			if g.Filter.selects(e) {
				put(view.members, g.ID, e.ID)
			}
		}
	}
	return nil
}

func put(sets map[string]map[string]struct{}, of, id string) {
	if sets[of] == nil {
		sets[of] = map[string]struct{}{}
	}
	sets[of][id] = struct{}{}
}

// changeCatalog runs a change in a transaction and reads the catalog again, so that the next token has it.
func (s *Service) changeCatalog(ctx context.Context, change func(ctx context.Context) error) error {
	if err := s.db.Tx(ctx, change); err != nil {
		return err
	}
	if err := s.loadCatalog(ctx); err != nil {
		s.log.Warn("the catalog was changed but could not be read; trying again", "error", err)
		s.book.nudge()
	}
	return nil
}

// followCatalog keeps the catalog as other control nodes change it, until stop is called.
func (s *Service) followCatalog(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	unsubscribe := s.events.Subscribe("identity.", func(ev event.Event) {
		if slices.Contains([]string{"service", "endpoint", "endpoint_group", "project_endpoint", "service_provider"}, ev.Object) {
			s.book.nudge()
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(catalogPeriod)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			case <-s.book.wake:
			}
			if err := s.loadCatalog(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("reading the catalog failed; going on with the one known", "error", err)
			}
		}
	}()
	return func() {
		unsubscribe()
		cancel()
		<-done
	}
}

// tellCatalog adds the event of a change of the catalog, by which other control nodes read it again.
func (s *Service) tellCatalog(ctx context.Context, object, verb, id, name string) error {
	if err := s.tell(ctx, object, verb, id, "", about{Name: name, By: by(ctx)}); err != nil {
		return fmt.Errorf("telling of %s %s: %w", object, id, err)
	}
	return nil
}
