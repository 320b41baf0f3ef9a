package network

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// ParentGroup is the RemoteGroupID of a template that means the group itself which is made of it.
const ParentGroup = "PARENT"

// RuleTemplate is a rule that new security groups have. Its GroupID and ProjectID are empty.
type RuleTemplate struct {
	Rule

	InDefault bool // in the projects' default groups
	InOthers  bool // in all others
}

// RuleTemplateStore keeps the templates of rules.
type RuleTemplateStore interface {
	// AddRuleTemplate tells whether it could: not if there is one like it.
	AddRuleTemplate(ctx context.Context, t RuleTemplate) (bool, error)
	RuleTemplate(ctx context.Context, id string) (RuleTemplate, error)
	RuleTemplates(ctx context.Context, q Query) ([]RuleTemplate, error)
	RemoveRuleTemplate(ctx context.Context, id string) error
}

// CreateRuleTemplate adds a rule to those that new security groups have. Groups that are there stay as they are.
func (s *Service) CreateRuleTemplate(ctx context.Context, _ *auth.Caller, in NewRule, inDefault, inOthers bool) (RuleTemplate, error) {
	return tx(ctx, s, func(ctx context.Context) (RuleTemplate, error) {
		t := RuleTemplate{
			Rule: Rule{
				ID: uuid.NewString(), Description: in.Description, Direction: in.Direction, V6: in.V6, Protocol: strings.ToLower(in.Protocol),
				PortMin: in.PortMin, PortMax: in.PortMax, RemoteGroupID: in.RemoteGroupID, AddressGroupID: in.AddressGroupID,
				RemotePrefix: in.RemotePrefix, Stamp: born(),
			},
			InDefault: inDefault, InOthers: inOthers,
		}
		if err := checkRule(&t.Rule); err != nil {
			return t, err
		}
		if t.RemoteGroupID != "" && t.RemoteGroupID != ParentGroup {
			if _, err := s.store.Group(ctx, db.Everywhere(), t.RemoteGroupID); err != nil {
				return t, err
			}
		}
		if t.AddressGroupID != "" {
			if _, err := s.store.AddressGroup(ctx, db.Everywhere(), t.AddressGroupID); err != nil {
				return t, err
			}
		}
		added, err := s.store.AddRuleTemplate(ctx, t)
		if err != nil {
			return t, err
		}
		if !added {
			return t, fault.Conflictf("default security group rule", "", "Default security group rule already exists: there is one with the same direction, ethertype, protocol, ports and remote.").
				WithCode("DefaultSecurityGroupRuleExists")
		}
		return t, s.note(ctx, "default_security_group_rule", t.ID, "", "created")
	})
}

// ShowRuleTemplate reads a template.
func (s *Service) ShowRuleTemplate(ctx context.Context, id string) (RuleTemplate, error) {
	return s.store.RuleTemplate(ctx, id)
}

// RuleTemplates lists templates.
func (s *Service) RuleTemplates(ctx context.Context, q Query) ([]RuleTemplate, error) {
	return s.store.RuleTemplates(ctx, q)
}

// DeleteRuleTemplate deletes a template. Groups that are there stay as they are.
func (s *Service) DeleteRuleTemplate(ctx context.Context, _ *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		t, err := s.store.RuleTemplate(ctx, id)
		if err != nil {
			return err
		}
		if err := t.expect("default_security_group_rule", id, revision); err != nil {
			return err
		}
		if err := s.store.RemoveRuleTemplate(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "default_security_group_rule", id, "", "deleted")
	})
}

// templated are the rules of a new group, by the templates. A template that names what has gone since is left out.
func (s *Service) templated(ctx context.Context, g SecurityGroup) ([]Rule, error) {
	attribute := "in_others"
	if g.Default {
		attribute = "in_default"
	}
	list, err := s.store.RuleTemplates(ctx, By(attribute, "true"))
	if err != nil {
		return nil, err
	}
	remotes, err := s.remotesOf(ctx, list)
	if err != nil {
		return nil, err
	}
	remotes[""], remotes[ParentGroup] = true, true
	var out []Rule
	for _, t := range list {
		r := t.Rule
		if !remotes[r.RemoteGroupID] || !remotes[r.AddressGroupID] {
			continue
		}
		r.ID, r.GroupID, r.ProjectID, r.Stamp = uuid.NewString(), g.ID, g.ProjectID, born()
		if r.RemoteGroupID == ParentGroup {
			r.RemoteGroupID = g.ID
		}
		out = append(out, r)
	}
	return out, nil
}

// remotesOf are the ids of those groups, of ports and of addresses, that templates name and that are there.
func (s *Service) remotesOf(ctx context.Context, list []RuleTemplate) (map[string]bool, error) {
	var groupIDs, addressIDs []string
	for _, t := range list {
		if t.RemoteGroupID != "" && t.RemoteGroupID != ParentGroup {
			groupIDs = append(groupIDs, t.RemoteGroupID)
		}
		if t.AddressGroupID != "" {
			addressIDs = append(addressIDs, t.AddressGroupID)
		}
	}
	there := map[string]bool{}
	if len(groupIDs) > 0 {
		q := ByID(groupIDs...)
		q.Bare = true
		groups, err := s.store.Groups(ctx, db.Everywhere(), q)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			there[g.ID] = true
		}
	}
	if len(addressIDs) > 0 {
		groups, err := s.store.AddressGroups(ctx, db.Everywhere(), ByID(addressIDs...))
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			there[g.ID] = true
		}
	}
	return there, nil
}
