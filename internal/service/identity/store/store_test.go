package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	"github.com/aloft-cloud/aloft/internal/service/identity/store"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)

func each(t *testing.T, fn func(t *testing.T, d *db.DB, s identity.Stores)) {
	t.Helper()
	dbtest.Each(t, []db.Migrations{store.Migrations()}, func(t *testing.T, d *db.DB) { fn(t, d, store.New(d)) })
}

// write runs each function in a transaction of its own.
func write(t *testing.T, d *db.DB, fns ...func(context.Context) error) {
	t.Helper()
	for _, fn := range fns {
		require.NoError(t, d.Tx(t.Context(), fn))
	}
}

func user(id, name string) identity.User {
	return identity.User{ID: id, Name: name, DomainID: "default", Enabled: true, Extra: map[string]any{}, PasswordChangedAt: at, CreatedAt: at, Revision: 1}
}

func project(id, name string) identity.Project {
	return identity.Project{
		ID: id, Name: name, DomainID: "default", ParentID: "default", Enabled: true, Tags: []string{}, Extra: map[string]any{}, CreatedAt: at, Revision: 1,
	}
}

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s identity.Stores) {
		ctx := t.Context()
		full := user("u1", "älice 🐧")
		full.Description, full.DefaultProjectID, full.PasswordHash = "a 'quoted' \"text\"", "p1", "$argon2id$…"
		full.Extra = map[string]any{"email": "a@example.org", "n": 1.5, "deep": map[string]any{"x": []any{"y"}}}
		off := user("u2", "bob")
		off.Enabled = false
		write(t, d, func(ctx context.Context) error { return s.Users.InsertUser(ctx, full) }, func(ctx context.Context) error { return s.Users.InsertUser(ctx, off) })

		got, err := s.Users.User(ctx, "u1")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(full, got))
		got, err = s.Users.UserByName(ctx, "default", "älice 🐧")
		require.NoError(t, err)
		require.Equal(t, "u1", got.ID)
		_, err = s.Users.UserByName(ctx, "other", "bob")
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)

		err = d.Tx(ctx, func(ctx context.Context) error { return s.Users.InsertUser(ctx, user("u3", "bob")) })
		require.True(t, fault.Is(err, fault.Conflict), "a second bob in the domain: %v", err)
		require.Contains(t, err.Error(), "Duplicate entry")

		got.Name = "carol"
		write(t, d, func(ctx context.Context) error { return s.Users.UpdateUser(ctx, got) })
		err = d.Tx(ctx, func(ctx context.Context) error { return s.Users.UpdateUser(ctx, got) })
		require.True(t, fault.Is(err, fault.Conflict), "the same revision twice: %v", err)
		got, err = s.Users.User(ctx, "u1")
		require.NoError(t, err)
		require.Equal(t, int64(2), got.Revision)
		require.Equal(t, at, got.CreatedAt)

		write(t, d, func(ctx context.Context) error { return s.Users.ClearDefaultProject(ctx, "p1") })
		got, err = s.Users.User(ctx, "u1")
		require.NoError(t, err)
		require.Empty(t, got.DefaultProjectID)

		no := false
		list, err := s.Users.ListUsers(ctx, identity.UserFilter{Enabled: &no, DomainID: "default"}, query.Page{})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff([]identity.User{off}, list))

		write(t, d, func(ctx context.Context) error { return s.Users.DeleteUser(ctx, "u1") })
		err = d.Tx(ctx, func(ctx context.Context) error { return s.Users.DeleteUser(ctx, "u1") })
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	})
}

func TestListsHavePages(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s identity.Stores) {
		ctx := t.Context()
		for i, name := range strings.Split("e d c b a", " ") {
			write(t, d, func(ctx context.Context) error { return s.Users.InsertUser(ctx, user(string(rune('1'+i)), name)) })
		}
		var names []string
		page := query.Page{Limit: 2, Sort: []query.Order{{Key: "name"}}}
		for {
			users, err := s.Users.ListUsers(ctx, identity.UserFilter{}, page)
			require.NoError(t, err)
			if len(users) == 0 {
				break
			}
			require.LessOrEqual(t, len(users), 2)
			for _, u := range users {
				names = append(names, u.Name)
				page.Marker = u.ID
			}
		}
		require.Equal(t, "a b c d e", strings.Join(names, " "))
		_, err := s.Users.ListUsers(ctx, identity.UserFilter{}, query.Page{Marker: "nobody"})
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	})
}

