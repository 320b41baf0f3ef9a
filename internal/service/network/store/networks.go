package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type networkRow struct {
	bun.BaseModel `bun:"table:networks,alias:n"`

	ID           string        `bun:"id,pk"`
	ProjectID    string        `bun:"project_id"`
	Name         string        `bun:"name"`
	Description  string        `bun:"description"`
	AdminUp      bool          `bun:"admin_up"`
	Shared       bool          `bun:"shared"`
	External     bool          `bun:"external"`
	IsDefault    bool          `bun:"is_default"`
	PortSecurity bool          `bun:"port_security"`
	Transparent  bool          `bun:"vlan_transparent"`
	MTU          int           `bun:"mtu"`
	Kind         string        `bun:"provider_kind"`
	Physical     string        `bun:"provider_physical"`
	Segment      int           `bun:"provider_segment"`
	DNSDomain    string        `bun:"dns_domain"`
	ZoneHints    doc[[]string] `bun:"zone_hints"`
	QoSPolicyID  string        `bun:"qos_policy_id"`
	taggedRow

	Granted bool `bun:"granted,scanonly"`
}

func networkOf(n network.Network) *networkRow {
	return &networkRow{
		ID: n.ID, ProjectID: n.ProjectID, Name: n.Name, Description: n.Description, AdminUp: n.AdminUp, Shared: n.Shared,
		External: n.External, IsDefault: n.Default, PortSecurity: n.PortSecurity, Transparent: n.VLANTransparent, MTU: n.MTU, Kind: n.Provider.Kind,
		Physical: n.Provider.Physical, Segment: n.Provider.Segment, DNSDomain: n.DNSDomain,
		ZoneHints: doc[[]string]{n.ZoneHints}, QoSPolicyID: n.QoSPolicyID, taggedRow: taggedOf(n.Stamp),
	}
}

func (r networkRow) noun() network.Network {
	return network.Network{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, AdminUp: r.AdminUp, Shared: r.Shared,
		External: r.External, Default: r.IsDefault, PortSecurity: r.PortSecurity, VLANTransparent: r.Transparent, MTU: r.MTU,
		Provider:  network.Provider{Kind: r.Kind, Physical: r.Physical, Segment: r.Segment},
		DNSDomain: r.DNSDomain, ZoneHints: r.ZoneHints.V, QoSPolicyID: r.QoSPolicyID, Granted: r.Granted, Stamp: r.taggedRow.noun(),
	}
}

func networkAttributes() map[string]attribute {
	return tagged(map[string]attribute{
		"name": text("name"), "admin_up": flag("admin_up"), "shared": flag("shared"), "external": flag("external"),
		"default": flag("is_default"), "vlan_transparent": flag("vlan_transparent"), "port_security": flag("port_security"), "mtu": number("mtu"),
		"provider_kind": text("provider_kind"), "provider_physical": text("provider_physical"),
		"provider_segment": number("provider_segment"), "dns_domain": text("dns_domain"), "qos_policy_id": sparse("qos_policy_id"),
	})
}

// AddNetwork implements network.NetworkStore.
func (s *Store) AddNetwork(ctx context.Context, n network.Network) error {
	added, err := s.insert(ctx, networkOf(n))
	switch {
	case err != nil:
		return err
	case !added:
		return taken(n)
	case n.Shared || n.External:
		return s.openNetwork(ctx, n)
	}
	return nil
}

// taken is the only reason for which a network cannot be written: its segment is another's.
func taken(n network.Network) error {
	if n.Provider.Physical == "" {
		return fault.Conflictf("network", n.ID, "Unable to create the network. The tunnel ID %d is in use by another %s network.", n.Provider.Segment, n.Provider.Kind).
			WithCode("TunnelIdInUse")
	}
	if n.Provider.Kind == network.VLAN {
		return fault.Conflictf("network", n.ID, "Unable to create the network. The VLAN %d on physical network %s is in use.",
			n.Provider.Segment, n.Provider.Physical).WithCode("VlanIdInUse")
	}
	return fault.Conflictf("network", n.ID, "Unable to create the flat network. Physical network %s is in use.",
		n.Provider.Physical).WithCode("FlatNetworkInUse")
}

