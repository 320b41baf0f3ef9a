package cli

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/spf13/cobra"
)

func securityGroupCommand(o *options) *cobra.Command {
	c := noun(o, "security-group", "Security groups: what may reach servers",
		securityGroupList(o), securityGroupShow(o), securityGroupCreate(o), securityGroupDelete(o))
	rule := &cobra.Command{Use: "rule", Short: "The rules of security groups", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	rule.AddCommand(ruleAdd(o), ruleRemove(o))
	c.AddCommand(rule)
	return c
}

func securityGroupColumns() []column[groups.SecGroup] {
	return []column[groups.SecGroup]{
		{"id", func(g groups.SecGroup) any { return g.ID }},
		{"name", func(g groups.SecGroup) any { return g.Name }},
		{"description", func(g groups.SecGroup) any { return g.Description }},
	}
}

func findSecurityGroup(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*groups.SecGroup, error) {
	return finder[groups.SecGroup]{
		kind: "security group",
		get:  func(id string) (*groups.SecGroup, error) { return groups.Get(ctx, c, id).Extract() },
		list: func(name string) ([]groups.SecGroup, error) {
			return pages(ctx, groups.List(c, groups.ListOpts{Name: name}), groups.ExtractGroups)
		},
		id:   func(g groups.SecGroup) string { return g.ID },
		name: func(g groups.SecGroup) string { return g.Name },
	}.find(ref)
}

func securityGroupList(o *options) *cobra.Command {
	return verb(o, "list", "List security groups", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		items, err := pages(ctx, groups.List(c, groups.ListOpts{}), groups.ExtractGroups)
		if err != nil {
			return err
		}
		return list(s, items, securityGroupColumns())
	})
}

func securityGroupShow(o *options) *cobra.Command {
	return verb(o, "show GROUP", "Show a security group with its rules", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		g, err := findSecurityGroup(ctx, c, args[0])
		if err != nil {
			return err
		}
		if s.format == "json" {
			o := object(*g, securityGroupColumns())
			rules := make([]map[string]any, 0, len(g.Rules))
			for _, r := range g.Rules {
				rules = append(rules, object(r, ruleColumns()))
			}
			o["rules"] = rules
			return s.json(o)
		}
		if err := show(s, *g, securityGroupColumns()); err != nil {
			return err
		}
		fmt.Fprintln(s.out)
		return list(s, g.Rules, ruleColumns())
	})
}

func securityGroupCreate(o *options) *cobra.Command {
	var opts groups.CreateOpts
	c := verb(o, "create NAME", "Create a security group", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		opts.Name = args[0]
		made, err := groups.Create(ctx, c, opts).Extract()
		if err != nil {
			return err
		}
		return show(s, *made, securityGroupColumns())
	})
	c.Flags().StringVar(&opts.Description, "description", "", "a description")
	return c
}

func securityGroupDelete(o *options) *cobra.Command {
	return verb(o, "delete GROUP...", "Delete security groups", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			g, err := findSecurityGroup(ctx, c, ref)
			if err != nil {
				return err
			}
			return groups.Delete(ctx, c, g.ID).ExtractErr()
		})
	})
}
