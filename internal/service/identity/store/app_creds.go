package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type appCredRow struct {
	bun.BaseModel `bun:"table:identity_app_creds,alias:ac"`

	ID           string `bun:",pk"`
	Name         string
	UserID       string
	ProjectID    string
	Description  string
	Roles        []string `bun:"type:text"`
	Unrestricted bool
	SecretHash   string
	ExpiresAt    time.Time `bun:",nullzero"`
	CreatedAt    time.Time
}

type accessRuleRow struct {
	bun.BaseModel `bun:"table:identity_access_rules,alias:ar"`

	ID      string `bun:",pk"`
	UserID  string
	Service string
	Method  string
	Path    string
}

type appCredRuleRow struct {
	bun.BaseModel `bun:"table:identity_app_cred_rules,alias:acr"`

	AppCredID    string `bun:",pk"`
	AccessRuleID string `bun:",pk"`
}

func (r appCredRow) noun() identity.AppCred {
	return identity.AppCred{
		ID: r.ID, Name: r.Name, UserID: r.UserID, ProjectID: r.ProjectID, Description: r.Description, RoleIDs: r.Roles,
		Unrestricted: r.Unrestricted, SecretHash: r.SecretHash, ExpiresAt: r.ExpiresAt.UTC(), CreatedAt: r.CreatedAt.UTC(),
	}
}

func (r accessRuleRow) noun() identity.AccessRule {
	return identity.AccessRule{ID: r.ID, UserID: r.UserID, Service: r.Service, Method: r.Method, Path: r.Path}
}

// InsertAppCred adds an application credential and ties its rules to it.
func (s *Store) InsertAppCred(ctx context.Context, a identity.AppCred) error {
	err := s.insert(ctx, "application_credential", a.Name, &appCredRow{
		ID: a.ID, Name: a.Name, UserID: a.UserID, ProjectID: a.ProjectID, Description: a.Description, Roles: a.RoleIDs,
		Unrestricted: a.Unrestricted, SecretHash: a.SecretHash, ExpiresAt: a.ExpiresAt, CreatedAt: a.CreatedAt,
	})
	if err != nil || len(a.Rules) == 0 {
		return err
	}
	ties := make([]appCredRuleRow, len(a.Rules))
	for i, r := range a.Rules {
		ties[i] = appCredRuleRow{AppCredID: a.ID, AccessRuleID: r.ID}
	}
	if _, err := s.db.Q(ctx).NewInsert().Model(&ties).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("writing the access rules of application credential %s: %w", a.ID, err)
	}
	return nil
}

// DeleteAppCred removes an application credential; its rules stay.
func (s *Store) DeleteAppCred(ctx context.Context, id string) error {
	return s.removeOne(ctx, "application credential", id, (*appCredRow)(nil))
}

// AppCred reads an application credential with its rules.
func (s *Store) AppCred(ctx context.Context, id string) (identity.AppCred, error) {
	row, err := get[appCredRow](ctx, s, "application credential", id, "id = ?", id)
	if err != nil {
		return identity.AppCred{}, err
	}
	return s.withRules(ctx, row.noun())
}

// AppCredByName reads the application credential of a name that a user has.
func (s *Store) AppCredByName(ctx context.Context, userID, name string) (identity.AppCred, error) {
	row, err := get[appCredRow](ctx, s, "application credential", name, "user_id = ? AND name = ?", userID, name)
	if err != nil {
		return identity.AppCred{}, err
	}
	return s.withRules(ctx, row.noun())
}

// ListAppCreds reads a page of application credentials with their rules.
func (s *Store) ListAppCreds(ctx context.Context, f identity.AppCredFilter, page query.Page) ([]identity.AppCred, error) {
	found, err := list(ctx, s, page, "identity_app_creds", appCredRow.noun, func(q *bun.SelectQuery) *bun.SelectQuery {
		return equals(q, "user_id", f.UserID, "project_id", f.ProjectID, "name", f.Name)
	})
	if err != nil {
		return nil, err
	}
	for i := range found {
		if found[i], err = s.withRules(ctx, found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (s *Store) withRules(ctx context.Context, a identity.AppCred) (identity.AppCred, error) {
	var rows []accessRuleRow
	err := s.db.Q(ctx).NewSelect().Model(&rows).
		Where("ar.id IN (SELECT access_rule_id FROM identity_app_cred_rules WHERE app_cred_id = ?)", a.ID).Order("ar.id").Scan(ctx)
	if err != nil {
		return a, fmt.Errorf("reading the access rules of application credential %s: %w", a.ID, err)
	}
	for _, row := range rows {
		a.Rules = append(a.Rules, row.noun())
	}
	return a, nil
}

// InsertAccessRule adds an access rule.
func (s *Store) InsertAccessRule(ctx context.Context, r identity.AccessRule) error {
	return s.insert(ctx, "access_rule", r.ID, &accessRuleRow{ID: r.ID, UserID: r.UserID, Service: r.Service, Method: r.Method, Path: r.Path})
}

// DeleteAccessRule removes an access rule that no application credential has.
func (s *Store) DeleteAccessRule(ctx context.Context, id string) error {
	used, err := s.db.Q(ctx).NewSelect().Model((*appCredRuleRow)(nil)).Where("access_rule_id = ?", id).Exists(ctx)
	if err != nil {
		return fmt.Errorf("looking for uses of access rule %s: %w", id, err)
	}
	if used {
		return fault.Conflictf("access rule", id, "May not delete access rule %s: an application credential has it", id)
	}
	return s.removeOne(ctx, "access rule", id, (*accessRuleRow)(nil))
}

// ListAccessRules reads the access rules that have all fields which are set.
func (s *Store) ListAccessRules(ctx context.Context, f identity.AccessRule) ([]identity.AccessRule, error) {
	var rows []accessRuleRow
	q := equals(s.db.Q(ctx).NewSelect().Model(&rows), "id", f.ID, "user_id", f.UserID, "service", f.Service, "method", f.Method, "path", f.Path)
	if err := q.Order("ar.id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing access rules: %w", err)
	}
	rules := make([]identity.AccessRule, len(rows))
	for i, row := range rows {
		rules[i] = row.noun()
	}
	return rules, nil
}