func TestProjectsAndDomains(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s identity.Stores) {
		ctx := t.Context()
		yes := true
		home := identity.Project{ID: "default", Name: "Default", IsDomain: true, Enabled: true, Tags: []string{}, Extra: map[string]any{}, CreatedAt: at, Revision: 1}
		demo := project("p1", "Default") // a project may be called as a domain is
		demo.Tags, demo.Options, demo.Description = []string{"a", "b"}, identity.Options{Immutable: &yes}, "x"
		write(t, d, func(ctx context.Context) error { return s.Projects.InsertProject(ctx, home) }, func(ctx context.Context) error { return s.Projects.InsertProject(ctx, demo) })

		got, err := s.Projects.Project(ctx, "p1")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(demo, got))
		got, err = s.Projects.ProjectByName(ctx, "", "Default")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(home, got))

		list, err := s.Projects.ListProjects(ctx, identity.ProjectFilter{}, query.Page{})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff([]identity.Project{demo}, list))
		list, err = s.Projects.ListProjects(ctx, identity.ProjectFilter{IsDomain: true}, query.Page{})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff([]identity.Project{home}, list))
		list, err = s.Projects.ListProjects(ctx, identity.ProjectFilter{ParentID: "p1"}, query.Page{})
		require.NoError(t, err)
		require.Empty(t, list)
		err = d.Tx(ctx, func(ctx context.Context) error {
			again := home
			again.ID = "x"
			return s.Projects.InsertProject(ctx, again)
		})
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
	})
}

func TestAssignments(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s identity.Stores) {
		ctx := t.Context()
		direct := identity.Assignment{Actor: identity.Actor{UserID: "u1"}, Scope: identity.Scope{ProjectID: "p1"}, RoleID: "r1"}
		byGroup := identity.Assignment{Actor: identity.Actor{GroupID: "g1"}, Scope: identity.Scope{ProjectID: "p2"}, RoleID: "r2"}
		system := identity.Assignment{Actor: identity.Actor{UserID: "u2"}, Scope: identity.Scope{System: true}, RoleID: "r1"}
		domain := identity.Assignment{Actor: identity.Actor{UserID: "u2"}, Scope: identity.Scope{DomainID: "default"}, RoleID: "r1"}
		write(
			t, d,
			func(ctx context.Context) error { return s.Users.InsertUser(ctx, user("u1", "alice")) },
			func(ctx context.Context) error { return s.Users.InsertUser(ctx, user("u2", "bob")) },
			func(ctx context.Context) error { return s.Projects.InsertProject(ctx, project("p1", "one")) },
			func(ctx context.Context) error { return s.Projects.InsertProject(ctx, project("p2", "two")) },
			func(ctx context.Context) error { return s.Projects.InsertProject(ctx, project("p3", "three")) },
			func(ctx context.Context) error {
				return s.Groups.InsertGroup(ctx, identity.Group{ID: "g1", Name: "g", DomainID: "default", CreatedAt: at, Revision: 1})
			},
			func(ctx context.Context) error { return s.Groups.AddMember(ctx, "g1", "u1") },
			func(ctx context.Context) error { return s.Groups.AddMember(ctx, "g1", "u1") },
			func(ctx context.Context) error {
				return s.Roles.InsertRole(ctx, identity.Role{ID: "r1", Name: "one", CreatedAt: at, Revision: 1})
			},
			func(ctx context.Context) error {
				return s.Roles.InsertRole(ctx, identity.Role{ID: "r2", Name: "two", CreatedAt: at, Revision: 1})
			},
		)
		for _, a := range []identity.Assignment{direct, direct, byGroup, system, domain} {
			write(t, d, func(ctx context.Context) error { return s.Assignments.Assign(ctx, a) })
		}

		held := func(user string, on identity.Scope) []string {
			ids, err := s.Assignments.Held(ctx, user, on)
			require.NoError(t, err)
			return ids
		}
		require.Equal(t, []string{"r1"}, held("u1", direct.Scope))
		require.Equal(t, []string{"r2"}, held("u1", byGroup.Scope), "through the group")
		require.Empty(t, held("u2", byGroup.Scope))
		require.Empty(t, held("u1", identity.Scope{System: true}))
		require.Equal(t, []string{"r1"}, held("u2", identity.Scope{System: true}))
		require.Equal(t, []string{"r1"}, held("u2", domain.Scope))

		mine, err := s.Projects.ListProjects(ctx, identity.ProjectFilter{UserID: "u1"}, query.Page{Sort: []query.Order{{Key: "id"}}})
		require.NoError(t, err)
		require.Len(t, mine, 2)
		require.Equal(t, "p2", mine[1].ID)

		all, err := s.Assignments.ListAssignments(ctx, identity.AssignmentFilter{})
		require.NoError(t, err)
		require.ElementsMatch(t, []identity.Assignment{direct, byGroup, system, domain}, all)
		all, err = s.Assignments.ListAssignments(ctx, identity.AssignmentFilter{Scope: identity.Scope{System: true}})
		require.NoError(t, err)
		require.Equal(t, []identity.Assignment{system}, all)
		all, err = s.Assignments.ListAssignments(ctx, identity.AssignmentFilter{Actor: byGroup.Actor, RoleID: "r1"})
		require.NoError(t, err)
		require.Empty(t, all)

		write(t, d, func(ctx context.Context) error {
			found, err := s.Assignments.Unassign(ctx, system)
			require.True(t, found)
			return err
		}, func(ctx context.Context) error {
			found, err := s.Assignments.Unassign(ctx, system)
			require.False(t, found)
			return err
		}, func(ctx context.Context) error { return s.Users.DeleteUser(ctx, "u1") }, func(ctx context.Context) error { return s.Roles.DeleteRole(ctx, "r2") })
		is, err := s.Groups.IsMember(ctx, "g1", "u1")
		require.NoError(t, err)
		require.False(t, is, "the membership went with the user")
		there, err := s.Assignments.Assigned(ctx, byGroup)
		require.NoError(t, err)
		require.False(t, there, "the assignment went with the role")
		write(t, d, func(ctx context.Context) error { return s.Assignments.UnassignScope(ctx, direct.Scope) }, func(ctx context.Context) error { return s.Assignments.UnassignActor(ctx, domain.Actor) })
		all, err = s.Assignments.ListAssignments(ctx, identity.AssignmentFilter{})
		require.NoError(t, err)
		require.Empty(t, all)
	})
}

