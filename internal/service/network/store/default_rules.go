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

	ID            string `bun:"id,pk"`
	Description   string `bun:"description"`
	Direction     string `bun:"direction"`
	V6            bool   `bun:"v6"`
	Protocol      string `bun:"protocol"`
	PortMin       *int   `bun:"port_min"`
	PortMax       *int   `bun:"port_max"`
	RemoteGroupID string `bun:"remote_group_id"`
	RemotePrefix  string `bun:"remote_prefix"`
	AddressesID   string `bun:"address_group_id"`
	InDefault     bool   `bun:"in_default"`
	InOthers      bool   `bun:"in_others"`
	Signature     string `bun:"signature"`
	stampRow
}

func templateOf(t network.RuleTemplate) *templateRow {
	r := ruleOf(t.Rule)
	return &templateRow{
		ID: r.ID, Description: r.Description, Direction: r.Direction, V6: r.V6, Protocol: r.Protocol, PortMin: r.PortMin, PortMax: r.PortMax,
		RemoteGroupID: r.RemoteGroupID, RemotePrefix: r.RemotePrefix, AddressesID: r.AddressesID, InDefault: t.InDefault, InOthers: t.InOthers,
		Signature: r.Signature, stampRow: r.stampRow,
	}
}

func (r templateRow) noun() network.RuleTemplate {
	return network.RuleTemplate{
		Rule: network.Rule{
			ID: r.ID, Description: r.Description, Direction: r.Direction, V6: r.V6, Protocol: r.Protocol, PortMin: r.PortMin, PortMax: r.PortMax,
			RemoteGroupID: r.RemoteGroupID, RemotePrefix: prefix(r.RemotePrefix), AddressGroupID: r.AddressesID, Stamp: r.stampRow.noun(),
		},
		InDefault: r.InDefault, InOthers: r.InOthers,
	}
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
