package network

import (
	"cmp"
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// SecurityGroups finds the caller's groups that are named by id or by name, in that order. A name that two groups have
// is refused.
func (s *Service) SecurityGroups(ctx context.Context, c *auth.Caller, namesOrIDs []string) ([]SecurityGroup, error) {
	if slices.Contains(namesOrIDs, defaultName) {
		if _, err := s.DefaultGroup(ctx, c.ProjectID); err != nil {
			return nil, err
		}
	}
	all, err := s.store.Groups(ctx, c.Own(), Query{Bare: true})
	if err != nil {
		return nil, err
	}
	var out []SecurityGroup
	for _, want := range namesOrIDs {
		var found []SecurityGroup
		for _, g := range all {
			if g.ID == want {
				found = []SecurityGroup{g}
				break
			}
			if g.Name == want {
				found = append(found, g)
			}
		}
		switch len(found) {
		case 0:
			return nil, fault.Invalidf("security_groups", "Unable to find security_group with name or id '%s'", want).WithCode("SecurityGroupNotFound")
		case 1:
			out = append(out, found[0])
		default:
			return nil, fault.Conflictf("security group", want, "Multiple security_group matches found for name '%s', use an ID to be more specific.", want).
				WithCode("NoUniqueMatch")
		}
	}
	return out, nil
}

// AttachPort gives a port, which has no device, to one of a hostname, which becomes the port's DNS name. A port that has another
// name already is refused, as Nova does.
func (s *Service) AttachPort(ctx context.Context, c *auth.Caller, portID, deviceID, deviceOwner, hostname string) (Port, error) {
	return tx(ctx, s, func(ctx context.Context) (Port, error) {
		p, err := s.store.Port(ctx, c.Scope(), portID)
		if err != nil {
			return p, err
		}
		if p.DeviceID == deviceID && p.DeviceOwner == deviceOwner {
			return p, nil
		}
		if p.DeviceID != "" || p.reserved() {
			return p, fault.Conflictf("port", p.ID, "Unable to complete operation on port %s for network %s. Port already has an attached device %s.",
				p.ID, p.NetworkID, p.DeviceID).WithCode("PortInUse")
		}
		if p.DNSName != "" && hostname != "" && p.DNSName != hostname {
			return p, fault.Invalidf("port", "Port %s not usable for instance %s. Value %s assigned to dns_name attribute does not match instance's hostname %s",
				p.ID, deviceID, p.DNSName, hostname).WithCode("PortNotUsableDNS")
		}
		p.DeviceID, p.DeviceOwner, p.DNSName = deviceID, deviceOwner, cmp.Or(p.DNSName, hostname)
		return p, s.savePorts(ctx, []Port{p})
	})
}

// BindPorts says on which host a device runs; "" says on none.
func (s *Service) BindPorts(ctx context.Context, deviceID, hostID string) error {
	return s.BindAll(ctx, map[string]string{deviceID: hostID})
}

// BindAll says on which hosts devices run: host ids by device id.
func (s *Service) BindAll(ctx context.Context, hosts map[string]string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		ports, err := s.store.BindPorts(ctx, hosts)
		if err != nil || len(ports) == 0 {
			return err
		}
		more, err := s.bindSubPorts(ctx, ports)
		if err != nil {
			return err
		}
		return s.noteUpdated(ctx, append(ports, more...))
	})
}

// noteUpdated tells that ports have changed, and what depends on them.
func (s *Service) noteUpdated(ctx context.Context, ports []Port) error {
	units, err := s.leaning(ctx, ports...)
	if err != nil {
		return err
	}
	for _, p := range ports {
		if err := s.note(ctx, "port", p.ID, p.ProjectID, "updated", units...); err != nil {
			return err
		}
		units = nil // the first event tells them all
	}
	return nil
}

// savePorts writes ports that have changed in more than their addresses and groups.
func (s *Service) savePorts(ctx context.Context, ports []Port) error {
	if len(ports) == 0 {
		return nil
	}
	for _, p := range ports {
		p.touch()
		if err := s.store.ChangePort(ctx, p); err != nil {
			return err
		}
	}
	return s.noteUpdated(ctx, ports)
}

// ReleasePorts takes devices' ports away: those that were made for them are deleted, the others are free again.
func (s *Service) ReleasePorts(ctx context.Context, deviceIDs ...string) error {
	deviceIDs = slices.DeleteFunc(slices.Clone(deviceIDs), func(id string) bool { return id == "" })
	if len(deviceIDs) == 0 {
		return nil
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		ports, err := s.store.Ports(ctx, db.Everywhere(), By("device_id", deviceIDs...))
		if err != nil {
			return err
		}
		var made, freed []Port
		for _, p := range ports {
			switch {
			case p.reserved():
			case p.ForDevice:
				made = append(made, p)
			default:
				p.DeviceID, p.DeviceOwner, p.HostID, p.Status, p.DNSName = "", "", "", StatusDown, ""
				freed = append(freed, p)
			}
		}
		if err := s.savePorts(ctx, freed); err != nil {
			return err
		}
		return s.removePorts(ctx, made...)
	})
}
