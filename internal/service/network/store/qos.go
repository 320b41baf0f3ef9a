package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type policyRow struct {
	bun.BaseModel `bun:"table:qos_policies,alias:qp"`

	ID          string `bun:"id,pk"`
	ProjectID   string `bun:"project_id"`
	Name        string `bun:"name"`
	Description string `bun:"description"`
	IsDefault   bool   `bun:"is_default"`
	taggedRow

	Granted bool `bun:"granted,scanonly"`
}

type qosRuleRow struct {
	bun.BaseModel `bun:"table:qos_rules,alias:qr"`

	ID        string `bun:"id,pk"`
	PolicyID  string `bun:"policy_id"`
	Kind      string `bun:"kind"`
	Direction string `bun:"direction"`
	Rate      int    `bun:"rate"`
	Burst     int    `bun:"burst"`
	DSCP      int    `bun:"dscp"`
}

func policyOf(p network.QoSPolicy) *policyRow {
	return &policyRow{
		ID: p.ID, ProjectID: p.ProjectID, Name: p.Name, Description: p.Description, IsDefault: p.Default, taggedRow: taggedOf(p.Stamp),
	}
}

func (r policyRow) noun() network.QoSPolicy {
	return network.QoSPolicy{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, Shared: r.Granted, Default: r.IsDefault, Stamp: r.taggedRow.noun(),
	}
}

func qosRuleOf(r network.QoSRule) *qosRuleRow {
	return &qosRuleRow{ID: r.ID, PolicyID: r.PolicyID, Kind: r.Kind, Direction: r.Direction, Rate: r.Rate, Burst: r.Burst, DSCP: r.DSCP}
}

func (r qosRuleRow) noun() network.QoSRule {
	return network.QoSRule{ID: r.ID, PolicyID: r.PolicyID, Kind: r.Kind, Direction: r.Direction, Rate: r.Rate, Burst: r.Burst, DSCP: r.DSCP}
}

func policyAttributes() map[string]attribute {
	return tagged(map[string]attribute{"name": text("name"), "default": flag("is_default")})
}

// AddPolicy implements network.QoSStore.
func (s *Store) AddPolicy(ctx context.Context, p network.QoSPolicy) (bool, error) {
	return s.insert(ctx, policyOf(p))
}

// Policy implements network.QoSStore.
func (s *Store) Policy(ctx context.Context, sc db.Scope, id string) (network.QoSPolicy, error) {
	list, err := s.Policies(ctx, sc, network.ByID(id))
	return only(list, err, &fault.Error{
		Class: fault.NotFound, Code: "QosPolicyNotFound", Object: "qos policy", ID: id, Message: fmt.Sprintf("QoS policy %s could not be found.", id),
	})
}

// Policies implements network.QoSStore.
func (s *Store) Policies(ctx context.Context, sc db.Scope, q network.Query) ([]network.QoSPolicy, error) {
	var rows []policyRow
	sel := visible(sc, s.db.Select(ctx, db.Everywhere(), &rows), "qos_policy")
	special := map[string]func(*bun.SelectQuery, []string) *bun.SelectQuery{"shared": sharing(sc, "qos_policy")}
	if err := read(ctx, sel, &rows, "qos_policies", q, policyAttributes(), special); err != nil {
		return nil, err
	}
	out := nouns(rows, policyRow.noun)
	if len(out) == 0 || q.Bare {
		return out, nil
	}
	at, ids := map[string]int{}, make([]string, 0, len(out))
	for i, p := range out {
		at[p.ID] = i
		ids = append(ids, p.ID)
	}
	var rules []qosRuleRow
	err := s.db.Q(ctx).NewSelect().Model(&rules).Where("policy_id IN (?)", bun.List(ids)).Order("kind", "direction").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the QoS policies' rules: %w", err)
	}
	for _, r := range rules {
		p := &out[at[r.PolicyID]]
		p.Rules = append(p.Rules, r.noun())
	}
	return out, nil
}

// ChangePolicy implements network.QoSStore.
func (s *Store) ChangePolicy(ctx context.Context, p network.QoSPolicy) error {
	err := s.change(ctx, policyOf(p), "qos policy", p.ID, p.Revision)
	if db.IsUnique(err) {
		return fault.Conflictf("qos policy", p.ID, "A default QoS policy exists for project %s: take the default from that one first.", p.ProjectID).
			WithCode("QoSPolicyDefaultAlreadyExists")
	}
	return err
}

// RemovePolicy implements network.QoSStore.
func (s *Store) RemovePolicy(ctx context.Context, id string) error {
	if err := s.remove(ctx, (*qosRuleRow)(nil), "policy_id", id); err != nil {
		return err
	}
	if err := s.closeObject(ctx, "qos_policy", id); err != nil {
		return err
	}
	return s.remove(ctx, (*policyRow)(nil), "id", id)
}

// AddQoSRule implements network.QoSStore.
func (s *Store) AddQoSRule(ctx context.Context, r network.QoSRule) (bool, error) {
	return s.insert(ctx, qosRuleOf(r))
}

// ChangeQoSRule implements network.QoSStore. Who changes a rule has changed its policy in the same transaction, which
// keeps others away.
func (s *Store) ChangeQoSRule(ctx context.Context, r network.QoSRule) error {
	if _, err := s.db.Q(ctx).NewUpdate().Model(qosRuleOf(r)).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("changing a QoS rule: %w", err)
	}
	return nil
}

// RemoveQoSRule implements network.QoSStore.
func (s *Store) RemoveQoSRule(ctx context.Context, id string) error {
	return s.remove(ctx, (*qosRuleRow)(nil), "id", id)
}
