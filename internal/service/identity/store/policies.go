package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type policyRow struct {
	bun.BaseModel `bun:"table:identity_policies,alias:po"`
	record

	Type  string
	Blob  string
	Extra map[string]any `bun:"type:text"`
}

type policyAssociationRow struct {
	bun.BaseModel `bun:"table:identity_policy_associations,alias:pa"`

	EndpointID string `bun:",pk"`
	ServiceID  string `bun:",pk"`
	RegionID   string `bun:",pk"`
	PolicyID   string
}

func (s *Store) policies() identity.Table[identity.Policy] {
	return table[identity.Policy, policyRow, *policyRow]{
		s: s, kind: "policy", name: "identity_policies",
		label: func(p identity.Policy) string { return p.ID },
		from: func(p identity.Policy) *policyRow {
			return &policyRow{record: recordFrom(p.Made), Type: p.Type, Blob: p.Blob, Extra: p.Extra}
		},
		noun: func(r policyRow) identity.Policy {
			return identity.Policy{Made: r.made(), Type: r.Type, Blob: r.Blob, Extra: r.Extra}
		},
	}
}

func associationFrom(a identity.PolicyAssociation) *policyAssociationRow {
	return &policyAssociationRow{EndpointID: a.EndpointID, ServiceID: a.ServiceID, RegionID: a.RegionID, PolicyID: a.PolicyID}
}

// Associate writes which policy a target has.
func (s *Store) Associate(ctx context.Context, a identity.PolicyAssociation) error {
	_, err := s.db.Q(ctx).NewInsert().Model(associationFrom(a)).
		On("CONFLICT (endpoint_id, service_id, region_id) DO UPDATE").Set("policy_id = EXCLUDED.policy_id").Exec(ctx)
	if err != nil {
		return fmt.Errorf("associating policy %s: %w", a.PolicyID, err)
	}
	return nil
}

// PolicyOf reads which policy a target has.
func (s *Store) PolicyOf(ctx context.Context, t identity.PolicyTarget) (string, error) {
	row, err := get[policyAssociationRow](ctx, s, "policy association", t.EndpointID+t.ServiceID,
		"endpoint_id = ? AND service_id = ? AND region_id = ?", t.EndpointID, t.ServiceID, t.RegionID)
	return row.PolicyID, err
}

// Dissociate takes a policy from a target; nothing if it has another or none.
func (s *Store) Dissociate(ctx context.Context, a identity.PolicyAssociation) error {
	_, err := s.remove(ctx, "policy association", (*policyAssociationRow)(nil),
		"endpoint_id = ? AND service_id = ? AND region_id = ? AND policy_id = ?", a.EndpointID, a.ServiceID, a.RegionID, a.PolicyID)
	return err
}

// AssociationsOf reads what a policy is for.
func (s *Store) AssociationsOf(ctx context.Context, policyID string) ([]identity.PolicyAssociation, error) {
	var rows []policyAssociationRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Where("policy_id = ?", policyID).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the associations of policy %s: %w", policyID, err)
	}
	out := make([]identity.PolicyAssociation, len(rows))
	for i, r := range rows {
		out[i] = identity.PolicyAssociation{
			PolicyTarget: identity.PolicyTarget{EndpointID: r.EndpointID, ServiceID: r.ServiceID, RegionID: r.RegionID}, PolicyID: r.PolicyID,
		}
	}
	return out, nil
}

// Forget removes the associations of an endpoint, a service or a region.
func (s *Store) Forget(ctx context.Context, t identity.PolicyTarget) error {
	for column, id := range map[string]string{"endpoint_id": t.EndpointID, "service_id": t.ServiceID, "region_id": t.RegionID} {
		if id == "" {
			continue
		}
		if _, err := s.remove(ctx, "policy associations", (*policyAssociationRow)(nil), "? = ?", bun.Ident(column), id); err != nil {
			return err
		}
	}
	return nil
}

var _ identity.PolicyAssociations = (*Store)(nil)
