package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type flavorRow struct {
	bun.BaseModel `bun:"table:compute_flavors,alias:flavor"`

	ID          string            `bun:"id,pk"`
	Name        string            `bun:"name"`
	Description *string           `bun:"description"`
	VCPUs       int               `bun:"vcpus"`
	MemoryMiB   int               `bun:"memory_mib"`
	DiskGiB     int               `bun:"disk_gib"`
	Ephemeral   int               `bun:"ephemeral"`
	SwapMiB     int               `bun:"swap_mib"`
	Specs       map[string]string `bun:"specs,type:text"`
	Public      bool              `bun:"public"`
	Disabled    bool              `bun:"disabled"`
	RxTxFactor  float64           `bun:"rxtx_factor"`
	CreatedAt   time.Time         `bun:"created_at"`
}

func (r *flavorRow) flavor() compute.Flavor {
	return compute.Flavor{
		FlavorCopy: compute.FlavorCopy{
			ID: r.ID, Name: r.Name, VCPUs: r.VCPUs, MemoryMiB: r.MemoryMiB, DiskGiB: r.DiskGiB, Ephemeral: r.Ephemeral,
			SwapMiB: r.SwapMiB, Specs: r.Specs,
		},
		Description: r.Description, Public: r.Public, Disabled: r.Disabled, RxTxFactor: r.RxTxFactor, CreatedAt: r.CreatedAt.UTC(),
	}
}

// InsertFlavor implements compute.FlavorStore.
func (s *Store) InsertFlavor(ctx context.Context, f compute.Flavor) error {
	row := flavorRow{
		ID: f.ID, Name: f.Name, Description: f.Description, VCPUs: f.VCPUs, MemoryMiB: f.MemoryMiB, DiskGiB: f.DiskGiB,
		Ephemeral: f.Ephemeral, SwapMiB: f.SwapMiB, Specs: dict(f.Specs), Public: f.Public, Disabled: f.Disabled,
		RxTxFactor: f.RxTxFactor, CreatedAt: f.CreatedAt,
	}
	if _, err := s.db.Q(ctx).NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("inserting flavor %s: %w", f.ID, err)
	}
	return nil
}

// DeleteFlavor implements compute.FlavorStore.
func (s *Store) DeleteFlavor(ctx context.Context, id string) error {
	res, err := s.db.Q(ctx).NewDelete().Model((*flavorRow)(nil)).Where("id = ?", id).Exec(ctx)
	return db.MustChange(res, err, fault.Missing("flavor", id))
}

// FindFlavor implements compute.FlavorStore.
func (s *Store) FindFlavor(ctx context.Context, id string) (compute.Flavor, error) {
	var row flavorRow
	if err := s.db.Q(ctx).NewSelect().Model(&row).Where("id = ?", id).Scan(ctx); err != nil {
		return compute.Flavor{}, missing(err, "flavor", id)
	}
	return row.flavor(), nil
}

// ListFlavors implements compute.FlavorStore.
func (s *Store) ListFlavors(ctx context.Context, f compute.FlavorFilter, page query.Page) ([]compute.Flavor, error) {
	var rows []flavorRow
	q := s.db.Q(ctx).NewSelect().Model(&rows)
	if f.Public != nil {
		q = q.Where("flavor.public = ?", *f.Public)
	}
	q = q.Where("flavor.disk_gib >= ?", f.MinDiskGiB).Where("flavor.memory_mib >= ?", f.MinRAMMiB)
	q, err := page.Apply(q, "compute_flavors", map[string]string{
		"flavorid": "id", "name": "name", "memory_mb": "memory_mib", "vcpus": "vcpus", "root_gb": "disk_gib",
		"ephemeral_gb": "ephemeral", "swap": "swap_mib", "created_at": "created_at", "is_public": "public",
		"disabled": "disabled", "rxtx_factor": "rxtx_factor",
	})
	if err != nil {
		return nil, err
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing flavors: %w", err)
	}
	if len(rows) == 0 {
		if err := page.CheckMarker(ctx, s.db.Q(ctx), "compute_flavors"); err != nil {
			return nil, err
		}
	}
	return convert(rows, (*flavorRow).flavor), nil
}
