package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

type hostNetworkRow struct {
	bun.BaseModel `bun:"table:network_hosts,alias:host"`

	HostID     string                        `bun:"host_id,pk"`
	Generation int64                         `bun:"generation"`
	Mappings   doc[*[]network.BridgeMapping] `bun:"mappings"`
	Encap      string                        `bun:"encap"`
	Joined     doc[*network.HostJoined]      `bun:"joined"`
}

func (r hostNetworkRow) noun() network.HostNetwork {
	return network.HostNetwork{HostID: r.HostID, Generation: r.Generation, Mappings: r.Mappings.V, Encap: r.Encap, Joined: r.Joined.V}
}

// HostNetworks implements network.SettingsStore.
func (s *Store) HostNetworks(ctx context.Context, hostIDs ...string) ([]network.HostNetwork, error) {
	var rows []hostNetworkRow
	q := s.db.Q(ctx).NewSelect().Model(&rows).Order("host_id")
	if len(hostIDs) > 0 {
		q = q.Where("host_id IN (?)", bun.List(hostIDs))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading how hosts are joined to networks: %w", err)
	}
	return nouns(rows, hostNetworkRow.noun), nil
}

// SetHostNetwork implements network.SettingsStore.
func (s *Store) SetHostNetwork(ctx context.Context, h network.HostNetwork) error {
	row := &hostNetworkRow{HostID: h.HostID, Generation: h.Generation, Mappings: doc[*[]network.BridgeMapping]{h.Mappings}, Encap: h.Encap}
	return s.putHostNetwork(ctx, row, "generation", "mappings", "encap")
}

// NoteHostNetwork implements network.SettingsStore.
func (s *Store) NoteHostNetwork(ctx context.Context, hostID string, joined network.HostJoined) error {
	return s.putHostNetwork(ctx, &hostNetworkRow{HostID: hostID, Joined: doc[*network.HostJoined]{&joined}}, "joined")
}

// putHostNetwork makes a row, or changes some columns of it.
func (s *Store) putHostNetwork(ctx context.Context, row *hostNetworkRow, columns ...string) error {
	q := s.db.Q(ctx).NewInsert().Model(row).On("CONFLICT (host_id) DO UPDATE")
	for _, c := range columns {
		q = q.Set("? = EXCLUDED.?", bun.Ident(c), bun.Ident(c))
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("writing how host %s is joined to networks: %w", row.HostID, err)
	}
	return nil
}
