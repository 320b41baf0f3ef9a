package network

import (
	"context"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewSecurityGroup is what a security group is made of.
type NewSecurityGroup struct {
	ProjectID, Name, Description string
	Stateful                     *bool
}

// CreateSecurityGroup makes a group. Unless the templates of rules were changed it lets everything out and nothing in.
func (s *Service) CreateSecurityGroup(ctx context.Context, c *auth.Caller, in NewSecurityGroup) (SecurityGroup, error) {
	return tx(ctx, s, func(ctx context.Context) (SecurityGroup, error) {
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return SecurityGroup{}, err
		}
		if in.Name == defaultName {
			return SecurityGroup{}, fault.Conflictf("security group", "", "Default security group already exists: each project has one of its own.").
				WithCode("SecurityGroupDefaultAlreadyExists")
		}
		if _, err := s.DefaultGroup(ctx, projectID); err != nil {
			return SecurityGroup{}, err
		}
		if err := s.room(ctx, "security_group", projectID, 1); err != nil {
			return SecurityGroup{}, err
		}
		g := SecurityGroup{
			ID: uuid.NewString(), ProjectID: projectID, Name: in.Name, Description: in.Description, Stateful: or(in.Stateful, true), Stamp: born(),
		}
		_, err = s.addGroup(ctx, &g)
		return g, err
	})
}

const defaultName = "default"

// addGroup writes a group with the rules that new groups have, by the templates. It tells whether it did: not if the project has a default group.
func (s *Service) addGroup(ctx context.Context, g *SecurityGroup) (bool, error) {
	added, err := s.store.AddGroup(ctx, *g)
	if err != nil || !added {
		return false, err
	}
	if g.Rules, err = s.templated(ctx, *g); err != nil {
		return false, err
	}
	if _, err := s.store.AddRules(ctx, g.Rules...); err != nil {
		return false, err
	}
	return true, s.note(ctx, "security_group", g.ID, g.ProjectID, "created", Unit{KindGroup, g.ID})
}

// DefaultGroup is the default security group of a project; the first use makes it.
func (s *Service) DefaultGroup(ctx context.Context, projectID string) (SecurityGroup, error) {
	return tx(ctx, s, func(ctx context.Context) (SecurityGroup, error) {
		id, err := s.defaultGroupID(ctx, projectID)
		if err != nil {
			return SecurityGroup{}, err
		}
		return s.store.Group(ctx, db.InProject(projectID), id)
	})
}

// defaultGroupID finds or makes the default group of a project, in the transaction of the context.
func (s *Service) defaultGroupID(ctx context.Context, projectID string) (string, error) {
	q := By("default", "true")
	q.Where["project_id"] = []string{projectID} // others' may be shared with it
	q.Bare = true
	for {
		list, err := s.store.Groups(ctx, db.InProject(projectID), q)
		if err != nil || len(list) > 0 {
			return first(list).ID, err
		}
		g := SecurityGroup{
			ID: uuid.NewString(), ProjectID: projectID, Name: defaultName, Description: "Default security group",
			Default: true, Stateful: true, Stamp: born(),
		}
		if added, err := s.addGroup(ctx, &g); err != nil || added {
			return g.ID, err
		}
	}
}

func first[T any](list []T) T {
	var none T
	if len(list) == 0 {
		return none
	}
	return list[0]
}
