package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type groupRow struct {
	bun.BaseModel `bun:"table:security_groups,alias:g"`

	ID          string `bun:"id,pk"`
	ProjectID   string `bun:"project_id"`
	Name        string `bun:"name"`
	Description string `bun:"description"`
	IsDefault   bool   `bun:"is_default"`
	Stateful    bool   `bun:"stateful"`
	taggedRow

	Granted bool `bun:"granted,scanonly"`
}

type ruleRow struct {
	bun.BaseModel `bun:"table:security_group_rules,alias:sr"`

	ID        string `bun:"id,pk"`
	GroupID   string `bun:"group_id"`
	ProjectID string `bun:"project_id"`
	matchRow
	taggedRow
}

// matchRow is what a rule, or a template of one, lets through.
type matchRow struct {
	Description   string `bun:"description"`
	Direction     string `bun:"direction"`
	V6            bool   `bun:"v6"`
	Protocol      string `bun:"protocol"`
	PortMin       *int   `bun:"port_min"`
	PortMax       *int   `bun:"port_max"`
	RemoteGroupID string `bun:"remote_group_id"`
	RemotePrefix  string `bun:"remote_prefix"`
	AddressesID   string `bun:"address_group_id"`
	Signature     string `bun:"signature"` // of all that makes two rules the same
}

func groupOf(g network.SecurityGroup) *groupRow {
	return &groupRow{
		ID: g.ID, ProjectID: g.ProjectID, Name: g.Name, Description: g.Description, IsDefault: g.Default,
		Stateful: g.Stateful, taggedRow: taggedOf(g.Stamp),
	}
}

func (r groupRow) noun() network.SecurityGroup {
	return network.SecurityGroup{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, Default: r.IsDefault,
		Stateful: r.Stateful, Shared: r.Granted, Stamp: r.taggedRow.noun(),
	}
}

func number0(n *int) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func ruleOf(r network.Rule) ruleRow {
	return ruleRow{ID: r.ID, GroupID: r.GroupID, ProjectID: r.ProjectID, matchRow: matchOf(r), taggedRow: taggedOf(r.Stamp)}
}

func matchOf(r network.Rule) matchRow {
	out := matchRow{
		Description: r.Description, Direction: r.Direction, V6: r.V6, Protocol: r.Protocol, PortMin: r.PortMin, PortMax: r.PortMax,
		RemoteGroupID: r.RemoteGroupID, RemotePrefix: prefixText(r.RemotePrefix), AddressesID: r.AddressGroupID,
		Signature: fmt.Sprintf("%s %t %s %s %s %s %s", r.Direction, r.V6, r.Protocol, number0(r.PortMin), number0(r.PortMax),
			r.RemoteGroupID, prefixText(r.RemotePrefix)),
	}
	if r.AddressGroupID != "" { // the signatures of others stay as they were written
		out.Signature += " " + r.AddressGroupID
	}
	return out
}

func (r ruleRow) noun() network.Rule {
	out := r.rule()
	out.ID, out.GroupID, out.ProjectID, out.Stamp = r.ID, r.GroupID, r.ProjectID, r.taggedRow.noun()
	return out
}

func (m matchRow) rule() network.Rule {
	return network.Rule{
		Description: m.Description, Direction: m.Direction, V6: m.V6, Protocol: m.Protocol, PortMin: m.PortMin, PortMax: m.PortMax,
		RemoteGroupID: m.RemoteGroupID, RemotePrefix: prefix(m.RemotePrefix), AddressGroupID: m.AddressesID,
	}
}

func groupAttributes() map[string]attribute {
	return tagged(map[string]attribute{"name": text("name"), "default": flag("is_default"), "stateful": flag("stateful")})
}

func ruleAttributes() map[string]attribute {
	return tagged(map[string]attribute{
		"group_id": text("group_id"), "direction": text("direction"), "v6": flag("v6"), "protocol": text("protocol"),
		"remote_group_id": sparse("remote_group_id"), "remote_prefix": text("remote_prefix"),
		"address_group_id": sparse("address_group_id"),
	})
}

func ruleSpecial() map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery {
	in := func(column string) func(*bun.SelectQuery, []string) *bun.SelectQuery {
		return func(q *bun.SelectQuery, values []string) *bun.SelectQuery {
			return q.Where("CAST(?TableAlias.? AS TEXT) IN (?)", bun.Ident(column), bun.List(values))
		}
	}
	return map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery{"port_min": in("port_min"), "port_max": in("port_max")}
}

