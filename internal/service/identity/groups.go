package identity

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// GroupChange is what a request changes of a group; nil leaves it.
type GroupChange struct {
	Name, Description *string
	Extra             map[string]any // added to what is there; a nil value removes
}

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, g Group) (Group, error) {
	if err := checkName("name", g.Name, maxProjectName); err != nil {
		return Group{}, err
	}
	if err := manage(ctx, g.DomainID, "identity:create_group"); err != nil {
		return Group{}, err
	}
	g.ID, g.CreatedAt, g.Revision = newID(), s.time(), 1
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.domain(ctx, g.DomainID); err != nil {
			return err
		}
		if err := s.store.Groups.InsertGroup(ctx, g); err != nil {
			return err
		}
		return s.tell(ctx, "group", "created", g.ID, "", about{g.Name, g.DomainID, by(ctx)})
	})
	return g, err
}

// ShowGroup reads a group, for who may read its domain.
func (s *Service) ShowGroup(ctx context.Context, c *auth.Caller, id string) (Group, error) {
	return s.readableGroup(ctx, c, id, "identity:get_group")
}

func (s *Service) readableGroup(ctx context.Context, c *auth.Caller, id, policy string) (Group, error) {
	g, err := s.store.Groups.Group(ctx, id)
	if err != nil {
		return Group{}, hide(c, err, policy)
	}
	if !readsDomain(c, g.DomainID) {
		return Group{}, refused(policy)
	}
	return g, nil
}

// ListGroups reads a page of the groups that the caller may read.
func (s *Service) ListGroups(ctx context.Context, c *auth.Caller, f GroupFilter, page query.Page) (groups []Group, err error) {
	if f.DomainID, err = readableDomain(c, f.DomainID, "identity:list_groups"); err != nil {
		return nil, err
	}
	return s.store.Groups.ListGroups(ctx, f, page)
}

// UpdateGroup changes a group.
func (s *Service) UpdateGroup(ctx context.Context, id string, c GroupChange) (Group, error) {
	var g Group
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		g, err = s.store.Groups.Group(ctx, id)
		if err := manageFound(ctx, g.DomainID, err, "identity:update_group"); err != nil {
			return err
		}
		g.Extra = mergeExtra(g.Extra, c.Extra)
		set(&g.Name, c.Name)
		set(&g.Description, c.Description)
		if err := checkName("name", g.Name, maxProjectName); err != nil {
			return err
		}
		if err := s.store.Groups.UpdateGroup(ctx, g); err != nil {
			return err
		}
		return s.tell(ctx, "group", "updated", id, "", about{g.Name, g.DomainID, by(ctx)})
	})
	return g, err
}

// DeleteGroup removes a group and takes from its members what they had through it.
func (s *Service) DeleteGroup(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		g, err := s.store.Groups.Group(ctx, id)
		if err != nil {
			return err // everyone is told, as Keystone's own tests want it
		}
		if err := manage(ctx, g.DomainID, "identity:delete_group"); err != nil {
			return err
		}
		return s.deleteGroup(ctx, g)
	})
}

func (s *Service) deleteGroup(ctx context.Context, g Group) error {
	held, err := s.store.Assignments.ListAssignments(ctx, AssignmentFilter{Actor: Actor{GroupID: g.ID}})
	if err != nil {
		return err
	}
	for _, a := range held {
		if err := s.revokeAssignment(ctx, a); err != nil {
			return err
		}
	}
	if err := s.store.Assignments.UnassignActor(ctx, Actor{GroupID: g.ID}); err != nil {
		return err
	}
	if err := s.store.Groups.DeleteGroup(ctx, g.ID); err != nil {
		return err
	}
	return s.tell(ctx, "group", "deleted", g.ID, "", about{g.Name, g.DomainID, by(ctx)})
}

// MembersOf reads a page of a group's users.
func (s *Service) MembersOf(ctx context.Context, c *auth.Caller, groupID string, f UserFilter, page query.Page) ([]User, error) {
	if _, err := s.readableGroup(ctx, c, groupID, "identity:list_users_in_group"); err != nil {
		return nil, err
	}
	f.GroupID, f.DomainID = groupID, ownDomain(c)
	return s.store.Users.ListUsers(ctx, f, page)
}

// membership is the data of the events about it.
type membership struct {
	UserID string `json:"user_id"`
	By     string `json:"by,omitempty"`
}

// AddMember puts a user into a group.
func (s *Service) AddMember(ctx context.Context, groupID, userID string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.groupAndUser(ctx, groupID, userID, "identity:add_user_to_group"); err != nil {
			return err
		}
		if err := s.store.Groups.AddMember(ctx, groupID, userID); err != nil {
			return err
		}
		return s.tell(ctx, "group", "member_added", groupID, "", membership{userID, by(ctx)})
	})
}

// RemoveMember takes a user out of a group, and back what it had through it.
func (s *Service) RemoveMember(ctx context.Context, groupID, userID string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.groupAndUser(ctx, groupID, userID, "identity:remove_user_from_group"); err != nil {
			return err
		}
		if err := s.store.Groups.RemoveMember(ctx, groupID, userID); err != nil {
			return err
		}
		held, err := s.store.Assignments.ListAssignments(ctx, AssignmentFilter{Actor: Actor{GroupID: groupID}})
		if err != nil {
			return err
		}
		for _, a := range held {
			a.Actor = Actor{UserID: userID}
			if err := s.revokeAssignment(ctx, a); err != nil {
				return err
			}
		}
		return s.tell(ctx, "group", "member_removed", groupID, "", membership{userID, by(ctx)})
	})
}

// IsMember tells whether a user is in a group.
func (s *Service) IsMember(ctx context.Context, c *auth.Caller, groupID, userID string) (bool, error) {
	if _, err := s.readableGroup(ctx, c, groupID, "identity:check_user_in_group"); err != nil {
		return false, err
	}
	if _, err := s.store.Users.User(ctx, userID); err != nil {
		return false, hide(c, err, "identity:check_user_in_group")
	}
	return s.store.Groups.IsMember(ctx, groupID, userID)
}

// groupAndUser finds both, and refuses who acts unless they may change the group.
func (s *Service) groupAndUser(ctx context.Context, groupID, userID, policy string) error {
	g, err := s.store.Groups.Group(ctx, groupID)
	if err == nil {
		_, err = s.store.Users.User(ctx, userID)
	}
	return manageFound(ctx, g.DomainID, err, policy)
}
