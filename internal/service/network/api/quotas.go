package api

import (
	"context"
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

type quotaShow struct {
	Quota map[string]int `json:"quota"`
}

type usageOut struct {
	Limit    int `json:"limit"`
	Used     int `json:"used"`
	Reserved int `json:"reserved"`
}

type quotaDetails struct {
	Quota map[string]usageOut `json:"quota"`
}

// checkProject lets a caller see its own project's quota; an admin sees all.
func checkProject(c *auth.Caller, id string) error {
	if c.Admin() || c.ProjectID == id {
		return nil
	}
	return fault.New(fault.NotFound, "Quota of project %s could not be found.", id).WithCode("TenantQuotaNotFound")
}

// projectQuota is the quota of one project in the list.
type projectQuota struct {
	TenantID  string         `json:"tenant_id"`
	ProjectID string         `json:"project_id"`
	Limits    map[string]any `json:"*"`
}

type quotasOut struct {
	Quotas []projectQuota `json:"quotas"`
}

func (a *api) listQuotas(ctx context.Context, _ struct{}) (quotasOut, error) {
	all, err := a.core.Quotas(ctx)
	if err != nil {
		return quotasOut{}, err
	}
	var out quotasOut
	for _, id := range slices.Sorted(maps.Keys(all)) {
		q := projectQuota{TenantID: id, ProjectID: id, Limits: map[string]any{}}
		for resource, limit := range all[id] {
			q.Limits[resource] = limit
		}
		out.Quotas = append(out.Quotas, q)
	}
	return out, nil
}

type tenantOut struct {
	Tenant struct {
		TenantID  string `json:"tenant_id"`
		ProjectID string `json:"project_id"`
	} `json:"tenant"`
}

// showTenant tells whose quota the caller's token is about, as old clients ask.
func (a *api) showTenant(ctx context.Context, _ struct{}) (tenantOut, error) {
	var out tenantOut
	out.Tenant.ProjectID = auth.From(ctx).ProjectID
	out.Tenant.TenantID = out.Tenant.ProjectID
	return out, nil
}

func (a *api) showQuota(ctx context.Context, in byID) (quotaShow, error) {
	if err := checkProject(auth.From(ctx), in.ID); err != nil {
		return quotaShow{}, err
	}
	q, err := a.core.QuotaOf(ctx, in.ID)
	return quotaShow{q}, err
}

func (a *api) showDefaultQuota(ctx context.Context, in byID) (quotaShow, error) {
	if err := checkProject(auth.From(ctx), in.ID); err != nil {
		return quotaShow{}, err
	}
	return quotaShow{a.core.DefaultQuotaHere()}, nil
}

func (a *api) changeQuota(ctx context.Context, in struct {
	ID    string         `path:"id"`
	Quota map[string]int `body:"quota"`
},
) (quotaShow, error) {
	q, err := a.core.SetQuota(ctx, in.ID, in.Quota)
	return quotaShow{q}, err
}

func (a *api) resetQuota(ctx context.Context, in byID) (rest.None, error) {
	return rest.None{}, a.core.ResetQuota(ctx, in.ID)
}

func (a *api) showQuotaDetails(ctx context.Context, in byID) (quotaDetails, error) {
	if err := checkProject(auth.From(ctx), in.ID); err != nil {
		return quotaDetails{}, err
	}
	limits, err := a.core.QuotaOf(ctx, in.ID)
	if err != nil {
		return quotaDetails{}, err
	}
	used, err := a.core.Used(ctx, in.ID)
	if err != nil {
		return quotaDetails{}, err
	}
	out := quotaDetails{map[string]usageOut{}}
	for resource, limit := range limits {
		out.Quota[resource] = usageOut{Limit: limit, Used: used[resource]}
	}
	return out, nil
}
