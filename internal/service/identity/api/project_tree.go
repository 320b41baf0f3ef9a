package api

import (
	"context"
	"maps"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type showProjectIn struct {
	projectIn
	ParentsAsList *string `query:"parents_as_list"`
	ParentsAsIDs  *string `query:"parents_as_ids"`
	SubtreeAsList *string `query:"subtree_as_list"`
	SubtreeAsIDs  *string `query:"subtree_as_ids"`
}

func (in showProjectIn) check() error {
	if said(in.ParentsAsList) && said(in.ParentsAsIDs) {
		return fault.Invalidf("parents_as_ids", "Cannot use parents_as_list and parents_as_ids query params at the same time.")
	}
	if said(in.SubtreeAsList) && said(in.SubtreeAsIDs) {
		return fault.Invalidf("subtree_as_ids", "Cannot use subtree_as_list and subtree_as_ids query params at the same time.")
	}
	return nil
}

func (a *api) showProject(ctx context.Context, in showProjectIn) (projectOut, error) {
	if err := in.check(); err != nil {
		return projectOut{}, err
	}
	p, err := a.core.ShowProject(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return projectOut{}, err
	}
	above, below := said(in.ParentsAsList) || said(in.ParentsAsIDs), said(in.SubtreeAsList) || said(in.SubtreeAsIDs)
	family, err := a.core.FamilyOf(ctx, p, above, below)
	if err != nil {
		return projectOut{}, err
	}
	// What is above and below is written in line with what clients have added.
	shown := projectOf(ctx, p)
	shown.Extra = maps.Clone(shown.Extra)
	switch {
	case said(in.ParentsAsList):
		shown.Extra["parents"], err = a.reachable(ctx, family.Parents)
	case said(in.ParentsAsIDs):
		shown.Extra["parents"] = chain(family.Parents)
	}
	if err != nil {
		return projectOut{}, err
	}
	switch {
	case said(in.SubtreeAsList):
		shown.Extra["subtree"], err = a.reachable(ctx, family.Children)
	case said(in.SubtreeAsIDs):
		shown.Extra["subtree"] = branch(p.ID, family.Children)
	}
	return projectOut{shown}, err
}

// reachable are those of some projects on which the caller has a role.
func (a *api) reachable(ctx context.Context, projects []identity.Project) (any, error) {
	found, err := a.core.Among(ctx, auth.From(ctx), projects)
	return wires(ctx, found, func(ctx context.Context, p identity.Project) projectOut { return projectOut{projectOf(ctx, p)} }), err
}

// idTree is the ids of projects, each with the tree that is beyond it, or null.
type idTree map[string]*idTree

// chain writes parents, of which the nearest is first, each within the one before.
func chain(parents []identity.Project) *idTree {
	var tree *idTree
	for i := len(parents) - 1; i >= 0; i-- {
		tree = &idTree{parents[i].ID: tree}
	}
	return tree
}

// branch writes what is below a project.
func branch(id string, all []identity.Project) *idTree {
	children := map[string][]string{}
	for _, p := range all {
		children[p.ParentID] = append(children[p.ParentID], p.ID)
	}
	return grow(id, children)
}

func grow(id string, children map[string][]string) *idTree {
	if len(children[id]) == 0 {
		return nil
	}
	tree := idTree{}
	for _, child := range children[id] {
		tree[child] = grow(child, children)
	}
	return &tree
}
