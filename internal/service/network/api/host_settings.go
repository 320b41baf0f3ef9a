package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// hostSettings are the routes of what an operator sets for one host.
func (a *api) hostSettings() []rest.Route {
	const hosts = "/settings/network/hosts"
	return []rest.Route{
		{Method: "GET", Path: hosts, Policy: auth.P("aloft:settings:show", auth.AdminOnly), Doc: "Lists how the hosts are joined to networks, and how they are to be.", Do: rest.Do(a.listHostNetworks)},
		{Method: "GET", Path: hosts + "/{host_id}", Policy: auth.P("aloft:settings:show", auth.AdminOnly), Doc: "Shows how a host is joined to networks, and how it is to be.", Do: rest.Do(a.showHostNetwork)},
		{Method: "PUT", Path: hosts + "/{host_id}", Policy: auth.P("aloft:settings:update", auth.AdminOnly), Audit: "aloft.settings.host.update", Doc: "Changes the bridge mappings and the encapsulation address of a host; null takes one back to the flags of the host's agent, and what is not named stays.", Do: rest.Do(a.setHostNetwork)},
	}
}

type mappingWire struct {
	Physical string           `json:"physical_network" check:"required"`
	Bridge   string           `json:"bridge" check:"required"`
	Device   rest.Opt[string] `json:"device"`
}

type mappingOut struct {
	Physical string  `json:"physical_network"`
	Bridge   string  `json:"bridge"`
	Device   *string `json:"device"`
}

type hostNetworkOut struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	State    string        `json:"state"`           // applied, pending or failed
	Mappings *[]mappingOut `json:"bridge_mappings"` // null: as the flags of the host's agent say
	Encap    *string       `json:"encap_address"`   // likewise
	Current  *joinedOut    `json:"current"`         // null: the host has not told yet
}

type joinedOut struct {
	Mappings []mappingOut `json:"bridge_mappings"`
	Encap    *string      `json:"encap_address"`
	Error    *string      `json:"error"` // what of the above cannot be had, and why
}

type hostNetworkShow struct {
	Host hostNetworkOut `json:"host"`
}

func mappingsView(list []network.BridgeMapping) []mappingOut {
	out := make([]mappingOut, 0, len(list))
	for _, m := range list {
		out = append(out, mappingOut{m.Physical, m.Bridge, text(m.Device)})
	}
	return out
}

func hostNetworkView(h network.HostNetwork) hostNetworkOut {
	out := hostNetworkOut{ID: h.HostID, Name: h.Name, State: h.State(), Encap: text(h.Encap)}
	if h.Mappings != nil {
		list := mappingsView(*h.Mappings)
		out.Mappings = &list
	}
	if j := h.Joined; j != nil {
		out.Current = &joinedOut{mappingsView(j.Mappings), text(j.Encap), text(j.Error)}
	}
	return out
}

func (a *api) listHostNetworks(ctx context.Context, _ struct{}) (struct {
	Hosts []hostNetworkOut `json:"hosts"`
}, error,
) {
	var out struct {
		Hosts []hostNetworkOut `json:"hosts"`
	}
	list, err := a.core.HostNetworks(ctx)
	for _, h := range list {
		out.Hosts = append(out.Hosts, hostNetworkView(h))
	}
	return out, err
}

func (a *api) showHostNetwork(ctx context.Context, in struct {
	ID string `path:"host_id"`
},
) (hostNetworkShow, error) {
	h, err := a.core.ShowHostNetwork(ctx, in.ID)
	return hostNetworkShow{hostNetworkView(h)}, err
}

func (a *api) setHostNetwork(ctx context.Context, in struct {
	ID   string `path:"host_id"`
	Host struct {
		Mappings rest.Opt[[]mappingWire] `json:"bridge_mappings"`
		Encap    rest.Opt[string]        `json:"encap_address" check:"max=64"`
	} `body:"host"`
},
) (hostNetworkShow, error) {
	h, err := a.core.SetHostNetwork(ctx, in.ID, func(h *network.HostNetwork) {
		if m := in.Host.Mappings; m.Set {
			h.Mappings = nil
			if !m.Null {
				list := make([]network.BridgeMapping, 0, len(m.Value))
				for _, w := range m.Value {
					list = append(list, network.BridgeMapping{Physical: w.Physical, Bridge: w.Bridge, Device: w.Device.Value})
				}
				h.Mappings = &list
			}
		}
		if in.Host.Encap.Set {
			h.Encap = in.Host.Encap.Or("")
		}
	})
	return hostNetworkShow{hostNetworkView(h)}, err
}
