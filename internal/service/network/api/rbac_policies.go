package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type accessOut struct {
	ID         string `json:"id"`
	TenantID   string `json:"tenant_id"`
	ProjectID  string `json:"project_id"`
	ObjectType string `json:"object_type"`
	ObjectID   string `json:"object_id"`
	Action     string `json:"action"`
	Target     string `json:"target_tenant"`
}

type accessesOut struct {
	Policies []accessOut `json:"rbac_policies"`
	Links    []link      `json:"rbac_policies_links,omitempty"`
}

type accessShow struct {
	Policy accessOut `json:"rbac_policy"`
}

type accessIn struct {
	owner

	ObjectType string `json:"object_type" check:"required"`
	ObjectID   string `json:"object_id" check:"required"`
	Action     string `json:"action" check:"required"`
	Target     string `json:"target_tenant" check:"required,max=255"`
}

func newAccessOut(p network.AccessPolicy) accessOut {
	return accessOut{p.ID, p.ProjectID, p.ProjectID, p.ObjectType, p.ObjectID, p.Action, p.Target}
}

func (a *api) listAccess(ctx context.Context, in listIn) (accessesOut, error) {
	q, err := in.query(map[string]string{"object_type": "object_type", "object_id": "object_id", "action": "action", "target_tenant": "target"})
	if err != nil {
		return accessesOut{}, err
	}
	list, err := a.core.Accesses(ctx, auth.From(ctx), q)
	if err != nil {
		return accessesOut{}, err
	}
	var out accessesOut
	for _, p := range list {
		out.Policies = append(out.Policies, newAccessOut(p))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createAccess(ctx context.Context, in struct {
	Policy   *accessIn   `body:"rbac_policy"`
	Policies *[]accessIn `body:"rbac_policies"`
},
) (made, error) {
	return create(ctx, a, "rbac_policy", "rbac_policies", in.Policy, in.Policies, a.newAccess)
}

func (a *api) newAccess(ctx context.Context, w accessIn) (accessOut, error) {
	p, err := a.core.CreateAccess(ctx, auth.From(ctx), network.NewAccessPolicy{
		ProjectID: w.id(), ObjectType: w.ObjectType, ObjectID: w.ObjectID, Action: w.Action, Target: w.Target,
	})
	return newAccessOut(p), err
}

func (a *api) showAccess(ctx context.Context, in byID) (accessShow, error) {
	p, err := a.core.ShowAccess(ctx, auth.From(ctx), in.ID)
	return accessShow{newAccessOut(p)}, err
}

func (a *api) changeAccess(ctx context.Context, in struct {
	condition
	ID     string `path:"id"`
	Policy struct {
		Target string `json:"target_tenant" check:"required,max=255"`
	} `body:"rbac_policy"`
},
) (accessShow, error) {
	revision, err := in.revision()
	if err != nil {
		return accessShow{}, err
	}
	p, err := a.core.ChangeAccess(ctx, auth.From(ctx), in.ID, in.Policy.Target, revision)
	return accessShow{newAccessOut(p)}, err
}

func (a *api) deleteAccess(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteAccess)
}
