package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type scopeRow struct {
	bun.BaseModel `bun:"table:address_scopes,alias:sc"`

	ID        string `bun:"id,pk"`
	ProjectID string `bun:"project_id"`
	Name      string `bun:"name"`
	IPVersion int    `bun:"ip_version"`
	stampRow

	Granted bool `bun:"granted,scanonly"`
}

func scopeOf(a network.AddressScope) *scopeRow {
	version := 4
	if a.V6 {
		version = 6
	}
	return &scopeRow{ID: a.ID, ProjectID: a.ProjectID, Name: a.Name, IPVersion: version, stampRow: stampOf(a.Stamp)}
}

func (r scopeRow) noun() network.AddressScope {
	return network.AddressScope{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, V6: r.IPVersion == 6, Shared: r.Granted, Stamp: r.stampRow.noun(),
	}
}

// AddAddressScope implements network.AddressScopeStore.
func (s *Store) AddAddressScope(ctx context.Context, a network.AddressScope) error {
	_, err := s.insert(ctx, scopeOf(a))
	return err
}

// AddressScope implements network.AddressScopeStore.
func (s *Store) AddressScope(ctx context.Context, sc db.Scope, id string) (network.AddressScope, error) {
	list, err := s.AddressScopes(ctx, sc, network.ByID(id))
	return only(list, err, missing("address scope", id, "AddressScopeNotFound"))
}

// AddressScopes implements network.AddressScopeStore.
func (s *Store) AddressScopes(ctx context.Context, sc db.Scope, q network.Query) ([]network.AddressScope, error) {
	var rows []scopeRow
	sel := visible(sc, s.db.Select(ctx, db.Everywhere(), &rows), "address_scope")
	special := map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery{"shared": sharing(sc, "address_scope")}
	attributes := stamped(map[string]attribute{"name": text("name"), "ip_version": number("ip_version")})
	delete(attributes, "description")
	if err := read(ctx, sel, &rows, "address_scopes", q, attributes, special); err != nil {
		return nil, err
	}
	return nouns(rows, scopeRow.noun), nil
}

// ChangeAddressScope implements network.AddressScopeStore.
func (s *Store) ChangeAddressScope(ctx context.Context, a network.AddressScope) error {
	return s.change(ctx, scopeOf(a), "address scope", a.ID, a.Revision)
}

// RemoveAddressScope implements network.AddressScopeStore.
func (s *Store) RemoveAddressScope(ctx context.Context, id string) error {
	if err := s.closeObject(ctx, "address_scope", id); err != nil {
		return err
	}
	return s.remove(ctx, (*scopeRow)(nil), "id", id)
}
