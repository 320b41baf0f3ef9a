package cli

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/spf13/cobra"
)

// usualDomain is the id of the domain that every cloud has.
const usualDomain = "default"

func projectCommand(o *options) *cobra.Command {
	return noun(o, "project", "Projects: who owns things", projectList(o), projectCreate(o), projectDelete(o))
}

func projectColumns() []column[projects.Project] {
	return []column[projects.Project]{
		{"id", func(p projects.Project) any { return p.ID }},
		{"name", func(p projects.Project) any { return p.Name }},
		{"domain", func(p projects.Project) any { return p.DomainID }},
		{"enabled", func(p projects.Project) any { return p.Enabled }},
		{"description", func(p projects.Project) any { return p.Description }},
	}
}

func findProject(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*projects.Project, error) {
	return finder[projects.Project]{
		kind: "project",
		list: func(string) ([]projects.Project, error) { // ids need not be UUIDs here
			return pages(ctx, projects.List(c, projects.ListOpts{}), projects.ExtractProjects)
		},
		id:   func(p projects.Project) string { return p.ID },
		name: func(p projects.Project) string { return p.Name },
	}.find(ref)
}

func projectList(o *options) *cobra.Command {
	var mine bool
	c := verb(o, "list", "List projects (for administrators; --mine for everyone)", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.identity()
		if err != nil {
			return err
		}
		pager := projects.List(c, projects.ListOpts{})
		if mine {
			pager = projects.ListAvailable(c)
		}
		items, err := pages(ctx, pager, projects.ExtractProjects)
		if err != nil {
			return err
		}
		return list(s, items, projectColumns())
	})
	c.Flags().BoolVar(&mine, "mine", false, "those that you may log in to")
	return c
}

func projectCreate(o *options) *cobra.Command {
	var opts projects.CreateOpts
	c := verb(o, "create NAME", "Create a project (for administrators)", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.identity()
		if err != nil {
			return err
		}
		opts.Name = args[0]
		made, err := projects.Create(ctx, c, opts).Extract()
		if err != nil {
			return err
		}
		return show(s, *made, projectColumns())
	})
	c.Flags().StringVar(&opts.Description, "description", "", "a description")
	c.Flags().StringVar(&opts.DomainID, "domain", usualDomain, "the id of its domain")
	return c
}

func projectDelete(o *options) *cobra.Command {
	return verb(o, "delete PROJECT...", "Delete projects (for administrators)", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.identity()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			p, err := findProject(ctx, c, ref)
			if err != nil {
				return err
			}
			return projects.Delete(ctx, c, p.ID).ExtractErr()
		})
	})
}