func TestTokensTables(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s identity.Stores) {
		ctx := t.Context()
		key := identity.SealedKey{ID: 4294967295, Secret: "c2VjcmV0", SignsFrom: at}
		write(t, d, func(ctx context.Context) error { return s.Tokens.InsertKey(ctx, key) })
		err := d.Tx(ctx, func(ctx context.Context) error { return s.Tokens.InsertKey(ctx, key) })
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		keys, err := s.Tokens.Keys(ctx)
		require.NoError(t, err)
		require.Equal(t, []identity.SealedKey{key}, keys)
		write(t, d, func(ctx context.Context) error { return s.Tokens.DeleteKeys(ctx, nil) }, func(ctx context.Context) error { return s.Tokens.DeleteKeys(ctx, []uint32{key.ID, 7}) })
		keys, err = s.Tokens.Keys(ctx)
		require.NoError(t, err)
		require.Empty(t, keys)

		early := auth.Revocation{Target: auth.ByUser("u1"), IssuedBefore: at, ExpiresAt: at.Add(time.Hour)}
		late := auth.Revocation{
			Target:       auth.Target{AuditID: "a", ProjectID: "p", DomainID: "d", RoleID: "r", System: true},
			IssuedBefore: at.Add(time.Microsecond), ExpiresAt: at.Add(2 * time.Hour),
		}
		write(t, d, func(ctx context.Context) error { return s.Tokens.InsertRevocations(ctx, nil) }, func(ctx context.Context) error {
			return s.Tokens.InsertRevocations(ctx, []auth.Revocation{early, late})
		})
		revs, err := s.Tokens.Revocations(ctx, time.Time{})
		require.NoError(t, err)
		require.ElementsMatch(t, []auth.Revocation{early, late}, revs)
		revs, err = s.Tokens.Revocations(ctx, late.IssuedBefore)
		require.NoError(t, err)
		require.Equal(t, []auth.Revocation{late}, revs)
		write(t, d, func(ctx context.Context) error { return s.Tokens.DeleteRevocations(ctx, at.Add(time.Hour+1000)) })
		revs, err = s.Tokens.Revocations(ctx, time.Time{})
		require.NoError(t, err)
		require.Equal(t, []auth.Revocation{late}, revs)
	})
}
