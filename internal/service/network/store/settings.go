package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

type settingRow struct {
	bun.BaseModel `bun:"table:network_settings,alias:setting"`

	Name     string                `bun:"name,pk"`
	Value    doc[network.Settings] `bun:"value"`
	Revision int64                 `bun:"revision"`
}

// wholeInstallation is the name of the row that is a network.Settings.
const wholeInstallation = "installation"

// Settings implements network.SettingsStore.
func (s *Store) Settings(ctx context.Context, defaults network.Settings) (network.Settings, error) {
	value := doc[network.Settings]{defaults}
	err := s.db.Read(ctx, "SELECT value FROM network_settings WHERE name = ?", []any{wholeInstallation}, func(rows *sql.Rows) error { return rows.Scan(&value) })
	if err != nil {
		return defaults, fmt.Errorf("reading the network's settings: %w", err)
	}
	return value.V, nil
}

// SetSettings implements network.SettingsStore.
func (s *Store) SetSettings(ctx context.Context, is network.Settings) error {
	row := settingRow{Name: wholeInstallation, Value: doc[network.Settings]{is}, Revision: 1}
	_, err := s.db.Q(ctx).NewInsert().Model(&row).On("CONFLICT (name) DO UPDATE").
		Set("value = EXCLUDED.value").Set("revision = setting.revision + 1").Exec(ctx)
	if err != nil {
		return fmt.Errorf("writing the network's settings: %w", err)
	}
	return nil
}
