package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type hostRow struct {
	bun.BaseModel `bun:"table:compute_hosts,alias:host"`

	ID             string    `bun:"id,pk"`
	Number         int64     `bun:"number"`
	Name           string    `bun:"name"`
	Version        int       `bun:"version"`
	Arch           string    `bun:"arch"`
	Hypervisor     string    `bun:"hypervisor"`
	Acceleration   string    `bun:"acceleration"`
	HypervisorInfo string    `bun:"hypervisor_info"`
	Address        string    `bun:"address"`
	BootID         string    `bun:"boot_id"`
	VCPUs          int       `bun:"vcpus"`
	MemoryMiB      int       `bun:"memory_mib"`
	DiskGiB        int       `bun:"disk_gib"`
	Bandwidth      string    `bun:"bandwidth"`
	Zone           string    `bun:"zone"`
	Disabled       bool      `bun:"disabled"`
	DisabledReason string    `bun:"disabled_reason"`
	Maintenance    bool      `bun:"maintenance"`
	UsedVCPUs      int       `bun:"used_vcpus"`
	UsedMemoryMiB  int       `bun:"used_memory_mib"`
	UsedDiskGiB    int       `bun:"used_disk_gib"`
	Servers        int       `bun:"servers"`
	Revision       int64     `bun:"revision"`
	CreatedAt      time.Time `bun:"created_at"`
	SeenAt         time.Time `bun:"seen_at"`
}

func (r *hostRow) host() compute.Host {
	return compute.Host{
		Host: protocol.Host{
			ID: r.ID, Name: r.Name, Version: r.Version, Arch: r.Arch, Hypervisor: r.Hypervisor,
			Acceleration: r.Acceleration, HypervisorInfo: r.HypervisorInfo, Address: r.Address, BootID: r.BootID,
			Capacity: protocol.Capacity{VCPUs: r.VCPUs, MemoryMiB: r.MemoryMiB, DiskGiB: r.DiskGiB, Bandwidth: protocol.Bandwidth(r.Bandwidth)},
		},
		Number: r.Number, Zone: r.Zone, Disabled: r.Disabled, DisabledReason: r.DisabledReason, Maintenance: r.Maintenance,
		Used:    compute.Resources{VCPUs: r.UsedVCPUs, MemoryMiB: r.UsedMemoryMiB, DiskGiB: r.UsedDiskGiB},
		Servers: r.Servers, Revision: r.Revision, CreatedAt: r.CreatedAt.UTC(), SeenAt: r.SeenAt.UTC(),
	}
}

// Hosts implements compute.HostStore, in the order of the numbers.
func (s *Store) Hosts(ctx context.Context) ([]compute.Host, error) {
	var rows []hostRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Order("number").Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing hosts: %w", err)
	}
	return convert(rows, (*hostRow).host), nil
}

// FindHost implements compute.HostStore.
func (s *Store) FindHost(ctx context.Context, id string) (compute.Host, error) {
	var row hostRow
	if err := s.db.Q(ctx).NewSelect().Model(&row).Where("id = ?", id).Scan(ctx); err != nil {
		return compute.Host{}, missing(err, "host", id)
	}
	return row.host(), nil
}

// hostsByID is what loops read hosts with, many times a second.
const hostsByID = `SELECT id, number, name, version, arch, hypervisor, acceleration, hypervisor_info, address, boot_id, vcpus, memory_mib,
	disk_gib, bandwidth, zone, disabled, disabled_reason, maintenance, used_vcpus, used_memory_mib, used_disk_gib, servers, revision, created_at, seen_at
FROM compute_hosts WHERE id IN (?)`

