package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type gatewayOut struct {
	NetworkID string        `json:"network_id"`
	SNAT      bool          `json:"enable_snat"`
	FixedIPs  []fixedIPWire `json:"external_fixed_ips"`
}

type routerOut struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Status      string      `json:"status"`
	AdminUp     bool        `json:"admin_state_up"`
	Gateway     *gatewayOut `json:"external_gateway_info"`
	Routes      []routeWire `json:"routes"`
	ZoneHints   []string    `json:"availability_zone_hints"`
	Zones       []string    `json:"availability_zones"`
	FlavorID    *string     `json:"flavor_id"`
	stampOut

	Makeup map[string]any `json:"*"` // what only an admin sees
}

type routersOut struct {
	Routers []routerOut `json:"routers"`
	Links   []link      `json:"routers_links,omitempty"`
}

type routerShow struct {
	Router routerOut `json:"router"`
}

type gatewayIn struct {
	NetworkID string                  `json:"network_id"`
	SNAT      *bool                   `json:"enable_snat"`
	FixedIPs  rest.Opt[[]fixedIPWire] `json:"external_fixed_ips"`
}

type routerIn struct {
	owner

	Name        rest.Opt[string]    `json:"name" check:"max=255"`
	Description rest.Opt[string]    `json:"description" check:"max=255"`
	AdminUp     *bool               `json:"admin_state_up"`
	Gateway     rest.Opt[gatewayIn] `json:"external_gateway_info"`
	ZoneHints   []string            `json:"availability_zone_hints"`
	makeupIn
}

// makeupIn is what only an admin may say.
type makeupIn struct {
	HA          *bool `json:"ha" doc:"Routers always are."`
	Distributed *bool `json:"distributed" doc:"Routers always are."`
}

type interfaceIn struct {
	condition
	ID       string  `path:"id"`
	SubnetID *string `body:"subnet_id"`
	PortID   *string `body:"port_id"`
}

type interfaceOut struct {
	ID        string   `json:"id"`
	TenantID  string   `json:"tenant_id"`
	ProjectID string   `json:"project_id"`
	PortID    string   `json:"port_id"`
	NetworkID string   `json:"network_id"`
	SubnetID  string   `json:"subnet_id"`
	SubnetIDs []string `json:"subnet_ids"`
	Tags      []string `json:"tags"`
}

func (a *api) routerOut(ctx context.Context, r network.Router) routerOut {
	out := routerOut{
		ID: r.ID, Name: r.Name, Description: r.Description, Status: network.StatusActive, AdminUp: r.AdminUp, Routes: routesOut(r.Routes),
		ZoneHints: r.ZoneHints, Zones: []string{a.core.Zone()}, stampOut: stamp(r.ProjectID, r.Stamp),
	}
	if auth.From(ctx).Admin() {
		out.Makeup = map[string]any{"ha": true, "distributed": true}
	}
	if g := r.Gateway; g != nil {
		out.Gateway = &gatewayOut{NetworkID: g.NetworkID, SNAT: g.SNAT}
		for _, f := range g.FixedIPs {
			out.Gateway.FixedIPs = append(out.Gateway.FixedIPs, fixedIPWire{f.SubnetID, f.Address.String()})
		}
	}
	return out
}

