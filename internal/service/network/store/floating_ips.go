package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type floatingRow struct {
	bun.BaseModel `bun:"table:floating_ips,alias:f"`

	ID             string `bun:"id,pk"`
	ProjectID      string `bun:"project_id"`
	Description    string `bun:"description"`
	NetworkID      string `bun:"network_id"`
	Address        string `bun:"address"`
	ExternalPortID string `bun:"external_port_id"`
	PortID         string `bun:"port_id,nullzero"`
	FixedAddress   string `bun:"fixed_address,nullzero"`
	RouterID       string `bun:"router_id"`
	Status         string `bun:"status"`
	QoSPolicyID    string `bun:"qos_policy_id"`
	DNSName        string `bun:"dns_name"`
	DNSDomain      string `bun:"dns_domain"`
	taggedRow
}

func floatingOf(f network.FloatingIP) *floatingRow {
	return &floatingRow{
		ID: f.ID, ProjectID: f.ProjectID, Description: f.Description, NetworkID: f.NetworkID, Address: f.Address.String(),
		ExternalPortID: f.ExternalPortID, PortID: f.PortID, FixedAddress: addrText(f.FixedAddress), RouterID: f.RouterID,
		Status: f.Status, QoSPolicyID: f.QoSPolicyID, DNSName: f.DNSName, DNSDomain: f.DNSDomain, taggedRow: taggedOf(f.Stamp),
	}
}

func (r floatingRow) noun() network.FloatingIP {
	return network.FloatingIP{
		ID: r.ID, ProjectID: r.ProjectID, Description: r.Description, NetworkID: r.NetworkID, Address: addr(r.Address),
		ExternalPortID: r.ExternalPortID, PortID: r.PortID, FixedAddress: addr(r.FixedAddress), RouterID: r.RouterID,
		Status: r.Status, QoSPolicyID: r.QoSPolicyID, DNSName: r.DNSName, DNSDomain: r.DNSDomain, Stamp: r.taggedRow.noun(),
	}
}

func floatingAttributes() map[string]attribute {
	return tagged(map[string]attribute{
		"network_id": text("network_id"), "address": text("address"), "router_id": sparse("router_id"), "status": text("status"), "qos_policy_id": sparse("qos_policy_id"),
	})
}

// floatingSpecial are the attributes that may be NULL, and so cannot be sorted by.
func floatingSpecial() map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery {
	in := func(column string) func(*bun.SelectQuery, []string) *bun.SelectQuery {
		return func(q *bun.SelectQuery, values []string) *bun.SelectQuery {
			return q.Where("COALESCE(?TableAlias.?, '') IN (?)", bun.Ident(column), bun.List(values))
		}
	}
	return map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery{
		"port_id": func(q *bun.SelectQuery, values []string) *bun.SelectQuery {
			return q.Where("?TableAlias.port_id IN (?)", bun.List(values))
		},
		"fixed_address": in("fixed_address"),
	}
}

// AddFloatingIP implements network.FloatingIPStore.
func (s *Store) AddFloatingIP(ctx context.Context, f network.FloatingIP) error {
	added, err := s.insert(ctx, floatingOf(f))
	if err == nil && !added {
		return occupied(f)
	}
	return err
}

// occupied is the one reason for which a floating IP with an address of its own cannot be written.
func occupied(f network.FloatingIP) error {
	return fault.Conflictf("floatingip", f.ID,
		"Cannot associate floating IP %s (%s) with port %s using fixed IP %s, as that fixed IP already has a floating IP.",
		f.Address, f.ID, f.PortID, f.FixedAddress).WithCode("FloatingIPPortAlreadyAssociated")
}

// FloatingIP implements network.FloatingIPStore.
func (s *Store) FloatingIP(ctx context.Context, sc db.Scope, id string) (network.FloatingIP, error) {
	list, err := s.FloatingIPs(ctx, sc, network.ByID(id))
	return only(list, err, missing("floating IP", id, "FloatingIPNotFound"))
}

// FloatingIPs implements network.FloatingIPStore.
func (s *Store) FloatingIPs(ctx context.Context, sc db.Scope, q network.Query) ([]network.FloatingIP, error) {
	var rows []floatingRow
	if err := read(ctx, s.db.Select(ctx, sc, &rows), &rows, "floating_ips", q, floatingAttributes(), floatingSpecial()); err != nil {
		return nil, err
	}
	out := make([]network.FloatingIP, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.noun())
	}
	return out, nil
}

// ChangeFloatingIP implements network.FloatingIPStore.
func (s *Store) ChangeFloatingIP(ctx context.Context, f network.FloatingIP) error {
	err := s.change(ctx, floatingOf(f), "floating IP", f.ID, f.Revision)
	if db.IsUnique(err) {
		return occupied(f)
	}
	return err
}

// RemoveFloatingIP implements network.FloatingIPStore.
func (s *Store) RemoveFloatingIP(ctx context.Context, id string) error {
	return s.remove(ctx, (*floatingRow)(nil), "id", id)
}
