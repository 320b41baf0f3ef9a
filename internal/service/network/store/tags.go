package store

import (
	"context"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// taggedRows are the rows of the resources that may have tags.
func taggedRows() map[string]any {
	return map[string]any{
		"network": (*networkRow)(nil), "subnet": (*subnetRow)(nil), "port": (*portRow)(nil), "router": (*routerRow)(nil),
		"floatingip": (*floatingRow)(nil), "subnetpool": (*poolRow)(nil), "security_group": (*groupRow)(nil), "security_group_rule": (*ruleRow)(nil),
		"trunk": (*trunkRow)(nil), "policy": (*policyRow)(nil), "network_segment_range": (*segmentRangeRow)(nil),
	}
}

// SetTags implements network.Store.
func (s *Store) SetTags(ctx context.Context, resource, id string, stamp network.Stamp) error {
	model, ok := taggedRows()[resource]
	if !ok {
		return fmt.Errorf("there are no tags on a %s", resource)
	}
	row := taggedOf(stamp)
	res, err := s.db.Q(ctx).NewUpdate().Model(model).Set("tags = ?", row.Tags).Set("updated_at = ?", row.UpdatedAt).
		Set("revision = ?", row.Revision).Where("id = ?", id).Where("revision = ?", row.Revision-1).Exec(ctx)
	if err != nil {
		err = fmt.Errorf("changing the tags of %s %s: %w", resource, id, err)
	}
	return db.MustChange(res, err, stale(resource, id))
}
