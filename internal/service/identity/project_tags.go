package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// SetTags gives a project these tags in place of those that it has.
func (s *Service) SetTags(ctx context.Context, id string, tags []string) ([]string, error) {
	return s.changeTags(ctx, id, "identity:update_project_tags", func([]string) ([]string, error) { return tags, nil })
}

// ClearTags takes all tags from a project.
func (s *Service) ClearTags(ctx context.Context, id string) error {
	_, err := s.changeTags(ctx, id, "identity:delete_project_tags", func([]string) ([]string, error) { return nil, nil })
	return err
}

// AddTag gives a project one more tag; nothing if it has it.
func (s *Service) AddTag(ctx context.Context, id, tag string) error {
	_, err := s.changeTags(ctx, id, "identity:create_project_tag", func(tags []string) ([]string, error) {
		if slices.Contains(tags, tag) {
			return tags, nil
		}
		return append(tags, tag), nil
	})
	return err
}

// RemoveTag takes a tag from a project.
func (s *Service) RemoveTag(ctx context.Context, id, tag string) error {
	_, err := s.changeTags(ctx, id, "identity:delete_project_tag", func(tags []string) ([]string, error) {
		at := slices.Index(tags, tag)
		if at < 0 {
			return nil, noTag(tag)
		}
		return slices.Delete(tags, at, at+1), nil
	})
	return err
}

func noTag(tag string) error {
	return fault.New(fault.NotFound, "Could not find project tag: %s.", tag)
}

func (s *Service) changeTags(ctx context.Context, id, policy string, change func([]string) ([]string, error)) ([]string, error) {
	var p Project
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if p, err = s.store.Projects.Project(ctx, id); err != nil {
			return hideFromActor(ctx, err, policy)
		}
		if c := auth.From(ctx); c != nil && !managesProject(c, p) {
			return refused(policy)
		}
		tags, err := change(slices.Clone(p.Tags))
		if err != nil {
			return err
		}
		return s.updateProject(ctx, &p, ProjectChange{Tags: &tags})
	})
	return p.Tags, err
}

// TagsOf reads the tags of a project.
func (s *Service) TagsOf(ctx context.Context, c *auth.Caller, id string) ([]string, error) {
	const policy = "identity:list_project_tags"
	p, err := s.store.Projects.Project(ctx, id)
	if err != nil {
		return nil, hide(c, err, policy)
	}
	if !readsProject(c, p) {
		return nil, refused(policy)
	}
	return p.Tags, nil
}

// CheckTag is NotFound unless a project has a tag.
func (s *Service) CheckTag(ctx context.Context, c *auth.Caller, id, tag string) error {
	tags, err := s.TagsOf(ctx, c, id)
	if err == nil && !slices.Contains(tags, tag) {
		err = noTag(tag)
	}
	return err
}
