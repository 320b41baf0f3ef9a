package network

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/batch"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/reconcile"
)

// Config is what the service is made of. The zero value of each field means its default.
type Config struct {
	Audit time.Duration // how often everything is compared; default a minute
	Quota Quota         // of each project
	Zone  string        // the name of the availability zone; default "nova"
	// Owner says whether this control node is the one that writes to the Northbound. nil: it is.
	Owner reconcile.Owner
	// Projects tells which of them are gone. nil: none ever is.
	Projects Projects
	// Hosts are where ports' devices run. nil: there are none.
	Hosts Hosts
}

// Service is the network service.
type Service struct {
	store  Store
	db     DB
	events Events
	north  Northbound
	cfg    Config
	log    *slog.Logger
	origin string // which process an event comes from
	dirty  *dirty
	links  *links
	queue  *reconcile.Queue
	status *reconcile.Queue
	syncs  *batch.Group[*hostSync]

	projects *reconcile.Queue // nil without Config.Projects
}

// New returns the service. A nil northbound wires nothing: ports become active when they are bound to a host.
func New(cfg Config, store Store, db DB, events Events, north Northbound, log *slog.Logger) *Service {
	if cfg.Audit == 0 {
		cfg.Audit = time.Minute
	}
	if cfg.Zone == "" {
		cfg.Zone = "nova"
	}
	if cfg.Quota == nil {
		cfg.Quota = DefaultQuota()
	}
	if north == nil {
		north = NewUnwired()
	}
	s := &Service{
		store: store, db: db, events: events, north: north, cfg: cfg, log: log.With("service", "network"),
		origin: uuid.NewString(), dirty: newDirty(), links: newLinks(),
	}
	s.queue = s.northboundLoop()
	s.status = s.linksLoop()
	s.syncs = batch.New(hostsAtOnce, s.takeSyncs)
	if cfg.Projects != nil {
		s.projects = s.projectsLoop()
	}
	return s
}

// Zone is the name of the one availability zone.
func (s *Service) Zone() string { return s.cfg.Zone }

// now is the time as the database keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func born() Stamp {
	t := now()
	return Stamp{CreatedAt: t, UpdatedAt: t, Revision: 1}
}

// touch goes with every change of a row.
func (s *Stamp) touch() {
	s.UpdatedAt = now()
	s.Revision++
}

// happening is the data of this service's events: what they make dirty.
type happening struct {
	Origin string `json:"origin"`
	Units  []Unit `json:"units,omitempty"`
	Full   bool   `json:"full,omitempty"` // everything is to be stated again
}

// note adds an event to the transaction, and marks units as dirty when it commits.
func (s *Service) note(ctx context.Context, object, id, projectID, what string, units ...Unit) error {
	data, err := json.Marshal(happening{Origin: s.origin, Units: units})
	if err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	err = s.events.Add(ctx, event.Event{
		Type: "network." + object + "." + what, Object: object, ObjectID: id, ProjectID: projectID, Data: data,
	})
	if err != nil {
		return err
	}
	if len(units) > 0 {
		s.db.AfterCommit(ctx, func() { s.mark(units...) })
	}
	return nil
}

// noteRepair has everything stated again when the transaction commits, on every control node that may do so.
func (s *Service) noteRepair(ctx context.Context) error {
	data, err := json.Marshal(happening{Origin: s.origin, Full: true})
	if err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	s.db.AfterCommit(ctx, s.Resync)
	return s.events.Add(ctx, event.Event{Type: "network.audit.repair", Object: "audit", Data: data})
}

// mark wakes the loop for some units.
func (s *Service) mark(units ...Unit) {
	s.dirty.add(units...)
	s.queue.Wake(northboundKey)
}

// tx runs a use case and returns its result.
func tx[T any](ctx context.Context, s *Service, fn func(ctx context.Context) (T, error)) (T, error) {
	var out T
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		out, err = fn(ctx)
		return err
	})
	return out, err
}

// Together runs several use cases in one transaction: all of them, or none.
func (s *Service) Together(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.db.Tx(ctx, fn)
}

// project is for whom something is made: the caller's own project, or another one if the caller is an admin.
func project(c *auth.Caller, wanted string) (string, error) {
	switch {
	case wanted == "" || wanted == c.ProjectID:
		if c.ProjectID == "" {
			return "", fault.Invalidf("project_id", "the token is not scoped to a project: name the project_id, or use a token of a project").WithCode("InvalidInput")
		}
		return c.ProjectID, nil
	case c.Admin():
		return wanted, nil
	}
	return "", disallowed("project_id")
}

// disallowed refuses what only an admin may do.
func disallowed(rule string) error {
	return fault.New(fault.Forbidden, "rule:%s is disallowed by policy: it needs the role admin", rule).WithCode("PolicyNotAuthorized")
}

// mine refuses to change what a caller only sees because it is shared.
func mine(c *auth.Caller, projectID, rule string) error {
	if c.Admin() || projectID == c.ProjectID {
		return nil
	}
	return disallowed(rule)
}

func invalid(field, format string, args ...any) error {
	return fault.Invalidf(field, format, args...).WithCode("InvalidInput")
}

// set writes a new value where one is given.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// or is a value, or the default where there is none.
func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

func checkRoutes(field string, routes []Route) error {
	for _, r := range routes {
		if r.Destination.Addr().Is4() != r.NextHop.Is4() {
			return invalid(field, "the route to %s and its next hop %s are not of the same IP version", r.Destination, r.NextHop)
		}
		if r.Destination.Masked() != r.Destination {
			return invalid(field, "%s is not a network: did you mean %s?", r.Destination, r.Destination.Masked())
		}
	}
	return nil
}

func ids[T, ID any](list []T, id func(T) ID) []ID {
	out := make([]ID, 0, len(list))
	for _, v := range list {
		out = append(out, id(v))
	}
	return out
}

func allAddresses(list []FixedIP) []netip.Addr { return Port{FixedIPs: list}.Addresses() }
