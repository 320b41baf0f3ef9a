package identity

import (
	"context"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// adminName is the name of the first user, and of its project.
const adminName = "admin"

// EnsureBootstrap makes what every installation begins with, as far as it is not there: the domain Default, the roles
// and what they imply, and the user admin with the role admin on its project, on the domain and on the system. With a
// password it also sets admin's, if it is another one, and enables admin. It may be run again and on several control
// nodes at a time.
func (s *Service) EnsureBootstrap(ctx context.Context, adminPassword string) error {
	hash, err := s.adminHash(ctx, adminPassword)
	if err != nil {
		return fmt.Errorf("checking the password of %s: %w", adminName, err)
	}
	var last error
	for range 3 { // a conflict means that another control node is doing the same
		last = s.db.Tx(ctx, func(ctx context.Context) error { return s.bootstrap(ctx, hash) })
		if last == nil || !fault.Is(last, fault.Conflict) {
			break
		}
	}
	if last != nil {
		return fmt.Errorf("making the first domain, roles and user: %w", last)
	}
	return nil
}

// adminHash is the hash to store for admin: empty if the stored one matches or no password is given.
func (s *Service) adminHash(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", nil
	}
	u, err := s.store.Users.UserByName(ctx, DefaultDomainID, adminName)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	if u.PasswordHash != "" {
		same, err := s.hasher.matches(ctx, u.PasswordHash, password)
		if err != nil || same && u.Enabled {
			return "", err
		}
	}
	return s.hasher.hash(ctx, password)
}

func (s *Service) bootstrap(ctx context.Context, hash string) error {
	_, err := ensure(ctx, s.store.Projects.Project, DefaultDomainID, func() (Project, error) {
		d := Project{ID: DefaultDomainID, Name: DefaultDomainName, IsDomain: true, Enabled: true, Description: "The default domain", CreatedAt: s.time(), Revision: 1}
		return d, s.insertProject(ctx, d)
	})
	if err != nil {
		return err
	}
	adminRole, err := s.ensureRoles(ctx)
	if err != nil {
		return err
	}
	inDefault := func(ctx context.Context, name string) (Project, error) {
		return s.store.Projects.ProjectByName(ctx, DefaultDomainID, name)
	}
	project, err := ensure(ctx, inDefault, adminName, func() (Project, error) {
		return s.CreateProject(ctx, Project{Name: adminName, DomainID: DefaultDomainID, Enabled: true, Description: "The administrator's project"})
	})
	if err != nil {
		return err
	}
	user, err := s.ensureAdmin(ctx, project.ID, hash)
	if err != nil {
		return err
	}
	for _, on := range []Scope{{ProjectID: project.ID}, {DomainID: DefaultDomainID}, {System: true}} {
		if err := s.ensureAssigned(ctx, Assignment{Actor: Actor{UserID: user.ID}, Scope: on, RoleID: adminRole}); err != nil {
			return err
		}
	}
	return nil
}

// ensureAdmin makes the user admin, or gives it the password.
func (s *Service) ensureAdmin(ctx context.Context, projectID, hash string) (User, error) {
	inDefault := func(ctx context.Context, name string) (User, error) {
		return s.store.Users.UserByName(ctx, DefaultDomainID, name)
	}
	created := false
	u, err := ensure(ctx, inDefault, adminName, func() (User, error) {
		created = true
		now := s.time()
		u := User{
			ID: newID(), Name: adminName, DomainID: DefaultDomainID, DefaultProjectID: projectID, Enabled: true,
			PasswordHash: hash, PasswordChangedAt: now, CreatedAt: now, Revision: 1,
		}
		if err := s.store.Users.InsertUser(ctx, u); err != nil {
			return u, err
		}
		return u, s.tell(ctx, "user", "created", u.ID, "", about{Name: u.Name, DomainID: u.DomainID})
	})
	if err != nil || created || hash == "" {
		return u, err
	}
	u.PasswordHash, u.PasswordChangedAt, u.Enabled = hash, s.time(), true
	if err := s.store.Users.UpdateUser(ctx, u); err != nil {
		return u, err
	}
	if err := s.revoke(ctx, auth.ByUser(u.ID)); err != nil {
		return u, err
	}
	return u, s.tell(ctx, "user", "updated", u.ID, "", about{Name: u.Name, DomainID: u.DomainID})
}

// ensureRoles makes the roles, each of the first four implying the next, and returns the id of admin.
func (s *Service) ensureRoles(ctx context.Context) (string, error) {
	ids := map[string]string{}
	for _, name := range []string{RoleAdmin, RoleManager, RoleMember, RoleReader, RoleService} {
		r, err := ensure(ctx, s.globalRole, name, func() (Role, error) { return s.CreateRole(ctx, Role{Name: name}) })
		if err != nil {
			return "", err
		}
		ids[name] = r.ID
	}
	for _, pair := range [][2]string{{RoleAdmin, RoleManager}, {RoleManager, RoleMember}, {RoleMember, RoleReader}} {
		if err := s.store.Roles.Imply(ctx, Implication{ids[pair[0]], ids[pair[1]]}); err != nil {
			return "", err
		}
	}
	return ids[RoleAdmin], nil
}

func (s *Service) globalRole(ctx context.Context, name string) (Role, error) {
	found, err := s.store.Roles.ListRoles(ctx, RoleFilter{Name: name}, query.Page{Limit: 1})
	if err == nil && len(found) == 0 {
		err = fault.Missing("role", name)
	}
	if err != nil {
		return Role{}, err
	}
	return found[0], nil
}

func (s *Service) ensureAssigned(ctx context.Context, a Assignment) error {
	there, err := s.store.Assignments.Assigned(ctx, a)
	if err != nil || there {
		return err
	}
	return s.Assign(ctx, a)
}

// ensure finds a thing, or makes it where there is none.
func ensure[T any](ctx context.Context, find func(context.Context, string) (T, error), key string, create func() (T, error)) (T, error) {
	found, err := find(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return create()
	}
	return found, err
}
