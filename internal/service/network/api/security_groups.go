package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type groupOut struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Stateful    bool      `json:"stateful"`
	Shared      bool      `json:"shared"`
	Rules       []ruleOut `json:"security_group_rules"`
	stampOut
}

type groupsOut struct {
	Groups []groupOut `json:"security_groups"`
	Links  []link     `json:"security_groups_links,omitempty"`
}

type groupShow struct {
	Group groupOut `json:"security_group"`
}

func newGroupOut(g network.SecurityGroup) groupOut {
	out := groupOut{ID: g.ID, Name: g.Name, Description: g.Description, Stateful: g.Stateful, Shared: g.Shared, stampOut: stamp(g.ProjectID, g.Stamp)}
	for _, r := range g.Rules {
		out.Rules = append(out.Rules, newRuleOut(r))
	}
	return out
}

func (a *api) listGroups(ctx context.Context, in listIn) (groupsOut, error) {
	q, err := in.query(map[string]string{"name": "name", "stateful": "stateful", "shared": "shared"})
	if err != nil {
		return groupsOut{}, err
	}
	list, err := a.core.ListSecurityGroups(ctx, auth.From(ctx), q)
	if err != nil {
		return groupsOut{}, err
	}
	var out groupsOut
	for _, g := range list {
		out.Groups = append(out.Groups, newGroupOut(g))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

type groupIn struct {
	owner

	Name        rest.Opt[string] `json:"name" check:"max=255"`
	Description rest.Opt[string] `json:"description" check:"max=255"`
	Stateful    *bool            `json:"stateful"`
}

func (a *api) createGroup(ctx context.Context, in struct {
	Group  *groupIn   `body:"security_group"`
	Groups *[]groupIn `body:"security_groups"`
},
) (made, error) {
	return create(ctx, a, "security_group", "security_groups", in.Group, in.Groups, a.newGroup)
}

func (a *api) newGroup(ctx context.Context, w groupIn) (groupOut, error) {
	g, err := a.core.CreateSecurityGroup(ctx, auth.From(ctx), network.NewSecurityGroup{
		ProjectID: w.id(), Name: w.Name.Value, Description: w.Description.Value, Stateful: w.Stateful,
	})
	return newGroupOut(g), err
}

func (a *api) showGroup(ctx context.Context, in byID) (groupShow, error) {
	g, err := a.core.ShowSecurityGroup(ctx, auth.From(ctx), in.ID)
	return groupShow{newGroupOut(g)}, err
}

func (a *api) changeGroup(ctx context.Context, in struct {
	condition
	ID    string `path:"id"`
	Group struct {
		Name        rest.Opt[string] `json:"name" check:"max=255"`
		Description rest.Opt[string] `json:"description" check:"max=255"`
		Stateful    *bool            `json:"stateful"`
	} `body:"security_group"`
},
) (groupShow, error) {
	revision, err := in.revision()
	if err != nil {
		return groupShow{}, err
	}
	w := in.Group
	g, err := a.core.ChangeSecurityGroup(ctx, auth.From(ctx), in.ID, network.SecurityGroupChange{
		Revision: revision, Name: given(w.Name), Description: given(w.Description), Stateful: w.Stateful,
	})
	return groupShow{newGroupOut(g)}, err
}

func (a *api) deleteGroup(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteSecurityGroup)
}
