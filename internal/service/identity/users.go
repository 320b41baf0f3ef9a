package identity

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// UserChange is what a request changes of a user; nil leaves it.
type UserChange struct {
	Name, Description, DefaultProjectID *string
	Password                            *string // "" takes the password away
	Enabled                             *bool
	Options                             func(UserOptions) UserOptions
	Extra                               map[string]any // added to what is there; a nil value removes
}

// CreateUser makes a user; without a password it can't log in with one.
func (s *Service) CreateUser(ctx context.Context, u User, password string) (User, error) {
	if err := manage(ctx, u.DomainID, "identity:create_user"); err != nil {
		return User{}, err
	}
	if err := checkName("name", u.Name, maxName); err != nil {
		return User{}, err
	}
	if password != "" {
		if err := s.checkPassword(password); err != nil {
			return User{}, err
		}
		hash, err := s.hasher.hash(ctx, password)
		if err != nil {
			return User{}, err
		}
		u.PasswordHash = hash
	}
	u.ID, u.CreatedAt, u.Revision = newID(), s.time(), 1
	u.PasswordChangedAt = u.CreatedAt
	s.setExpiry(&u, false)
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.domain(ctx, u.DomainID); err != nil {
			return err
		}
		if err := s.checkDefaultProject(ctx, u.DefaultProjectID); err != nil {
			return err
		}
		if err := s.store.Users.InsertUser(ctx, u); err != nil {
			return err
		}
		return s.tell(ctx, "user", "created", u.ID, "", about{u.Name, u.DomainID, by(ctx)})
	})
	return u, err
}

// checkDefaultProject refuses a domain as somebody's default; a project that is not there is allowed, as in Keystone.
func (s *Service) checkDefaultProject(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	p, err := s.store.Projects.Project(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil && p.IsDomain {
		return fault.Invalidf("default_project_id", "User's default project ID cannot be a domain ID: %s", id)
	}
	return err
}

// ShowUser reads a user, for itself or for who may read its domain.
func (s *Service) ShowUser(ctx context.Context, c *auth.Caller, id string) (User, error) {
	return s.readableUser(ctx, c, id, "identity:get_user")
}

func (s *Service) readableUser(ctx context.Context, c *auth.Caller, id, policy string) (User, error) {
	u, err := s.store.Users.User(ctx, id)
	if err != nil {
		return User{}, hide(c, err, policy)
	}
	if !readsUser(c, u) {
		return User{}, refused(policy)
	}
	return u, nil
}

// ListUsers reads a page of the users that the caller may read.
func (s *Service) ListUsers(ctx context.Context, c *auth.Caller, f UserFilter, page query.Page) (users []User, err error) {
	if f.DomainID, err = readableDomain(c, f.DomainID, "identity:list_users"); err != nil {
		return nil, err
	}
	return s.store.Users.ListUsers(ctx, f, page)
}

// UpdateUser changes a user. A new password, or being disabled, takes its tokens back.
func (s *Service) UpdateUser(ctx context.Context, id string, c UserChange) (User, error) {
	if err := s.manageUser(ctx, id, "identity:update_user"); err != nil {
		return User{}, err
	}
	hash := ""
	if c.Password != nil && *c.Password != "" {
		if err := s.checkPassword(*c.Password); err != nil {
			return User{}, err
		}
		var err error
		if hash, err = s.hasher.hash(ctx, *c.Password); err != nil {
			return User{}, err
		}
	}
	var u User
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if u, err = s.store.Users.User(ctx, id); err != nil {
			return err
		}
		if err := s.changeUser(ctx, &u, c); err != nil {
			return err
		}
		if c.Password != nil {
			if err := s.putPassword(ctx, &u, hash, false); err != nil {
				return err
			}
		}
		if err := s.store.Users.UpdateUser(ctx, u); err != nil {
			return err
		}
		if c.Password != nil || (c.Enabled != nil && !*c.Enabled) {
			if err := s.revoke(ctx, auth.ByUser(id)); err != nil {
				return err
			}
		}
		return s.tell(ctx, "user", "updated", id, "", about{u.Name, u.DomainID, by(ctx)})
	})
	return u, err
}

// manageUser refuses who acts, unless they may change a user.
func (s *Service) manageUser(ctx context.Context, id, policy string) error {
	u, err := s.store.Users.User(ctx, id)
	return manageFound(ctx, u.DomainID, err, policy)
}

