package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type trunkRow struct {
	bun.BaseModel `bun:"table:trunks,alias:t"`

	ID          string `bun:"id,pk"`
	ProjectID   string `bun:"project_id"`
	Name        string `bun:"name"`
	Description string `bun:"description"`
	AdminUp     bool   `bun:"admin_up"`
	PortID      string `bun:"port_id"`
	taggedRow
}

type subPortRow struct {
	bun.BaseModel `bun:"table:trunk_ports,alias:tp"`

	PortID  string `bun:"port_id,pk"`
	TrunkID string `bun:"trunk_id"`
	VLAN    int    `bun:"vlan"`
}

func trunkOf(t network.Trunk) *trunkRow {
	return &trunkRow{
		ID: t.ID, ProjectID: t.ProjectID, Name: t.Name, Description: t.Description, AdminUp: t.AdminUp, PortID: t.PortID, taggedRow: taggedOf(t.Stamp),
	}
}

func (r trunkRow) noun() network.Trunk {
	return network.Trunk{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, AdminUp: r.AdminUp, PortID: r.PortID, Stamp: r.taggedRow.noun(),
	}
}

// AddTrunk implements network.TrunkStore.
func (s *Store) AddTrunk(ctx context.Context, t network.Trunk) (bool, error) {
	return s.insert(ctx, trunkOf(t))
}

// Trunk implements network.TrunkStore.
func (s *Store) Trunk(ctx context.Context, sc db.Scope, id string) (network.Trunk, error) {
	list, err := s.Trunks(ctx, sc, network.ByID(id))
	return only(list, err, missing("trunk", id, "TrunkNotFound"))
}

// Trunks implements network.TrunkStore.
func (s *Store) Trunks(ctx context.Context, sc db.Scope, q network.Query) ([]network.Trunk, error) {
	var rows []trunkRow
	attributes := tagged(map[string]attribute{"name": text("name"), "admin_up": flag("admin_up"), "port_id": text("port_id")})
	if err := read(ctx, s.db.Select(ctx, sc, &rows), &rows, "trunks", q, attributes, nil); err != nil {
		return nil, err
	}
	out := nouns(rows, trunkRow.noun)
	if len(out) == 0 {
		return out, nil
	}
	return out, s.fillTrunks(ctx, out)
}

// fillTrunks reads what is in other tables.
func (s *Store) fillTrunks(ctx context.Context, out []network.Trunk) error {
	at, parent := map[string]*network.Trunk{}, map[string]*network.Trunk{}
	var trunkIDs, portIDs []string
	for i := range out {
		at[out[i].ID], parent[out[i].PortID] = &out[i], &out[i]
		trunkIDs, portIDs = append(trunkIDs, out[i].ID), append(portIDs, out[i].PortID)
	}
	var subs []subPortRow
	err := s.db.Q(ctx).NewSelect().Model(&subs).Where("trunk_id IN (?)", bun.List(trunkIDs)).Order("trunk_id", "vlan").Scan(ctx)
	if err != nil {
		return fmt.Errorf("reading sub-ports: %w", err)
	}
	for _, sub := range subs {
		portIDs = append(portIDs, sub.PortID)
	}
	var ports []struct{ ID, Status, MAC string }
	err = s.db.Select(ctx, db.Everywhere(), (*portRow)(nil)).Column("id", "status", "mac").Where("id IN (?)", bun.List(portIDs)).Scan(ctx, &ports)
	if err != nil {
		return fmt.Errorf("reading the ports of trunks: %w", err)
	}
	macs := map[string]string{}
	for _, p := range ports {
		macs[p.ID] = p.MAC
		if t, ok := parent[p.ID]; ok {
			t.Status = p.Status
		}
	}
	for _, sub := range subs {
		t := at[sub.TrunkID]
		t.SubPorts = append(t.SubPorts, network.SubPort{PortID: sub.PortID, VLAN: sub.VLAN, MAC: macs[sub.PortID]})
	}
	return nil
}

// ChangeTrunk implements network.TrunkStore.
func (s *Store) ChangeTrunk(ctx context.Context, t network.Trunk) error {
	return s.change(ctx, trunkOf(t), "trunk", t.ID, t.Revision)
}

// RemoveTrunk implements network.TrunkStore.
func (s *Store) RemoveTrunk(ctx context.Context, id string) error {
	return s.remove(ctx, (*trunkRow)(nil), "id", id)
}

// AddSubPort implements network.TrunkStore.
func (s *Store) AddSubPort(ctx context.Context, trunkID string, p network.SubPort) (bool, error) {
	return s.insert(ctx, &subPortRow{PortID: p.PortID, TrunkID: trunkID, VLAN: p.VLAN})
}

// RemoveSubPort implements network.TrunkStore.
func (s *Store) RemoveSubPort(ctx context.Context, portID string) error {
	return s.remove(ctx, (*subPortRow)(nil), "port_id", portID)
}

// Parents implements network.TrunkStore.
func (s *Store) Parents(ctx context.Context, portIDs ...string) (map[string]network.Carried, error) {
	out := map[string]network.Carried{}
	if len(portIDs) == 0 {
		return out, nil
	}
	var subs []subPortRow
	if err := s.db.Q(ctx).NewSelect().Model(&subs).Where("port_id IN (?)", bun.List(portIDs)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading sub-ports: %w", err)
	}
	if len(subs) == 0 {
		return out, nil
	}
	var trunkIDs []string
	for _, sub := range subs {
		trunkIDs = append(trunkIDs, sub.TrunkID)
	}
	var trunks []trunkRow
	if err := s.db.Select(ctx, db.Everywhere(), &trunks).Where("id IN (?)", bun.List(trunkIDs)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the trunks of sub-ports: %w", err)
	}
	parents := map[string]string{}
	for _, t := range trunks {
		parents[t.ID] = t.PortID
	}
	for _, sub := range subs {
		out[sub.PortID] = network.Carried{TrunkID: sub.TrunkID, ParentID: parents[sub.TrunkID], VLAN: sub.VLAN}
	}
	return out, nil
}
