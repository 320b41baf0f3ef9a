package api

import (
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type networkOut struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Description  string   `json:"description"`
	Status       string   `json:"status"`
	AdminUp      bool     `json:"admin_state_up"`
	Shared       bool     `json:"shared"`
	External     bool     `json:"router:external"`
	Default      bool     `json:"is_default"`
	MTU          int      `json:"mtu"`
	PortSecurity bool     `json:"port_security_enabled"`
	Subnets      []string `json:"subnets"`
	DNSDomain    string   `json:"dns_domain"`
	ZoneHints    []string `json:"availability_zone_hints"`
	Zones        []string `json:"availability_zones"`
	QoSPolicyID  *string  `json:"qos_policy_id"`
	Transparent  bool     `json:"vlan_transparent"`
	V4Scope      *string  `json:"ipv4_address_scope"`
	V6Scope      *string  `json:"ipv6_address_scope"`
	stampOut

	Provider map[string]any `json:"*"` // what only an admin sees
}

type networkIn struct {
	owner
	domainField

	Name         rest.Opt[string] `json:"name" check:"max=255"`
	Description  rest.Opt[string] `json:"description" check:"max=255"`
	AdminUp      *bool            `json:"admin_state_up"`
	Shared       *bool            `json:"shared"`
	External     *bool            `json:"router:external"`
	Default      *bool            `json:"is_default"`
	MTU          *int             `json:"mtu"`
	PortSecurity *bool            `json:"port_security_enabled"`
	ZoneHints    []string         `json:"availability_zone_hints"`
	QoSPolicyID  rest.Opt[string] `json:"qos_policy_id"`
	Transparent  *bool            `json:"vlan_transparent"`
	Kind         *string          `json:"provider:network_type"`
	Physical     *string          `json:"provider:physical_network"`
	Segment      *int             `json:"provider:segmentation_id"`
}

type networksOut struct {
	Networks []networkOut `json:"networks"`
	Links    []link       `json:"networks_links,omitempty"`
}

type networkShow struct {
	Network networkOut `json:"network"`
}

func (a *api) networkOut(c *auth.Caller, n network.Network) networkOut {
	out := networkOut{
		ID: n.ID, Name: n.Name, Description: n.Description, Status: network.StatusActive, AdminUp: n.AdminUp, Shared: n.Shared || n.Granted,
		External: n.External, Default: n.Default, MTU: n.MTU, PortSecurity: n.PortSecurity, Subnets: n.SubnetIDs,
		Transparent: n.VLANTransparent, DNSDomain: n.DNSDomain, QoSPolicyID: text(n.QoSPolicyID), V4Scope: text(n.V4ScopeID), V6Scope: text(n.V6ScopeID),
		ZoneHints: n.ZoneHints, Zones: []string{a.core.Zone()}, stampOut: stamp(n.ProjectID, n.Stamp),
	}
	if c.Admin() {
		out.Provider = map[string]any{
			"provider:network_type": n.Provider.Kind, "provider:physical_network": text(n.Provider.Physical), "provider:segmentation_id": nil,
		}
		if n.Provider.Segment != 0 {
			out.Provider["provider:segmentation_id"] = n.Provider.Segment
		}
	}
	return out
}

func networkNames() map[string]string {
	return map[string]string{
		"name": "name", "admin_state_up": "admin_up", "shared": "shared", "router:external": "external", "is_default": "default", "vlan_transparent": "vlan_transparent",
		"mtu": "mtu", "port_security_enabled": "port_security", "provider:network_type": "provider_kind", "dns_domain": "dns_domain",
		"qos_policy_id":             "qos_policy_id",
		"provider:physical_network": "provider_physical", "provider:segmentation_id": "provider_segment",
	}
}

func (a *api) listNetworks(ctx context.Context, in listIn) (networksOut, error) {
	if !allActive(in) {
		return networksOut{}, nil
	}
	q, err := in.query(networkNames())
	if err != nil {
		return networksOut{}, err
	}
	c := auth.From(ctx)
	list, err := a.core.Networks(ctx, c, q)
	if err != nil {
		return networksOut{}, err
	}
	var out networksOut
	for _, n := range list {
		out.Networks = append(out.Networks, a.networkOut(c, n))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createNetwork(ctx context.Context, in struct {
	Network  *networkIn   `body:"network"`
	Networks *[]networkIn `body:"networks"`
},
) (made, error) {
	return create(ctx, a, "network", "networks", in.Network, in.Networks, a.newNetwork)
}

func (a *api) newNetwork(ctx context.Context, w networkIn) (networkOut, error) {
	spec := network.NewNetwork{
		ProjectID: w.id(), Name: w.Name.Value, Description: w.Description.Value, AdminUp: w.AdminUp, PortSecurity: w.PortSecurity,
		Shared: w.Shared, External: w.External, Default: w.Default, MTU: w.MTU, DNSDomain: strings.ToLower(w.DNSDomain.Value), ZoneHints: w.ZoneHints,
		QoSPolicyID: given(w.QoSPolicyID), VLANTransparent: deref(w.Transparent),
	}
	if w.Kind != nil || w.Physical != nil || w.Segment != nil {
		spec.Provider = &network.Provider{Kind: deref(w.Kind), Physical: deref(w.Physical), Segment: deref(w.Segment)}
	}
	c := auth.From(ctx)
	n, err := a.core.CreateNetwork(ctx, c, spec)
	return a.networkOut(c, n), err
}

func deref[T any](p *T) T {
	var v T
	if p != nil {
		v = *p
	}
	return v
}

func (a *api) showNetwork(ctx context.Context, in byID) (networkShow, error) {
	c := auth.From(ctx)
	n, err := a.core.ShowNetwork(ctx, c, in.ID)
	return networkShow{a.networkOut(c, n)}, err
}

func (a *api) changeNetwork(ctx context.Context, in struct {
	condition
	ID      string `path:"id"`
	Network struct {
		domainField

		Name         rest.Opt[string] `json:"name" check:"max=255"`
		Description  rest.Opt[string] `json:"description" check:"max=255"`
		AdminUp      *bool            `json:"admin_state_up"`
		Shared       *bool            `json:"shared"`
		External     *bool            `json:"router:external"`
		Default      *bool            `json:"is_default"`
		MTU          *int             `json:"mtu"`
		PortSecurity *bool            `json:"port_security_enabled"`
		QoSPolicyID  rest.Opt[string] `json:"qos_policy_id"`
	} `body:"network"`
},
) (networkShow, error) {
	revision, err := in.revision()
	if err != nil {
		return networkShow{}, err
	}
	c, w := auth.From(ctx), in.Network
	n, err := a.core.ChangeNetwork(ctx, c, in.ID, network.NetworkChange{
		Revision: revision, Name: given(w.Name), Description: given(w.Description), DNSDomain: lower(w.DNSDomain), AdminUp: w.AdminUp, Shared: w.Shared,
		External: w.External, Default: w.Default, MTU: w.MTU, PortSecurity: w.PortSecurity, QoSPolicyID: given(w.QoSPolicyID),
	})
	return networkShow{a.networkOut(c, n)}, err
}

func (a *api) deleteNetwork(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteNetwork)
}

// allActive handles the filter by a status that all objects of a kind have: what asks for another one finds nothing.
func allActive(in listIn) bool {
	status, ok := in.Filters["status"]
	delete(in.Filters, "status")
	if !ok {
		return true
	}
	for _, s := range status {
		if s == network.StatusActive {
			return true
		}
	}
	return false
}