// HostsByID implements compute.HostStore.
func (s *Store) HostsByID(ctx context.Context, ids []string) ([]compute.Host, error) {
	var hosts []compute.Host
	err := s.db.Read(ctx, hostsByID, []any{db.ListOf(ids)}, func(rows *sql.Rows) error {
		var r hostRow
		err := rows.Scan(&r.ID, &r.Number, &r.Name, &r.Version, &r.Arch, &r.Hypervisor, &r.Acceleration, &r.HypervisorInfo, &r.Address, &r.BootID,
			&r.VCPUs, &r.MemoryMiB, &r.DiskGiB, &r.Bandwidth, &r.Zone, &r.Disabled, &r.DisabledReason, &r.Maintenance, &r.UsedVCPUs, &r.UsedMemoryMiB, &r.UsedDiskGiB,
			&r.Servers, &r.Revision, &r.CreatedAt, &r.SeenAt)
		hosts = append(hosts, r.host())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %d hosts: %w", len(ids), err)
	}
	return hosts, nil
}

// SetHostDisabled implements compute.HostStore.
func (s *Store) SetHostDisabled(ctx context.Context, id string, disabled bool, reason string) error {
	res, err := s.db.Q(ctx).NewUpdate().Model((*hostRow)(nil)).Set("disabled = ?", disabled).
		Set("disabled_reason = ?", reason).Set("revision = revision + 1").Where("id = ?", id).Exec(ctx)
	return db.MustChange(res, err, fault.Missing("compute service", id))
}

// UpsertHosts implements compute.HostStore. A host keeps the number that it was given first; numbers may have gaps.
func (s *Store) UpsertHosts(ctx context.Context, hosts []protocol.Host, zone string, seen time.Time) error {
	if len(hosts) == 0 {
		return nil
	}
	var last int64
	if err := s.db.Q(ctx).NewSelect().Model((*hostRow)(nil)).ColumnExpr("COALESCE(MAX(number), 0)").Scan(ctx, &last); err != nil {
		return fmt.Errorf("numbering %d hosts: %w", len(hosts), err)
	}
	rows := make([]hostRow, len(hosts))
	for i, h := range hosts {
		rows[i] = hostRow{
			ID: h.ID, Number: last + int64(i) + 1, Name: h.Name, Version: h.Version, Arch: h.Arch, Hypervisor: h.Hypervisor,
			Acceleration: h.Acceleration, HypervisorInfo: h.HypervisorInfo, Address: h.Address, BootID: h.BootID,
			VCPUs: h.Capacity.VCPUs, MemoryMiB: h.Capacity.MemoryMiB, DiskGiB: h.Capacity.DiskGiB, Bandwidth: string(h.Capacity.Bandwidth),
			Zone: zone, CreatedAt: seen, SeenAt: seen,
		}
	}
	q := s.db.Q(ctx).NewInsert().Model(&rows).On("CONFLICT (id) DO UPDATE")
	for _, column := range []string{
		"name", "version", "arch", "hypervisor", "acceleration", "hypervisor_info", "address", "boot_id",
		"vcpus", "memory_mib", "disk_gib", "bandwidth", "seen_at",
	} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("writing %d hosts: %w", len(rows), err)
	}
	return nil
}

// TouchHosts implements compute.HostStore.
func (s *Store) TouchHosts(ctx context.Context, ids []string, seen time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := s.db.Q(ctx).NewUpdate().Model((*hostRow)(nil)).Set("seen_at = ?", seen).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting that %d hosts are there: %w", len(ids), err)
	}
	return nil
}

// addClaim changes what is claimed on a host; withinLimits, only where there is room.
const (
	addClaim = `UPDATE compute_hosts SET used_vcpus = used_vcpus + ?, used_memory_mib = used_memory_mib + ?, used_disk_gib = used_disk_gib + ?,
	servers = servers + ?, revision = revision + 1 WHERE id = ?`
	withinLimits = ` AND NOT disabled AND NOT maintenance AND used_vcpus + ? <= ? AND used_memory_mib + ? <= ? AND used_disk_gib + ? <= ?`
)

// Claim implements compute.HostStore. Where it returns false the caller rolls back.
func (s *Store) Claim(ctx context.Context, claims []compute.Claim) (bool, error) {
	rows := convert(claims, func(c *compute.Claim) []any {
		z, most := c.Size, c.Limits
		return []any{
			z.VCPUs, z.MemoryMiB, z.DiskGiB, c.Servers, c.HostID,
			z.VCPUs, most.VCPUs, z.MemoryMiB, most.MemoryMiB, z.DiskGiB, most.DiskGiB,
		}
	})
	changed, err := s.db.WriteEach(ctx, addClaim+withinLimits, rows)
	if err != nil {
		return false, fmt.Errorf("claiming on %d hosts: %w", len(rows), err)
	}
	return !slices.Contains(changed, 0), nil
}

// Release implements compute.HostStore.
func (s *Store) Release(ctx context.Context, claims []compute.Claim) error {
	rows := convert(claims, func(c *compute.Claim) []any {
		return []any{-c.Size.VCPUs, -c.Size.MemoryMiB, -c.Size.DiskGiB, -c.Servers, c.HostID}
	})
	if _, err := s.db.WriteEach(ctx, addClaim, rows); err != nil {
		return fmt.Errorf("releasing on %d hosts: %w", len(rows), err)
	}
	return nil
}
