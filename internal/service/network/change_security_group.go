package network

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// SecurityGroupChange is what should change of a security group; nil fields stay.
type SecurityGroupChange struct {
	Name, Description *string
	Stateful          *bool
	Revision          *int64 // that it must have; nil: any
}

// ChangeSecurityGroup changes a group.
func (s *Service) ChangeSecurityGroup(ctx context.Context, c *auth.Caller, id string, in SecurityGroupChange) (SecurityGroup, error) {
	return tx(ctx, s, func(ctx context.Context) (SecurityGroup, error) {
		g, err := s.store.Group(ctx, c.Scope(), id)
		if err != nil {
			return g, err
		}
		if err := mine(c, g.ProjectID, "update_security_group"); err != nil {
			return g, err
		}
		if err := g.expect("security_group", id, in.Revision); err != nil {
			return g, err
		}
		if g.Default && in.Name != nil && *in.Name != g.Name {
			return g, fault.Conflictf("security group", id, "Updating default security group not allowed: it keeps its name.").
				WithCode("SecurityGroupCannotUpdateDefault")
		}
		if !g.Default && in.Name != nil && *in.Name == defaultName {
			return g, fault.Conflictf("security group", id, "Default security group already exists: each project has one of its own.").
				WithCode("SecurityGroupDefaultAlreadyExists")
		}
		if in.Stateful != nil && *in.Stateful != g.Stateful {
			if err := s.checkGroupUnused(ctx, g); err != nil {
				return g, err
			}
		}
		set(&g.Name, in.Name)
		set(&g.Description, in.Description)
		set(&g.Stateful, in.Stateful)
		g.touch()
		if err := s.store.ChangeGroup(ctx, g); err != nil {
			return g, err
		}
		return g, s.note(ctx, "security_group", g.ID, g.ProjectID, "updated", Unit{KindGroup, g.ID})
	})
}

func (s *Service) checkGroupUnused(ctx context.Context, g SecurityGroup) error {
	ports, err := s.store.Ports(ctx, db.Everywhere(), By("group_id", g.ID))
	if err != nil {
		return err
	}
	if len(ports) == 0 {
		return nil
	}
	return fault.Conflictf("security group", g.ID, "Security Group %s in use by ports %s.", g.ID, describePorts(ports)).WithCode("SecurityGroupInUse")
}

// DeleteSecurityGroup deletes a group that no port is in, with its rules and the rules that admit its members.
func (s *Service) DeleteSecurityGroup(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		g, err := s.store.Group(ctx, c.Scope(), id)
		if err != nil {
			return err
		}
		if err := mine(c, g.ProjectID, "delete_security_group"); err != nil {
			return err
		}
		if err := g.expect("security_group", id, revision); err != nil {
			return err
		}
		if err := s.checkGroupUnused(ctx, g); err != nil {
			return err
		}
		if g.Default && !c.Admin() {
			return fault.Conflictf("security group", id, "Insufficient rights for removing default security group.").WithCode("SecurityGroupCannotRemoveDefault")
		}
		units := []Unit{{KindGroup, id}}
		rules, err := s.store.Rules(ctx, db.Everywhere(), By("remote_group_id", id))
		if err != nil {
			return err
		}
		for _, r := range rules {
			units = append(units, Unit{KindGroup, r.GroupID})
		}
		if err := s.store.RemoveGroup(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "security_group", id, g.ProjectID, "deleted", units...)
	})
}
