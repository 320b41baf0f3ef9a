package compute

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/batch"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/reconcile"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// Config is what the service is made of.
type Config struct {
	DB       *db.DB
	Store    Store
	Networks Networks
	Images   Images
	Hosts    HostLink
	Events   *event.Log
	Owner    reconcile.Owner // spreads the loops' keys over control nodes; nil: this one has all
	Settings Settings
	Log      *slog.Logger
	Now      func() time.Time // nil: time.Now
}

// Service is compute.
type Service struct {
	db       *db.DB
	store    Store
	networks Networks
	images   Images
	hosts    HostLink
	events   *event.Log
	settings Settings
	log      *slog.Logger
	clock    func() time.Time

	owner     reconcile.Owner
	started   time.Time // when this control node began to listen to hosts
	pulse     *pulse
	intake    *intake
	node      string // of this control node, in what it tells the others
	changes   changes
	creations *batch.Group[*creation]
	orders    *batch.Group[*order]
	placement *reconcile.Queue
	hostLoop  *reconcile.Queue
	purge     *reconcile.Queue
}

// New returns the service. Nothing moves until Run.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	started := c.Now()
	heard := newPulse(started, c.Settings.HostTimeout)
	s := &Service{
		db: c.DB, store: freshStore{c.Store, heard, c.Now}, networks: c.Networks, images: c.Images, hosts: c.Hosts, events: c.Events,
		settings: c.Settings, log: c.Log, clock: c.Now, owner: c.Owner, started: started, pulse: heard, intake: newIntake(),
		node: newNode(), changes: changes{hosts: map[string]struct{}{}},
	}
	s.creations = batch.New(creationsAtOnce, s.create)
	s.orders = batch.New(ordersAtOnce, s.takeOrders)
	placer := &placer{Service: s}
	s.placement = reconcile.New(reconcile.Loop{
		Name: "compute.placement", Period: 2 * time.Second, Owner: c.Owner, Log: c.Log,
		Keys: placer.keys, Do: placer.do,
	})
	pusher := newPusher(s)
	s.hostLoop = reconcile.New(reconcile.Loop{
		Name: "compute.hosts", Workers: pushersAtOnce, Period: 5 * time.Second, Owner: c.Owner, Log: c.Log,
		Keys: s.store.HostsBehind, Do: pusher.do,
	})
	s.purge = reconcile.New(reconcile.Loop{
		Name: "compute.purge", Period: time.Hour, Owner: c.Owner, Log: c.Log,
		Keys: func(context.Context) ([]string, error) { return []string{"history"}, nil }, Do: s.forget,
	})
	return s
}

// Run runs the loops until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	defer s.events.Subscribe("compute.server.", s.hear)()
	defer s.events.Subscribe(hostsChanged, s.hearOfHosts)()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.placement.Run(ctx) })
	g.Go(func() error { return s.hostLoop.Run(ctx) })
	g.Go(func() error { return s.purge.Run(ctx) })
	g.Go(func() error { return s.takeSightings(ctx) })
	g.Go(func() error { return s.watchHosts(ctx) })
	return g.Wait()
}

// Status returns what the loops are doing.
func (s *Service) Status() []reconcile.Status {
	return []reconcile.Status{s.placement.Status(), s.hostLoop.Status(), s.purge.Status()}
}

// news is the data of events about servers.
type news struct {
	Origin string `json:"origin"` // the control node that has seen to it itself
	Name   string `json:"name"`
	State  State  `json:"state"`
	Task   Task   `json:"task,omitempty"`
	Host   string `json:"host_id,omitempty"`
	Push   bool   `json:"push,omitempty"` // the host has not carried out the wants
}

// hear wakes the loops for changes that other control nodes have written.
func (s *Service) hear(e event.Event) {
	var n news
	if err := json.Unmarshal(e.Data, &n); err != nil || n.Origin == s.node {
		return // not ours to understand: the sweep catches what it meant; or woken by the commit already
	}
	if n.Task == Placing {
		s.placement.Wake(placementKey)
	}
	if n.Host != "" && n.Push {
		s.hostLoop.Wake(n.Host)
	}
}

// The types of events about servers.
const (
	serverCreated = "compute.server.created"
	serverUpdated = "compute.server.updated"
	serverDeleted = "compute.server.deleted"
)

// tell adds an event about a server to the transaction.
func (s *Service) tell(ctx context.Context, kind string, sv *Server) error {
	data, err := json.Marshal(news{
		Origin: s.node, Name: sv.Name, State: sv.State, Task: sv.Task, Host: sv.HostID, Push: sv.Carried < sv.Generation,
	})
	if err != nil {
		return fmt.Errorf("encoding the event about server %s: %w", sv.ID, err)
	}
	return s.events.Add(ctx, event.Event{
		Type: kind, At: sv.UpdatedAt, Object: "server", ObjectID: sv.ID, ProjectID: sv.ProjectID, Data: data,
	})
}

// act opens an action: what a user asked of servers.
func (s *Service) act(ctx context.Context, caller *auth.Caller, name string, servers ...Server) error {
	return s.store.InsertActions(ctx, actionsOf(caller.UserID, rest.RequestID(ctx), name, servers...))
}

// actionsOf are the actions of a request about servers.
func actionsOf(userID, requestID, name string, servers ...Server) []Action {
	actions := make([]Action, len(servers))
	for i := range servers {
		actions[i] = Action{
			ID: uuid.NewString(), ServerID: servers[i].ID, ProjectID: servers[i].ProjectID, UserID: userID,
			RequestID: requestID, Name: name, StartedAt: servers[i].UpdatedAt, UpdatedAt: servers[i].UpdatedAt,
		}
	}
	return actions
}

// wake makes the loops look at a server after the transaction.
func (s *Service) wake(ctx context.Context, sv *Server) {
	task, host, behind := sv.Task, sv.HostID, sv.Carried < sv.Generation
	s.db.AfterCommit(ctx, func() {
		if task == Placing {
			s.placement.Wake(placementKey)
		}
		if host != "" && behind {
			s.hostLoop.Wake(host)
		}
	})
}

// now is the time as both engines keep it.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }
