package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// plugsQuery has a row for each address, and one for each port without. Rows are read without reflection: these are
// the longest lists that there are.
const plugsQuery = `SELECT p.device_id, p.id, p.network_id, n.name, p.mac, p.status, a.subnet_id, a.address, f.address
FROM ports AS p
JOIN networks AS n ON n.id = p.network_id
LEFT JOIN port_addresses AS a ON a.port_id = p.id
LEFT JOIN floating_ips AS f ON f.port_id = p.id AND f.fixed_address = a.address
WHERE p.device_id IN (?) AND p.device_id <> ''
ORDER BY p.created_at, p.id, a.place`

const plugGroupsQuery = `SELECT pg.port_id, g.id, g.name
FROM port_groups AS pg
JOIN security_groups AS g ON g.id = pg.group_id
WHERE pg.port_id IN (?)
ORDER BY pg.port_id, pg.group_id`

// Plugs implements network.PortStore.
func (s *Store) Plugs(ctx context.Context, deviceIDs []string) (map[string][]network.Plug, error) {
	var plugs []network.Plug
	var devices, ids []string
	err := s.rows(ctx, plugsQuery, deviceIDs, func(rows *sql.Rows) error {
		var device string
		var p network.Plug
		var subnet, address, floating sql.NullString
		if err := rows.Scan(&device, &p.PortID, &p.NetworkID, &p.NetworkName, &p.MAC, &p.Status, &subnet, &address, &floating); err != nil {
			return err
		}
		if len(ids) == 0 || ids[len(ids)-1] != p.PortID {
			plugs, devices, ids = append(plugs, p), append(devices, device), append(ids, p.PortID)
		}
		if address.Valid {
			last := &plugs[len(plugs)-1]
			last.Addresses = append(last.Addresses, network.PlugAddress{SubnetID: subnet.String, Address: address.String, Floating: floating.String})
		}
		return nil
	})
	if err != nil || len(ids) == 0 {
		return map[string][]network.Plug{}, err
	}
	groups := make(map[string][]network.PlugGroup, len(ids))
	err = s.rows(ctx, plugGroupsQuery, ids, func(rows *sql.Rows) error {
		var port string
		var g network.PlugGroup
		if err := rows.Scan(&port, &g.ID, &g.Name); err != nil {
			return err
		}
		groups[port] = append(groups[port], g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string][]network.Plug, len(plugs))
	for i := range plugs {
		plugs[i].Groups = groups[plugs[i].PortID]
		out[devices[i]] = append(out[devices[i]], plugs[i])
	}
	return out, nil
}

// rows reads the rows of a query about some ids, one by one.
func (s *Store) rows(ctx context.Context, query string, ids []string, each func(*sql.Rows) error) error {
	if err := s.db.Read(ctx, query, []any{db.ListOf(ids)}, each); err != nil {
		return fmt.Errorf("reading about ports: %w", err)
	}
	return nil
}
