package image

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Members lists the projects that an image was given to: its owner sees all of them, a member only itself.
func (s *Service) Members(ctx context.Context, c *auth.Caller, imageID string) ([]Member, error) {
	i, err := s.store.Get(ctx, sight(c), imageID)
	if err != nil {
		return nil, err
	}
	members, err := s.store.Members(ctx, imageID)
	if err != nil || c.Admin() || i.ProjectID == c.ProjectID {
		return members, err
	}
	return slices.DeleteFunc(members, func(m Member) bool { return m.ProjectID != c.ProjectID }), nil
}

// Member returns one of Members.
func (s *Service) Member(ctx context.Context, c *auth.Caller, imageID, projectID string) (Member, error) {
	members, err := s.Members(ctx, c, imageID)
	if err != nil {
		return Member{}, err
	}
	k := slices.IndexFunc(members, func(m Member) bool { return m.ProjectID == projectID })
	if k < 0 {
		return Member{}, noMember(imageID, projectID)
	}
	return members[k], nil
}

func noMember(imageID, projectID string) error {
	return fault.New(fault.NotFound, "%s not found in the member list of the image %s.", projectID, imageID)
}

// AddMember gives a shared image to a project, which may accept it.
func (s *Service) AddMember(ctx context.Context, c *auth.Caller, imageID, projectID string) (Member, error) {
	if projectID == "" {
		return Member{}, fault.Invalidf("member", "the member must be the id of a project")
	}
	m := Member{ImageID: imageID, ProjectID: projectID, Status: Pending, CreatedAt: now()}
	m.UpdatedAt = m.CreatedAt
	return m, s.store.Tx(ctx, func(ctx context.Context) error {
		i, err := s.own(ctx, c, imageID)
		if err != nil {
			return err
		}
		if i.Visibility != Shared {
			return fault.New(fault.Forbidden, "Only shared images have members; image %s is %s.", imageID, i.Visibility)
		}
		members, err := s.store.Members(ctx, imageID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(members, func(m Member) bool { return m.ProjectID == projectID }) {
			return fault.Conflictf("member", projectID, "%s is already a member of image %s", projectID, imageID)
		}
		if len(members) >= maxTags {
			return fault.New(fault.TooLarge, "an image may have %d members", maxTags)
		}
		return s.store.PutMember(ctx, m)
	})
}

// SetMemberStatus is a member's answer to a gift. Only the member itself gives it.
func (s *Service) SetMemberStatus(ctx context.Context, c *auth.Caller, imageID, projectID string, st MemberStatus) (Member, error) {
	if !slices.Contains([]MemberStatus{Pending, Accepted, Rejected}, st) {
		return Member{}, fault.Invalidf("status", "the status of a member is pending, accepted or rejected, not '%s'", st)
	}
	var m Member
	err := s.store.Tx(ctx, func(ctx context.Context) error {
		var err error
		if m, err = s.Member(ctx, c, imageID, projectID); err != nil {
			return err
		}
		if !c.Admin() && c.ProjectID != projectID {
			return fault.New(fault.Forbidden, "only project %s itself may accept or reject image %s", projectID, imageID)
		}
		m.Status, m.UpdatedAt = st, now()
		return s.store.PutMember(ctx, m)
	})
	return m, err
}

// RemoveMember takes an image back from a project.
func (s *Service) RemoveMember(ctx context.Context, c *auth.Caller, imageID, projectID string) error {
	return s.store.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.own(ctx, c, imageID); err != nil {
			return err
		}
		return s.store.DeleteMember(ctx, imageID, projectID)
	})
}
