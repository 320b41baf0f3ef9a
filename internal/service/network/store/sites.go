package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// sitesQuery has a row for each subnet, and one for each network without.
const sitesQuery = `SELECT n.id, n.mtu, s.id, s.cidr, s.gateway, s.dns_servers
FROM networks AS n
LEFT JOIN subnets AS s ON s.network_id = n.id
WHERE n.id IN (?)`

// siteMetadataQuery has a row for each address of the networks' metadata ports.
const siteMetadataQuery = `SELECT p.network_id, p.id, p.mac, a.subnet_id, a.address
FROM ports AS p
JOIN port_addresses AS a ON a.port_id = p.id
WHERE p.device_owner = 'network:distributed' AND p.network_id IN (?)
ORDER BY p.id, a.place`

// Sites implements network.PortStore.
func (s *Store) Sites(ctx context.Context, networkIDs []string) (map[string]*network.Site, error) {
	sites := make(map[string]*network.Site, len(networkIDs))
	err := s.db.Read(ctx, sitesQuery, []any{db.ListOf(networkIDs)}, func(rows *sql.Rows) error {
		var id string
		var mtu int
		var subnet, cidr, gateway sql.NullString
		var dns doc[[]netip.Addr]
		var dnsText sql.NullString
		if err := rows.Scan(&id, &mtu, &subnet, &cidr, &gateway, &dnsText); err != nil {
			return err
		}
		if sites[id] == nil {
			sites[id] = &network.Site{MTU: mtu, Subnets: map[string]network.SiteSubnet{}}
		}
		if !subnet.Valid {
			return nil
		}
		if err := dns.Scan(dnsText.String); err != nil {
			return err
		}
		sites[id].Subnets[subnet.String] = network.SiteSubnet{CIDR: prefix(cidr.String), Gateway: addr(gateway.String), DNSServers: dns.V}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading networks: %w", err)
	}
	err = s.db.Read(ctx, siteMetadataQuery, []any{db.ListOf(networkIDs)}, func(rows *sql.Rows) error {
		var id, subnet, address string
		var m network.SiteMetadata
		if err := rows.Scan(&id, &m.PortID, &m.MAC, &subnet, &address); err != nil {
			return err
		}
		site := sites[id]
		if site == nil {
			return nil // its network goes just now
		}
		if site.Metadata == nil {
			site.Metadata = &m
		}
		at := netip.PrefixFrom(addr(address), site.Subnets[subnet].CIDR.Bits())
		site.Metadata.Addresses = append(site.Metadata.Addresses, at)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the metadata ports of networks: %w", err)
	}
	return sites, nil
}
