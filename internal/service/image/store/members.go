package store

import (
	"context"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

// Members implements image.Store.
func (s *Store) Members(ctx context.Context, imageID string) ([]image.Member, error) {
	var rows []memberRow
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Where("image_id = ?", imageID).Order("created_at", "member").Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the members of image %s: %w", imageID, err)
	}
	members := make([]image.Member, 0, len(rows))
	for _, r := range rows {
		members = append(members, image.Member{
			ImageID: r.ImageID, ProjectID: r.Member, Status: image.MemberStatus(r.Status),
			CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		})
	}
	return members, nil
}

// PutMember implements image.Store.
func (s *Store) PutMember(ctx context.Context, m image.Member) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&memberRow{
		ImageID: m.ImageID, Member: m.ProjectID, Status: string(m.Status), CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(),
	}).On("CONFLICT (image_id, member) DO UPDATE").
		Set("status = EXCLUDED.status").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("writing member %s of image %s: %w", m.ProjectID, m.ImageID, err)
	}
	return nil
}

// DeleteMember implements image.Store.
func (s *Store) DeleteMember(ctx context.Context, imageID, projectID string) error {
	res, err := s.db.Q(ctx).NewDelete().Model((*memberRow)(nil)).
		Where("image_id = ?", imageID).Where("member = ?", projectID).Exec(ctx)
	stale := fault.New(fault.NotFound, "%s not found in the member list of the image %s.", projectID, imageID)
	return wrapped(db.MustChange(res, err, stale), "removing member %s of image %s", projectID, imageID)
}
