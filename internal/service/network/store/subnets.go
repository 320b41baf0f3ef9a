package store

import (
	"context"
	"net/netip"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type subnetRow struct {
	bun.BaseModel `bun:"table:subnets,alias:s"`

	ID          string               `bun:"id,pk"`
	NetworkID   string               `bun:"network_id"`
	ProjectID   string               `bun:"project_id"`
	Name        string               `bun:"name"`
	Description string               `bun:"description"`
	IPVersion   int                  `bun:"ip_version"`
	CIDR        string               `bun:"cidr"`
	Gateway     string               `bun:"gateway"`
	DHCP        bool                 `bun:"dhcp"`
	Pools       doc[[]network.Range] `bun:"pools"`
	DNSServers  doc[[]netip.Addr]    `bun:"dns_servers"`
	Routes      doc[[]network.Route] `bun:"routes"`
	RAMode      string               `bun:"ra_mode"`
	AddressMode string               `bun:"address_mode"`
	PoolID      string               `bun:"pool_id"`
	Services    doc[[]string]        `bun:"service_types"`
	taggedRow
}

func subnetOf(n network.Subnet) *subnetRow {
	version := 4
	if n.V6() {
		version = 6
	}
	return &subnetRow{
		ID: n.ID, NetworkID: n.NetworkID, ProjectID: n.ProjectID, Name: n.Name, Description: n.Description, IPVersion: version,
		CIDR: n.CIDR.String(), Gateway: addrText(n.Gateway), DHCP: n.DHCP, Pools: doc[[]network.Range]{n.Pools},
		DNSServers: doc[[]netip.Addr]{n.DNSServers}, Routes: doc[[]network.Route]{n.Routes}, RAMode: n.RAMode,
		AddressMode: n.AddressMode, PoolID: n.PoolID, Services: doc[[]string]{n.ServiceTypes}, taggedRow: taggedOf(n.Stamp),
	}
}

func (r subnetRow) noun() network.Subnet {
	return network.Subnet{
		ID: r.ID, NetworkID: r.NetworkID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description,
		CIDR: prefix(r.CIDR), Gateway: addr(r.Gateway), DHCP: r.DHCP, Pools: r.Pools.V, DNSServers: r.DNSServers.V,
		Routes: r.Routes.V, RAMode: r.RAMode, AddressMode: r.AddressMode, PoolID: r.PoolID,
		ServiceTypes: r.Services.V, Stamp: r.taggedRow.noun(),
	}
}

func subnetAttributes() map[string]attribute {
	return tagged(map[string]attribute{
		"name": text("name"), "network_id": text("network_id"), "ip_version": number("ip_version"), "cidr": text("cidr"),
		"gateway": text("gateway"), "dhcp": flag("dhcp"), "ra_mode": text("ra_mode"), "address_mode": text("address_mode"), "pool_id": text("pool_id"),
	})
}

// AddSubnet implements network.SubnetStore.
func (s *Store) AddSubnet(ctx context.Context, n network.Subnet) error {
	_, err := s.insert(ctx, subnetOf(n))
	return err
}

// Subnet implements network.SubnetStore.
func (s *Store) Subnet(ctx context.Context, sc db.Scope, id string) (network.Subnet, error) {
	list, err := s.Subnets(ctx, sc, network.ByID(id))
	return only(list, err, missing("subnet", id, "SubnetNotFound"))
}

// Subnets implements network.SubnetStore.
func (s *Store) Subnets(ctx context.Context, sc db.Scope, q network.Query) ([]network.Subnet, error) {
	var rows []subnetRow
	sel := s.visibleNetworks(ctx, sc, s.db.Select(ctx, db.Everywhere(), &rows), "network_id", network.AccessAsShared)
	if err := read(ctx, sel, &rows, "subnets", q, subnetAttributes(), nil); err != nil {
		return nil, err
	}
	out := make([]network.Subnet, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.noun())
	}
	return out, nil
}

// ChangeSubnet implements network.SubnetStore.
func (s *Store) ChangeSubnet(ctx context.Context, n network.Subnet) error {
	return s.change(ctx, subnetOf(n), "subnet", n.ID, n.Revision)
}

// RemoveSubnet implements network.SubnetStore.
func (s *Store) RemoveSubnet(ctx context.Context, id string) error {
	if err := s.remove(ctx, (*addressRow)(nil), "subnet_id", id); err != nil {
		return err
	}
	return s.remove(ctx, (*subnetRow)(nil), "id", id)
}
