package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type templateRow struct {
	bun.BaseModel `bun:"table:default_group_rules,alias:dr"`

	ID string `bun:"id,pk"`
	matchRow
	InDefault bool `bun:"in_default"`
	InOthers  bool `bun:"in_others"`
	stampRow
}

func templateOf(t network.RuleTemplate) *templateRow {
	return &templateRow{ID: t.ID, matchRow: matchOf(t.Rule), InDefault: t.InDefault, InOthers: t.InOthers, stampRow: stampOf(t.Stamp)}
}

func (r templateRow) noun() network.RuleTemplate {
	out := network.RuleTemplate{Rule: r.rule(), InDefault: r.InDefault, InOthers: r.InOthers}
	out.ID, out.Stamp = r.ID, r.stampRow.noun()
	return out
}

// AddRuleTemplate implements network.RuleTemplateStore.
func (s *Store) AddRuleTemplate(ctx context.Context, t network.RuleTemplate) (bool, error) {
	return s.insert(ctx, templateOf(t))
}

// RuleTemplate implements network.RuleTemplateStore.
func (s *Store) RuleTemplate(ctx context.Context, id string) (network.RuleTemplate, error) {
	list, err := s.RuleTemplates(ctx, network.ByID(id))
	return only(list, err, &fault.Error{
		Class: fault.NotFound, Code: "DefaultSecurityGroupRuleNotFound", Object: "default security group rule", ID: id,
		Message: fmt.Sprintf("Default Security Group rule %s does not exist.", id),
	})
}

// RuleTemplates implements network.RuleTemplateStore.
func (s *Store) RuleTemplates(ctx context.Context, q network.Query) ([]network.RuleTemplate, error) {
	var rows []templateRow
	attributes := stamped(map[string]attribute{
		"direction": text("direction"), "v6": flag("v6"), "protocol": text("protocol"), "remote_group_id": text("remote_group_id"),
		"remote_prefix": text("remote_prefix"), "address_group_id": text("address_group_id"), "in_default": flag("in_default"), "in_others": flag("in_others"),
	})
	delete(attributes, "project_id")
	if err := read(ctx, s.db.Select(ctx, db.Everywhere(), &rows), &rows, "default_group_rules", q, attributes, ruleSpecial()); err != nil {
		return nil, err
	}
	return nouns(rows, templateRow.noun), nil
}

// RemoveRuleTemplate implements network.RuleTemplateStore.
func (s *Store) RemoveRuleTemplate(ctx context.Context, id string) error {
	return s.remove(ctx, (*templateRow)(nil), "id", id)
}
