package store

import (
	"context"
	"net/netip"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type poolRow struct {
	bun.BaseModel `bun:"table:subnet_pools,alias:sp"`

	ID            string              `bun:"id,pk"`
	ProjectID     string              `bun:"project_id"`
	Name          string              `bun:"name"`
	Description   string              `bun:"description"`
	IPVersion     int                 `bun:"ip_version"`
	Prefixes      doc[[]netip.Prefix] `bun:"prefixes"`
	DefaultLength int                 `bun:"default_length"`
	MinLength     int                 `bun:"min_length"`
	MaxLength     int                 `bun:"max_length"`
	Quota         *int                `bun:"quota"`
	IsDefault     bool                `bun:"is_default"`
	ScopeID       string              `bun:"scope_id"`
	taggedRow

	Granted bool `bun:"granted,scanonly"`
}

func poolOf(p network.SubnetPool) *poolRow {
	version := 4
	if p.V6() {
		version = 6
	}
	return &poolRow{
		ID: p.ID, ProjectID: p.ProjectID, Name: p.Name, Description: p.Description, IPVersion: version,
		Prefixes: doc[[]netip.Prefix]{p.Prefixes}, DefaultLength: p.DefaultLength, MinLength: p.MinLength, MaxLength: p.MaxLength,
		Quota: p.Quota, IsDefault: p.Default, ScopeID: p.ScopeID, taggedRow: taggedOf(p.Stamp),
	}
}

func (r poolRow) noun() network.SubnetPool {
	return network.SubnetPool{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, Prefixes: r.Prefixes.V,
		DefaultLength: r.DefaultLength, MinLength: r.MinLength, MaxLength: r.MaxLength, Quota: r.Quota, Default: r.IsDefault,
		ScopeID: r.ScopeID, Shared: r.Granted, Stamp: r.taggedRow.noun(),
	}
}

func poolAttributes() map[string]attribute {
	return tagged(map[string]attribute{
		"name": text("name"), "ip_version": number("ip_version"), "default_length": number("default_length"),
		"min_length": number("min_length"), "max_length": number("max_length"), "default": flag("is_default"), "scope_id": sparse("scope_id"),
	})
}

func secondDefault() error {
	return fault.Invalidf("is_default", "A default subnetpool for this IP family has already been set. Only one default may exist per IP family").WithCode("InvalidInput")
}

// AddSubnetPool implements network.SubnetPoolStore.
func (s *Store) AddSubnetPool(ctx context.Context, p network.SubnetPool) error {
	added, err := s.insert(ctx, poolOf(p))
	if err == nil && !added {
		return secondDefault()
	}
	return err
}

// SubnetPool implements network.SubnetPoolStore.
func (s *Store) SubnetPool(ctx context.Context, sc db.Scope, id string) (network.SubnetPool, error) {
	list, err := s.SubnetPools(ctx, sc, network.ByID(id))
	return only(list, err, missing("subnetpool", id, "SubnetPoolNotFound"))
}

// SubnetPools implements network.SubnetPoolStore.
func (s *Store) SubnetPools(ctx context.Context, sc db.Scope, q network.Query) ([]network.SubnetPool, error) {
	var rows []poolRow
	sel := visible(sc, s.db.Select(ctx, db.Everywhere(), &rows), "subnetpool")
	special := map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery{"shared": sharing(sc, "subnetpool")}
	if err := read(ctx, sel, &rows, "subnet_pools", q, poolAttributes(), special); err != nil {
		return nil, err
	}
	out := make([]network.SubnetPool, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.noun())
	}
	return out, nil
}

// ChangeSubnetPool implements network.SubnetPoolStore.
func (s *Store) ChangeSubnetPool(ctx context.Context, p network.SubnetPool) error {
	err := s.change(ctx, poolOf(p), "subnetpool", p.ID, p.Revision)
	if db.IsUnique(err) {
		return secondDefault()
	}
	return err
}

// RemoveSubnetPool implements network.SubnetPoolStore.
func (s *Store) RemoveSubnetPool(ctx context.Context, id string) error {
	if err := s.closeObject(ctx, "subnetpool", id); err != nil {
		return err
	}
	return s.remove(ctx, (*poolRow)(nil), "id", id)
}
