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
	MTU                          *int
	Provider                     *Provider // admin only
	DNSDomain                    string
	ZoneHints                    []string
	QoSPolicyID                  *string // nil: the project's default one
}

// CreateNetwork makes a network.
func (s *Service) CreateNetwork(ctx context.Context, c *auth.Caller, in NewNetwork) (Network, error) {
	return tx(ctx, s, func(ctx context.Context) (Network, error) {
		n, err := s.newNetwork(c, in)
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
		if err := s.store.AddNetwork(ctx, n); err != nil {
			return n, err
		}
		return n, s.note(ctx, "network", n.ID, n.ProjectID, "created", Unit{KindNetwork, n.ID})
	})
}

func (s *Service) newNetwork(c *auth.Caller, in NewNetwork) (Network, error) {
	projectID, err := project(c, in.ProjectID)
	if err != nil {
		return Network{}, err
	}
	n := Network{
		ID: uuid.NewString(), ProjectID: projectID, Name: in.Name, Description: in.Description, AdminUp: or(in.AdminUp, true),
		Shared: or(in.Shared, false), External: or(in.External, false), Default: or(in.Default, false),
		PortSecurity: or(in.PortSecurity, true), Provider: or(in.Provider, Provider{Kind: Geneve}), DNSDomain: in.DNSDomain,
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
	if err := s.checkZones(in.ZoneHints); err != nil {
		return n, err
	}
	if err := checkProvider(&n.Provider); err != nil {
		return n, err
	}
	n.MTU, err = s.checkMTU(n.Provider, in.MTU)
	return n, err
}

func checkProvider(p *Provider) error {
	switch p.Kind {
	case "":
		p.Kind = Geneve
		if p.Physical != "" {
			return invalid("provider:network_type", "provider:physical_network needs a provider:network_type: flat or vlan")
		}
		return nil
	case Geneve:
		if p.Physical != "" || p.Segment != 0 {
			return invalid("provider:physical_network", "provider:physical_network and provider:segmentation_id cannot be chosen for geneve networks: leave them out")
		}
		return nil
	case Flat:
		if p.Physical == "" || p.Segment != 0 {
			return invalid("provider:physical_network", "a flat network needs provider:physical_network and has no provider:segmentation_id")
		}
		return nil
	case VLAN:
		if p.Physical == "" || p.Segment < 1 || p.Segment > 4094 {
			return invalid("provider:segmentation_id", "a vlan network needs provider:physical_network and a provider:segmentation_id from 1 to 4094")
		}
		return nil
	}
	return invalid("provider:network_type", "Invalid input for provider:network_type: %q is not one of geneve, flat, vlan", p.Kind)
}

// checkMTU is the network's MTU: what was asked for, if the carrier has room for it.
func (s *Service) checkMTU(p Provider, wanted *int) (int, error) {
	most := s.cfg.OverlayMTU
	if p.Kind != Geneve {
		most = s.cfg.PhysicalMTU
	}
	if wanted == nil || *wanted == 0 {
		return most, nil
	}
	if *wanted < 68 || *wanted > most {
		return 0, invalid("mtu", "Invalid input for mtu: %d is not between 68 and %d, the most that a %s network carries here", *wanted, most, p.Kind)
	}
	return *wanted, nil
}

func (s *Service) checkZones(hints []string) error {
	for _, z := range hints {
		if z != s.cfg.Zone {
			return invalid("availability_zone_hints", "AvailabilityZone %s could not be found: there is %s", z, s.cfg.Zone)
		}
	}
	return nil
}
