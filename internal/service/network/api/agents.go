package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// hostViews are the routes that show what the hosts do for the network.
func (a *api) hostViews() []rest.Route {
	return []rest.Route{
		{Method: "GET", Path: "/v2.0/agents", Policy: auth.P("get_agents", auth.ProjectReader), Doc: "Lists what does the network's work on the hosts; those who are no admins see none.", Do: rest.Do(a.listAgents)},
		{Method: "GET", Path: "/v2.0/agents/{id}", Policy: auth.P("get_agent", auth.AdminOnly), Doc: "Shows what does the network's work on a host.", Do: rest.Do(a.showAgent)},
		{Method: "GET", Path: "/v2.0/availability_zones", Policy: auth.P("get_availability_zone", auth.Anyone), Doc: "Lists availability zones.", Do: rest.Do(a.listZones)},
		{Method: "GET", Path: "/v2.0/service-providers", Policy: auth.P("get_service_provider", auth.Anyone), Doc: "Lists what provides the services of networks.", Do: rest.Do(a.listProviders)},
	}
}

type agentOut struct {
	ID        string         `json:"id"`
	Type      string         `json:"agent_type"`
	Binary    string         `json:"binary"`
	Host      string         `json:"host"`
	Topic     string         `json:"topic"`
	AdminUp   bool           `json:"admin_state_up"`
	Alive     bool           `json:"alive"`
	Zone      *string        `json:"availability_zone"`
	Synced    *bool          `json:"resources_synced"`
	Words     string         `json:"description"`
	CreatedAt string         `json:"created_at"`
	StartedAt string         `json:"started_at"`
	Heartbeat string         `json:"heartbeat_timestamp"`
	Settings  map[string]any `json:"configurations"`
}

type agentsOut struct {
	Agents []agentOut `json:"agents"`
}

type agentShow struct {
	Agent agentOut `json:"agent"`
}

func newAgentOut(g network.Agent) agentOut {
	const layout = "2006-01-02 15:04:05"
	h := g.Host
	return agentOut{
		ID: g.ID, Type: g.Type, Binary: g.Binary, Host: h.Name, Topic: "n/a", AdminUp: h.Enabled, Alive: h.Up, Zone: text(h.Zone),
		CreatedAt: h.CreatedAt.UTC().Format(layout), StartedAt: h.CreatedAt.UTC().Format(layout), Heartbeat: h.SeenAt.UTC().Format(layout),
		Settings: map[string]any{"chassis_name": h.ID},
	}
}

func (a *api) listAgents(ctx context.Context, in listIn) (agentsOut, error) {
	list, err := a.core.Agents(ctx, auth.From(ctx))
	if err != nil {
		return agentsOut{}, err
	}
	out := agentsOut{Agents: []agentOut{}}
	for _, g := range list {
		out.Agents = append(out.Agents, newAgentOut(g))
	}
	for name, values := range in.Filters {
		if rest.Paging(name) {
			continue
		}
		field, ok := agentFields()[name]
		if !ok {
			return agentsOut{}, fault.Invalidf(name, "[%q] is invalid attribute for filtering", name).WithCode("HTTPBadRequest")
		}
		out.Agents = slices.DeleteFunc(out.Agents, func(g agentOut) bool { return !slices.Contains(values, field(g)) })
	}
	slices.SortFunc(out.Agents, func(x, y agentOut) int { return cmp.Or(cmp.Compare(x.Host, y.Host), cmp.Compare(x.Type, y.Type)) })
	return out, nil
}

// agentFields are what agents can be filtered by.
func agentFields() map[string]func(agentOut) string {
	truth := func(b bool) string { return map[bool]string{true: "True", false: "False"}[b] }
	return map[string]func(agentOut) string{
		"id": func(g agentOut) string { return g.ID }, "agent_type": func(g agentOut) string { return g.Type },
		"binary": func(g agentOut) string { return g.Binary }, "host": func(g agentOut) string { return g.Host },
		"alive": func(g agentOut) string { return truth(g.Alive) }, "admin_state_up": func(g agentOut) string { return truth(g.AdminUp) },
		"availability_zone": func(g agentOut) string { return deref(g.Zone) },
	}
}

func (a *api) showAgent(ctx context.Context, in byID) (agentShow, error) {
	g, err := a.core.ShowAgent(ctx, auth.From(ctx), in.ID)
	return agentShow{newAgentOut(g)}, err
}

type zoneOut struct {
	Name     string `json:"name"`
	Resource string `json:"resource"`
	State    string `json:"state"`
}

type zonesOut struct {
	Zones []zoneOut `json:"availability_zones"`
}

func (a *api) listZones(ctx context.Context, in listIn) (zonesOut, error) {
	zones, err := a.core.Zones(ctx)
	out := zonesOut{Zones: []zoneOut{}}
	for _, z := range zones {
		state := map[bool]string{true: "available", false: "unavailable"}[z.Available]
		for _, resource := range []string{"network", "router"} {
			out.Zones = append(out.Zones, zoneOut{z.Name, resource, state})
		}
	}
	for name, values := range in.Filters {
		if rest.Paging(name) {
			continue
		}
		field, ok := map[string]func(zoneOut) string{
			"name": func(z zoneOut) string { return z.Name }, "resource": func(z zoneOut) string { return z.Resource },
			"state": func(z zoneOut) string { return z.State },
		}[name]
		if !ok {
			return zonesOut{}, fault.Invalidf(name, "[%q] is invalid attribute for filtering", name).WithCode("HTTPBadRequest")
		}
		out.Zones = slices.DeleteFunc(out.Zones, func(z zoneOut) bool { return !slices.Contains(values, field(z)) })
	}
	return out, err
}

type providerOut struct {
	Type    string `json:"service_type"`
	Name    string `json:"name"`
	Default bool   `json:"default"`
}

type providersOut struct {
	Providers []providerOut `json:"service_providers"`
}

// listProviders says that there is one engine for everything.
func (a *api) listProviders(context.Context, struct{}) (providersOut, error) {
	return providersOut{[]providerOut{{"L3_ROUTER_NAT", "ovn", true}}}, nil
}
