package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/spf13/cobra"
)

func userCommand(o *options) *cobra.Command {
	return noun(o, "user", "Users (for administrators)", userList(o), userCreate(o), userDelete(o), userGrant(o))
}

func userColumns() []column[users.User] {
	return []column[users.User]{
		{"id", func(u users.User) any { return u.ID }},
		{"name", func(u users.User) any { return u.Name }},
		{"domain", func(u users.User) any { return u.DomainID }},
		{"enabled", func(u users.User) any { return u.Enabled }},
		{"description", func(u users.User) any { return u.Description }},
	}
}

func findUser(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*users.User, error) {
	return finder[users.User]{
		kind: "user",
		list: func(string) ([]users.User, error) { // ids need not be UUIDs here
			return pages(ctx, users.List(c, users.ListOpts{}), users.ExtractUsers)
		},
		id:   func(u users.User) string { return u.ID },
		name: func(u users.User) string { return u.Name },
	}.find(ref)
}

func userList(o *options) *cobra.Command {
	return verb(o, "list", "List users", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.identity()
		if err != nil {
			return err
		}
		items, err := pages(ctx, users.List(c, users.ListOpts{}), users.ExtractUsers)
		if err != nil {
			return err
		}
		return list(s, items, userColumns())
	})
}

func userCreate(o *options) *cobra.Command {
	var opts users.CreateOpts
	var project, role string
	var input io.Reader
	c := verb(o, "create NAME", "Create a user; the password is read from standard input", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.identity()
		if err != nil {
			return err
		}
		s.say("password:")
		line, err := bufio.NewReader(input).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the password: %w", err)
		}
		opts.Name, opts.Password = args[0], strings.TrimRight(line, "\r\n")
		if opts.Password == "" {
			return errors.New("the password is empty: write it to standard input, as one line")
		}
		made, err := users.Create(ctx, c, opts).Extract()
		if err != nil {
			return err
		}
		if project != "" {
			if err := grant(ctx, c, made.ID, project, role); err != nil {
				return err
			}
		}
		return show(s, *made, userColumns())
	})
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		input = c.InOrStdin()
		return run(c, args)
	}
	c.Flags().StringVar(&opts.Description, "description", "", "a description")
	c.Flags().StringVar(&opts.DomainID, "domain", usualDomain, "the id of the domain")
	c.Flags().StringVar(&project, "project", "", "a project that the user may work in")
	c.Flags().StringVar(&role, "role", "member", "as what")
	return c
}

func userDelete(o *options) *cobra.Command {
	return verb(o, "delete USER...", "Delete users", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.identity()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			u, err := findUser(ctx, c, ref)
			if err != nil {
				return err
			}
			return users.Delete(ctx, c, u.ID).ExtractErr()
		})
	})
}

func userGrant(o *options) *cobra.Command {
	var project, role string
	c := verb(o, "grant USER", "Let a user work in a project", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.identity()
		if err != nil {
			return err
		}
		u, err := findUser(ctx, c, args[0])
		if err != nil {
			return err
		}
		return grant(ctx, c, u.ID, project, role)
	})
	c.Flags().StringVar(&project, "project", "", "the project")
	c.Flags().StringVar(&role, "role", "member", "as what: reader, member, admin ...")
	return required(c, "project")
}

func grant(ctx context.Context, c *gophercloud.ServiceClient, userID, project, role string) error {
	p, err := findProject(ctx, c, project)
	if err != nil {
		return err
	}
	r, err := finder[roles.Role]{
		kind: "role",
		list: func(string) ([]roles.Role, error) {
			return pages(ctx, roles.List(c, roles.ListOpts{}), roles.ExtractRoles)
		},
		id:   func(r roles.Role) string { return r.ID },
		name: func(r roles.Role) string { return r.Name },
	}.find(role)
	if err != nil {
		return err
	}
	return roles.Assign(ctx, c, r.ID, roles.AssignOpts{UserID: userID, ProjectID: p.ID}).ExtractErr()
}
