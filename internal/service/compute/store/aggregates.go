package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type aggregateRow struct {
	bun.BaseModel `bun:"table:compute_aggregates,alias:aggregate"`

	Number    int64             `bun:"number,pk"`
	ID        string            `bun:"id"`
	Name      string            `bun:"name"`
	Metadata  map[string]string `bun:"metadata,type:text"`
	Revision  int64             `bun:"revision"`
	CreatedAt time.Time         `bun:"created_at"`
	UpdatedAt *time.Time        `bun:"updated_at"`
}

func (r *aggregateRow) aggregate() compute.Aggregate {
	return compute.Aggregate{
		Number: r.Number, ID: r.ID, Name: r.Name, Metadata: r.Metadata, Revision: r.Revision,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: utc(r.UpdatedAt),
	}
}

func aggregateToRow(a *compute.Aggregate) aggregateRow {
	return aggregateRow{
		Number: a.Number, ID: a.ID, Name: a.Name, Metadata: dict(a.Metadata), Revision: a.Revision,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

// aggregateHost is that a host is in an aggregate.
type aggregateHost struct {
	bun.BaseModel `bun:"table:compute_aggregate_hosts,alias:ah"`

	Aggregate int64  `bun:"aggregate,pk"`
	HostID    string `bun:"host_id,pk"`
}

// Aggregates implements compute.AggregateStore.
func (s *Store) Aggregates(ctx context.Context) ([]compute.Aggregate, error) {
	var rows []aggregateRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Order("number").Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing aggregates: %w", err)
	}
	return s.withHosts(ctx, rows)
}

// FindAggregate implements compute.AggregateStore.
func (s *Store) FindAggregate(ctx context.Context, number int64) (compute.Aggregate, error) {
	var row aggregateRow
	if err := s.db.Q(ctx).NewSelect().Model(&row).Where("number = ?", number).Scan(ctx); err != nil {
		return compute.Aggregate{}, missing(err, "aggregate", fmt.Sprint(number))
	}
	found, err := s.withHosts(ctx, []aggregateRow{row})
	if err != nil {
		return compute.Aggregate{}, err
	}
	return found[0], nil
}

// withHosts adds the hosts of aggregates, in one query.
func (s *Store) withHosts(ctx context.Context, rows []aggregateRow) ([]compute.Aggregate, error) {
	out := convert(rows, (*aggregateRow).aggregate)
	if len(out) == 0 {
		return out, nil
	}
	byNumber := map[int64]*compute.Aggregate{}
	numbers := make([]int64, len(out))
	for i := range out {
		byNumber[out[i].Number], numbers[i] = &out[i], out[i].Number
	}
	var hosts []aggregateHost
	err := s.db.Q(ctx).NewSelect().Model(&hosts).Where("aggregate IN (?)", bun.List(numbers)).Order("aggregate", "host_id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the hosts of %d aggregates: %w", len(out), err)
	}
	for _, h := range hosts {
		a := byNumber[h.Aggregate]
		a.Hosts = append(a.Hosts, h.HostID)
	}
	return out, nil
}

// InsertAggregate implements compute.AggregateStore.
func (s *Store) InsertAggregate(ctx context.Context, a compute.Aggregate) (compute.Aggregate, error) {
	row := aggregateToRow(&a)
	row.Revision = 1
	err := s.db.Q(ctx).NewSelect().Model((*aggregateRow)(nil)).ColumnExpr("COALESCE(MAX(number), 0) + 1").Scan(ctx, &row.Number)
	if err != nil {
		return a, fmt.Errorf("numbering aggregate %s: %w", a.Name, err)
	}
	if _, err := s.db.Q(ctx).NewInsert().Model(&row).Exec(ctx); err != nil {
		return a, fmt.Errorf("inserting aggregate %s: %w", a.Name, err)
	}
	return row.aggregate(), nil
}

