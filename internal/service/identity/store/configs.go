package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type domainOptionRow struct {
	bun.BaseModel `bun:"table:identity_domain_options,alias:o"`

	DomainID string `bun:",pk"`
	Section  string `bun:",pk"`
	Name     string `bun:",pk"`
	Value    string
}

// PutDomainOptions adds options of a domain, or replaces them.
func (s *Store) PutDomainOptions(ctx context.Context, domainID string, options []identity.DomainOption) error {
	if len(options) == 0 {
		return nil
	}
	rows := make([]domainOptionRow, len(options))
	for i, o := range options {
		rows[i] = domainOptionRow{DomainID: domainID, Section: o.Group, Name: o.Name, Value: o.Value}
	}
	_, err := s.db.Q(ctx).NewInsert().Model(&rows).On("CONFLICT (domain_id, section, name) DO UPDATE").Set("value = EXCLUDED.value").Exec(ctx)
	if err != nil {
		return fmt.Errorf("writing the configuration of domain %s: %w", domainID, err)
	}
	return nil
}

// DomainOptions reads the options of a domain.
func (s *Store) DomainOptions(ctx context.Context, domainID string) ([]identity.DomainOption, error) {
	var rows []domainOptionRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Where("domain_id = ?", domainID).Order("section", "name").Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the configuration of domain %s: %w", domainID, err)
	}
	options := make([]identity.DomainOption, len(rows))
	for i, r := range rows {
		options[i] = identity.DomainOption{Group: r.Section, Name: r.Name, Value: r.Value}
	}
	return options, nil
}

// DeleteDomainOptions removes options of a domain: one, a group of them, or all.
func (s *Store) DeleteDomainOptions(ctx context.Context, domainID, group, option string) (int64, error) {
	where, args := "domain_id = ?", []any{domainID}
	if group != "" {
		where, args = where+" AND section = ?", append(args, group)
	}
	if option != "" {
		where, args = where+" AND name = ?", append(args, option)
	}
	return s.remove(ctx, "configuration", (*domainOptionRow)(nil), where, args...)
}
