package api

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

type serverGroup struct {
	ID        string           `json:"id"`
	Name      string           `json:"name"`
	Policies  []string         `json:"policies" until:"2.63"`
	Metadata  map[string]any   `json:"metadata" until:"2.63"`
	Policy    placement.Policy `json:"policy" since:"2.64"`
	Rules     map[string]int   `json:"rules" since:"2.64"`
	Members   []string         `json:"members"`
	ProjectID string           `json:"project_id" since:"2.13"`
	UserID    string           `json:"user_id" since:"2.13"`
}

type createGroupIn struct {
	Group struct {
		Name     string    `json:"name" check:"required,min=1,max=255"`
		Policies *[]string `json:"policies" until:"2.63"`
		Policy   *string   `json:"policy" since:"2.64"`
		Rules    *struct {
			MaxPerHost any `json:"max_server_per_host"`
		} `json:"rules" since:"2.64"`
	} `body:"server_group"`
}

type listGroupsIn struct {
	All    string `query:"all_projects"`
	Limit  *int   `query:"limit" check:"nonneg"`
	Offset int    `query:"offset" check:"nonneg"`
}

type groupIn struct {
	ID string `path:"server_group_id"`
}

type groupOut struct {
	Group serverGroup `json:"server_group"`
}

type groupsOut struct {
	Groups []serverGroup `json:"server_groups"`
}

func groupView(g *compute.ServerGroup) serverGroup {
	out := serverGroup{
		ID: g.ID, Name: g.Name, Policies: []string{string(g.Policy)}, Policy: g.Policy, Members: g.Members,
		ProjectID: g.ProjectID, UserID: g.UserID,
	}
	if g.MaxPerHost > 0 {
		out.Rules = map[string]int{"max_server_per_host": g.MaxPerHost}
	}
	return out
}

// groupPolicy reads the one policy of a group; the soft ones came with 2.15.
func groupPolicy(ctx context.Context, in *createGroupIn) (placement.Policy, error) {
	field, name := "server_group.policy", text(in.Group.Policy)
	if !at(ctx, "2.64") {
		field, name = "server_group.policies", ""
		if p := in.Group.Policies; p != nil && len(*p) == 1 {
			name = (*p)[0]
		}
	}
	switch p := placement.Policy(name); p {
	case placement.Affinity, placement.AntiAffinity:
		return p, nil
	case placement.SoftAffinity, placement.SoftAntiAffinity:
		if at(ctx, "2.15") {
			return p, nil
		}
	}
	offer := "affinity or anti-affinity"
	if at(ctx, "2.15") {
		offer += ", soft-affinity or soft-anti-affinity"
	}
	return "", fault.Invalidf(field, "Invalid input for field %s: a server group has one policy, %s", field, offer)
}

// maxPerHost reads the rule, which is a number or the text of one.
func maxPerHost(in *createGroupIn) (int, error) {
	if in.Group.Rules == nil || in.Group.Rules.MaxPerHost == nil {
		return 0, nil
	}
	n, err := strconv.Atoi(fmt.Sprint(in.Group.Rules.MaxPerHost))
	if err != nil || n < 1 {
		return 0, fault.Invalidf("server_group.rules.max_server_per_host", "Invalid input for field max_server_per_host: it must be a number of at least 1")
	}
	return n, nil
}

func (a *api) createGroup(ctx context.Context, in createGroupIn) (groupOut, error) {
	policy, err := groupPolicy(ctx, &in)
	if err != nil {
		return groupOut{}, err
	}
	most, err := maxPerHost(&in)
	if err != nil {
		return groupOut{}, err
	}
	g, err := a.core.CreateServerGroup(ctx, auth.From(ctx), compute.ServerGroup{Name: in.Group.Name, Policy: policy, MaxPerHost: most})
	return groupOut{groupView(&g)}, err
}

func (a *api) listGroups(ctx context.Context, in listGroupsIn) (groupsOut, error) {
	limit := maxPage
	if in.Limit != nil && *in.Limit > 0 {
		limit = min(limit, *in.Limit)
	}
	groups, err := a.core.ListServerGroups(ctx, auth.From(ctx), in.All != "" && truth(in.All), in.Offset, limit)
	if err != nil {
		return groupsOut{}, err
	}
	var out groupsOut
	for i := range groups {
		out.Groups = append(out.Groups, groupView(&groups[i]))
	}
	return out, nil
}

func missingGroup(err error) error {
	if f := fault.Of(err); f.Class == fault.NotFound && f.Object == "server group" {
		return &fault.Error{Class: fault.NotFound, Object: f.Object, ID: f.ID, Message: fmt.Sprintf("Instance group %s could not be found.", f.ID)}
	}
	return err
}

func (a *api) showGroup(ctx context.Context, in groupIn) (groupOut, error) {
	g, err := a.core.ShowServerGroup(ctx, auth.From(ctx), in.ID)
	return groupOut{groupView(&g)}, missingGroup(err)
}

func (a *api) deleteGroup(ctx context.Context, in groupIn) (rest.None, error) {
	return rest.None{}, missingGroup(a.core.DeleteServerGroup(ctx, auth.From(ctx), in.ID))
}
