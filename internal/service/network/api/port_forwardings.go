package api

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type forwardingOut struct {
	ID            string `json:"id"`
	Description   string `json:"description"`
	Protocol      string `json:"protocol"`
	PortID        string `json:"internal_port_id"`
	Address       string `json:"internal_ip_address"`
	InternalPort  *int   `json:"internal_port"`
	ExternalPort  *int   `json:"external_port"`
	InternalRange string `json:"internal_port_range"`
	ExternalRange string `json:"external_port_range"`
}

type forwardingsOut struct {
	Forwardings []forwardingOut `json:"port_forwardings"`
	Links       []link          `json:"port_forwardings_links,omitempty"`
}

type forwardingShow struct {
	Forwarding forwardingOut `json:"port_forwarding"`
}

type forwardingIn struct {
	Description   rest.Opt[string] `json:"description" check:"max=255"`
	Protocol      *string          `json:"protocol"`
	PortID        *string          `json:"internal_port_id"`
	Address       *string          `json:"internal_ip_address"`
	InternalPort  *int             `json:"internal_port"`
	ExternalPort  *int             `json:"external_port"`
	InternalRange *string          `json:"internal_port_range"`
	ExternalRange *string          `json:"external_port_range"`
	ProjectID     *string          `json:"project_id"` // that of the floating IP, whatever is said
}

func (a *api) forwardings() []rest.Route {
	const all, single, name = "/v2.0/floatingips/{floatingip_id}/port_forwardings", "/v2.0/floatingips/{floatingip_id}/port_forwardings/{id}", "floatingip_port_forwarding"
	reader, member := auth.ProjectReader, auth.ProjectMember
	return []rest.Route{
		{Method: "GET", Path: all, Policy: auth.P("get_"+name, reader), Doc: "Lists the port forwardings of a floating IP.", Do: rest.Do(a.listForwardings)},
		{Method: "POST", Path: all, Policy: auth.P("create_"+name, member), Audit: "network.port_forwarding.create", Doc: "Lets ports of a floating IP lead to a port's.", Do: rest.Do(a.createForwarding)},
		{Method: "GET", Path: single, Policy: auth.P("get_"+name, reader), Doc: "Shows a port forwarding.", Do: rest.Do(a.showForwarding)},
		{Method: "PUT", Path: single, Policy: auth.P("update_"+name, member), Audit: "network.port_forwarding.update", Doc: "Changes a port forwarding.", Do: rest.Do(a.changeForwarding)},
		{Method: "DELETE", Path: single, Policy: auth.P("delete_"+name, member), Audit: "network.port_forwarding.delete", Doc: "Deletes a port forwarding.", Do: rest.Do(a.deleteForwarding)},
	}
}

func newForwardingOut(f network.PortForwarding) forwardingOut {
	out := forwardingOut{
		ID: f.ID, Description: f.Description, Protocol: f.Protocol, PortID: f.PortID, Address: f.Address.String(),
		InternalRange: fmt.Sprintf("%d:%d", f.Internal.First, f.Internal.Last),
		ExternalRange: fmt.Sprintf("%d:%d", f.External.First, f.External.Last),
	}
	if f.Internal.First == f.Internal.Last {
		out.InternalPort = &f.Internal.First
	}
	if f.External.First == f.External.Last {
		out.ExternalPort = &f.External.First
	}
	return out
}

// portRange reads a port, or a range of ports as "80:90"; nil if neither is given.
func portRange(field string, port *int, text *string) (*network.PortRange, error) {
	switch {
	case port != nil && text != nil:
		return nil, fault.Invalidf(field, "Invalid input: give %s or %s_range, not both", field, field).WithCode("InvalidInput")
	case port != nil:
		return &network.PortRange{First: *port, Last: *port}, nil
	case text == nil:
		return nil, nil
	}
	from, to, ranged := strings.Cut(*text, ":")
	if !ranged {
		to = from
	}
	first, err := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	if err != nil || err2 != nil {
		return nil, fault.Invalidf(field+"_range", "Invalid input for %s_range. Reason: '%s' is not a range of ports such as 80:90.", field, *text).WithCode("InvalidInput")
	}
	return &network.PortRange{First: first, Last: last}, nil
}