// AddGroup implements network.GroupStore.
func (s *Store) AddGroup(ctx context.Context, g network.SecurityGroup) (bool, error) {
	return s.insert(ctx, groupOf(g))
}

// Group implements network.GroupStore.
func (s *Store) Group(ctx context.Context, sc db.Scope, id string) (network.SecurityGroup, error) {
	list, err := s.Groups(ctx, sc, network.ByID(id))
	return only(list, err, noGroup(id))
}

func noGroup(id string) *fault.Error {
	return &fault.Error{
		Class: fault.NotFound, Code: "SecurityGroupNotFound", Object: "security group", ID: id,
		Message: fmt.Sprintf("Security group %s does not exist", id),
	}
}

// Groups implements network.GroupStore.
func (s *Store) Groups(ctx context.Context, sc db.Scope, q network.Query) ([]network.SecurityGroup, error) {
	var rows []groupRow
	sel := visible(sc, s.db.Select(ctx, db.Everywhere(), &rows), "security_group")
	special := map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery{"shared": sharing(sc, "security_group")}
	if err := read(ctx, sel, &rows, "security_groups", q, groupAttributes(), special); err != nil {
		return nil, err
	}
	out := make([]network.SecurityGroup, 0, len(rows))
	at := map[string]int{}
	ids := make([]string, 0, len(rows))
	for i, r := range rows {
		out = append(out, r.noun())
		at[r.ID] = i
		ids = append(ids, r.ID)
	}
	if len(ids) == 0 || q.Bare {
		return out, nil
	}
	var rules []ruleRow
	err := s.db.Select(ctx, db.Everywhere(), &rules).Where("group_id IN (?)", bun.List(ids)).Order("created_at", "id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the groups' rules: %w", err)
	}
	for _, r := range rules {
		g := &out[at[r.GroupID]]
		g.Rules = append(g.Rules, r.noun())
	}
	return out, nil
}

// ChangeGroup implements network.GroupStore.
func (s *Store) ChangeGroup(ctx context.Context, g network.SecurityGroup) error {
	return s.change(ctx, groupOf(g), "security group", g.ID, g.Revision)
}

// RemoveGroup implements network.GroupStore.
func (s *Store) RemoveGroup(ctx context.Context, id string) error {
	if err := s.remove(ctx, (*ruleRow)(nil), "group_id", id); err != nil {
		return err
	}
	if err := s.remove(ctx, (*ruleRow)(nil), "remote_group_id", id); err != nil {
		return err
	}
	if err := s.closeObject(ctx, "security_group", id); err != nil {
		return err
	}
	return s.remove(ctx, (*groupRow)(nil), "id", id)
}

// AddRules implements network.GroupStore.
func (s *Store) AddRules(ctx context.Context, rules ...network.Rule) ([]network.Rule, error) {
	var there []network.Rule
	for _, r := range rules {
		row := ruleOf(r)
		added, err := s.insert(ctx, &row)
		if err != nil {
			return nil, err
		}
		if added {
			continue
		}
		var same ruleRow
		err = s.db.Select(ctx, db.Everywhere(), &same).Where("group_id = ?", r.GroupID).Where("signature = ?", row.Signature).Scan(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the rule that is like the new one: %w", err)
		}
		there = append(there, same.noun())
	}
	return there, nil
}

// Rule implements network.GroupStore.
func (s *Store) Rule(ctx context.Context, sc db.Scope, id string) (network.Rule, error) {
	list, err := s.Rules(ctx, sc, network.ByID(id))
	return only(list, err, &fault.Error{
		Class: fault.NotFound, Code: "SecurityGroupRuleNotFound", Object: "security group rule", ID: id,
		Message: fmt.Sprintf("Security group rule %s does not exist", id),
	})
}

// Rules implements network.GroupStore.
func (s *Store) Rules(ctx context.Context, sc db.Scope, q network.Query) ([]network.Rule, error) {
	var rows []ruleRow
	if err := read(ctx, s.db.Select(ctx, sc, &rows), &rows, "security_group_rules", q, ruleAttributes(), ruleSpecial()); err != nil {
		return nil, err
	}
	out := make([]network.Rule, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.noun())
	}
	return out, nil
}

// RemoveRule implements network.GroupStore.
func (s *Store) RemoveRule(ctx context.Context, id string) error {
	return s.remove(ctx, (*ruleRow)(nil), "id", id)
}