func (a *api) listRouters(ctx context.Context, in listIn) (routersOut, error) {
	if !allActive(in) {
		return routersOut{}, nil
	}
	q, err := in.query(map[string]string{"name": "name", "admin_state_up": "admin_up"})
	if err != nil {
		return routersOut{}, err
	}
	list, err := a.core.Routers(ctx, auth.From(ctx), q)
	if err != nil {
		return routersOut{}, err
	}
	var out routersOut
	for _, r := range list {
		out.Routers = append(out.Routers, a.routerOut(ctx, r))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

// wantedGateway reads external_gateway_info; nil, as null and {} mean, is none.
func wantedGateway(o rest.Opt[gatewayIn]) (*network.WantedGateway, error) {
	if !o.Set || o.Null || o.Value.NetworkID == "" {
		return nil, nil
	}
	wanted, err := wantedIPs(o.Value.FixedIPs)
	return &network.WantedGateway{NetworkID: o.Value.NetworkID, SNAT: o.Value.SNAT, FixedIPs: wanted}, err
}

func (a *api) createRouter(ctx context.Context, in struct {
	Router  *routerIn   `body:"router"`
	Routers *[]routerIn `body:"routers"`
},
) (made, error) {
	return create(ctx, a, "router", "routers", in.Router, in.Routers, a.newRouter)
}

func (a *api) newRouter(ctx context.Context, w routerIn) (routerOut, error) {
	g, err := wantedGateway(w.Gateway)
	if err != nil {
		return routerOut{}, err
	}
	r, err := a.core.CreateRouter(ctx, auth.From(ctx), network.NewRouter{
		ProjectID: w.id(), Name: w.Name.Value, Description: w.Description.Value, AdminUp: w.AdminUp, Gateway: g, ZoneHints: w.ZoneHints,
		HA: w.HA, Distributed: w.Distributed,
	})
	return a.routerOut(ctx, r), err
}

func (a *api) showRouter(ctx context.Context, in byID) (routerShow, error) {
	r, err := a.core.ShowRouter(ctx, auth.From(ctx), in.ID)
	return routerShow{a.routerOut(ctx, r)}, err
}

func (a *api) changeRouter(ctx context.Context, in struct {
	condition
	ID     string `path:"id"`
	Router struct {
		Name        rest.Opt[string]      `json:"name" check:"max=255"`
		Description rest.Opt[string]      `json:"description" check:"max=255"`
		AdminUp     *bool                 `json:"admin_state_up"`
		Gateway     rest.Opt[gatewayIn]   `json:"external_gateway_info"`
		Routes      rest.Opt[[]routeWire] `json:"routes"`
		makeupIn
	} `body:"router"`
},
) (routerShow, error) {
	revision, err := in.revision()
	if err != nil {
		return routerShow{}, err
	}
	w := in.Router
	change := network.RouterChange{Revision: revision, Name: given(w.Name), Description: given(w.Description), AdminUp: w.AdminUp, HA: w.HA, Distributed: w.Distributed}
	if w.Gateway.Set {
		g, err := wantedGateway(w.Gateway)
		if err != nil {
			return routerShow{}, err
		}
		change.Gateway = &g
	}
	if w.Routes.Set {
		routes, err := parseRoutes("routes", w.Routes.Value)
		if err != nil {
			return routerShow{}, err
		}
		change.Routes = &routes
	}
	r, err := a.core.ChangeRouter(ctx, auth.From(ctx), in.ID, change)
	return routerShow{a.routerOut(ctx, r)}, err
}

func (a *api) deleteRouter(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteRouter)
}

func newInterfaceOut(i network.Interface) interfaceOut {
	out := interfaceOut{
		ID: i.Router.ID, TenantID: i.Router.ProjectID, ProjectID: i.Router.ProjectID, PortID: i.Port.ID, NetworkID: i.Port.NetworkID,
		SubnetIDs: i.SubnetIDs,
	}
	if len(i.SubnetIDs) > 0 {
		out.SubnetID = i.SubnetIDs[0]
	}
	return out
}

func (a *api) addInterface(ctx context.Context, in interfaceIn) (interfaceOut, error) {
	revision, err := in.revision()
	if err != nil {
		return interfaceOut{}, err
	}
	i, err := a.core.AddInterface(ctx, auth.From(ctx), in.ID, deref(in.SubnetID), deref(in.PortID), revision)
	return newInterfaceOut(i), err
}

func (a *api) removeInterface(ctx context.Context, in interfaceIn) (interfaceOut, error) {
	revision, err := in.revision()
	if err != nil {
		return interfaceOut{}, err
	}
	i, err := a.core.RemoveInterface(ctx, auth.From(ctx), in.ID, deref(in.SubnetID), deref(in.PortID), revision)
	return newInterfaceOut(i), err
}
