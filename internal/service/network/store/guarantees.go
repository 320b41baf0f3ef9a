package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

const (
	// guarantees asks first whether anything is guaranteed at all: mostly it is not, and each new server asks.
	guarantees = `SELECT p.device_id, n.provider_physical, r.direction, SUM(r.rate)
FROM ports AS p
JOIN networks AS n ON n.id = p.network_id AND n.provider_physical <> ''
JOIN qos_rules AS r ON r.kind = 'minimum_bandwidth' AND r.policy_id = COALESCE(NULLIF(p.qos_policy_id, ''), n.qos_policy_id)
WHERE p.device_id IN (?) AND p.device_id <> '' AND EXISTS (SELECT 1 FROM qos_rules WHERE kind = 'minimum_bandwidth')
GROUP BY p.device_id, n.provider_physical, r.direction`

	boundUnder = `SELECT p.id FROM ports AS p
JOIN networks AS n ON n.id = p.network_id AND n.provider_physical <> ''
WHERE p.host_id <> '' AND (p.qos_policy_id = ? OR p.qos_policy_id = '' AND n.qos_policy_id = ?) LIMIT 1`

	boundIn = `SELECT id FROM ports WHERE network_id = ? AND host_id <> '' AND qos_policy_id = '' LIMIT 1`
)

// Guarantees implements network.QoSStore.
func (s *Store) Guarantees(ctx context.Context, deviceIDs []string) ([]network.Guarantee, error) {
	var out []network.Guarantee
	err := s.rows(ctx, guarantees, deviceIDs, func(rows *sql.Rows) error {
		var g network.Guarantee
		err := rows.Scan(&g.DeviceID, &g.Physical, &g.Direction, &g.Kbps)
		out = append(out, g)
		return err
	})
	return out, err
}

// BoundUnder implements network.QoSStore.
func (s *Store) BoundUnder(ctx context.Context, policyID string) (string, error) {
	return s.one(ctx, boundUnder, policyID, policyID)
}

// BoundIn implements network.QoSStore.
func (s *Store) BoundIn(ctx context.Context, networkID string) (string, error) {
	return s.one(ctx, boundIn, networkID)
}

// one reads one id; "" if there is none.
func (s *Store) one(ctx context.Context, text string, args ...any) (id string, err error) {
	err = s.db.Read(ctx, text, args, func(rows *sql.Rows) error { return rows.Scan(&id) })
	if err != nil {
		return "", fmt.Errorf("looking for a port that is bound: %w", err)
	}
	return id, nil
}
