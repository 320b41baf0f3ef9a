package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// readServers runs a query for servers.
func readServers(ctx context.Context, q *bun.SelectQuery) ([]compute.Server, error) {
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	r := newServerReader()
	for rows.Next() {
		if err := r.row(rows); err != nil {
			return nil, err
		}
	}
	return r.servers, rows.Err()
}

// serverReader reads rows without bun's model: lists and loops read servers by the thousand, and most of the time went
// into reflection, and into decoding flavors and images that are the same in each row.
type serverReader struct {
	cells   serverCells
	into    []any // the places of the columns
	servers []compute.Server
}

func newServerReader() *serverReader { return &serverReader{servers: []compute.Server{}} }

func (r *serverReader) row(rows *sql.Rows) error {
	if r.into == nil {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		all := r.cells.byColumn()
		r.into = make([]any, len(columns))
		for i, name := range columns {
			if r.into[i] = all[name]; r.into[i] == nil {
				return fmt.Errorf("a server has no column %q", name)
			}
		}
	}
	r.cells.row = serverRow{}
	if err := rows.Scan(r.into...); err != nil {
		return err
	}
	r.servers = append(r.servers, r.cells.server())
	return nil
}

// serverCells is where the columns of one row after the other are read into.
type serverCells struct {
	row      serverRow
	flavor   jsonCell[compute.FlavorCopy]
	image    jsonCell[compute.Image]
	hints    jsonCell[compute.Hints]
	keys     jsonCell[[]protocol.Key]
	tried    jsonCell[[]string]
	metadata jsonCell[map[string]string]
	tags     jsonCell[[]string]
	fault    jsonCell[*compute.Fault]
}

func (c *serverCells) server() compute.Server {
	r := &c.row
	r.Flavor, r.Image, r.Hints, r.Keys = c.flavor.value, c.image.value, c.hints.value, c.keys.value
	r.Tried, r.Metadata, r.Tags, r.Fault = c.tried.value, c.metadata.value, c.tags.value, c.fault.value
	return r.server()
}

// byColumn are the places of all columns.
func (c *serverCells) byColumn() map[string]any {
	r := &c.row
	return map[string]any{
		"id": &r.ID, "project_id": &r.ProjectID, "user_id": &r.UserID, "name": &r.Name, "description": &r.Description,
		"hostname": &r.Hostname, "state": (*string)(&r.State), "task": (*string)(&r.Task), "power": (*string)(&r.Power),
		"step": &r.Step, "wanted": (*string)(&r.Wanted), "generation": &r.Generation, "carried": &r.Carried,
		"revision": &r.Revision, "boot": &r.Boot, "hard_boot": &r.HardBoot, "host_id": &r.HostID, "host_name": &r.HostName,
		"zone": &r.Zone, "pinned_zone": &r.PinnedZone, "pinned_host": &r.PinnedHost, "tried": &c.tried, "group_id": &r.GroupID,
		"hints": &c.hints, "vcpus": &r.VCPUs, "memory_mib": &r.MemoryMiB, "disk_gib": &r.DiskGiB, "flavor_id": &r.FlavorID,
		"flavor": &c.flavor, "image_id": &r.ImageID, "image": &c.image, "key_name": &r.KeyName, "public_keys": &c.keys,
		"metadata": &c.metadata, "tags": &c.tags, "user_data": &r.UserData, "access_ipv4": &r.AccessIPv4,
		"access_ipv6": &r.AccessIPv6, "launch_index": &r.LaunchIndex, "reservation_id": &r.ReservationID, "fault": &c.fault,
		"created_at": &r.CreatedAt, "updated_at": &r.UpdatedAt, "placed_at": &r.PlacedAt, "launched_at": &r.LaunchedAt,
		"deleted_at": &r.DeletedAt,
	}
}

// jsonCell reads a column of JSON. A text that is the one of the row before is not decoded again: servers that are read
// together share such values, which are replaced and never changed.
type jsonCell[T any] struct {
	text  string
	value T
}

// Scan implements sql.Scanner.
func (j *jsonCell[T]) Scan(src any) error {
	text := "null"
	switch s := src.(type) {
	case nil:
	case string:
		text = s
	case []byte:
		text = string(s)
	default:
		return fmt.Errorf("a JSON column holds a %T", src)
	}
	if text == j.text {
		return nil
	}
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return fmt.Errorf("decoding a JSON column: %w", err)
	}
	j.text, j.value = text, value
	return nil
}
