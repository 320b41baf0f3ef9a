package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// limitRoutes are the unified limits.
func (a *api) limitRoutes() []rest.Route {
	const registered = "/v3/registered_limits/{registered_limit_id}"
	return []rest.Route{
		get("/v3/registered_limits", "Lists the registered limits.", "list_registered_limits", auth.Anyone, rest.Do(a.listRegisteredLimits)),
		change(http.MethodPost, "/v3/registered_limits", "Registers limits for all projects.", "create_registered_limits", "registered_limit.create", rest.Do(a.createRegisteredLimits)),
		get(registered, "Shows a registered limit.", "get_registered_limit", auth.Anyone, rest.Do(a.showRegisteredLimit)),
		change(http.MethodPatch, registered, "Changes a registered limit.", "update_registered_limit", "registered_limit.update", rest.Do(a.updateRegisteredLimit)),
		change(http.MethodDelete, registered, "Deletes a registered limit.", "delete_registered_limit", "registered_limit.delete", rest.Do(a.deleteRegisteredLimit)),

		get("/v3/limits/model", "Shows how limits have to do with one another.", "get_limit_model", auth.Anyone, rest.Do(a.showLimitModel)),
		get("/v3/limits", "Lists the limits of projects and domains that the caller may see.", "list_limits", auth.Anyone, rest.Do(a.listLimits)),
		change(http.MethodPost, "/v3/limits", "Sets limits of projects and domains.", "create_limits", "limit.create", rest.Do(a.createLimits)),
		get("/v3/limits/{limit_id}", "Shows a limit.", "get_limit", auth.Anyone, rest.Do(a.showLimit)),
		change(http.MethodPatch, "/v3/limits/{limit_id}", "Changes a limit.", "update_limit", "limit.update", rest.Do(a.updateLimit)),
		change(http.MethodDelete, "/v3/limits/{limit_id}", "Deletes a limit.", "delete_limit", "limit.delete", rest.Do(a.deleteLimit)),
	}
}

type registeredLimitWire struct {
	ID           string   `json:"id"`
	ServiceID    string   `json:"service_id"`
	RegionID     *string  `json:"region_id"`
	ResourceName string   `json:"resource_name"`
	DefaultLimit int64    `json:"default_limit"`
	Description  *string  `json:"description"`
	Links        selfLink `json:"links"`
}

type registeredLimitOut struct {
	Limit registeredLimitWire `json:"registered_limit"`
}

type registeredLimitsOut struct {
	Limits    []registeredLimitWire `json:"registered_limits"`
	Links     *listLinks            `json:"links,omitempty"`
	Truncated bool                  `json:"truncated,omitempty"`
}

type registeredLimitBody struct {
	ServiceID    *string          `json:"service_id" check:"min=1,max=64"`
	RegionID     rest.Opt[string] `json:"region_id" check:"min=1,max=255"`
	ResourceName *string          `json:"resource_name" check:"min=1,max=255"`
	DefaultLimit *int64           `json:"default_limit" check:"min=-1,max=2147483647"`
	Description  rest.Opt[string] `json:"description"`
}

func registeredLimitOf(ctx context.Context, l identity.RegisteredLimit) registeredLimitWire {
	return registeredLimitWire{
		l.ID, l.ServiceID, orNull(l.RegionID), l.ResourceName, l.Default, orNull(l.Description), self(ctx, "/registered_limits/"+l.ID),
	}
}

type limitedQuery struct {
	ServiceID    string `query:"service_id"`
	RegionID     string `query:"region_id"`
	ResourceName string `query:"resource_name"`
}

func (a *api) listRegisteredLimits(ctx context.Context, in struct {
	pageIn
	nameless
	limitedQuery
},
) (registeredLimitsOut, error) {
	all, err := a.core.ListRegisteredLimits(ctx, identity.Limited(in.limitedQuery))
	if err != nil {
		return registeredLimitsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, known(in.nameless, all), identity.RegisteredLimit.Key)
	return registeredLimitsOut{wires(ctx, all, registeredLimitOf), &at.Links, at.Truncated}, err
}

func (a *api) createRegisteredLimits(ctx context.Context, in struct {
	Limits []registeredLimitBody `body:"registered_limits" check:"min=1"`
},
) (registeredLimitsOut, error) {
	all := make([]identity.RegisteredLimit, len(in.Limits))
	for i, b := range in.Limits {
		if b.ServiceID == nil || b.ResourceName == nil || b.DefaultLimit == nil {
			return registeredLimitsOut{}, required(fmt.Sprintf("registered_limits[%d]: each of service_id, resource_name and default_limit", i))
		}
		all[i] = identity.RegisteredLimit{
			Limited: identity.Limited{ServiceID: *b.ServiceID, RegionID: b.RegionID.Value, ResourceName: *b.ResourceName},
			Default: *b.DefaultLimit, Description: b.Description.Value,
		}
	}
	all, err := a.core.CreateRegisteredLimits(ctx, all)
	return registeredLimitsOut{Limits: wires(ctx, all, registeredLimitOf)}, err
}

type registeredLimitIn struct {
	ID string `path:"registered_limit_id"`
}

func (a *api) showRegisteredLimit(ctx context.Context, in registeredLimitIn) (registeredLimitOut, error) {
	l, err := a.core.ShowRegisteredLimit(ctx, in.ID)
	return registeredLimitOut{registeredLimitOf(ctx, l)}, err
}

