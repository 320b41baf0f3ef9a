package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type plainAddress struct {
	Version int    `json:"version"`
	Addr    string `json:"addr"`
}

type ipsOut struct {
	Addresses map[string][]plainAddress `json:"addresses"`
}

type networkIPsIn struct {
	serverIn
	Network string `path:"network"`
}

type networkIPsOut struct {
	Networks map[string]any `json:"*"`
}

func plainAddresses(ports []compute.Port) map[string][]plainAddress {
	out := map[string][]plainAddress{}
	for network, list := range addresses(ports) {
		for _, ip := range list {
			out[network] = append(out[network], plainAddress{ip.Version, ip.Addr})
		}
	}
	return out
}

func (a *api) listIPs(ctx context.Context, in serverIn) (ipsOut, error) {
	s, err := a.core.ShowServer(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return ipsOut{}, instance(err)
	}
	return ipsOut{plainAddresses(s.Ports)}, nil
}

func (a *api) showIPs(ctx context.Context, in networkIPsIn) (networkIPsOut, error) {
	s, err := a.core.ShowServer(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return networkIPsOut{}, instance(err)
	}
	list, ok := plainAddresses(s.Ports)[in.Network]
	if !ok {
		return networkIPsOut{}, fault.New(fault.NotFound, "Instance is not a member of specified network: it has no address on %q", in.Network)
	}
	return networkIPsOut{map[string]any{in.Network: list}}, nil
}

type interfaceIP struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"ip_address"`
}

type interfaceAttachment struct {
	PortID    string        `json:"port_id"`
	PortState string        `json:"port_state"`
	NetID     string        `json:"net_id"`
	MAC       string        `json:"mac_addr"`
	FixedIPs  []interfaceIP `json:"fixed_ips"`
	Tag       *string       `json:"tag" since:"2.70"`
}

type interfacesOut struct {
	Attachments []interfaceAttachment `json:"interfaceAttachments"`
}

type interfaceIn struct {
	serverIn
	PortID string `path:"port_id"`
}

type interfaceOut struct {
	Attachment interfaceAttachment `json:"interfaceAttachment"`
}

func attachment(p *compute.Port) interfaceAttachment {
	out := interfaceAttachment{PortID: p.PortID, PortState: p.Status, NetID: p.NetworkID, MAC: p.MAC}
	for _, ip := range p.FixedIPs {
		out.FixedIPs = append(out.FixedIPs, interfaceIP{ip.SubnetID, ip.Address})
	}
	return out
}

func (a *api) listInterfaces(ctx context.Context, in serverIn) (interfacesOut, error) {
	s, err := a.core.ShowServer(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return interfacesOut{}, instance(err)
	}
	var out interfacesOut
	for i := range s.Ports {
		out.Attachments = append(out.Attachments, attachment(&s.Ports[i]))
	}
	return out, nil
}

func (a *api) showInterface(ctx context.Context, in interfaceIn) (interfaceOut, error) {
	s, err := a.core.ShowServer(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return interfaceOut{}, instance(err)
	}
	for i := range s.Ports {
		if s.Ports[i].PortID == in.PortID {
			return interfaceOut{attachment(&s.Ports[i])}, nil
		}
	}
	return interfaceOut{}, fault.New(fault.NotFound, "Instance %s does not have a port with id %s", in.ID, in.PortID)
}

type securityGroup struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	TenantID    string `json:"tenant_id"`
	Rules       []any  `json:"rules"`
}

type securityGroupsOut struct {
	Groups []securityGroup `json:"security_groups"`
}

func (a *api) listSecurityGroups(ctx context.Context, in serverIn) (securityGroupsOut, error) {
	s, err := a.core.ShowServer(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return securityGroupsOut{}, instance(err)
	}
	var out securityGroupsOut
	seen := map[string]bool{}
	for _, p := range s.Ports {
		for _, g := range p.SecurityGroups {
			if !seen[g.ID] {
				seen[g.ID] = true
				out.Groups = append(out.Groups, securityGroup{ID: g.ID, Name: g.Name, Description: g.Description, TenantID: s.ProjectID})
			}
		}
	}
	return out, nil
}
