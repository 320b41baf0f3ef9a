package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type portRow struct {
	bun.BaseModel `bun:"table:ports,alias:p"`

	ID           string                     `bun:"id,pk"`
	NetworkID    string                     `bun:"network_id"`
	ProjectID    string                     `bun:"project_id"`
	Name         string                     `bun:"name"`
	Description  string                     `bun:"description"`
	AdminUp      bool                       `bun:"admin_up"`
	Status       string                     `bun:"status"`
	MAC          string                     `bun:"mac"`
	DeviceID     string                     `bun:"device_id"`
	DeviceOwner  string                     `bun:"device_owner"`
	HostID       string                     `bun:"host_id"`
	PortSecurity bool                       `bun:"port_security"`
	Pairs        doc[[]network.AddressPair] `bun:"pairs"`
	DNSName      string                     `bun:"dns_name"`
	DNSDomain    string                     `bun:"dns_domain"`
	ForDevice    bool                       `bun:"for_device"`
	QoSPolicyID  string                     `bun:"qos_policy_id"`
	DHCPOptions  doc[[]network.DHCPOption]  `bun:"dhcp_options"`
	taggedRow
}

type addressRow struct {
	bun.BaseModel `bun:"table:port_addresses,alias:a"`

	SubnetID  string `bun:"subnet_id,pk"`
	Address   string `bun:"address,pk"`
	PortID    string `bun:"port_id"`
	NetworkID string `bun:"network_id"`
	Place     int    `bun:"place"`
}

type portGroupRow struct {
	bun.BaseModel `bun:"table:port_groups,alias:pg"`

	PortID  string `bun:"port_id,pk"`
	GroupID string `bun:"group_id,pk"`
}

func portOf(p network.Port) *portRow {
	return &portRow{
		ID: p.ID, NetworkID: p.NetworkID, ProjectID: p.ProjectID, Name: p.Name, Description: p.Description, AdminUp: p.AdminUp,
		Status: p.Status, MAC: p.MAC, DeviceID: p.DeviceID, DeviceOwner: p.DeviceOwner, HostID: p.HostID,
		PortSecurity: p.PortSecurity, Pairs: doc[[]network.AddressPair]{p.Pairs}, DNSName: p.DNSName, DNSDomain: p.DNSDomain,
		ForDevice: p.ForDevice, QoSPolicyID: p.QoSPolicyID, DHCPOptions: doc[[]network.DHCPOption]{p.DHCPOptions}, taggedRow: taggedOf(p.Stamp),
	}
}

func (r portRow) noun() network.Port {
	return network.Port{
		ID: r.ID, NetworkID: r.NetworkID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, AdminUp: r.AdminUp,
		Status: r.Status, MAC: r.MAC, DeviceID: r.DeviceID, DeviceOwner: r.DeviceOwner, HostID: r.HostID,
		PortSecurity: r.PortSecurity, Pairs: r.Pairs.V, DNSName: r.DNSName, DNSDomain: r.DNSDomain, ForDevice: r.ForDevice, QoSPolicyID: r.QoSPolicyID,
		DHCPOptions: r.DHCPOptions.V, Stamp: r.taggedRow.noun(),
	}
}

func portAttributes() map[string]attribute {
	return tagged(map[string]attribute{
		"name": text("name"), "network_id": text("network_id"), "admin_up": flag("admin_up"), "status": text("status"),
		"mac": text("mac"), "device_id": sparse("device_id"), "device_owner": text("device_owner"), "host_id": text("host_id"),
		"port_security": flag("port_security"), "dns_name": text("dns_name"), "dns_domain": text("dns_domain"), "qos_policy_id": sparse("qos_policy_id"),
	})
}

