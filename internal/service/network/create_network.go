package network

import (
	"context"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

// NewNetwork is what a network is made of. nil fields take the defaults.
type NewNetwork struct {
	ProjectID, Name, Description string
	AdminUp, PortSecurity        *bool
	Shared, External, Default    *bool // admin only
	VLANTransparent              bool
	MTU                          *int
	Provider                     *Provider // admin only
	DNSDomain                    string
	ZoneHints                    []string
	QoSPolicyID                  *string // nil: the project's default one
}

// CreateNetwork makes a network.
func (s *Service) CreateNetwork(ctx context.Context, c *auth.Caller, in NewNetwork) (Network, error) {
	return tx(ctx, s, func(ctx context.Context) (Network, error) {
		n, err := s.newNetwork(ctx, c, in)
		if err != nil {
			return n, err
		}
		if err := s.room(ctx, "network", n.ProjectID, 1); err != nil {
			return n, err
		}
		if in.QoSPolicyID != nil {
			n.QoSPolicyID, err = *in.QoSPolicyID, s.usePolicy(ctx, c, *in.QoSPolicyID)
		} else {
			n.QoSPolicyID, err = s.defaultPolicy(ctx, n.ProjectID)
		}
		if err != nil {
			return n, err
		}
		if err := s.addNetwork(ctx, &n); err != nil {
			return n, err
		}
		return n, s.note(ctx, "network", n.ID, n.ProjectID, "created", Unit{KindNetwork, n.ID})
	})
}

func (s *Service) newNetwork(ctx context.Context, c *auth.Caller, in NewNetwork) (Network, error) {
	projectID, err := project(c, in.ProjectID)
	if err != nil {
		return Network{}, err
	}
	n := Network{
		ID: uuid.NewString(), ProjectID: projectID, Name: in.Name, Description: in.Description, AdminUp: or(in.AdminUp, true),
		Shared: or(in.Shared, false), External: or(in.External, false), Default: or(in.Default, false),
		PortSecurity: or(in.PortSecurity, true), Provider: or(in.Provider, Provider{Kind: Geneve}), DNSDomain: in.DNSDomain, VLANTransparent: in.VLANTransparent,
		ZoneHints: in.ZoneHints, Stamp: born(),
	}
	for rule, used := range map[string]bool{
		"create_network:shared": n.Shared, "create_network:router:external": n.External,
		"create_network:is_default": n.Default, "create_network:provider:network_type": in.Provider != nil,
	} {
		if used && !c.Admin() {
			return n, disallowed(rule)
		}
	}
	if err := s.checkZones(ctx, in.ZoneHints); err != nil {
		return n, err
	}
	if err := checkProvider(&n.Provider); err != nil {
		return n, err
	}
	if n.VLANTransparent && n.Provider.Kind == VLAN {
		return n, invalid("vlan_transparent", "Backend does not support VLAN Transparency: a vlan network has one tag already; take a geneve, vxlan or flat network")
	}
	n.MTU, err = s.checkMTU(ctx, n.Provider, in.MTU)
	return n, err
}

func checkProvider(p *Provider) error {
	switch p.Kind {
	case "":
		p.Kind = Geneve
		if p.Physical != "" {
			return invalid("provider:network_type", "provider:physical_network needs a provider:network_type: flat or vlan")
		}
		return checkProvider(p)
	case Geneve, VXLAN:
		if p.Physical != "" {
			return invalid("provider:physical_network", "provider:physical_network cannot be chosen for %s networks: leave it out", p.Kind)
		}
		if p.Segment < 0 || p.Segment > mostTunnel {
			return invalid("provider:segmentation_id", "Invalid input for provider:segmentation_id: %d is not between 1 and %d", p.Segment, mostTunnel)
		}
		return nil
	case Flat:
		if p.Physical == "" || p.Segment != 0 {
			return invalid("provider:physical_network", "a flat network needs provider:physical_network and has no provider:segmentation_id")
		}
		return nil
	case VLAN:
		if p.Physical == "" || p.Segment < 0 || p.Segment > mostVLAN {
			return invalid("provider:segmentation_id", "a vlan network needs provider:physical_network and a provider:segmentation_id from 1 to %d, or a network segment range from which it is chosen", mostVLAN)
		}
		return nil
	}
	return invalid("provider:network_type", "Invalid input for provider:network_type: %q is not one of geneve, vxlan, flat, vlan", p.Kind)
}

// checkMTU is the network's MTU: what was asked for, if the carrier has room for it.
func (s *Service) checkMTU(ctx context.Context, p Provider, wanted *int) (int, error) {
	is, err := s.Settings(ctx)
	if err != nil {
		return 0, err
	}
	most := is.OverlayMTU()
	if p.Physical != "" {
		most = is.PhysicalMTU
	}
	if wanted == nil || *wanted == 0 {
		return most, nil
	}
	if *wanted < 68 || *wanted > most {
		return 0, invalid("mtu", "Invalid input for mtu: %d is not between 68 and %d, the most that a %s network carries here", *wanted, most, p.Kind)
	}
	return *wanted, nil
}
