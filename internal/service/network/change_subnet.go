package network

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// SubnetChange is what should change of a subnet; nil fields stay.
type SubnetChange struct {
	Name, Description *string
	Gateway           *netip.Addr // an invalid one: none
	DHCP              *bool
	Pools             *[]Range
	DNSServers        *[]netip.Addr
	Routes            *[]Route
	ServiceTypes      *[]string
	Revision          *int64 // that it must have; nil: any
}

// ChangeSubnet changes a subnet.
func (s *Service) ChangeSubnet(ctx context.Context, c *auth.Caller, id string, in SubnetChange) (Subnet, error) {
	return tx(ctx, s, func(ctx context.Context) (Subnet, error) {
		sub, err := s.ownSubnet(ctx, c, id, "update_subnet")
		if err != nil {
			return sub, err
		}
		if err := sub.expect("subnet", id, in.Revision); err != nil {
			return sub, err
		}
		if in.Gateway != nil && *in.Gateway != sub.Gateway {
			if err := s.checkGatewayFree(ctx, sub); err != nil {
				return sub, err
			}
		}
		set(&sub.Name, in.Name)
		set(&sub.Description, in.Description)
		set(&sub.Gateway, in.Gateway)
		set(&sub.DHCP, in.DHCP)
		set(&sub.Pools, in.Pools)
		set(&sub.DNSServers, in.DNSServers)
		set(&sub.Routes, in.Routes)
		set(&sub.ServiceTypes, in.ServiceTypes)
		if err := checkGateway(sub); err != nil {
			return sub, err
		}
		if in.Pools != nil || in.Gateway != nil {
			if err := checkPools(sub.CIDR, sub.Gateway, sub.Pools); err != nil {
				return sub, err
			}
		}
		if err := checkSubnet(sub); err != nil {
			return sub, err
		}
		sub.touch()
		if err := s.store.ChangeSubnet(ctx, sub); err != nil {
			return sub, err
		}
		units, err := s.subnetUnits(ctx, sub, in)
		if err != nil {
			return sub, err
		}
		return sub, s.note(ctx, "subnet", sub.ID, sub.ProjectID, "updated", units...)
	})
}

// checkGatewayFree refuses to move a gateway away from the router that has its address.
func (s *Service) checkGatewayFree(ctx context.Context, sub Subnet) error {
	if !sub.Gateway.IsValid() {
		return nil
	}
	q := By("subnet_id", sub.ID)
	q.Where["device_owner"] = []string{OwnerRouterInterface}
	ports, err := s.store.Ports(ctx, db.Everywhere(), q)
	if err != nil {
		return err
	}
	for _, p := range ports {
		for _, f := range p.FixedIPs {
			if f.Address == sub.Gateway {
				return fault.Conflictf("subnet", sub.ID, "Current gateway ip %s already in use by port %s. Unable to update.", f.Address, p.ID).
					WithCode("GatewayIpInUse")
			}
		}
	}
	return nil
}

// subnetUnits are the units that follow from a changed subnet.
func (s *Service) subnetUnits(ctx context.Context, sub Subnet, in SubnetChange) ([]Unit, error) {
	units := []Unit{{KindNetwork, sub.NetworkID}}
	if in.DHCP != nil {
		n, err := s.store.Network(ctx, db.Everywhere(), sub.NetworkID)
		if err != nil {
			return nil, err
		}
		subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("network_id", n.ID))
		if err != nil {
			return nil, err
		}
		if _, err := s.metadata(ctx, n, subnets); err != nil {
			return nil, err
		}
		more, err := s.portUnits(ctx, By("network_id", n.ID))
		if err != nil {
			return nil, err
		}
		units = append(units, more...)
	}
	if in.Gateway != nil {
		more, err := s.routerUnits(ctx, By("subnet_id", sub.ID))
		if err != nil {
			return nil, err
		}
		units = append(units, more...)
	}
	return units, nil
}

// routerUnits are the units of the routers whose ports a query finds.
func (s *Service) routerUnits(ctx context.Context, q Query) ([]Unit, error) {
	q.Where["device_owner"] = []string{OwnerRouterInterface, OwnerRouterGateway}
	ports, err := s.store.Ports(ctx, db.Everywhere(), q)
	if err != nil {
		return nil, err
	}
	var out []Unit
	for _, p := range ports {
		out = append(out, Unit{KindRouter, p.DeviceID})
	}
	return out, nil
}

// DeleteSubnet deletes a subnet that no device has an address of, but for addresses that configure themselves.
func (s *Service) DeleteSubnet(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		sub, err := s.ownSubnet(ctx, c, id, "delete_subnet")
		if err != nil {
			return err
		}
		if err := sub.expect("subnet", id, revision); err != nil {
			return err
		}
		ports, err := s.store.Ports(ctx, db.Everywhere(), By("subnet_id", id))
		if err != nil {
			return err
		}
		units := []Unit{{KindNetwork, sub.NetworkID}}
		for _, p := range ports {
			switch {
			case p.DeviceOwner == OwnerDistributed:
			case sub.Auto() && !gatewayOwner(p):
				units = append(units, Unit{KindPort, p.ID}) // its address goes as it came, by itself
			default:
				return fault.Conflictf("subnet", id, "Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet: %s.",
					id, describePorts(ports)).WithCode("SubnetInUse")
			}
		}
		if err := s.store.RemoveSubnet(ctx, id); err != nil {
			return err
		}
		n, err := s.store.Network(ctx, db.Everywhere(), sub.NetworkID)
		if err != nil {
			return err
		}
		left, err := s.store.Subnets(ctx, db.Everywhere(), By("network_id", n.ID))
		if err != nil {
			return err
		}
		more, err := s.metadata(ctx, n, left)
		if err != nil {
			return err
		}
		return s.note(ctx, "subnet", id, sub.ProjectID, "deleted", append(units, more...)...)
	})
}

func (s *Service) ownSubnet(ctx context.Context, c *auth.Caller, id, rule string) (Subnet, error) {
	sub, err := s.store.Subnet(ctx, c.Scope(), id)
	if err != nil {
		return sub, err
	}
	return sub, mine(c, sub.ProjectID, rule)
}