// portSpecial are the attributes of ports that are in other tables.
func (s *Store) portSpecial(ctx context.Context) map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery {
	in := func(table, column string) func(*bun.SelectQuery, []string) *bun.SelectQuery {
		return func(q *bun.SelectQuery, values []string) *bun.SelectQuery {
			return q.Where("?TableAlias.id IN (SELECT port_id FROM ? WHERE ? IN (?))", bun.Ident(table), bun.Ident(column), bun.List(values))
		}
	}
	return map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery{
		"address":   in("port_addresses", "address"),
		"subnet_id": in("port_addresses", "subnet_id"),
		"group_id":  in("port_groups", "group_id"),
		"address_part": func(q *bun.SelectQuery, values []string) *bun.SelectQuery {
			return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
				for _, part := range values {
					q = q.WhereOr("?TableAlias.id IN (SELECT port_id FROM port_addresses WHERE address LIKE ? ESCAPE '!')", "%"+likely(part)+"%")
				}
				return q
			})
		},
		"dhcp_options": func(q *bun.SelectQuery, _ []string) *bun.SelectQuery {
			return q.Where("?TableAlias.dhcp_options <> 'null'")
		},
	}
}

// likely is a text within a pattern of LIKE, whose escape is "!".
func likely(part string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(part))
}

// The statements of ports that come with each server.
var (
	portColumns = []string{
		"id", "network_id", "project_id", "name", "description", "admin_up", "status", "mac", "device_id", "device_owner", "host_id",
		"port_security", "pairs", "dns_name", "dns_domain", "for_device", "qos_policy_id", "dhcp_options", "created_at", "updated_at",
		"revision", "tags",
	}
	insertPort      = db.InsertText("ports", portColumns, "ON CONFLICT DO NOTHING")
	insertPortGroup = db.InsertText("port_groups", []string{"port_id", "group_id"}, "ON CONFLICT DO NOTHING")
	insertAddress   = db.InsertText("port_addresses", []string{"subnet_id", "address", "port_id", "network_id", "place"}, "ON CONFLICT DO NOTHING")
)

// AddPorts implements network.PortStore.
func (s *Store) AddPorts(ctx context.Context, ports []*network.Port) (map[string]bool, error) {
	rows := make([][]any, len(ports))
	for i, p := range ports {
		r := portOf(*p)
		rows[i] = []any{
			r.ID, r.NetworkID, r.ProjectID, r.Name, r.Description, r.AdminUp, r.Status, r.MAC, r.DeviceID, r.DeviceOwner, r.HostID,
			r.PortSecurity, r.Pairs, r.DNSName, r.DNSDomain, r.ForDevice, r.QoSPolicyID, r.DHCPOptions, r.CreatedAt, r.UpdatedAt, r.Revision, r.Tags,
		}
	}
	changed, err := s.db.WriteEach(ctx, insertPort, rows)
	if err != nil {
		return nil, fmt.Errorf("adding %d ports: %w", len(rows), err)
	}
	added := make(map[string]bool, len(ports))
	var groups [][]any
	for i, p := range ports {
		if changed[i] == 0 {
			continue
		}
		added[p.ID] = true
		for _, g := range p.GroupIDs {
			groups = append(groups, []any{p.ID, g})
		}
	}
	if _, err := s.db.WriteEach(ctx, insertPortGroup, groups); err != nil {
		return nil, fmt.Errorf("adding the groups of %d ports: %w", len(rows), err)
	}
	return added, nil
}

func (s *Store) addPortGroups(ctx context.Context, p network.Port) error {
	if len(p.GroupIDs) == 0 {
		return nil
	}
	rows := make([]portGroupRow, 0, len(p.GroupIDs))
	for _, g := range p.GroupIDs {
		rows = append(rows, portGroupRow{PortID: p.ID, GroupID: g})
	}
	_, err := s.insert(ctx, &rows)
	return err
}

// Port implements network.PortStore.
func (s *Store) Port(ctx context.Context, sc db.Scope, id string) (network.Port, error) {
	list, err := s.Ports(ctx, sc, network.ByID(id))
	return only(list, err, missing("port", id, "PortNotFound"))
}

