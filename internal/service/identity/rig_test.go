package identity_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	"github.com/aloft-cloud/aloft/internal/service/identity/store"
)

const adminPassword = "correct horse"

// rig is an identity service on a database of its own.
type rig struct {
	*identity.Service
	t      *testing.T
	db     *db.DB
	stores identity.Stores
	events *recorder
}

// recorder notes the events of committed and uncommitted changes alike. With fail set it refuses them.
type recorder struct {
	mu    sync.Mutex
	types []string
	fail  bool
}

var errNoEvents = errors.New("no events today")

func (r *recorder) Add(_ context.Context, ev event.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail {
		return errNoEvents
	}
	r.types = append(r.types, ev.Type)
	return nil
}

func (r *recorder) Subscribe(string, func(event.Event)) (cancel func()) { return func() {} }

// take returns the types of the events since the last call.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	types := r.types
	r.types = nil
	return types
}

// each runs fn on both engines, with a service that has its first user.
func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	t.Helper()
	dbtest.Each(t, []db.Migrations{store.Migrations()}, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		require.NoError(t, r.EnsureBootstrap(t.Context(), adminPassword))
		r.events.take()
		fn(t, r)
	})
}

func newRig(t *testing.T, d *db.DB) *rig {
	t.Helper()
	r := &rig{t: t, db: d, stores: store.New(d), events: &recorder{}}
	r.Service = newService(t, d, r.events, 'k')
	require.NoError(t, r.Load(t.Context()))
	return r
}

func newService(t *testing.T, d *db.DB, events identity.Events, master byte, tune ...func(*identity.Config)) *identity.Service {
	t.Helper()
	cfg := identity.Config{
		Region: "RegionOne", MasterKey: bytes.Repeat([]byte{master}, auth.KeySize), HashCost: identity.HashCost{Passes: 1, MemoryKiB: 8},
		Catalog: []identity.Endpoint{
			{Type: "identity", Name: "keystone", URL: "https://h/identity"},
			{Type: "volumev3", Name: "cinder", URL: "https://h/volume/v3/{project_id}"},
		},
	}
	for _, fn := range tune {
		fn(&cfg)
	}
	s, err := identity.New(cfg, d, store.New(d), events, slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NoError(t, err)
	return s
}

func byPassword(user, password string) identity.Proof {
	return identity.Proof{
		Methods: []string{identity.MethodPassword}, Password: password,
		User: identity.UserRef{Name: user, Domain: identity.DomainRef{ID: identity.DefaultDomainID}},
	}
}

func byToken(token string) identity.Proof {
	return identity.Proof{Methods: []string{identity.MethodToken}, Token: token}
}

func toProject(id string) *identity.ScopeRef {
	return &identity.ScopeRef{Project: &identity.ProjectRef{ID: id}}
}

var (
	unscoped = &identity.ScopeRef{Unscoped: true}
	toSystem = &identity.ScopeRef{System: true}
	toDomain = &identity.ScopeRef{Domain: &identity.DomainRef{Name: identity.DefaultDomainName}}
)

// logIn must succeed.
func (r *rig) logIn(proof identity.Proof, want *identity.ScopeRef) (*auth.Token, string) {
	r.t.Helper()
	t, sealed, err := r.LogIn(r.t.Context(), proof, want)
	require.NoError(r.t, err)
	return t, sealed
}

func (r *rig) user(name string) identity.User {
	r.t.Helper()
	u, err := r.CreateUser(r.t.Context(), identity.User{Name: name, DomainID: identity.DefaultDomainID, Enabled: true}, name+"-password")
	require.NoError(r.t, err)
	return u
}

func (r *rig) project(name string) identity.Project {
	r.t.Helper()
	p, err := r.CreateProject(r.t.Context(), identity.Project{Name: name, DomainID: identity.DefaultDomainID, Enabled: true})
	require.NoError(r.t, err)
	return p
}

// role returns the id of a role that every installation has.
func (r *rig) role(name string) string {
	r.t.Helper()
	roles, err := r.ListRoles(r.t.Context(), identity.RoleFilter{Name: name}, page)
	require.NoError(r.t, err)
	require.Len(r.t, roles, 1)
	return roles[0].ID
}

func (r *rig) assign(actor identity.Actor, on identity.Scope, role string) identity.Assignment {
	r.t.Helper()
	a := identity.Assignment{Actor: actor, Scope: on, RoleID: r.role(role)}
	require.NoError(r.t, r.Assign(r.t.Context(), a))
	return a
}

func isClass(t *testing.T, class fault.Class, err error) {
	t.Helper()
	require.Error(t, err)
	require.True(t, fault.Is(err, class), "%v", err)
}

func adminCaller(t *testing.T, r *rig) *auth.Caller {
	t.Helper()
	_, token := r.logIn(byPassword("admin", adminPassword), toSystem)
	c, err := r.Authenticate(t.Context(), token)
	require.NoError(t, err)
	return c
}