func (a *api) updateRegisteredLimit(ctx context.Context, in struct {
	registeredLimitIn
	Limit registeredLimitBody `body:"registered_limit"`
},
) (registeredLimitOut, error) {
	b := in.Limit
	l, err := a.core.UpdateRegisteredLimit(ctx, in.ID, identity.RegisteredLimitChange{
		ServiceID: b.ServiceID, RegionID: text(b.RegionID), ResourceName: b.ResourceName, Default: b.DefaultLimit, Description: text(b.Description),
	})
	return registeredLimitOut{registeredLimitOf(ctx, l)}, err
}

func (a *api) deleteRegisteredLimit(ctx context.Context, in registeredLimitIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteRegisteredLimit(ctx, in.ID)
}

type limitModelOut struct {
	Model struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"model"`
}

func (a *api) showLimitModel(context.Context, struct{}) (limitModelOut, error) {
	m := a.core.LimitModel()
	out := limitModelOut{}
	out.Model.Name, out.Model.Description = string(m), m.Description()
	return out, nil
}

type limitWire struct {
	ID            string   `json:"id"`
	ProjectID     *string  `json:"project_id"`
	DomainID      *string  `json:"domain_id"`
	ServiceID     string   `json:"service_id"`
	RegionID      *string  `json:"region_id"`
	ResourceName  string   `json:"resource_name"`
	ResourceLimit int64    `json:"resource_limit"`
	Description   *string  `json:"description"`
	Links         selfLink `json:"links"`
}

type limitOut struct {
	Limit limitWire `json:"limit"`
}

type limitsOut struct {
	Limits    []limitWire `json:"limits"`
	Links     *listLinks  `json:"links,omitempty"`
	Truncated bool        `json:"truncated,omitempty"`
}

type limitBody struct {
	ProjectID     rest.Opt[string] `json:"project_id" check:"min=1,max=64"`
	DomainID      rest.Opt[string] `json:"domain_id" check:"min=1,max=64"`
	ServiceID     string           `json:"service_id" check:"required,min=1,max=64"`
	RegionID      rest.Opt[string] `json:"region_id" check:"min=1,max=255"`
	ResourceName  string           `json:"resource_name" check:"required,min=1,max=255"`
	ResourceLimit int64            `json:"resource_limit" check:"required,min=-1,max=2147483647"`
	Description   rest.Opt[string] `json:"description"`
}

func limitOf(ctx context.Context, l identity.Limit) limitWire {
	w := limitWire{
		ID: l.ID, ServiceID: l.ServiceID, RegionID: orNull(l.RegionID), ResourceName: l.ResourceName, ResourceLimit: l.Max,
		Description: orNull(l.Description), Links: self(ctx, "/limits/"+l.ID),
	}
	if l.OnDomain {
		w.DomainID = &l.OwnerID
	} else {
		w.ProjectID = &l.OwnerID
	}
	return w
}

func (a *api) listLimits(ctx context.Context, in struct {
	rest.List
	nameless
	limitedQuery
	ProjectID string `query:"project_id"`
	DomainID  string `query:"domain_id"`
},
) (limitsOut, error) {
	page, err := in.Page("id", maxPage)
	if err != nil {
		return limitsOut{}, err
	}
	all, err := a.core.ListLimits(ctx, auth.From(ctx), identity.LimitFilter{
		Limited: identity.Limited(in.limitedQuery), ProjectID: in.ProjectID, DomainID: in.DomainID,
	}, page)
	all = known(in.nameless, all)
	at := links(ctx, page.Limit, len(all), func() string { return all[len(all)-1].ID })
	return limitsOut{wires(ctx, all, limitOf), &at.Links, at.Truncated}, err
}

func (a *api) createLimits(ctx context.Context, in struct {
	Limits []limitBody `body:"limits" check:"min=1"`
},
) (limitsOut, error) {
	all := make([]identity.Limit, len(in.Limits))
	for i, b := range in.Limits {
		project, domain := b.ProjectID.Value, b.DomainID.Value
		if (project == "") == (domain == "") {
			field := fmt.Sprintf("limits[%d]", i)
			return limitsOut{}, fault.Invalidf(field, "Invalid input for field %s: it must have exactly one of project_id and domain_id", field)
		}
		all[i] = identity.Limit{
			Limited: identity.Limited{ServiceID: b.ServiceID, RegionID: b.RegionID.Value, ResourceName: b.ResourceName},
			OwnerID: project + domain, OnDomain: domain != "", Max: b.ResourceLimit, Description: b.Description.Value,
		}
	}
	all, err := a.core.CreateLimits(ctx, all)
	return limitsOut{Limits: wires(ctx, all, limitOf)}, err
}

type limitIn struct {
	ID string `path:"limit_id"`
}

func (a *api) showLimit(ctx context.Context, in limitIn) (limitOut, error) {
	l, err := a.core.ShowLimit(ctx, auth.From(ctx), in.ID)
	return limitOut{limitOf(ctx, l)}, err
}

func (a *api) updateLimit(ctx context.Context, in struct {
	limitIn
	Limit struct {
		ResourceLimit *int64           `json:"resource_limit" check:"min=-1,max=2147483647"`
		Description   rest.Opt[string] `json:"description"`
	} `body:"limit"`
},
) (limitOut, error) {
	l, err := a.core.UpdateLimit(ctx, in.ID, identity.LimitChange{Max: in.Limit.ResourceLimit, Description: text(in.Limit.Description)})
	return limitOut{limitOf(ctx, l)}, err
}

func (a *api) deleteLimit(ctx context.Context, in limitIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteLimit(ctx, in.ID)
}
