package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type routerRow struct {
	bun.BaseModel `bun:"table:routers,alias:r"`

	ID               string               `bun:"id,pk"`
	ProjectID        string               `bun:"project_id"`
	Name             string               `bun:"name"`
	Description      string               `bun:"description"`
	AdminUp          bool                 `bun:"admin_up"`
	GatewayNetworkID string               `bun:"gateway_network_id"`
	GatewayPortID    string               `bun:"gateway_port_id"`
	SNAT             bool                 `bun:"snat"`
	Routes           doc[[]network.Route] `bun:"routes"`
	ZoneHints        doc[[]string]        `bun:"zone_hints"`
	taggedRow
}

func routerOf(n network.Router) *routerRow {
	r := &routerRow{
		ID: n.ID, ProjectID: n.ProjectID, Name: n.Name, Description: n.Description, AdminUp: n.AdminUp,
		Routes: doc[[]network.Route]{n.Routes}, ZoneHints: doc[[]string]{n.ZoneHints}, taggedRow: taggedOf(n.Stamp),
	}
	if g := n.Gateway; g != nil {
		r.GatewayNetworkID, r.GatewayPortID, r.SNAT = g.NetworkID, g.PortID, g.SNAT
	}
	return r
}

func (r routerRow) noun() network.Router {
	n := network.Router{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, AdminUp: r.AdminUp,
		Routes: r.Routes.V, ZoneHints: r.ZoneHints.V, Stamp: r.taggedRow.noun(),
	}
	if r.GatewayNetworkID != "" {
		n.Gateway = &network.Gateway{NetworkID: r.GatewayNetworkID, PortID: r.GatewayPortID, SNAT: r.SNAT}
	}
	return n
}

func routerAttributes() map[string]attribute {
	return tagged(map[string]attribute{
		"name": text("name"), "admin_up": flag("admin_up"), "gateway_network_id": sparse("gateway_network_id"),
	})
}

// AddRouter implements network.RouterStore.
func (s *Store) AddRouter(ctx context.Context, n network.Router) error {
	_, err := s.insert(ctx, routerOf(n))
	return err
}

// Router implements network.RouterStore.
func (s *Store) Router(ctx context.Context, sc db.Scope, id string) (network.Router, error) {
	list, err := s.Routers(ctx, sc, network.ByID(id))
	return only(list, err, missing("router", id, "RouterNotFound"))
}

// Routers implements network.RouterStore.
func (s *Store) Routers(ctx context.Context, sc db.Scope, q network.Query) ([]network.Router, error) {
	var rows []routerRow
	if err := read(ctx, s.db.Select(ctx, sc, &rows), &rows, "routers", q, routerAttributes(), nil); err != nil {
		return nil, err
	}
	out := make([]network.Router, 0, len(rows))
	var gateways []string
	for _, r := range rows {
		out = append(out, r.noun())
		if r.GatewayPortID != "" {
			gateways = append(gateways, r.GatewayPortID)
		}
	}
	if len(gateways) == 0 {
		return out, nil
	}
	ports, err := s.Ports(ctx, db.Everywhere(), network.ByID(gateways...))
	if err != nil {
		return nil, err
	}
	addresses := map[string][]network.FixedIP{}
	for _, p := range ports {
		addresses[p.ID] = p.FixedIPs
	}
	for i := range out {
		if g := out[i].Gateway; g != nil {
			g.FixedIPs = addresses[g.PortID]
		}
	}
	return out, nil
}

// ChangeRouter implements network.RouterStore.
func (s *Store) ChangeRouter(ctx context.Context, n network.Router) error {
	return s.change(ctx, routerOf(n), "router", n.ID, n.Revision)
}

// RemoveRouter implements network.RouterStore.
func (s *Store) RemoveRouter(ctx context.Context, id string) error {
	return s.remove(ctx, (*routerRow)(nil), "id", id)
}
