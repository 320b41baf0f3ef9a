package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// The statements of servers that come by the thousand.
var (
	insertServer = db.InsertText("compute_servers", slices.Concat(born, changing), "")
	updateServer = db.UpdateText("compute_servers", changing, "id = ? AND revision = ?")
	selectServer = "SELECT " + strings.Join(slices.Concat(born, changing), ", ") + " FROM compute_servers WHERE "
	selectPlain  = strings.Replace(selectServer, "user_data, ", "", 1) // may be long, and few want it

	serverByID      = selectServer + "id = ? AND deleted_at IS NULL"
	serversByID     = selectPlain + "id IN (?)"
	serversOnHost   = selectServer + "host_id <> '' AND host_id = ? ORDER BY id"
	uncarriedOnHost = selectServer + "host_id <> '' AND host_id IN (?) AND carried < generation ORDER BY id"
	unplacedServers = selectPlain + "task = 'scheduling' ORDER BY created_at LIMIT ?"
)

// InsertServers implements compute.ServerStore.
func (s *Store) InsertServers(ctx context.Context, servers []compute.Server) error {
	rows := make([][]any, len(servers))
	for i := range servers {
		r := serverToRow(&servers[i])
		rows[i] = append(r.born(), r.changing()...)
	}
	if _, err := s.db.WriteEach(ctx, insertServer, rows); err != nil {
		return fmt.Errorf("inserting %d servers: %w", len(rows), err)
	}
	return nil
}

// FindServer implements compute.ServerStore.
func (s *Store) FindServer(ctx context.Context, scope db.Scope, id string) (compute.Server, error) {
	found := newServerReader()
	if err := s.db.ReadIn(ctx, scope, serverByID, []any{id}, found.row); err != nil {
		return compute.Server{}, fmt.Errorf("reading server %s: %w", id, err)
	}
	if len(found.servers) == 0 {
		return compute.Server{}, fault.Missing("server", id)
	}
	return found.servers[0], nil
}

// sortable are the sort keys of Nova and the columns behind them.
var sortable = map[string]string{
	"created_at": "created_at", "updated_at": "updated_at", "display_name": "name", "name": "name", "uuid": "id",
	"host": "host_name", "hostname": "hostname", "image_ref": "image_id", "instance_type_id": "flavor_id",
	"key_name": "key_name", "project_id": "project_id", "user_id": "user_id", "vm_state": "state", "task_state": "task",
	"power_state": "power", "availability_zone": "zone", "launch_index": "launch_index", "reservation_id": "reservation_id",
	"access_ip_v4": "access_ipv4", "access_ip_v6": "access_ipv6",
}

// unseen are the columns that nobody is shown: a long list is read faster without.
var unseen = []string{"tried", "public_keys", "wanted", "generation", "carried", "boot", "hard_boot"}

// ListServers implements compute.ServerStore.
func (s *Store) ListServers(ctx context.Context, scope db.Scope, f compute.ServerFilter, page query.Page) ([]compute.Server, error) {
	q := narrow(s.db.Select(ctx, scope, (*serverRow)(nil)), f)
	switch {
	case f.Names:
		q = q.Column("id", "project_id", "name")
	case f.UserData:
		q = q.ExcludeColumn(unseen...)
	default:
		q = q.ExcludeColumn(append([]string{"user_data"}, unseen...)...)
	}
	q, err := page.Apply(q, "compute_servers", sortable)
	if err != nil {
		return nil, err
	}
	servers, err := readServers(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("listing servers: %w", err)
	}
	if len(servers) == 0 {
		if err := page.CheckMarker(ctx, s.db.Q(ctx), "compute_servers"); err != nil {
			return nil, err
		}
	}
	return servers, nil
}

