package cli

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/spf13/cobra"
)

func flavorCommand(o *options) *cobra.Command {
	return noun(o, "flavor", "Flavors: the sizes of servers", flavorList(o), flavorCreate(o), flavorDelete(o))
}

func flavorColumns() []column[flavors.Flavor] {
	return []column[flavors.Flavor]{
		{"id", func(f flavors.Flavor) any { return f.ID }},
		{"name", func(f flavors.Flavor) any { return f.Name }},
		{"vcpus", func(f flavors.Flavor) any { return f.VCPUs }},
		{"ram_mib", func(f flavors.Flavor) any { return f.RAM }},
		{"disk_gib", func(f flavors.Flavor) any { return f.Disk }},
		{"public", func(f flavors.Flavor) any { return f.IsPublic }},
	}
}

func allFlavors(ctx context.Context, c *gophercloud.ServiceClient, who flavors.AccessType) ([]flavors.Flavor, error) {
	return pages(ctx, flavors.ListDetail(c, flavors.ListOpts{AccessType: who}), flavors.ExtractFlavors)
}

func findFlavor(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*flavors.Flavor, error) {
	return finder[flavors.Flavor]{
		kind: "flavor",
		get:  func(id string) (*flavors.Flavor, error) { return flavors.Get(ctx, c, id).Extract() },
		list: func(string) ([]flavors.Flavor, error) { return allFlavors(ctx, c, flavors.AllAccess) },
		id:   func(f flavors.Flavor) string { return f.ID },
		name: func(f flavors.Flavor) string { return f.Name },
	}.find(ref)
}

func flavorList(o *options) *cobra.Command {
	return verb(o, "list", "List flavors", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		items, err := allFlavors(ctx, c, flavors.PublicAccess)
		if err != nil {
			return err
		}
		return list(s, items, flavorColumns())
	})
}

func flavorCreate(o *options) *cobra.Command {
	var opts flavors.CreateOpts
	var disk int
	var private bool
	c := verb(o, "create NAME", "Create a flavor (for administrators)", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		public := !private
		opts.Name, opts.Disk, opts.IsPublic = args[0], &disk, &public
		made, err := flavors.Create(ctx, c, opts).Extract()
		if err != nil {
			return err
		}
		return show(s, *made, flavorColumns())
	})
	c.Flags().IntVar(&opts.VCPUs, "vcpus", 1, "the number of processors")
	c.Flags().IntVar(&opts.RAM, "ram", 512, "the memory in MiB")
	c.Flags().IntVar(&disk, "disk", 1, "the size of the disk in GiB")
	c.Flags().StringVar(&opts.ID, "id", "", "the id (default: a new one)")
	c.Flags().BoolVar(&private, "private", false, "only for projects that are given access")
	return c
}

func flavorDelete(o *options) *cobra.Command {
	return verb(o, "delete FLAVOR...", "Delete flavors (for administrators)", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			f, err := findFlavor(ctx, c, ref)
			if err != nil {
				return err
			}
			return flavors.Delete(ctx, c, f.ID).ExtractErr()
		})
	})
}
