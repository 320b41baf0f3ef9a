package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

// isMember is true of the images that were given to a project with one of some answers.
const isMember = "EXISTS (SELECT 1 FROM image_members AS m WHERE m.image_id = ?TableAlias.id AND m.member = ? AND m.status IN (?))"

// seen limits a query to what is in sight: an image that others made visible is read from their projects on purpose.
func seen(s image.Sight) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		if s.All {
			return q
		}
		return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			q = q.Where("?TableAlias.visibility IN (?)", bun.List([]string{string(image.Public), string(image.Community)}))
			if s.ProjectID == "" {
				return q
			}
			return q.WhereOr("?TableAlias.project_id = ?", s.ProjectID).
				WhereOr("?TableAlias.visibility = ? AND "+isMember, string(image.Shared), s.ProjectID, answers(image.AnyMember))
		})
	}
}

func answers(st image.MemberStatus) any {
	switch st {
	case image.AnyMember:
		return bun.List([]string{string(image.Pending), string(image.Accepted), string(image.Rejected)})
	case "":
		st = image.Accepted
	}
	return bun.List([]string{string(st)})
}

// Get implements image.Store.
func (s *Store) Get(ctx context.Context, sight image.Sight, id string) (image.Image, error) {
	var row imageRow
	err := s.db.Select(ctx, db.Everywhere(), &row).Where("?TableAlias.id = ?", id).Apply(seen(sight)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return image.Image{}, missing(id)
	}
	if err != nil {
		return image.Image{}, fmt.Errorf("reading image %s: %w", id, err)
	}
	images, err := s.withExtras(ctx, []imageRow{row})
	if err != nil {
		return image.Image{}, err
	}
	return images[0], nil
}

// List implements image.Store.
func (s *Store) List(ctx context.Context, sight image.Sight, f image.Filter, p query.Page) ([]image.Image, error) {
	var rows []imageRow
	q := s.db.Select(ctx, db.Everywhere(), &rows).Apply(seen(sight), listed(sight, f), filtered(f), having(f))
	q, err := p.Apply(q, "images", sortable())
	if err != nil {
		return nil, err
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing images: %w", err)
	}
	if len(rows) == 0 {
		return nil, p.CheckMarker(ctx, s.db.Q(ctx), "images")
	}
	return s.withExtras(ctx, rows)
}

func sortable() map[string]string {
	return map[string]string{
		"id": "id", "name": "name", "status": "status", "container_format": "container_format", "disk_format": "disk_format",
		"size": "size", "virtual_size": "virtual_size", "created_at": "created_at", "updated_at": "updated_at",
		"min_disk": "min_disk", "min_ram": "min_ram", "visibility": "visibility", "owner": "project_id",
	}
}

// listed leaves out what is in sight but in nobody's list: others' community images unless they are asked for, and
// gifts that were not accepted.
func listed(s image.Sight, f image.Filter) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		if f.Visibility != "" && f.Visibility != image.AnyVisibility {
			q = q.Where("?TableAlias.visibility = ?", string(f.Visibility))
		}
		if s.All {
			return q
		}
		return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			q = q.Where("?TableAlias.visibility = ?", string(image.Public))
			if f.Visibility != "" || f.Owner != "" {
				q = q.WhereOr("?TableAlias.visibility = ?", string(image.Community))
			}
			if s.ProjectID == "" {
				return q
			}
			return q.WhereOr("?TableAlias.project_id = ?", s.ProjectID).
				WhereOr(isMember, s.ProjectID, answers(f.MemberStatus))
		})
	}
}

func filtered(f image.Filter) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, in := range []struct {
			column string
			values []string
		}{
			{"id", f.IDs},
			{"name", f.Names},
			{"status", f.Statuses},
			{"container_format", f.ContainerFormats},
			{"disk_format", f.DiskFormats},
			{"project_id", one(f.Owner)},
			{"md5", one(f.MD5)},
			{"sha512", one(f.SHA512)},
		} {
			if len(in.values) > 0 {
				q = q.Where("?TableAlias.? IN (?)", bun.Ident(in.column), bun.List(in.values))
			}
		}
		if f.SizeMin != nil {
			q = q.Where("?TableAlias.size >= ?", *f.SizeMin)
		}
		if f.SizeMax != nil {
			q = q.Where("?TableAlias.size <= ?", *f.SizeMax)
		}
		if f.Protected != nil {
			q = q.Where("?TableAlias.protected = ?", *f.Protected)
		}
		return q.Where("?TableAlias.hidden = ?", f.Hidden)
	}
}

func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func having(f image.Filter) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, b := range f.Created {
			q = b.Apply(q, "created_at")
		}
		for _, b := range f.Updated {
			q = b.Apply(q, "updated_at")
		}
		q = query.Tags{All: f.Tags}.Apply(q, query.TagsInTable("image_tags", "image_id", "tag"))
		for _, k := range slices.Sorted(maps.Keys(f.Properties)) {
			q = q.Where("EXISTS (SELECT 1 FROM image_properties AS p WHERE p.image_id = ?TableAlias.id AND p.name = ? AND p.value = ?)",
				k, f.Properties[k])
		}
		return q
	}
}

// withExtras reads the tags and properties of rows, with one query each.
func (s *Store) withExtras(ctx context.Context, rows []imageRow) ([]image.Image, error) {
	images := make([]image.Image, len(rows))
	byID := make(map[string]*image.Image, len(rows))
	ids := make([]string, len(rows))
	for k := range rows {
		images[k] = rows[k].image()
		ids[k] = rows[k].ID
		byID[ids[k]] = &images[k]
	}
	var tags []tagRow
	if err := s.db.Q(ctx).NewSelect().Model(&tags).Where("image_id IN (?)", bun.List(ids)).Order("tag").Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the tags of images: %w", err)
	}
	for _, t := range tags {
		byID[t.ImageID].Tags = append(byID[t.ImageID].Tags, t.Tag)
	}
	var properties []propertyRow
	if err := s.db.Q(ctx).NewSelect().Model(&properties).Where("image_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading the properties of images: %w", err)
	}
	for _, p := range properties {
		byID[p.ImageID].Properties[p.Name] = p.Value
	}
	return images, nil
}

// Uploads implements image.Store.
func (s *Store) Uploads(ctx context.Context) ([]image.Image, error) {
	var rows []imageRow
	err := s.db.Select(ctx, db.Everywhere(), &rows).Column("id", "status", "upload", "lease_at").Where("upload <> ''").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the uploads of images: %w", err)
	}
	images := make([]image.Image, 0, len(rows))
	for k := range rows {
		images = append(images, rows[k].image())
	}
	return images, nil
}