// change reads what a request says of a port forwarding.
func (w forwardingIn) change() (network.ForwardingChange, error) {
	out := network.ForwardingChange{Description: given(w.Description), PortID: w.PortID}
	if w.Protocol != nil {
		lower := strings.ToLower(*w.Protocol)
		out.Protocol = &lower
	}
	if w.Address != nil {
		at, err := parseAddr("internal_ip_address", *w.Address)
		if err != nil {
			return out, err
		}
		out.Address = &at
	}
	var err error
	if out.Internal, err = portRange("internal_port", w.InternalPort, w.InternalRange); err != nil {
		return out, err
	}
	out.External, err = portRange("external_port", w.ExternalPort, w.ExternalRange)
	return out, err
}

func (a *api) listForwardings(ctx context.Context, in struct {
	FloatingIPID string `path:"floatingip_id"`
	listIn
},
) (forwardingsOut, error) {
	q, err := in.query(map[string]string{
		"protocol": "protocol", "internal_port_id": "port_id", "internal_ip_address": "address", "internal_port": "internal_port",
		"external_port": "external_port",
	})
	if err != nil {
		return forwardingsOut{}, err
	}
	list, err := a.core.Forwardings(ctx, auth.From(ctx), in.FloatingIPID, q)
	if err != nil {
		return forwardingsOut{}, err
	}
	var out forwardingsOut
	for _, f := range list {
		out.Forwardings = append(out.Forwardings, newForwardingOut(f))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createForwarding(ctx context.Context, in struct {
	FloatingIPID string       `path:"floatingip_id"`
	Forwarding   forwardingIn `body:"port_forwarding"`
},
) (forwardingShow, error) {
	w, err := in.Forwarding.change()
	if err != nil {
		return forwardingShow{}, err
	}
	for field, missing := range map[string]bool{
		"protocol": w.Protocol == nil, "internal_port_id": w.PortID == nil, "internal_port": w.Internal == nil, "external_port": w.External == nil,
	} {
		if missing {
			return forwardingShow{}, fault.Invalidf(field, "Failed to parse request. Required attribute '%s' not specified", field).WithCode("HTTPBadRequest")
		}
	}
	spec := network.NewForwarding{
		FloatingIPID: in.FloatingIPID, Description: deref(w.Description), Protocol: *w.Protocol, PortID: *w.PortID, Internal: *w.Internal, External: *w.External,
	}
	if w.Address != nil {
		spec.Address = *w.Address
	}
	f, err := a.core.CreateForwarding(ctx, auth.From(ctx), spec)
	return forwardingShow{newForwardingOut(f)}, err
}

type forwardingID struct {
	FloatingIPID string   `path:"floatingip_id"`
	ID           string   `path:"id"`
	Fields       []string `query:"fields"`
}

func (a *api) showForwarding(ctx context.Context, in forwardingID) (forwardingShow, error) {
	f, err := a.core.ShowForwarding(ctx, auth.From(ctx), in.FloatingIPID, in.ID)
	return forwardingShow{newForwardingOut(f)}, err
}

func (a *api) changeForwarding(ctx context.Context, in struct {
	FloatingIPID string       `path:"floatingip_id"`
	ID           string       `path:"id"`
	Forwarding   forwardingIn `body:"port_forwarding"`
},
) (forwardingShow, error) {
	change, err := in.Forwarding.change()
	if err != nil {
		return forwardingShow{}, err
	}
	f, err := a.core.ChangeForwarding(ctx, auth.From(ctx), in.FloatingIPID, in.ID, change)
	return forwardingShow{newForwardingOut(f)}, err
}

func (a *api) deleteForwarding(ctx context.Context, in forwardingID) (rest.None, error) {
	return rest.None{}, a.core.DeleteForwarding(ctx, auth.From(ctx), in.FloatingIPID, in.ID)
}
