package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// PairedPorts implements network.PortStore. The condition is that of the index ports_paired.
func (s *Store) PairedPorts(ctx context.Context, networkIDs ...string) ([]network.Port, error) {
	var rows []portRow
	err := s.db.Select(ctx, db.Everywhere(), &rows).Column("id", "network_id", "pairs").
		Where("p.network_id IN (?)", bun.List(networkIDs)).Where("p.pairs <> '[]'").Where("p.pairs <> 'null'").Order("p.id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the ports with address pairs: %w", err)
	}
	out := make([]network.Port, len(rows))
	for i, r := range rows {
		out[i] = network.Port{ID: r.ID, NetworkID: r.NetworkID, Pairs: r.Pairs.V}
	}
	return out, nil
}
