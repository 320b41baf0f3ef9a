package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

// Insert implements image.Store.
func (s *Store) Insert(ctx context.Context, i image.Image) error {
	_, err := s.db.Q(ctx).NewInsert().Model(toRow(i)).Exec(ctx)
	if db.IsUnique(err) {
		return fault.Conflictf("image", i.ID, "Image ID %s already exists!", i.ID)
	}
	if err != nil {
		return fmt.Errorf("adding image %s: %w", i.ID, err)
	}
	return s.addExtras(ctx, i)
}

func (s *Store) addExtras(ctx context.Context, i image.Image) error {
	if rows := tagRows(i); len(rows) > 0 {
		if _, err := s.db.Q(ctx).NewInsert().Model(&rows).Exec(ctx); err != nil {
			return fmt.Errorf("adding the tags of image %s: %w", i.ID, err)
		}
	}
	if rows := propertyRows(i); len(rows) > 0 {
		if _, err := s.db.Q(ctx).NewInsert().Model(&rows).Exec(ctx); err != nil {
			return fmt.Errorf("adding the properties of image %s: %w", i.ID, err)
		}
	}
	return nil
}

// Update implements image.Store.
func (s *Store) Update(ctx context.Context, i image.Image) error {
	row := toRow(i)
	row.Generation++
	res, err := s.db.Q(ctx).NewUpdate().Model(row).WherePK().Where("generation = ?", i.Generation).Exec(ctx)
	if err := db.MustChange(res, err, changedMeanwhile(i)); err != nil {
		return wrapped(err, "updating image %s", i.ID)
	}
	if _, err := s.db.Q(ctx).NewDelete().Model((*tagRow)(nil)).Where("image_id = ?", i.ID).Exec(ctx); err != nil {
		return fmt.Errorf("removing the tags of image %s: %w", i.ID, err)
	}
	if _, err := s.db.Q(ctx).NewDelete().Model((*propertyRow)(nil)).Where("image_id = ?", i.ID).Exec(ctx); err != nil {
		return fmt.Errorf("removing the properties of image %s: %w", i.ID, err)
	}
	return s.addExtras(ctx, i)
}

// Delete implements image.Store.
func (s *Store) Delete(ctx context.Context, i image.Image) error {
	res, err := s.db.Q(ctx).NewDelete().Model((*imageRow)(nil)).
		Where("id = ?", i.ID).Where("generation = ?", i.Generation).Exec(ctx)
	return wrapped(db.MustChange(res, err, changedMeanwhile(i)), "deleting image %s", i.ID)
}

// Renew implements image.Store.
func (s *Store) Renew(ctx context.Context, i image.Image) error {
	res, err := s.db.Q(ctx).NewUpdate().Model((*imageRow)(nil)).Set("lease_at = ?", i.LeaseAt.UTC()).
		Where("id = ?", i.ID).Where("upload = ?", i.Upload).Where("status = ?", string(image.Saving)).Exec(ctx)
	return wrapped(db.MustChange(res, err, missing(i.ID)), "renewing the lease of image %s", i.ID)
}

func changedMeanwhile(i image.Image) error {
	return fault.Conflictf("image", i.ID, "image %s was changed by another request at the same time; try again", i.ID)
}

func missing(id string) error {
	e := fault.New(fault.NotFound, "No image found with ID %s", id)
	e.Object, e.ID = "image", id
	return e
}

// wrapped adds context to an error that is not for the user already.
func wrapped(err error, format string, args ...any) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
