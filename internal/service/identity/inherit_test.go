package identity_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// child makes a project below another.
func (r *rig) child(name string, parent identity.Project) identity.Project {
	r.t.Helper()
	p, err := r.CreateProject(r.t.Context(), identity.Project{Name: name, ParentID: parent.ID, Enabled: true})
	require.NoError(r.t, err)
	return p
}

// inherit assigns a role to what is below a scope.
func (r *rig) inherit(actor identity.Actor, on identity.Scope, role string) identity.Assignment {
	r.t.Helper()
	a := identity.Assignment{Actor: actor, Scope: on, RoleID: r.role(role), Inherited: true}
	require.NoError(r.t, r.Assign(r.t.Context(), a))
	return a
}

// reaches tells whether a user can scope a token to a project, which must be as its projects say.
func (r *rig) reaches(u identity.User, p identity.Project) bool {
	r.t.Helper()
	_, _, err := r.LogIn(r.t.Context(), byPassword(u.Name, u.Name+"-password"), toProject(p.ID))
	mine, listErr := r.Reachable(r.t.Context(), &auth.Caller{UserID: u.ID}, false, query.Page{})
	require.NoError(r.t, listErr)
	listed := slices.ContainsFunc(mine, func(m identity.Project) bool { return m.ID == p.ID })
	require.Equal(r.t, err == nil, listed, "%s on %s: %v", u.Name, p.Name, err)
	return err == nil
}

func TestInheritedAssignmentsHoldBelowTheirScope(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		top := r.project("top")
		mid := r.child("mid", top)
		leaf := r.child("leaf", mid)
		aside := r.project("aside")
		u, member := r.user("u"), r.user("member")
		g, err := r.CreateGroup(ctx, identity.Group{Name: "g", DomainID: identity.DefaultDomainID})
		require.NoError(t, err)
		require.NoError(t, r.AddMember(ctx, g.ID, member.ID))

		below := r.inherit(identity.Actor{UserID: u.ID}, identity.Scope{ProjectID: top.ID}, "member")
		byGroup := r.inherit(identity.Actor{GroupID: g.ID}, identity.Scope{DomainID: identity.DefaultDomainID}, "reader")
		for _, c := range []struct {
			u    identity.User
			p    identity.Project
			want bool
		}{{u, top, false}, {u, mid, true}, {u, leaf, true}, {u, aside, false}, {member, top, true}, {member, leaf, true}, {member, aside, true}} {
			require.Equal(t, c.want, r.reaches(c.u, c.p), "%s on %s", c.u.Name, c.p.Name)
		}
		_, _, err = r.LogIn(ctx, byPassword("member", "member-password"), toDomain)
		isClass(t, fault.Unauthenticated, err)

		// The tokens of an inherited role die with it, and others don't.
		_, mids := r.logIn(byPassword("u", "u-password"), toProject(mid.ID))
		_, asides := r.logIn(byPassword("member", "member-password"), toProject(aside.ID))
		require.NoError(t, r.Unassign(ctx, below))
		_, err = r.Verify(mids)
		isClass(t, fault.Unauthenticated, err)
		_, err = r.Verify(asides)
		require.NoError(t, err)
		require.False(t, r.reaches(u, leaf))
		require.NoError(t, r.RemoveMember(ctx, g.ID, member.ID))
		_, err = r.Verify(asides)
		isClass(t, fault.Unauthenticated, err)
		isClass(t, fault.NotFound, r.Unassign(ctx, below))

		direct := byGroup
		direct.Inherited = false
		isClass(t, fault.NotFound, r.CheckAssigned(ctx, adminCaller(t, r), direct))
		require.NoError(t, r.CheckAssigned(ctx, adminCaller(t, r), byGroup))
	})
}

