package app

import (
	"context"
	"net/netip"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
	"github.com/aloft-cloud/aloft/internal/service/image"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// computeNetworks is the network service as compute wants it.
type computeNetworks struct{ network *network.Service }

var _ compute.Networks = computeNetworks{}

func (a computeNetworks) Usable(ctx context.Context, caller *auth.Caller) ([]compute.NetworkRef, error) {
	list, err := a.network.NetworkFor(ctx, caller)
	out := make([]compute.NetworkRef, len(list))
	for i, n := range list {
		out[i] = compute.NetworkRef{ID: n.ID, Name: n.Name}
	}
	return out, err
}

func (a computeNetworks) Plug(ctx context.Context, caller *auth.Caller, plugs []compute.Plug) error {
	groups := map[string][]string{} // what was looked up for the plug before, as all servers of a request name the same
	var ports []network.NewPort
	for i := range plugs {
		p := &plugs[i]
		if p.PortID != "" {
			if _, err := a.network.AttachPort(ctx, caller, p.PortID, p.ServerID, deviceOwner(p), p.Hostname); err != nil {
				return err
			}
			continue
		}
		port, err := newPort(p)
		if err != nil {
			return err
		}
		if port.GroupIDs, err = a.groups(ctx, caller, p.SecurityGroups, groups); err != nil {
			return err
		}
		ports = append(ports, port)
	}
	if len(ports) == 0 {
		return nil
	}
	_, err := a.network.CreatePorts(ctx, caller, ports)
	return err
}

func deviceOwner(p *compute.Plug) string { return "compute:" + p.Zone }

func newPort(p *compute.Plug) (network.NewPort, error) {
	port := network.NewPort{
		NetworkID: p.NetworkID, ProjectID: p.ProjectID, DeviceID: p.ServerID, DeviceOwner: deviceOwner(p), DNSName: p.Hostname, ForDevice: true,
	}
	if p.FixedIP != "" {
		address, err := netip.ParseAddr(p.FixedIP)
		if err != nil {
			return port, fault.Invalidf("fixed_ip", "%q is not an IP address", p.FixedIP)
		}
		port.FixedIPs = []network.WantedIP{{Address: address}}
	}
	return port, nil
}

// groups finds the ids of named security groups; nil, for the default group, where none is named.
func (a computeNetworks) groups(ctx context.Context, caller *auth.Caller, names []string, known map[string][]string) (*[]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var missing []string
	for _, name := range names {
		if known[name] == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		found, err := a.network.SecurityGroups(ctx, caller, missing)
		if err != nil {
			return nil, err
		}
		for i, g := range found {
			known[missing[i]] = []string{g.ID}
		}
	}
	ids := []string{}
	for _, name := range names {
		ids = append(ids, known[name]...)
	}
	return &ids, nil
}

func (a computeNetworks) Bind(ctx context.Context, hosts map[string]string) error {
	return a.network.BindAll(ctx, hosts)
}

func (a computeNetworks) Release(ctx context.Context, serverIDs []string) error {
	return a.network.ReleasePorts(ctx, serverIDs...)
}

func (a computeNetworks) Guaranteed(ctx context.Context, serverIDs []string) (map[string]map[string]placement.Rates, error) {
	list, err := a.network.Guaranteed(ctx, serverIDs)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := map[string]map[string]placement.Rates{}
	for _, g := range list {
		if out[g.DeviceID] == nil {
			out[g.DeviceID] = map[string]placement.Rates{}
		}
		rates := out[g.DeviceID][g.Physical]
		if g.Direction == network.Ingress {
			rates.Ingress = g.Kbps
		} else {
			rates.Egress = g.Kbps
		}
		out[g.DeviceID][g.Physical] = rates
	}
	return out, nil
}

func (a computeNetworks) PortsOf(ctx context.Context, serverIDs []string) (map[string][]compute.Port, error) {
	ports, err := a.PlugsOf(ctx, serverIDs)
	if err != nil || len(ports) == 0 {
		return ports, err
	}
	var networkIDs []string
	for _, list := range ports {
		for i := range list {
			networkIDs = append(networkIDs, list[i].NetworkID)
		}
	}
	slices.Sort(networkIDs)
	sites, err := a.network.SitesOf(ctx, slices.Compact(networkIDs))
	if err != nil {
		return nil, err
	}
	for _, list := range ports {
		for i := range list {
			if site := sites[list[i].NetworkID]; site != nil {
				settle(&list[i], site)
			}
		}
	}
	return ports, nil
}

func (a computeNetworks) PlugsOf(ctx context.Context, serverIDs []string) (map[string][]compute.Port, error) {
	plugs, err := a.network.PlugsOf(ctx, serverIDs)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]compute.Port, len(plugs))
	for id, list := range plugs {
		for i := range list {
			out[id] = append(out[id], plugged(&list[i]))
		}
	}
	return out, nil
}

// plugged is a port for display.
func plugged(from *network.Plug) compute.Port {
	p := compute.Port{
		NIC:         protocol.NIC{PortID: from.PortID, NetworkID: from.NetworkID, MAC: from.MAC},
		NetworkName: from.NetworkName, Status: from.Status, FloatingIPs: map[string]string{},
	}
	for _, a := range from.Addresses {
		p.FixedIPs = append(p.FixedIPs, protocol.FixedIP{Address: a.Address, SubnetID: a.SubnetID})
		if a.Floating != "" {
			p.FloatingIPs[a.Address] = a.Floating
		}
	}
	for _, g := range from.Groups {
		p.SecurityGroups = append(p.SecurityGroups, compute.SecurityGroup{ID: g.ID, Name: g.Name})
	}
	return p
}

// settle adds to a port what its host needs to know of its network.
func settle(p *compute.Port, site *network.Site) {
	p.MTU = site.MTU
	named := map[netip.Addr]bool{}
	for i := range p.FixedIPs {
		subnet := site.Subnets[p.FixedIPs[i].SubnetID]
		p.FixedIPs[i].CIDR = subnet.CIDR.String()
		if subnet.Gateway.IsValid() {
			p.FixedIPs[i].Gateway = subnet.Gateway.String()
		}
		for _, d := range subnet.DNSServers {
			if !named[d] {
				p.DNSServers = append(p.DNSServers, d.String())
			}
			named[d] = true
		}
	}
	if m := site.Metadata; m != nil {
		p.Metadata = protocol.MetadataPort{PortID: m.PortID, MAC: m.MAC}
		for _, address := range m.Addresses {
			p.Metadata.Addresses = append(p.Metadata.Addresses, address.String())
		}
	}
}

// computeImages is the image service as compute wants it.
type computeImages struct{ image *image.Service }

var _ compute.Images = computeImages{}

func (a computeImages) Show(ctx context.Context, caller *auth.Caller, id string) (compute.Image, error) {
	i, err := a.image.Show(ctx, caller, id)
	if err != nil {
		return compute.Image{}, err
	}
	return compute.Image{
		Image: protocol.Image{ID: i.ID, Format: i.RunFormat(), Size: i.Size, SHA512: i.SHA512},
		Name:  i.Name, Status: string(i.Status), MinDiskGiB: i.MinDiskGiB, MinRAMMiB: i.MinRAMMiB, VirtualSize: i.VirtualSize, Properties: i.Properties,
	}, nil
}
