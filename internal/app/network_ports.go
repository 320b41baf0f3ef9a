package app

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// networkProjects are the projects of the identity service, as the network service asks for them.
type networkProjects struct{ identity *identity.Service }

var _ network.Projects = networkProjects{}

// Exists implements network.Projects.
func (a networkProjects) Exists(ctx context.Context, id string) (bool, error) {
	_, err := a.identity.ShowProject(ctx, auth.System(), id)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// networkHosts are the hosts of the compute service, as the network service asks for them. That is made after this one.
type networkHosts struct{ control *Control }

var _ network.Hosts = networkHosts{}

// Hosts implements network.Hosts.
func (a networkHosts) Hosts(ctx context.Context) ([]network.Host, error) {
	list, err := a.control.compute.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]network.Host, 0, len(list))
	for _, h := range list {
		out = append(out, network.Host{
			ID: h.ID, Name: h.Name, Zone: h.Zone, Up: h.Up, Enabled: !h.Disabled && !h.Maintenance, CreatedAt: h.CreatedAt, SeenAt: h.SeenAt,
		})
	}
	return out, nil
}

// AskSync implements network.Hosts.
func (a networkHosts) AskSync(ids ...string) {
	link := hostLink{a.control.bus, a.control.log}
	for _, id := range ids {
		link.AskSync(id)
	}
}

// tellSettings hears how a host is joined to networks, and returns what it is told of the settings.
func (c *Control) tellSettings(ctx context.Context, hostID string, seen *protocol.NetworkSeen) (*protocol.Settings, error) {
	var joined *network.HostJoined
	if seen != nil {
		joined = &network.HostJoined{Generation: seen.Generation, Encap: seen.EncapAddress, Error: seen.Error}
		for _, m := range seen.BridgeMappings {
			joined.Mappings = append(joined.Mappings, network.BridgeMapping{Physical: m.PhysicalNetwork, Bridge: m.Bridge, Device: m.Device})
		}
	}
	st, err := c.network.HostSynced(ctx, hostID, joined)
	if err != nil {
		return nil, err
	}
	out := &protocol.Settings{}
	for _, a := range st.DNSForwarders {
		out.DNSForwarders = append(out.DNSForwarders, a.String())
	}
	if st.Generation == 0 {
		return out, nil
	}
	out.Network = &protocol.HostNetwork{Generation: st.Generation, EncapAddress: st.Encap}
	if st.Mappings != nil {
		out.Network.BridgeMappings = []protocol.BridgeMapping{}
		for _, m := range *st.Mappings {
			out.Network.BridgeMappings = append(out.Network.BridgeMappings, protocol.BridgeMapping{PhysicalNetwork: m.Physical, Bridge: m.Bridge, Device: m.Device})
		}
	}
	return out, nil
}