// An effective list says what log-ins give: for each user and project it has exactly the roles of a token.
func TestEffectiveAssignmentsAreWhatTokensCarry(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		top := r.project("top")
		mid := r.child("mid", top)
		leaf := r.child("leaf", mid)
		users := []identity.User{r.user("a"), r.user("b"), r.user("c")}
		g, err := r.CreateGroup(ctx, identity.Group{Name: "g", DomainID: identity.DefaultDomainID})
		require.NoError(t, err)
		require.NoError(t, r.AddMember(ctx, g.ID, users[1].ID))
		special, err := r.CreateRole(ctx, identity.Role{Name: "special", DomainID: identity.DefaultDomainID})
		require.NoError(t, err)
		_, err = r.Imply(ctx, identity.Implication{RoleID: special.ID, ImpliedID: r.role("reader")})
		require.NoError(t, err)
		r.assign(identity.Actor{UserID: users[0].ID}, identity.Scope{ProjectID: top.ID}, "manager")
		r.inherit(identity.Actor{GroupID: g.ID}, identity.Scope{ProjectID: top.ID}, "member")
		r.inherit(identity.Actor{UserID: users[0].ID}, identity.Scope{DomainID: identity.DefaultDomainID}, "reader")
		require.NoError(t, r.Assign(ctx, identity.Assignment{Actor: identity.Actor{UserID: users[2].ID}, Scope: identity.Scope{ProjectID: leaf.ID}, RoleID: special.ID}))

		admin := adminCaller(t, r)
		roles := func(q identity.AssignmentQuery, user, project string) []string {
			q.Effective = true
			all, err := r.ListAssignments(ctx, admin, q)
			require.NoError(t, err)
			var found []string
			for _, a := range all {
				if a.UserID == user && a.ProjectID == project {
					found = append(found, a.RoleID)
				}
			}
			slices.Sort(found)
			return slices.Compact(found)
		}
		for _, u := range users {
			for _, p := range []identity.Project{top, mid, leaf} {
				var want []string
				if tok, _, err := r.LogIn(ctx, byPassword(u.Name, u.Name+"-password"), toProject(p.ID)); err == nil {
					want = slices.Sorted(slices.Values(tok.RoleIDs))
				}
				for name, f := range map[string]identity.AssignmentQuery{
					"all": {}, "user": {AssignmentFilter: identity.AssignmentFilter{Actor: identity.Actor{UserID: u.ID}}},
					"project": {AssignmentFilter: identity.AssignmentFilter{Scope: identity.Scope{ProjectID: p.ID}}},
					"subtree": {AssignmentFilter: identity.AssignmentFilter{Scope: identity.Scope{ProjectID: top.ID}}, Subtree: true},
					"both":    {AssignmentFilter: identity.AssignmentFilter{Actor: identity.Actor{UserID: u.ID}, Scope: identity.Scope{ProjectID: p.ID}}},
				} {
					require.Equal(t, want, roles(f, u.ID, p.ID), "%s on %s by %s", u.Name, p.Name, name)
				}
			}
		}
	})
}

func TestImplications(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		role := func(name, domain string) string {
			made, err := r.CreateRole(ctx, identity.Role{Name: name, DomainID: domain})
			require.NoError(t, err)
			return made.ID
		}
		x, y, z := role("x", ""), role("y", ""), role("z", "")
		d, e := role("x", identity.DefaultDomainID), role("e", identity.DefaultDomainID)
		imply := func(prior, implied string) error {
			_, err := r.Imply(ctx, identity.Implication{RoleID: prior, ImpliedID: implied})
			return err
		}
		require.NoError(t, imply(x, y))
		require.NoError(t, imply(y, z))
		require.NoError(t, imply(y, z), "twice")
		require.NoError(t, imply(d, e))
		require.NoError(t, imply(e, x))
		for _, bad := range [][2]string{{x, x}, {y, x}, {z, x}, {x, d}, {x, r.role("admin")}, {e, d}} {
			isClass(t, fault.Forbidden, imply(bad[0], bad[1]))
		}
		isClass(t, fault.NotFound, imply(x, "nothing"))
		isClass(t, fault.NotFound, imply("nothing", x))

		u, p := r.user("u"), r.project("p")
		a := identity.Assignment{Actor: identity.Actor{UserID: u.ID}, Scope: identity.Scope{ProjectID: p.ID}, RoleID: d}
		require.NoError(t, r.Assign(ctx, a))
		tok, sealed := r.logIn(byPassword("u", "u-password"), toProject(p.ID))
		require.ElementsMatch(t, []string{"x", "y", "z"}, tok.Roles, "roles of a domain are not in tokens, what they imply is")
		require.NoError(t, r.Unimply(ctx, identity.Implication{RoleID: e, ImpliedID: x}))
		_, err := r.Verify(sealed)
		isClass(t, fault.Unauthenticated, err)
		isClass(t, fault.NotFound, r.Unimply(ctx, identity.Implication{RoleID: e, ImpliedID: x}))
		all, err := r.ListImplications(ctx, x)
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, y, all[0].Implies[0].ID)
		all, err = r.ListImplications(ctx, z)
		require.NoError(t, err)
		require.Empty(t, all[0].Implies)
	})
}

func TestManyRevocationsAreThoseOfUsers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		d, err := r.CreateProject(t.Context(), identity.Project{Name: "d", IsDomain: true, Enabled: true})
		require.NoError(t, err)
		u := r.user("u")
		err = r.db.Tx(t.Context(), func(ctx context.Context) error {
			for i := range 300 {
				if _, err := r.CreateProject(ctx, identity.Project{Name: fmt.Sprint(i), DomainID: d.ID, Enabled: true}); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, err)
		a := r.inherit(identity.Actor{UserID: u.ID}, identity.Scope{DomainID: d.ID}, "member")
		mine, err := r.Reachable(t.Context(), &auth.Caller{UserID: u.ID}, false, query.Page{})
		require.NoError(t, err)
		require.Len(t, mine, 300)
		_, sealed := r.logIn(byPassword("u", "u-password"), toProject(mine[7].ID))
		r.events.take()
		require.NoError(t, r.Unassign(t.Context(), a))
		require.Len(t, r.events.take(), 2, "one revocation, one role taken")
		_, err = r.Verify(sealed)
		isClass(t, fault.Unauthenticated, err)
	})
}
