package identity_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	"github.com/aloft-cloud/aloft/internal/service/identity/store"
)

// what a case of TestRevocation acts on.
type subject struct {
	domain  identity.Project
	user    identity.User
	project identity.Project
	group   identity.Group
	direct  identity.Assignment // member on project
	byGroup identity.Assignment // reader on project, through the group
	token   string
}

func newSubject(t *testing.T, r *rig) subject {
	t.Helper()
	ctx := t.Context()
	var s subject
	var err error
	s.domain, err = r.CreateProject(ctx, identity.Project{Name: "d", IsDomain: true, Enabled: true})
	require.NoError(t, err)
	s.user, err = r.CreateUser(ctx, identity.User{Name: "u", DomainID: s.domain.ID, Enabled: true}, "secret")
	require.NoError(t, err)
	s.project = r.project("p")
	s.group, err = r.CreateGroup(ctx, identity.Group{Name: "g", DomainID: s.domain.ID})
	require.NoError(t, err)
	require.NoError(t, r.AddMember(ctx, s.group.ID, s.user.ID))
	on := identity.Scope{ProjectID: s.project.ID}
	s.direct = r.assign(identity.Actor{UserID: s.user.ID}, on, "member")
	s.byGroup = r.assign(identity.Actor{GroupID: s.group.ID}, on, "reader")
	proof := identity.Proof{Methods: []string{"password"}, User: identity.UserRef{ID: s.user.ID}, Password: "secret"}
	_, s.token = r.logIn(proof, toProject(s.project.ID))
	return s
}

func TestRevocation(t *testing.T) {
	no, yes, word := false, true, "new"
	cases := map[string]struct {
		act  func(context.Context, *rig, subject) error
		dies bool
	}{
		"nothing": {func(context.Context, *rig, subject) error { return nil }, false},
		"user renamed": {func(ctx context.Context, r *rig, s subject) error {
			_, err := r.UpdateUser(ctx, s.user.ID, identity.UserChange{Name: &word})
			return err
		}, false},
		"user enabled": {func(ctx context.Context, r *rig, s subject) error {
			_, err := r.UpdateUser(ctx, s.user.ID, identity.UserChange{Enabled: &yes})
			return err
		}, false},
		"user disabled": {func(ctx context.Context, r *rig, s subject) error {
			_, err := r.UpdateUser(ctx, s.user.ID, identity.UserChange{Enabled: &no})
			return err
		}, true},
		"user deleted": {func(ctx context.Context, r *rig, s subject) error { return r.DeleteUser(ctx, s.user.ID) }, true},
		"password set": {func(ctx context.Context, r *rig, s subject) error {
			_, err := r.UpdateUser(ctx, s.user.ID, identity.UserChange{Password: &word})
			return err
		}, true},
		"password changed": {func(ctx context.Context, r *rig, s subject) error {
			return r.ChangePassword(ctx, "", s.user.ID, "secret", word)
		}, true},
		"project renamed": {func(ctx context.Context, r *rig, s subject) error {
			_, err := r.UpdateProject(ctx, s.project.ID, identity.ProjectChange{Name: &word})
			return err
		}, false},
		"project disabled": {func(ctx context.Context, r *rig, s subject) error {
			_, err := r.UpdateProject(ctx, s.project.ID, identity.ProjectChange{Enabled: &no})
			return err
		}, true},
		"project deleted": {func(ctx context.Context, r *rig, s subject) error { return r.DeleteProject(ctx, s.project.ID) }, true},
		"domain disabled": {func(ctx context.Context, r *rig, s subject) error {
			_, err := r.UpdateDomain(ctx, s.domain.ID, identity.ProjectChange{Enabled: &no})
			return err
		}, true},
		"role taken": {func(ctx context.Context, r *rig, s subject) error { return r.Unassign(ctx, s.direct) }, true},
		"role given": {func(ctx context.Context, r *rig, s subject) error {
			a := s.direct
			a.RoleID = r.role("manager")
			return r.Assign(ctx, a)
		}, false},
		"role taken from group": {func(ctx context.Context, r *rig, s subject) error { return r.Unassign(ctx, s.byGroup) }, true},
		"group left":            {func(ctx context.Context, r *rig, s subject) error { return r.RemoveMember(ctx, s.group.ID, s.user.ID) }, true},
		"group deleted":         {func(ctx context.Context, r *rig, s subject) error { return r.DeleteGroup(ctx, s.group.ID) }, true},
		"role deleted":          {func(ctx context.Context, r *rig, s subject) error { return r.DeleteRole(ctx, s.direct.RoleID) }, true},
		"other role deleted":    {func(ctx context.Context, r *rig, s subject) error { return r.DeleteRole(ctx, r.role("service")) }, false},
		"role on another project": {func(ctx context.Context, r *rig, s subject) error {
			a := r.assign(s.direct.Actor, identity.Scope{ProjectID: r.project("q").ID}, "member")
			return r.Unassign(ctx, a)
		}, false},
		"token revoked": {func(ctx context.Context, r *rig, s subject) error {
			c, err := r.Authenticate(ctx, s.token)
			if err != nil {
				return err
			}
			return r.RevokeToken(ctx, c, s.token)
		}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, dbtest.SQLite(t, store.Migrations()))
			require.NoError(t, r.EnsureBootstrap(t.Context(), ""))
			s := newSubject(t, r)
			require.NoError(t, c.act(t.Context(), r, s))
			_, err := r.Verify(s.token)
			later := newService(t, r.db, r.events, 'k') // as after a restart
			require.NoError(t, later.Load(t.Context()))
			_, errLater := later.Verify(s.token)
			if c.dies {
				isClass(t, fault.Unauthenticated, err)
				isClass(t, fault.Unauthenticated, errLater)
			} else {
				require.NoError(t, err)
				require.NoError(t, errLater)
			}
		})
	}
}