// Ports implements network.PortStore.
func (s *Store) Ports(ctx context.Context, sc db.Scope, q network.Query) ([]network.Port, error) {
	wanted, err := narrow(s.db.Select(ctx, sc, (*portRow)(nil)), "ports", q, portAttributes(), s.portSpecial(ctx))
	if err != nil {
		return nil, err
	}
	out, err := readPorts(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("reading ports: %w", err)
	}
	if len(out) == 0 {
		return out, q.Page.CheckMarker(ctx, wanted, "ports")
	}
	at := make(map[string]*network.Port, len(out))
	ids := make([]string, len(out))
	for i := range out {
		at[out[i].ID], ids[i] = &out[i], out[i].ID
	}
	err = s.rows(ctx, `SELECT port_id, subnet_id, address FROM port_addresses WHERE port_id IN (?) ORDER BY port_id, place`, ids, func(rows *sql.Rows) error {
		var port, subnet, address string
		if err := rows.Scan(&port, &subnet, &address); err != nil {
			return err
		}
		at[port].FixedIPs = append(at[port].FixedIPs, network.FixedIP{SubnetID: subnet, Address: addr(address)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.rows(ctx, `SELECT port_id, group_id FROM port_groups WHERE port_id IN (?) ORDER BY port_id, group_id`, ids, func(rows *sql.Rows) error {
		var port, group string
		if err := rows.Scan(&port, &group); err != nil {
			return err
		}
		at[port].GroupIDs = append(at[port].GroupIDs, group)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readPorts runs a query for ports. Its rows are read without bun's model: there are as many as servers, and loops read
// them by the thousand.
func readPorts(ctx context.Context, q *bun.SelectQuery) ([]network.Port, error) {
	out := []network.Port{}
	q = q.Column(portColumns...)
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r portRow
		err := rows.Scan(&r.ID, &r.NetworkID, &r.ProjectID, &r.Name, &r.Description, &r.AdminUp, &r.Status, &r.MAC, &r.DeviceID, &r.DeviceOwner,
			&r.HostID, &r.PortSecurity, &r.Pairs, &r.DNSName, &r.DNSDomain, &r.ForDevice, &r.QoSPolicyID, &r.DHCPOptions, &r.CreatedAt, &r.UpdatedAt, &r.Revision, &r.Tags)
		if err != nil {
			return nil, err
		}
		out = append(out, r.noun())
	}
	return out, rows.Err()
}

// ChangePort implements network.PortStore.
func (s *Store) ChangePort(ctx context.Context, p network.Port) error {
	err := s.change(ctx, portOf(p), "port", p.ID, p.Revision)
	if db.IsUnique(err) {
		return fault.Conflictf("port", p.ID, "Unable to complete operation for network %s. The mac address %s is in use.",
			p.NetworkID, p.MAC).WithCode("MacAddressInUse")
	}
	return err
}

// The statements that move many ports at once. Only those change that are otherwise, and that the service does not keep
// for itself.
const (
	bindable = `SELECT id, project_id, device_id, host_id FROM ports WHERE device_id IN (?) AND device_id <> ''
AND device_owner NOT IN ('network:router_interface', 'network:router_gateway', 'network:floatingip', 'network:distributed')`
	bindPort    = `UPDATE ports SET host_id = ?, updated_at = ?, revision = revision + 1 WHERE id = ?`
	pluggable   = `SELECT id, project_id FROM ports WHERE id IN (?) AND status <> ? AND status <> 'N/A' AND device_owner <> 'network:distributed'`
	setPortLink = `UPDATE ports SET status = ?, updated_at = ?, revision = revision + 1 WHERE id IN (?)`
)

// BindPorts implements network.PortStore.
func (s *Store) BindPorts(ctx context.Context, hosts map[string]string) ([]network.Port, error) {
	var out []network.Port
	var rows [][]any
	now := time.Now()
	err := s.rows(ctx, bindable, slices.Collect(maps.Keys(hosts)), func(r *sql.Rows) error {
		var p network.Port
		if err := r.Scan(&p.ID, &p.ProjectID, &p.DeviceID, &p.HostID); err != nil {
			return err
		}
		if host := hosts[p.DeviceID]; p.HostID != host {
			out, rows = append(out, network.Port{ID: p.ID, ProjectID: p.ProjectID}), append(rows, []any{host, now, p.ID})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, err := s.db.WriteEach(ctx, bindPort, rows); err != nil {
		return nil, fmt.Errorf("binding %d ports: %w", len(rows), err)
	}
	return out, nil
}

// SetPortStatus implements network.PortStore.
func (s *Store) SetPortStatus(ctx context.Context, ids []string, status string) ([]network.Port, error) {
	var out []network.Port
	var changing db.List
	err := s.db.Read(ctx, pluggable, []any{db.ListOf(ids), status}, func(r *sql.Rows) error {
		var p network.Port
		err := r.Scan(&p.ID, &p.ProjectID)
		out, changing = append(out, p), append(changing, p.ID)
		return err
	})
	if err == nil {
		_, err = s.db.Write(ctx, setPortLink, status, time.Now(), changing)
	}
	if err != nil {
		return nil, fmt.Errorf("changing the states of %d ports: %w", len(ids), err)
	}
	return out, nil
}

// SetPortGroups implements network.PortStore.
func (s *Store) SetPortGroups(ctx context.Context, p network.Port) error {
	if err := s.remove(ctx, (*portGroupRow)(nil), "port_id", p.ID); err != nil {
		return err
	}
	return s.addPortGroups(ctx, p)
}

// RemovePorts implements network.PortStore.
func (s *Store) RemovePorts(ctx context.Context, ids ...string) error {
	if err := s.remove(ctx, (*addressRow)(nil), "port_id", ids...); err != nil {
		return err
	}
	if err := s.remove(ctx, (*portGroupRow)(nil), "port_id", ids...); err != nil {
		return err
	}
	return s.remove(ctx, (*portRow)(nil), "id", ids...)
}

// TakeAddress implements network.PortStore.
func (s *Store) TakeAddress(ctx context.Context, p network.Port, f network.FixedIP, place int) (bool, error) {
	return s.insert(ctx, &addressRow{SubnetID: f.SubnetID, Address: f.Address.String(), PortID: p.ID, NetworkID: p.NetworkID, Place: place})
}

// TakeAddresses implements network.PortStore.
func (s *Store) TakeAddresses(ctx context.Context, list []network.Taking) ([]bool, error) {
	rows := make([][]any, len(list))
	for i, t := range list {
		rows[i] = []any{t.SubnetID, t.Address.String(), t.PortID, t.NetworkID, t.Place}
	}
	changed, err := s.db.WriteEach(ctx, insertAddress, rows)
	if err != nil {
		return nil, fmt.Errorf("taking %d addresses: %w", len(rows), err)
	}
	got := make([]bool, len(list))
	for i, n := range changed {
		got[i] = n > 0
	}
	return got, nil
}

// FreeAddresses implements network.PortStore.
func (s *Store) FreeAddresses(ctx context.Context, portID string) error {
	return s.remove(ctx, (*addressRow)(nil), "port_id", portID)
}

// Taken implements network.PortStore.
func (s *Store) Taken(ctx context.Context, subnetID string) (map[netip.Addr]bool, error) {
	var list []string
	err := s.db.Q(ctx).NewSelect().Model((*addressRow)(nil)).Column("address").Where("subnet_id = ?", subnetID).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of a subnet: %w", err)
	}
	out := make(map[netip.Addr]bool, len(list))
	for _, a := range list {
		out[addr(a)] = true
	}
	return out, nil
}

// CountTaken implements network.PortStore.
func (s *Store) CountTaken(ctx context.Context, subnetIDs []string) (map[string]int, error) {
	out := map[string]int{}
	if len(subnetIDs) == 0 {
		return out, nil
	}
	var counts []struct {
		SubnetID string `bun:"subnet_id"`
		Held     int    `bun:"held"`
	}
	err := s.db.Q(ctx).NewSelect().Model((*addressRow)(nil)).Column("subnet_id").ColumnExpr("COUNT(*) AS held").
		Where("subnet_id IN (?)", bun.List(subnetIDs)).Group("subnet_id").Scan(ctx, &counts)
	if err != nil {
		return nil, fmt.Errorf("counting the addresses of subnets: %w", err)
	}
	for _, c := range counts {
		out[c.SubnetID] = c.Held
	}
	return out, nil
}
