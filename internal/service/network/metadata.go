package network

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// metadata sees to it that a network's metadata port has an address in each IPv4 subnet with DHCP, and in no other. It
// returns the units that this changed.
func (s *Service) metadata(ctx context.Context, n Network, subnets []Subnet) ([]Unit, error) {
	q := By("network_id", n.ID)
	q.Where["device_owner"] = []string{OwnerDistributed}
	list, err := s.store.Ports(ctx, db.Everywhere(), q)
	if err != nil {
		return nil, err
	}
	served := slices.DeleteFunc(slices.Clone(subnets), func(sub Subnet) bool { return sub.V6() || !sub.DHCP })
	if len(list) == 0 && len(served) == 0 {
		return nil, nil
	}
	var p Port
	if len(list) > 0 {
		p = list[0]
	} else if p, err = s.addMetadata(ctx, n); err != nil {
		return nil, err
	}
	held := p.FixedIPs
	if err := s.store.FreeAddresses(ctx, p.ID); err != nil {
		return nil, err
	}
	p.FixedIPs = nil
	for _, sub := range served {
		f, err := s.metadataAddress(ctx, p, sub, held)
		if err != nil {
			return nil, err
		}
		p.FixedIPs = append(p.FixedIPs, f)
	}
	if len(list) > 0 {
		p.touch()
		if err := s.store.ChangePort(ctx, p); err != nil {
			return nil, err
		}
	}
	return []Unit{{KindPort, p.ID}}, nil
}

func (s *Service) addMetadata(ctx context.Context, n Network) (Port, error) {
	return s.addPort(ctx, Port{
		ID: uuid.NewString(), NetworkID: n.ID, ProjectID: n.ProjectID, AdminUp: true, Status: StatusActive,
		DeviceID: "ovnmeta-" + n.ID, DeviceOwner: OwnerDistributed, Stamp: born(),
	})
}

// metadataAddress is the address that the port has, the first of the pool, or any.
func (s *Service) metadataAddress(ctx context.Context, p Port, sub Subnet, held []FixedIP) (FixedIP, error) {
	place := len(p.FixedIPs)
	wishes := slices.DeleteFunc(slices.Clone(held), func(f FixedIP) bool { return f.SubnetID != sub.ID })
	if len(wishes) == 0 && len(sub.Pools) > 0 {
		wishes = []FixedIP{{sub.ID, sub.Pools[0].First}}
	}
	for _, f := range wishes {
		got, err := s.store.TakeAddress(ctx, p, f, place)
		if err != nil || got {
			return f, err
		}
	}
	return s.allocateOne(ctx, p, []claim{{subnet: sub}}, place)
}
