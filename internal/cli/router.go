package cli

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/spf13/cobra"
)

func routerCommand(o *options) *cobra.Command {
	return noun(o, "router", "Routers: from network to network, and out",
		routerList(o), routerShow(o), routerCreate(o), routerDelete(o),
		routerSubnet(o, "add-subnet", "Connect a subnet to a router", func(ctx context.Context, c *gophercloud.ServiceClient, router, subnet string) error {
			return routers.AddInterface(ctx, c, router, routers.AddInterfaceOpts{SubnetID: subnet}).Err
		}),
		routerSubnet(o, "remove-subnet", "Disconnect a subnet from a router", func(ctx context.Context, c *gophercloud.ServiceClient, router, subnet string) error {
			return routers.RemoveInterface(ctx, c, router, routers.RemoveInterfaceOpts{SubnetID: subnet}).Err
		}))
}

func routerColumns() []column[routers.Router] {
	return []column[routers.Router]{
		{"id", func(r routers.Router) any { return r.ID }},
		{"name", func(r routers.Router) any { return r.Name }},
		{"status", func(r routers.Router) any { return r.Status }},
		{"outside_network", func(r routers.Router) any { return r.GatewayInfo.NetworkID }},
		{"outside_addresses", func(r routers.Router) any {
			ips := []string{}
			for _, ip := range r.GatewayInfo.ExternalFixedIPs {
				ips = append(ips, ip.IPAddress)
			}
			return ips
		}},
	}
}

func findRouter(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*routers.Router, error) {
	return finder[routers.Router]{
		kind: "router",
		get:  func(id string) (*routers.Router, error) { return routers.Get(ctx, c, id).Extract() },
		list: func(name string) ([]routers.Router, error) {
			return pages(ctx, routers.List(c, routers.ListOpts{Name: name}), routers.ExtractRouters)
		},
		id:   func(r routers.Router) string { return r.ID },
		name: func(r routers.Router) string { return r.Name },
	}.find(ref)
}

func routerList(o *options) *cobra.Command {
	return verb(o, "list", "List routers", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		items, err := pages(ctx, routers.List(c, routers.ListOpts{}), routers.ExtractRouters)
		if err != nil {
			return err
		}
		return list(s, items, routerColumns())
	})
}

func routerShow(o *options) *cobra.Command {
	return verb(o, "show ROUTER", "Show a router", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		r, err := findRouter(ctx, c, args[0])
		if err != nil {
			return err
		}
		return show(s, *r, append(routerColumns(),
			column[routers.Router]{"snat", func(r routers.Router) any { return r.GatewayInfo.EnableSNAT != nil && *r.GatewayInfo.EnableSNAT }},
			column[routers.Router]{"project", func(r routers.Router) any { return r.ProjectID }}))
	})
}

func routerCreate(o *options) *cobra.Command {
	var opts routers.CreateOpts
	var outside string
	var inner []string
	c := verb(o, "create NAME", "Create a router", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		opts.Name = args[0]
		if outside != "" {
			n, err := findNetwork(ctx, c, outside)
			if err != nil {
				return err
			}
			opts.GatewayInfo = &routers.GatewayInfo{NetworkID: n.ID}
		}
		var subnetIDs []string
		for _, ref := range inner {
			n, err := findSubnet(ctx, c, ref)
			if err != nil {
				return err
			}
			subnetIDs = append(subnetIDs, n.ID)
		}
		made, err := routers.Create(ctx, c, opts).Extract()
		if err != nil {
			return err
		}
		for _, id := range subnetIDs {
			if err := routers.AddInterface(ctx, c, made.ID, routers.AddInterfaceOpts{SubnetID: id}).Err; err != nil {
				return err
			}
		}
		return show(s, *made, routerColumns())
	})
	c.Flags().StringVar(&outside, "outside-network", "", "the network that leads out")
	c.Flags().StringSliceVar(&inner, "subnet", nil, "a subnet to connect; may be repeated")
	return c
}

func routerDelete(o *options) *cobra.Command {
	return verb(o, "delete ROUTER...", "Delete routers", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			r, err := findRouter(ctx, c, ref)
			if err != nil {
				return err
			}
			return routers.Delete(ctx, c, r.ID).ExtractErr()
		})
	})
}

func routerSubnet(
	o *options, name, short string, do func(ctx context.Context, c *gophercloud.ServiceClient, router, subnet string) error,
) *cobra.Command {
	return verb(o, name+" ROUTER SUBNET", short, cobra.ExactArgs(2), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		r, err := findRouter(ctx, c, args[0])
		if err != nil {
			return err
		}
		n, err := findSubnet(ctx, c, args[1])
		if err != nil {
			return err
		}
		return do(ctx, c, r.ID, n.ID)
	})
}
