package store

import (
	"context"
	"net/netip"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type addressGroupRow struct {
	bun.BaseModel `bun:"table:address_groups,alias:ag"`

	ID          string              `bun:"id,pk"`
	ProjectID   string              `bun:"project_id"`
	Name        string              `bun:"name"`
	Description string              `bun:"description"`
	Addresses   doc[[]netip.Prefix] `bun:"addresses"`
	stampRow

	Granted bool `bun:"granted,scanonly"`
}

func addressGroupOf(g network.AddressGroup) *addressGroupRow {
	return &addressGroupRow{
		ID: g.ID, ProjectID: g.ProjectID, Name: g.Name, Description: g.Description, Addresses: doc[[]netip.Prefix]{g.Addresses},
		stampRow: stampOf(g.Stamp),
	}
}

func (r addressGroupRow) noun() network.AddressGroup {
	return network.AddressGroup{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, Addresses: r.Addresses.V, Shared: r.Granted,
		Stamp: r.stampRow.noun(),
	}
}

// AddAddressGroup implements network.AddressGroupStore.
func (s *Store) AddAddressGroup(ctx context.Context, g network.AddressGroup) error {
	_, err := s.insert(ctx, addressGroupOf(g))
	return err
}

// AddressGroup implements network.AddressGroupStore.
func (s *Store) AddressGroup(ctx context.Context, sc db.Scope, id string) (network.AddressGroup, error) {
	list, err := s.AddressGroups(ctx, sc, network.ByID(id))
	return only(list, err, missing("address group", id, "AddressGroupNotFound"))
}

// AddressGroups implements network.AddressGroupStore.
func (s *Store) AddressGroups(ctx context.Context, sc db.Scope, q network.Query) ([]network.AddressGroup, error) {
	var rows []addressGroupRow
	sel := visible(sc, s.db.Select(ctx, db.Everywhere(), &rows), "address_group")
	special := map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery{"shared": sharing(sc, "address_group")}
	if err := read(ctx, sel, &rows, "address_groups", q, stamped(map[string]attribute{"name": text("name")}), special); err != nil {
		return nil, err
	}
	return nouns(rows, addressGroupRow.noun), nil
}

// ChangeAddressGroup implements network.AddressGroupStore.
func (s *Store) ChangeAddressGroup(ctx context.Context, g network.AddressGroup) error {
	return s.change(ctx, addressGroupOf(g), "address group", g.ID, g.Revision)
}

// RemoveAddressGroup implements network.AddressGroupStore.
func (s *Store) RemoveAddressGroup(ctx context.Context, id string) error {
	if err := s.closeObject(ctx, "address_group", id); err != nil {
		return err
	}
	return s.remove(ctx, (*addressGroupRow)(nil), "id", id)
}
