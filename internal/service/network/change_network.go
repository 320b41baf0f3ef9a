package network

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NetworkChange is what should change of a network; nil fields stay.
type NetworkChange struct {
	Name, Description, DNSDomain *string
	AdminUp, PortSecurity        *bool
	Shared, External, Default    *bool // admin only
	MTU                          *int
	QoSPolicyID                  *string // "": none
	Revision                     *int64  // that it must have; nil: any
}

// ChangeNetwork changes a network.
func (s *Service) ChangeNetwork(ctx context.Context, c *auth.Caller, id string, in NetworkChange) (Network, error) {
	return tx(ctx, s, func(ctx context.Context) (Network, error) {
		n, err := s.ownNetwork(ctx, c, id, "update_network")
		if err != nil {
			return n, err
		}
		if err := n.expect("network", id, in.Revision); err != nil {
			return n, err
		}
		if !c.Admin() && (in.Shared != nil || in.External != nil || in.Default != nil) {
			return n, disallowed("update_network:shared")
		}
		if in.MTU != nil {
			if n.MTU, err = s.checkMTU(ctx, n.Provider, in.MTU); err != nil {
				return n, err
			}
		}
		if err := s.checkOpenness(ctx, n, in); err != nil {
			return n, err
		}
		set(&n.Name, in.Name)
		set(&n.Description, in.Description)
		set(&n.DNSDomain, in.DNSDomain)
		set(&n.AdminUp, in.AdminUp)
		set(&n.PortSecurity, in.PortSecurity)
		set(&n.Shared, in.Shared)
		set(&n.External, in.External)
		set(&n.Default, in.Default)
		if in.QoSPolicyID != nil {
			if err := s.usePolicy(ctx, c, *in.QoSPolicyID); err != nil {
				return n, err
			}
			if n.Provider.Physical != "" {
				if err := s.keepPromise(ctx, n.QoSPolicyID, *in.QoSPolicyID, func() (string, error) { return s.store.BoundIn(ctx, n.ID) }); err != nil {
					return n, err
				}
			}
			n.QoSPolicyID = *in.QoSPolicyID
		}
		n.touch()
		if err := s.store.ChangeNetwork(ctx, n); err != nil {
			return n, err
		}
		units := []Unit{{KindNetwork, n.ID}}
		if in.DNSDomain != nil || in.AdminUp != nil || in.QoSPolicyID != nil {
			more, err := s.portUnits(ctx, By("network_id", n.ID))
			if err != nil {
				return n, err
			}
			units = append(units, more...)
		}
		if in.DNSDomain != nil || in.MTU != nil {
			more, err := s.routerUnits(ctx, By("network_id", n.ID))
			if err != nil {
				return n, err
			}
			units = append(units, more...)
		}
		return n, s.note(ctx, "network", n.ID, n.ProjectID, "updated", units...)
	})
}

// checkOpenness refuses to close a network that others use.
func (s *Service) checkOpenness(ctx context.Context, n Network, in NetworkChange) error {
	if n.Shared && in.Shared != nil && !*in.Shared {
		all := AccessPolicy{ObjectType: "network", ObjectID: n.ID, Action: AccessAsShared, Target: Everybody}
		u, err := s.dependent(ctx, all, "")
		if err != nil {
			return err
		}
		if u != nil {
			return fault.Conflictf("network", n.ID, "Unable to reconfigure sharing settings for network %s. Multiple tenants are using it: %s is project %s's.",
				n.ID, u.what, u.projectID).WithCode("InvalidSharedSetting")
		}
	}
	if n.External && in.External != nil && !*in.External {
		q := By("network_id", n.ID)
		q.Where["device_owner"] = []string{OwnerRouterGateway, OwnerFloatingIP}
		ports, err := s.store.Ports(ctx, db.Everywhere(), q)
		if err != nil {
			return err
		}
		if len(ports) > 0 {
			return fault.Conflictf("network", n.ID, "External network %s cannot be updated to be made non-external, since it has existing gateway ports: %s %s.",
				n.ID, ports[0].DeviceOwner, ports[0].DeviceID).WithCode("ExternalNetworkInUse")
		}
	}
	return nil
}

// DeleteNetwork deletes a network with its subnets, and with the floating IPs of it that lead nowhere. Ports of devices must be gone.
func (s *Service) DeleteNetwork(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		n, err := s.ownNetwork(ctx, c, id, "delete_network")
		if err != nil {
			return err
		}
		if err := n.expect("network", id, revision); err != nil {
			return err
		}
		if err := s.dropIdle(ctx, id); err != nil {
			return err
		}
		ports, err := s.store.Ports(ctx, db.Everywhere(), By("network_id", id))
		if err != nil {
			return err
		}
		units := []Unit{{KindNetwork, id}}
		for _, p := range ports {
			if p.DeviceOwner != OwnerDistributed {
				return fault.Conflictf("network", id, "Unable to complete operation on network %s. There are one or more ports still in use on the network: %s.",
					id, describePorts(ports)).WithCode("NetworkInUse")
			}
			units = append(units, Unit{KindPort, p.ID})
		}
		if err := s.store.RemovePorts(ctx, ids(ports, func(p Port) string { return p.ID })...); err != nil {
			return err
		}
		for _, sub := range n.SubnetIDs {
			if err := s.store.RemoveSubnet(ctx, sub); err != nil {
				return err
			}
		}
		if err := s.store.RemoveNetwork(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "network", id, n.ProjectID, "deleted", units...)
	})
}

// dropIdle deletes the floating IPs of a network that lead nowhere.
func (s *Service) dropIdle(ctx context.Context, networkID string) error {
	floating, err := s.store.FloatingIPs(ctx, db.Everywhere(), By("network_id", networkID))
	if err != nil {
		return err
	}
	for _, f := range floating {
		if f.PortID == "" && f.RouterID == "" {
			if err := s.DeleteFloatingIP(ctx, auth.System(), f.ID, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownNetwork reads a network that the caller means to change.
func (s *Service) ownNetwork(ctx context.Context, c *auth.Caller, id, rule string) (Network, error) {
	n, err := s.store.Network(ctx, c.Scope(), id)
	if err != nil {
		return n, err
	}
	return n, mine(c, n.ProjectID, rule)
}

// portUnits are the units of the ports that a query finds.
func (s *Service) portUnits(ctx context.Context, q Query) ([]Unit, error) {
	ports, err := s.store.Ports(ctx, db.Everywhere(), q)
	if err != nil {
		return nil, err
	}
	var out []Unit
	for _, p := range ports {
		out = append(out, Unit{KindPort, p.ID})
	}
	return out, nil
}

// describePorts names the first ports that keep something from being deleted, and whose they are.
func describePorts(ports []Port) string {
	out := ""
	n := 0
	for _, p := range ports {
		if p.DeviceOwner == OwnerDistributed {
			continue
		}
		if n++; n > 3 {
			return out + " and more"
		}
		if out != "" {
			out += ", "
		}
		out += p.ID
		if p.DeviceOwner != "" {
			out += " (" + p.DeviceOwner + " " + p.DeviceID + ")"
		}
	}
	return out
}
