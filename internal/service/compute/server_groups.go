package compute

import (
	"context"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

// CreateServerGroup makes a group of the caller's project.
func (s *Service) CreateServerGroup(ctx context.Context, caller *auth.Caller, g ServerGroup) (ServerGroup, error) {
	if caller.ProjectID == "" {
		return g, fault.Invalidf("server_group", "a server group belongs to a project, and the token is scoped to none: log in with a project")
	}
	if g.MaxPerHost != 0 && g.Policy != placement.AntiAffinity {
		return g, fault.Invalidf("server_group.rules", "Only anti-affinity policy supports rules.")
	}
	g.ID, g.ProjectID, g.UserID, g.CreatedAt, g.Revision = uuid.NewString(), caller.ProjectID, caller.UserID, s.now(), 1
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		quota, err := s.store.Quota(ctx, g.ProjectID, s.settings.Quota)
		if err != nil {
			return err
		}
		if quota.ServerGroups >= 0 {
			n, err := s.store.CountServerGroups(ctx, g.ProjectID)
			if err != nil {
				return err
			}
			if n >= quota.ServerGroups {
				return fault.New(fault.QuotaExceeded, "Quota exceeded, too many server groups: the project has %d of %d", n, quota.ServerGroups)
			}
		}
		return s.store.InsertServerGroup(ctx, g)
	})
	return g, err
}

// ShowServerGroup returns a group with its members.
func (s *Service) ShowServerGroup(ctx context.Context, caller *auth.Caller, id string) (ServerGroup, error) {
	return s.store.FindServerGroup(ctx, caller.Scope(), id)
}

// ListServerGroups returns the groups of the caller's project, or of all projects, which is for admins.
func (s *Service) ListServerGroups(ctx context.Context, caller *auth.Caller, all bool, offset, limit int) ([]ServerGroup, error) {
	scope := caller.Own()
	if all {
		if !caller.Admin() {
			return nil, fault.New(fault.Forbidden, "the server groups of all projects are for admins only: leave all_projects out")
		}
		scope = caller.Scope()
	}
	return s.store.ListServerGroups(ctx, scope, offset, limit)
}

// DeleteServerGroup removes a group. Its members stay where they are.
func (s *Service) DeleteServerGroup(ctx context.Context, caller *auth.Caller, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error { return s.store.DeleteServerGroup(ctx, caller.Scope(), id) })
}

// join makes sure that a group that new servers name is there and has room for them, in the transaction of ctx.
func (s *Service) join(ctx context.Context, caller *auth.Caller, groupID string, more int) error {
	if groupID == "" {
		return nil
	}
	_, err := s.store.FindServerGroup(ctx, caller.Scope(), groupID)
	if fault.Is(err, fault.NotFound) {
		return fault.Invalidf("os:scheduler_hints.group", "Instance group %s could not be found.", groupID)
	}
	if err != nil {
		return err
	}
	quota, err := s.store.Quota(ctx, caller.ProjectID, s.settings.Quota)
	if err != nil || quota.GroupMembers < 0 {
		return err
	}
	n, err := s.store.CountGroupMembers(ctx, groupID, caller.UserID)
	if err != nil {
		return err
	}
	if n+more > quota.GroupMembers {
		return fault.New(fault.QuotaExceeded, "Quota exceeded, too many servers in group: you have %d of %d there and ask for %d", n, quota.GroupMembers, more)
	}
	return nil
}