// SaveAggregate implements compute.AggregateStore.
func (s *Store) SaveAggregate(ctx context.Context, a compute.Aggregate) error {
	row := aggregateToRow(&a)
	row.Revision++
	res, err := s.db.Q(ctx).NewUpdate().Model(&row).Column("name", "metadata", "revision", "updated_at").WherePK().
		Where("revision = ?", a.Revision).Exec(ctx)
	stale := fault.Conflictf("aggregate", a.ID, "the aggregate was changed by another request at the same time; try again")
	if err := db.MustChange(res, err, stale); err != nil {
		return err
	}
	if err := s.clearAggregate(ctx, a.Number); err != nil || len(a.Hosts) == 0 {
		return err
	}
	hosts := convert(a.Hosts, func(id *string) aggregateHost { return aggregateHost{Aggregate: a.Number, HostID: *id} })
	if _, err := s.db.Q(ctx).NewInsert().Model(&hosts).Exec(ctx); err != nil {
		return fmt.Errorf("writing the hosts of aggregate %s: %w", a.Name, err)
	}
	return nil
}

func (s *Store) clearAggregate(ctx context.Context, number int64) error {
	if _, err := s.db.Q(ctx).NewDelete().Model((*aggregateHost)(nil)).Where("aggregate = ?", number).Exec(ctx); err != nil {
		return fmt.Errorf("clearing aggregate %d: %w", number, err)
	}
	return nil
}

// DeleteAggregate implements compute.AggregateStore.
func (s *Store) DeleteAggregate(ctx context.Context, a compute.Aggregate) error {
	if err := s.clearAggregate(ctx, a.Number); err != nil {
		return err
	}
	res, err := s.db.Q(ctx).NewDelete().Model((*aggregateRow)(nil)).Where("number = ?", a.Number).Exec(ctx)
	return db.MustChange(res, err, fault.Missing("aggregate", fmt.Sprint(a.Number)))
}

// HostByName implements compute.AggregateStore.
func (s *Store) HostByName(ctx context.Context, name string) (compute.Host, error) {
	var row hostRow
	if err := s.db.Q(ctx).NewSelect().Model(&row).Where("name = ?", name).Order("number").Limit(1).Scan(ctx); err != nil {
		return compute.Host{}, missing(err, "host", name)
	}
	return row.host(), nil
}

// AnyHost implements compute.AggregateStore.
func (s *Store) AnyHost(ctx context.Context, zone string) (bool, error) {
	found, err := s.db.Q(ctx).NewSelect().Model((*hostRow)(nil)).Where("zone = ?", zone).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for a host in zone %s: %w", zone, err)
	}
	return found, nil
}

// SetHostZones implements compute.AggregateStore.
func (s *Store) SetHostZones(ctx context.Context, hostIDs []string, zone string) error {
	if len(hostIDs) == 0 {
		return nil
	}
	_, err := s.db.Q(ctx).NewUpdate().Model((*hostRow)(nil)).Set("zone = ?", zone).Set("revision = revision + 1").
		Where("id IN (?)", bun.List(hostIDs)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("moving %d hosts to zone %s: %w", len(hostIDs), zone, err)
	}
	return nil
}

// SetHostMaintenance implements compute.AggregateStore.
func (s *Store) SetHostMaintenance(ctx context.Context, id string, on bool) error {
	res, err := s.db.Q(ctx).NewUpdate().Model((*hostRow)(nil)).Set("maintenance = ?", on).Set("revision = revision + 1").
		Where("id = ?", id).Exec(ctx)
	return db.MustChange(res, err, fault.Missing("host", id))
}

// SetFlavorSpecs implements compute.AggregateStore.
func (s *Store) SetFlavorSpecs(ctx context.Context, flavorID string, specs map[string]string) error {
	row := flavorRow{ID: flavorID, Specs: dict(specs)}
	res, err := s.db.Q(ctx).NewUpdate().Model(&row).Column("specs").WherePK().Exec(ctx)
	return db.MustChange(res, err, fault.Missing("flavor", flavorID))
}
