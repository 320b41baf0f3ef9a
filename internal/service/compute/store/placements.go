package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

type placementRow struct {
	bun.BaseModel `bun:"table:compute_placements,alias:placement"`

	ServerID  string           `bun:"server_id,pk"`
	ProjectID string           `bun:"project_id"`
	At        time.Time        `bun:"at"`
	HostName  string           `bun:"host_name"`
	Report    placement.Report `bun:"report,type:text"`
}

var upsertPlacement = db.InsertText("compute_placements", []string{"server_id", "project_id", "at", "host_name", "report"},
	"ON CONFLICT (server_id) DO UPDATE SET at = EXCLUDED.at, host_name = EXCLUDED.host_name, report = EXCLUDED.report")

// SavePlacements implements compute.PlacementStore.
func (s *Store) SavePlacements(ctx context.Context, placements []compute.Placement) error {
	rows := convert(placements, func(p *compute.Placement) []any {
		return []any{p.ServerID, p.ProjectID, p.At, p.HostName, db.JSON(p.Report)}
	})
	if _, err := s.db.WriteEach(ctx, upsertPlacement, rows); err != nil {
		return fmt.Errorf("saving %d placements: %w", len(rows), err)
	}
	return nil
}

// FindPlacement implements compute.PlacementStore.
func (s *Store) FindPlacement(ctx context.Context, scope db.Scope, serverID string) (compute.Placement, error) {
	var row placementRow
	if err := s.db.Select(ctx, scope, &row).Where("placement.server_id = ?", serverID).Scan(ctx); err != nil {
		return compute.Placement{}, missing(err, "placement", serverID)
	}
	return compute.Placement{
		ServerID: row.ServerID, ProjectID: row.ProjectID, At: row.At.UTC(), HostName: row.HostName, Placed: row.HostName != "", Report: row.Report,
	}, nil
}

// settingRow is a setting that an operator has changed.
type settingRow struct {
	bun.BaseModel `bun:"table:compute_settings,alias:setting"`

	Name     string `bun:"name,pk"`
	Value    string `bun:"value"`
	Revision int64  `bun:"revision"`
}

// tuningSetting is the name of the one that is a compute.Tuning.
const tuningSetting = "placement"

// Tuning implements compute.PlacementStore.
func (s *Store) Tuning(ctx context.Context, defaults compute.Tuning) (compute.Tuning, error) {
	var row settingRow
	err := s.db.Q(ctx).NewSelect().Model(&row).Where("name = ?", tuningSetting).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return defaults, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(row.Value), &defaults)
	}
	if err != nil {
		return defaults, fmt.Errorf("reading how servers are placed: %w", err)
	}
	return defaults, nil
}

// SetTuning implements compute.PlacementStore.
func (s *Store) SetTuning(ctx context.Context, t compute.Tuning) error {
	value, err := json.Marshal(t)
	if err == nil {
		row := settingRow{Name: tuningSetting, Value: string(value), Revision: 1}
		_, err = s.db.Q(ctx).NewInsert().Model(&row).On("CONFLICT (name) DO UPDATE").
			Set("value = EXCLUDED.value").Set("revision = setting.revision + 1").Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("writing how servers are placed: %w", err)
	}
	return nil
}
