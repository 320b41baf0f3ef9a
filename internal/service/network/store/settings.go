package store

import (
	"context"
	"database/sql"
	"errors"
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
	row := settingRow{Value: doc[network.Settings]{defaults}}
	err := s.db.Q(ctx).NewSelect().Model(&row).Where("name = ?", wholeInstallation).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return defaults, fmt.Errorf("reading the network's settings: %w", err)
	}
	return row.Value.V, nil
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