// Two control nodes share the database. One hears the events of the other; a third hears none and reads the table.
func TestRevocationReachesOtherControlNodes(t *testing.T) {
	dbtest.Each(t, []db.Migrations{store.Migrations(), event.Migrations()}, func(t *testing.T, d *db.DB) {
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		ctx, stop := context.WithCancel(t.Context())
		events := event.New(d, nil, log)
		here := newService(t, d, events, 'k')
		hears, reads := newService(t, d, events, 'k'), newService(t, d, &recorder{}, 'k')
		require.NoError(t, here.Load(ctx))
		require.NoError(t, here.EnsureBootstrap(ctx, adminPassword))
		var ended []chan error
		run := func(loop func(context.Context) error) {
			done := make(chan error, 1)
			ended = append(ended, done)
			go func() { done <- loop(ctx) }()
		}
		for _, s := range []*identity.Service{hears, reads} {
			require.NoError(t, s.Load(ctx))
			run(s.Run)
		}
		run(events.Run)
		t.Cleanup(func() {
			stop()
			for _, done := range ended {
				require.NoError(t, <-done)
			}
		})

		_, token, err := here.LogIn(ctx, byPassword("admin", adminPassword), toSystem)
		require.NoError(t, err)
		c, err := here.Authenticate(ctx, token)
		require.NoError(t, err)
		for _, s := range []*identity.Service{hears, reads} {
			_, err := s.Verify(token)
			require.NoError(t, err)
		}
		require.NoError(t, here.RevokeToken(ctx, c, token))
		_, err = here.Verify(token)
		isClass(t, fault.Unauthenticated, err)
		start := time.Now()
		for name, s := range map[string]*identity.Service{"hears": hears, "reads": reads} {
			require.Eventually(t, func() bool { _, err := s.Verify(token); return err != nil }, time.Minute, 5*time.Millisecond, name)
			t.Logf("the control node that %s knew after %s", name, time.Since(start))
		}
	})
}

func TestChangesTellOfThemselvesOrDoNotHappen(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		s := newSubject(t, r)
		r.events.take()
		require.NoError(t, r.DeleteProject(ctx, s.project.ID))
		require.Equal(t, []string{"identity.token.revoked", "identity.project.deleted"}, r.events.take())

		r.events.fail = true
		_, err := r.CreateUser(ctx, identity.User{Name: "x", DomainID: s.domain.ID, Enabled: true}, "")
		require.ErrorIs(t, err, errNoEvents)
		r.events.fail = false
		users, err := r.ListUsers(ctx, adminCaller(t, r), identity.UserFilter{DomainID: s.domain.ID}, page)
		require.NoError(t, err)
		require.Len(t, users, 1)

		no := false
		isClass(t, fault.Forbidden, r.DeleteDomain(ctx, s.domain.ID))
		_, err = r.UpdateDomain(ctx, s.domain.ID, identity.ProjectChange{Enabled: &no})
		require.NoError(t, err)
		r.events.take()
		require.NoError(t, r.DeleteDomain(ctx, s.domain.ID))
		told := r.events.take()
		slices.Sort(told)
		require.Equal(t, []string{"identity.domain.deleted", "identity.group.deleted", "identity.token.revoked", "identity.token.revoked", "identity.user.deleted"}, told)
		_, err = r.stores.Users.User(ctx, s.user.ID)
		isClass(t, fault.NotFound, err)
	})
}
