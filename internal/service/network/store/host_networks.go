package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
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

// The statements of Syncs, which come by the thousand.
const (
	selectHostNetworks = "SELECT host_id, generation, mappings, encap, joined FROM network_hosts"
	hostNetworksByID   = selectHostNetworks + " WHERE host_id IN (?) ORDER BY host_id"
	noteHostNetwork    = `INSERT INTO network_hosts (host_id, generation, mappings, encap, joined) VALUES (?, 0, 'null', '', ?)
ON CONFLICT (host_id) DO UPDATE SET joined = EXCLUDED.joined`
)

// HostNetworks implements network.SettingsStore.
func (s *Store) HostNetworks(ctx context.Context) ([]network.HostNetwork, error) {
	return s.hostNetworks(ctx, selectHostNetworks+" ORDER BY host_id", nil)
}

// HostNetworksByID implements network.SettingsStore.
func (s *Store) HostNetworksByID(ctx context.Context, hostIDs []string) ([]network.HostNetwork, error) {
	return s.hostNetworks(ctx, hostNetworksByID, []any{db.ListOf(hostIDs)})
}

func (s *Store) hostNetworks(ctx context.Context, text string, args []any) ([]network.HostNetwork, error) {
	out := []network.HostNetwork{}
	err := s.db.Read(ctx, text, args, func(rows *sql.Rows) error {
		var r hostNetworkRow
		if err := rows.Scan(&r.HostID, &r.Generation, &r.Mappings, &r.Encap, &r.Joined); err != nil {
			return err
		}
		out = append(out, r.noun())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading how hosts are joined to networks: %w", err)
	}
	return out, nil
}

// SetHostNetwork implements network.SettingsStore.
func (s *Store) SetHostNetwork(ctx context.Context, h network.HostNetwork) error {
	row := &hostNetworkRow{HostID: h.HostID, Generation: h.Generation, Mappings: doc[*[]network.BridgeMapping]{h.Mappings}, Encap: h.Encap}
	_, err := s.db.Q(ctx).NewInsert().Model(row).On("CONFLICT (host_id) DO UPDATE").
		Set("generation = EXCLUDED.generation").Set("mappings = EXCLUDED.mappings").Set("encap = EXCLUDED.encap").Exec(ctx)
	if err != nil {
		return fmt.Errorf("writing how host %s is to be joined to networks: %w", h.HostID, err)
	}
	return nil
}

// NoteHostNetworks implements network.SettingsStore.
func (s *Store) NoteHostNetworks(ctx context.Context, joined map[string]network.HostJoined) error {
	var rows [][]any
	for _, id := range slices.Sorted(maps.Keys(joined)) { // in one order, so that two control nodes don't wait for each other
		rows = append(rows, []any{id, db.JSON(joined[id])})
	}
	if _, err := s.db.WriteEach(ctx, noteHostNetwork, rows); err != nil {
		return fmt.Errorf("writing how %d hosts are joined to networks: %w", len(rows), err)
	}
	return nil
}
