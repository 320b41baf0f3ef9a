package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type extraRoutesIn struct {
	ID     string `path:"id"`
	Router struct {
		Routes []routeWire `json:"routes" check:"required"`
	} `body:"router"`
}

func (a *api) extraRoutes() []rest.Route {
	return []rest.Route{
		{
			Method: "PUT", Path: "/v2.0/routers/{id}/add_extraroutes", Policy: auth.P("add_extraroutes", auth.ProjectMember),
			Audit: "network.router.add_extraroutes", Doc: "Gives a router more routes.", Do: rest.Do(a.changeExtraRoutes(a.core.AddRoutes)),
		},
		{
			Method: "PUT", Path: "/v2.0/routers/{id}/remove_extraroutes", Policy: auth.P("remove_extraroutes", auth.ProjectMember),
			Audit: "network.router.remove_extraroutes", Doc: "Takes routes from a router.", Do: rest.Do(a.changeExtraRoutes(a.core.RemoveRoutes)),
		},
	}
}

func (a *api) changeExtraRoutes(change func(context.Context, *auth.Caller, string, []network.Route) (network.Router, error)) func(context.Context, extraRoutesIn) (routerShow, error) {
	return func(ctx context.Context, in extraRoutesIn) (routerShow, error) {
		routes, err := parseRoutes("routes", in.Router.Routes)
		if err != nil {
			return routerShow{}, err
		}
		r, err := change(ctx, auth.From(ctx), in.ID, routes)
		return routerShow{a.routerOut(ctx, r)}, err
	}
}
