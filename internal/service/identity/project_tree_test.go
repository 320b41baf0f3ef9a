package identity_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func TestProjectTree(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		yes, no := true, false
		top := r.project("top")
		mid := r.child("mid", top)
		leaf := r.child("leaf", mid)
		last := r.child("last", leaf)
		_, err := r.CreateProject(ctx, identity.Project{Name: "deep", ParentID: last.ID, Enabled: true})
		isClass(t, fault.Forbidden, err)

		f, err := r.FamilyOf(ctx, leaf, true, true)
		require.NoError(t, err)
		ids := func(projects []identity.Project) (ids []string) {
			for _, p := range projects {
				ids = append(ids, p.ID)
			}
			return ids
		}
		require.Equal(t, []string{mid.ID, top.ID, identity.DefaultDomainID}, ids(f.Parents))
		require.Equal(t, []string{last.ID}, ids(f.Children))
		f, err = r.FamilyOf(ctx, top, false, true)
		require.NoError(t, err)
		require.Empty(t, f.Parents)
		require.ElementsMatch(t, []string{mid.ID, leaf.ID, last.ID}, ids(f.Children))
		u := r.user("u")
		r.assign(identity.Actor{UserID: u.ID}, identity.Scope{ProjectID: leaf.ID}, "reader")
		_, sealed := r.logIn(byPassword("u", "u-password"), toProject(leaf.ID))
		c, err := r.Authenticate(ctx, sealed)
		require.NoError(t, err)
		seen, err := r.Among(ctx, c, f.Children)
		require.NoError(t, err)
		require.Equal(t, []string{leaf.ID}, ids(seen))

		change := func(id string, c identity.ProjectChange) error {
			_, err := r.UpdateProject(ctx, id, c)
			return err
		}
		isClass(t, fault.Forbidden, change(top.ID, identity.ProjectChange{Enabled: &no}))
		isClass(t, fault.Forbidden, r.DeleteProject(ctx, mid.ID))
		for _, p := range []identity.Project{last, leaf, mid, top} {
			require.NoError(t, change(p.ID, identity.ProjectChange{Enabled: &no}))
		}
		isClass(t, fault.Forbidden, change(leaf.ID, identity.ProjectChange{Enabled: &yes}))
		_, err = r.CreateProject(ctx, identity.Project{Name: "below", ParentID: mid.ID, Enabled: true})
		isClass(t, fault.Forbidden, err)
		require.NoError(t, change(top.ID, identity.ProjectChange{Enabled: &yes}))
		require.NoError(t, change(mid.ID, identity.ProjectChange{Enabled: &yes}))

		// What is immutable is made mutable alone.
		name := "renamed"
		require.NoError(t, change(mid.ID, identity.ProjectChange{Options: &identity.Options{Immutable: &yes}}))
		isClass(t, fault.Forbidden, change(mid.ID, identity.ProjectChange{Name: &name}))
		isClass(t, fault.Forbidden, change(mid.ID, identity.ProjectChange{Name: &name, Options: &identity.Options{Immutable: &no}}))
		isClass(t, fault.Forbidden, r.AddTag(ctx, mid.ID, "x"))
		require.NoError(t, change(mid.ID, identity.ProjectChange{Options: &identity.Options{Immutable: &no}}))
		require.NoError(t, change(mid.ID, identity.ProjectChange{Name: &name}))
	})
}

func TestTagsAndNames(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		for name, tags := range map[string][]string{
			"Alpha": {"a", "b"}, "beta": {"b"}, "Gamma_x": {`a"b`, "c"}, "gamma%x": {"aa"}, "none": nil,
		} {
			p := r.project(name)
			got, err := r.SetTags(ctx, p.ID, tags)
			require.NoError(t, err)
			require.ElementsMatch(t, tags, got)
		}
		admin := adminCaller(t, r)
		names := func(f identity.ProjectFilter) string {
			found, err := r.ListProjects(ctx, admin, f, page)
			require.NoError(t, err)
			var names []string
			for _, p := range found {
				if p.Name != "admin" {
					names = append(names, p.Name)
				}
			}
			return strings.Join(names, " ")
		}
		for _, c := range []struct {
			f    query.Tags
			want string
		}{
			{query.Tags{All: []string{"a"}}, "Alpha"},
			{query.Tags{All: []string{"b"}}, "Alpha beta"},
			{query.Tags{All: []string{"a", "b"}}, "Alpha"},
			{query.Tags{All: []string{"A"}}, ""},
			{query.Tags{All: []string{`a"b`}}, "Gamma_x"},
			{query.Tags{Any: []string{"a", "c"}}, "Alpha Gamma_x"},
			{query.Tags{NotAll: []string{"a", "b"}}, "Gamma_x beta gamma%x none"},
			{query.Tags{NotAny: []string{"a", "b"}}, "Gamma_x gamma%x none"},
			{query.Tags{Any: []string{"b"}, NotAny: []string{"a"}}, "beta"},
		} {
			require.ElementsMatch(t, strings.Fields(c.want), strings.Fields(names(identity.ProjectFilter{Tags: c.f})), "%+v", c.f)
		}
		for _, c := range []struct {
			m    query.Match
			want string
		}{
			{query.Match{Text: "amma"}, "Gamma_x gamma%x"},
			{query.Match{Text: "%"}, "gamma%x"},
			{query.Match{Text: "_"}, "Gamma_x"},
			{query.Match{Text: "g"}, "gamma%x"},
			{query.Match{Text: "G", Fold: true}, "Gamma_x gamma%x"},
			{query.Match{Text: "a", Where: query.AtStart}, ""},
			{query.Match{Text: "a", Where: query.AtStart, Fold: true}, "Alpha"},
			{query.Match{Text: "a", Where: query.AtEnd}, "Alpha beta"},
			{query.Match{Text: "a very long end", Where: query.AtEnd}, ""},
			{query.Match{Text: "ETA", Where: query.AtEnd, Fold: true}, "beta"},
		} {
			require.ElementsMatch(t, strings.Fields(c.want), strings.Fields(names(identity.ProjectFilter{NameIs: []query.Match{c.m}, ParentID: identity.DefaultDomainID})), "%+v", c.m)
		}
		p := r.project("tagged")
		require.NoError(t, r.AddTag(ctx, p.ID, "x"))
		require.NoError(t, r.AddTag(ctx, p.ID, "x"))
		require.NoError(t, r.CheckTag(ctx, admin, p.ID, "x"))
		isClass(t, fault.NotFound, r.CheckTag(ctx, admin, p.ID, "y"))
		isClass(t, fault.NotFound, r.RemoveTag(ctx, p.ID, "y"))
		isClass(t, fault.Invalid, r.AddTag(ctx, p.ID, "a,b"))
		isClass(t, fault.Invalid, r.AddTag(ctx, p.ID, strings.Repeat("x", 256)))
		require.NoError(t, r.RemoveTag(ctx, p.ID, "x"))
		require.NoError(t, r.ClearTags(ctx, p.ID))
		isClass(t, fault.NotFound, r.AddTag(ctx, "nothing", "x"))
	})
}