func narrow(q *bun.SelectQuery, f compute.ServerFilter) *bun.SelectQuery {
	switch {
	case f.Deleted:
		q = q.Where("server.deleted_at IS NOT NULL")
	case f.Since == nil:
		q = q.Where("server.deleted_at IS NULL")
	}
	if f.Since != nil {
		q = q.Where("server.updated_at >= ?", *f.Since)
	}
	if f.Before != nil {
		q = q.Where("server.updated_at <= ?", *f.Before)
	}
	for _, c := range []struct{ column, value string }{
		{"name", f.ExactName},
		{"project_id", f.ProjectID},
		{"user_id", f.UserID},
		{"image_id", f.ImageID},
		{"flavor_id", f.FlavorID},
		{"zone", f.Zone},
		{"key_name", f.KeyName},
		{"reservation_id", f.ReservationID},
	} {
		if c.value != "" {
			q = q.Where("server.? = ?", bun.Ident(c.column), c.value)
		}
	}
	if f.Name != "" {
		q = query.Match{Text: f.Name, Fold: true}.Apply(q, "name")
	}
	if f.Host != "" {
		q = q.Where("(server.host_name = ? OR server.host_id = ?)", f.Host, f.Host)
	}
	if f.IDs != nil {
		q = q.Where("server.id IN (?)", bun.List(append([]string{""}, f.IDs...)))
	}
	if f.States != nil {
		q = q.Where("server.state IN (?)", bun.List(f.States))
	}
	if f.Tasks != nil {
		q = q.Where("server.task IN (?)", bun.List(f.Tasks))
	}
	return f.Tags.Apply(q, query.TagsInJSON("tags"))
}

// ServersByID implements compute.ServerStore.
func (s *Store) ServersByID(ctx context.Context, ids []string) ([]compute.Server, error) {
	return s.servers(ctx, serversByID, db.ListOf(ids))
}

// ServersOnHost implements compute.ServerStore.
func (s *Store) ServersOnHost(ctx context.Context, hostID string) ([]compute.Server, error) {
	return s.servers(ctx, serversOnHost, hostID)
}

// UncarriedOnHost implements compute.ServerStore.
func (s *Store) UncarriedOnHost(ctx context.Context, hostIDs ...string) ([]compute.Server, error) {
	return s.servers(ctx, uncarriedOnHost, db.ListOf(hostIDs))
}

// UnplacedServers implements compute.ServerStore.
func (s *Store) UnplacedServers(ctx context.Context, limit int) ([]compute.Server, error) {
	return s.servers(ctx, unplacedServers, limit)
}

// servers reads rows of all projects, for loops.
func (s *Store) servers(ctx context.Context, text string, args ...any) ([]compute.Server, error) {
	found := newServerReader()
	if err := s.db.Read(ctx, text, args, found.row); err != nil {
		return nil, fmt.Errorf("reading servers: %w", err)
	}
	return found.servers, nil
}

// HostsBehind implements compute.ServerStore.
func (s *Store) HostsBehind(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.db.Select(ctx, db.Everywhere(), (*serverRow)(nil)).ColumnExpr("DISTINCT server.host_id").
		Where("server.host_id <> ''").Where("server.carried < server.generation").Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("listing the hosts that are behind: %w", err)
	}
	return ids, nil
}

// SaveServers implements compute.ServerStore, in one round trip.
func (s *Store) SaveServers(ctx context.Context, servers []compute.Server) error {
	rows := make([][]any, len(servers))
	for i := range servers {
		r := serverToRow(&servers[i])
		r.Revision++
		rows[i] = append(r.changing(), r.ID, r.Revision-1)
	}
	changed, err := s.db.WriteEach(ctx, updateServer, rows)
	if err != nil {
		return fmt.Errorf("saving %d servers: %w", len(rows), err)
	}
	if i := slices.Index(changed, 0); i >= 0 {
		return fault.Conflictf("server", servers[i].ID, "the server was changed by another request at the same time; try again")
	}
	return nil
}

// PurgeServers implements compute.ServerStore.
func (s *Store) PurgeServers(ctx context.Context, before time.Time) error {
	old := s.db.Select(ctx, db.Everywhere(), (*serverRow)(nil)).Column("id").
		Where("server.deleted_at < ?", before).Where("server.host_id = ''")
	if _, err := s.db.Q(ctx).NewDelete().Model((*actionRow)(nil)).Where("server_id IN (?)", old).Exec(ctx); err != nil {
		return fmt.Errorf("purging actions: %w", err)
	}
	if _, err := s.db.Q(ctx).NewDelete().Model((*placementRow)(nil)).Where("server_id IN (?)", old).Exec(ctx); err != nil {
		return fmt.Errorf("purging placements: %w", err)
	}
	if _, err := s.db.Q(ctx).NewDelete().Model((*serverRow)(nil)).Where("id IN (?)", old).Exec(ctx); err != nil {
		return fmt.Errorf("purging servers: %w", err)
	}
	return nil
}
