package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// RegionChange is what a request changes of a region; nil leaves it.
type RegionChange struct {
	ParentID, Description *string
	Extra                 map[string]any
}

// CreateRegion adds a region, with the id that is given or one of its own.
func (s *Service) CreateRegion(ctx context.Context, r Region) (Region, error) {
	r.Made = s.made(r.ID)
	if r.Extra == nil {
		r.Extra = map[string]any{}
	}
	if err := checkName("region.id", r.ID, maxName); err != nil {
		return Region{}, err
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if r.ID == s.installed.region.ID {
			return fault.Conflictf("region", r.ID, "Conflict occurred attempting to store region - Duplicate ID, %s.", r.ID)
		}
		if err := s.checkParent(ctx, r); err != nil {
			return err
		}
		if err := s.store.Regions.Insert(ctx, r); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "region", "created", r.ID, "")
	})
	return r, err
}

// UpdateRegion changes a region.
func (s *Service) UpdateRegion(ctx context.Context, id string, c RegionChange) (Region, error) {
	if id == s.installed.region.ID {
		return Region{}, ours("region", id)
	}
	var r Region
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if r, err = s.store.Regions.Get(ctx, id); err != nil {
			return err
		}
		set(&r.ParentID, c.ParentID)
		set(&r.Description, c.Description)
		r.Extra = mergeExtra(r.Extra, c.Extra)
		if err := s.checkParent(ctx, r); err != nil {
			return err
		}
		if err := s.store.Regions.Update(ctx, r); err != nil {
			return err
		}
		return s.tellCatalog(ctx, "region", "updated", id, "")
	})
	return r, err
}

// checkParent refuses a parent that is not there, or that is below the region.
func (s *Service) checkParent(ctx context.Context, r Region) error {
	for parent := r.ParentID; parent != ""; {
		if parent == r.ID {
			return fault.Invalidf("region.parent_region_id", "The specified parent region %s would create a circular region hierarchy.", r.ParentID)
		}
		above, err := s.ShowRegion(ctx, parent)
		if err != nil {
			return err
		}
		parent = above.ParentID
	}
	return nil
}

// below returns a region and all regions that are below it.
func below(all []Region, id string) []string {
	ids := []string{id}
	for i := 0; i < len(ids); i++ {
		for _, r := range all {
			if r.ParentID == ids[i] && !slices.Contains(ids, r.ID) {
				ids = append(ids, r.ID)
			}
		}
	}
	return ids
}

// DeleteRegion removes a region and those below it, unless one of them has endpoints.
func (s *Service) DeleteRegion(ctx context.Context, id string) error {
	if id == s.installed.region.ID {
		return ours("region", id)
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.store.Regions.Get(ctx, id); err != nil {
			return err
		}
		all, err := s.store.Regions.List(ctx, nil)
		if err != nil {
			return err
		}
		for _, gone := range below(all, id) {
			if err := s.deleteRegion(ctx, id, gone); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) deleteRegion(ctx context.Context, root, id string) error {
	endpoints, err := s.store.Endpoints.List(ctx, Is{"region_id": id})
	if err != nil {
		return err
	}
	if len(endpoints) > 0 {
		return fault.New(fault.Forbidden, "Unable to delete region %s because it or its child regions have associated endpoints: region %s has %d.", root, id, len(endpoints))
	}
	if err := s.unlimited(ctx, "region", "region_id", id); err != nil {
		return err
	}
	if err := s.store.PolicyAssociations.Forget(ctx, PolicyTarget{RegionID: id}); err != nil {
		return err
	}
	if err := s.store.Regions.Delete(ctx, id); err != nil {
		return err
	}
	return s.tellCatalog(ctx, "region", "deleted", id, "")
}

// unlimited refuses to delete what registered limits are about.
func (s *Service) unlimited(ctx context.Context, kind, field, id string) error {
	limits, err := s.store.RegisteredLimits.List(ctx, Is{field: id})
	if err == nil && len(limits) > 0 {
		err = fault.New(fault.Forbidden, "Unable to delete %s %s because %d registered limits are about it, such as %s. Delete those first.", kind, id, len(limits), limits[0].ID)
	}
	return err
}