func (s *Service) changeUser(ctx context.Context, u *User, c UserChange) error {
	set(&u.Name, c.Name)
	set(&u.Description, c.Description)
	set(&u.DefaultProjectID, c.DefaultProjectID)
	if c.Enabled != nil && *c.Enabled && !u.Enabled {
		u.LastActiveAt = s.time() // or who was barred as inactive would still be
	}
	set(&u.Enabled, c.Enabled)
	if c.Options != nil {
		u.Options = c.Options(u.Options)
		if yes(u.Options.IgnorePasswordExpiry) {
			u.PasswordExpiresAt = time.Time{}
		}
	}
	u.Extra = mergeExtra(u.Extra, c.Extra)
	if err := checkName("name", u.Name, maxName); err != nil {
		return err
	}
	if c.DefaultProjectID == nil {
		return nil
	}
	return s.checkDefaultProject(ctx, *c.DefaultProjectID)
}

// mergeExtra returns what clients have added with their changes; a nil value takes one away.
func mergeExtra(have, change map[string]any) map[string]any {
	out := map[string]any{}
	for _, from := range []map[string]any{have, change} {
		for k, v := range from {
			if v == nil {
				delete(out, k)
			} else {
				out[k] = v
			}
		}
	}
	return out
}

// ChangePassword sets a user's own password. It needs the present one, and for an unknown user takes as long and says
// the same as for a wrong one.
//
// An expired password is good for this. From is the address that the request comes from.
func (s *Service) ChangePassword(ctx context.Context, from, id, original, password string) error {
	if err := s.guard.admit(from, []string{UserRef{ID: id}.digest()}, s.now()); err != nil {
		return err
	}
	u, err := s.store.Users.User(ctx, id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	ok, err := s.hasher.matches(ctx, u.PasswordHash, original)
	if err != nil {
		return err
	}
	var at attempt
	if err := s.judge(ctx, &at, UserRef{ID: id}, u, ok); err != nil {
		return err
	}
	if !u.Enabled {
		return errLogIn()
	}
	if password == "" {
		return fault.Invalidf("password", "Invalid input: the new password must not be empty")
	}
	if password == original {
		return fault.Invalidf("password", "The new password is the same as the present one; choose another")
	}
	if err := s.checkOwnPassword(ctx, u, password); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.putPassword(ctx, &u, hash, true); err != nil {
			return err
		}
		if err := s.store.Users.UpdateUser(ctx, u); err != nil {
			return err
		}
		if at.failures > 0 {
			if err := s.store.Guards.ClearFailures(ctx, id); err != nil {
				return err
			}
		}
		if err := s.revoke(ctx, auth.ByUser(id)); err != nil {
			return err
		}
		return s.tell(ctx, "user", "updated", id, "", about{u.Name, u.DomainID, id})
	})
}

// DeleteUser removes a user, its assignments, memberships and tokens.
func (s *Service) DeleteUser(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		u, err := s.store.Users.User(ctx, id)
		if err := manageFound(ctx, u.DomainID, err, "identity:delete_user"); err != nil {
			return err
		}
		return s.deleteUser(ctx, u)
	})
}

func (s *Service) deleteUser(ctx context.Context, u User) error {
	if err := s.store.Assignments.UnassignActor(ctx, Actor{UserID: u.ID}); err != nil {
		return err
	}
	if err := s.store.Users.DeleteUser(ctx, u.ID); err != nil {
		return err
	}
	if err := s.revoke(ctx, auth.ByUser(u.ID)); err != nil {
		return err
	}
	return s.tell(ctx, "user", "deleted", u.ID, "", about{u.Name, u.DomainID, by(ctx)})
}

// ProjectsOf reads a page of the projects on which a user holds a role.
func (s *Service) ProjectsOf(ctx context.Context, c *auth.Caller, userID string, f ProjectFilter, page query.Page) ([]Project, error) {
	if _, err := s.readableUser(ctx, c, userID, "identity:list_user_projects"); err != nil {
		return nil, err
	}
	f.UserID = userID
	return s.store.Projects.ListProjects(ctx, f, page)
}

// GroupsOf reads a page of the groups that a user is in.
func (s *Service) GroupsOf(ctx context.Context, c *auth.Caller, userID string, f GroupFilter, page query.Page) ([]Group, error) {
	if _, err := s.readableUser(ctx, c, userID, "identity:list_groups_for_user"); err != nil {
		return nil, err
	}
	if c.UserID != userID {
		f.DomainID = ownDomain(c)
	}
	f.UserID = userID
	return s.store.Groups.ListGroups(ctx, f, page)
}

// Reachable reads the projects, or the domains, that a caller can scope a token to.
func (s *Service) Reachable(ctx context.Context, c *auth.Caller, domains bool, page query.Page) ([]Project, error) {
	enabled := true
	return s.store.Projects.ListProjects(ctx, ProjectFilter{UserID: c.UserID, IsDomain: domains, Enabled: &enabled, InEnabledDomain: !domains}, page)
}

// ReachesSystem tells whether a caller can scope a token to the system.
func (s *Service) ReachesSystem(ctx context.Context, c *auth.Caller) (bool, error) {
	held, err := s.store.Assignments.Held(ctx, c.UserID, Scope{System: true})
	return len(held) > 0, err
}
