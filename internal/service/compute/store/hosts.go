package store

import (
	"context"
	"fmt"
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
			Capacity: protocol.Capacity{VCPUs: r.VCPUs, MemoryMiB: r.MemoryMiB, DiskGiB: r.DiskGiB},
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

// HostsByID implements compute.HostStore.
func (s *Store) HostsByID(ctx context.Context, ids []string) ([]compute.Host, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []hostRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading %d hosts: %w", len(ids), err)
	}
	return convert(rows, (*hostRow).host), nil
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
			VCPUs: h.Capacity.VCPUs, MemoryMiB: h.Capacity.MemoryMiB, DiskGiB: h.Capacity.DiskGiB,
			Zone: zone, CreatedAt: seen, SeenAt: seen,
		}
	}
	q := s.db.Q(ctx).NewInsert().Model(&rows).On("CONFLICT (id) DO UPDATE")
	for _, column := range []string{
		"name", "version", "arch", "hypervisor", "acceleration", "hypervisor_info", "address", "boot_id",
		"vcpus", "memory_mib", "disk_gib", "seen_at",
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

// claimRow is a claim as data of a statement.
type claimRow struct {
	bun.BaseModel `bun:"table:compute_hosts,alias:host"`

	ID        string `bun:"id,pk"`
	Servers   int64  `bun:"servers"`
	VCPUs     int64  `bun:"d_vcpus"`
	MemoryMiB int64  `bun:"d_memory"`
	DiskGiB   int64  `bun:"d_disk"`
	MaxVCPUs  int64  `bun:"m_vcpus"`
	MaxMemory int64  `bun:"m_memory"`
	MaxDisk   int64  `bun:"m_disk"`
}

func claimRows(claims []compute.Claim, sign int64) []claimRow {
	return convert(claims, func(c *compute.Claim) claimRow {
		return claimRow{
			ID: c.HostID, Servers: sign * int64(c.Servers),
			VCPUs: sign * int64(c.Size.VCPUs), MemoryMiB: sign * int64(c.Size.MemoryMiB), DiskGiB: sign * int64(c.Size.DiskGiB),
			MaxVCPUs: int64(c.Limits.VCPUs), MaxMemory: int64(c.Limits.MemoryMiB), MaxDisk: int64(c.Limits.DiskGiB),
		}
	})
}

// claim adds rows to what is claimed, and returns how many hosts took it.
func (s *Store) claim(ctx context.Context, rows []claimRow, limited bool) (int, error) {
	q := s.db.Q(ctx).NewUpdate().Model((*hostRow)(nil)).
		With("_data", s.db.Q(ctx).NewValues(&rows)).TableExpr("_data").
		Set("used_vcpus = host.used_vcpus + _data.d_vcpus").
		Set("used_memory_mib = host.used_memory_mib + _data.d_memory").
		Set("used_disk_gib = host.used_disk_gib + _data.d_disk").
		Set("servers = host.servers + _data.servers").
		Set("revision = host.revision + 1").
		Where("host.id = _data.id")
	if limited {
		q = q.Where("NOT host.disabled").Where("NOT host.maintenance").
			Where("host.used_vcpus + _data.d_vcpus <= _data.m_vcpus").
			Where("host.used_memory_mib + _data.d_memory <= _data.m_memory").
			Where("host.used_disk_gib + _data.d_disk <= _data.m_disk")
	}
	res, err := q.Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("claiming on %d hosts: %w", len(rows), err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("counting claims: %w", err)
	}
	return int(n), nil
}

// Claim implements compute.HostStore. Where it returns false the caller rolls back.
func (s *Store) Claim(ctx context.Context, claims []compute.Claim) (bool, error) {
	if len(claims) == 0 {
		return true, nil
	}
	n, err := s.claim(ctx, claimRows(claims, 1), true)
	return err == nil && n == len(claims), err
}

// Release implements compute.HostStore.
func (s *Store) Release(ctx context.Context, claims []compute.Claim) error {
	if len(claims) == 0 {
		return nil
	}
	_, err := s.claim(ctx, claimRows(claims, -1), false)
	return err
}