// Network implements network.NetworkStore.
func (s *Store) Network(ctx context.Context, sc db.Scope, id string) (network.Network, error) {
	list, err := s.Networks(ctx, sc, network.ByID(id))
	return only(list, err, missing("network", id, "NetworkNotFound"))
}

// visibleNetworks narrows a query to the rows whose column names a network that a scope may use: its own, or by one of
// some accesses.
func (s *Store) visibleNetworks(ctx context.Context, sc db.Scope, q *bun.SelectQuery, column string, actions ...string) *bun.SelectQuery {
	if sc.All() {
		return q
	}
	if sc.ProjectID() == "" {
		return q.Where("1 = 0")
	}
	own := s.db.Select(ctx, sc, (*networkRow)(nil)).Column("id")
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("?TableAlias.? IN (?)", bun.Ident(column), own).
			WhereOr("?TableAlias.? IN (?)", bun.Ident(column), opened("network", sc.ProjectID(), actions...))
	})
}

// Networks implements network.NetworkStore.
func (s *Store) Networks(ctx context.Context, sc db.Scope, q network.Query) ([]network.Network, error) {
	var rows []networkRow
	sel := s.visibleNetworks(ctx, sc, s.db.Select(ctx, db.Everywhere(), &rows), "id", network.AccessAsShared, network.AccessAsExternal).ColumnExpr("?TableColumns").
		ColumnExpr("? AS granted", openTo("network", "id", sc.ProjectID(), network.AccessAsShared))
	special := map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery{"shared": sharing(sc, "network")}
	if err := read(ctx, sel, &rows, "networks", q, networkAttributes(), special); err != nil {
		return nil, err
	}
	out := make([]network.Network, 0, len(rows))
	at := map[string]int{}
	var ids []string
	for i, r := range rows {
		out = append(out, r.noun())
		at[r.ID] = i
		ids = append(ids, r.ID)
	}
	if len(ids) == 0 || q.Bare {
		return out, nil
	}
	var subnets []struct {
		ID, NetworkID string
		IPVersion     int
		ScopeID       *string
	}
	err := s.db.Select(ctx, db.Everywhere(), (*subnetRow)(nil)).Column("s.id", "s.network_id", "s.ip_version").ColumnExpr("sp.scope_id").
		Join("LEFT JOIN subnet_pools AS sp ON sp.id = s.pool_id").
		Where("s.network_id IN (?)", bun.List(ids)).Order("s.created_at", "s.id").Scan(ctx, &subnets)
	if err != nil {
		return nil, fmt.Errorf("reading the networks' subnets: %w", err)
	}
	for _, sub := range subnets {
		n := &out[at[sub.NetworkID]]
		n.SubnetIDs = append(n.SubnetIDs, sub.ID)
		switch {
		case sub.ScopeID == nil:
		case sub.IPVersion == 6:
			n.V6ScopeID = *sub.ScopeID
		default:
			n.V4ScopeID = *sub.ScopeID
		}
	}
	return out, nil
}

// ChangeNetwork implements network.NetworkStore.
func (s *Store) ChangeNetwork(ctx context.Context, n network.Network) error {
	if err := s.change(ctx, networkOf(n), "network", n.ID, n.Revision); err != nil {
		return err
	}
	return s.openNetwork(ctx, n)
}

// RemoveNetwork implements network.NetworkStore.
func (s *Store) RemoveNetwork(ctx context.Context, id string) error {
	if err := s.closeObject(ctx, "network", id); err != nil {
		return err
	}
	if err := s.remove(ctx, (*topologyRow)(nil), "network_id", id); err != nil {
		return err
	}
	return s.remove(ctx, (*networkRow)(nil), "id", id)
}
