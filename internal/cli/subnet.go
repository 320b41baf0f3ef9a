package cli

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/spf13/cobra"
)

func subnetCommand(o *options) *cobra.Command {
	return noun(o, "subnet", "Subnets: the addresses of networks", subnetList(o), subnetShow(o), subnetCreate(o), subnetDelete(o))
}

func subnetColumns() []column[subnets.Subnet] {
	return []column[subnets.Subnet]{
		{"id", func(n subnets.Subnet) any { return n.ID }},
		{"name", func(n subnets.Subnet) any { return n.Name }},
		{"network", func(n subnets.Subnet) any { return n.NetworkID }},
		{"cidr", func(n subnets.Subnet) any { return n.CIDR }},
		{"gateway", func(n subnets.Subnet) any { return n.GatewayIP }},
		{"dhcp", func(n subnets.Subnet) any { return n.EnableDHCP }},
	}
}

func findSubnet(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*subnets.Subnet, error) {
	return finder[subnets.Subnet]{
		kind: "subnet",
		get:  func(id string) (*subnets.Subnet, error) { return subnets.Get(ctx, c, id).Extract() },
		list: func(name string) ([]subnets.Subnet, error) {
			return pages(ctx, subnets.List(c, subnets.ListOpts{Name: name}), subnets.ExtractSubnets)
		},
		id:   func(n subnets.Subnet) string { return n.ID },
		name: func(n subnets.Subnet) string { return n.Name },
	}.find(ref)
}

func subnetList(o *options) *cobra.Command {
	return verb(o, "list", "List subnets", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		items, err := pages(ctx, subnets.List(c, subnets.ListOpts{}), subnets.ExtractSubnets)
		if err != nil {
			return err
		}
		return list(s, items, subnetColumns())
	})
}

func subnetShow(o *options) *cobra.Command {
	return verb(o, "show SUBNET", "Show a subnet", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		n, err := findSubnet(ctx, c, args[0])
		if err != nil {
			return err
		}
		return show(s, *n, append(subnetColumns(), []column[subnets.Subnet]{
			{"dns", func(n subnets.Subnet) any { return n.DNSNameservers }},
			{"pools", func(n subnets.Subnet) any { return poolTexts(n.AllocationPools) }},
			{"project", func(n subnets.Subnet) any { return n.ProjectID }},
		}...))
	})
}

func poolTexts(pools []subnets.AllocationPool) []string {
	out := []string{}
	for _, p := range pools {
		out = append(out, p.Start+"-"+p.End)
	}
	return out
}

func subnetCreate(o *options) *cobra.Command {
	var opts subnets.CreateOpts
	var network, gateway string
	var pools []string
	var noGateway, noDHCP bool
	c := verb(o, "create NAME", "Create a subnet", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		n, err := findNetwork(ctx, c, network)
		if err != nil {
			return err
		}
		prefix, err := netip.ParsePrefix(opts.CIDR)
		if err != nil {
			return fmt.Errorf("--cidr is an address and a length, e.g. 10.0.0.0/24, not %q", opts.CIDR)
		}
		opts.Name, opts.NetworkID, opts.IPVersion = args[0], n.ID, gophercloud.IPv4
		if prefix.Addr().Is6() {
			opts.IPVersion = gophercloud.IPv6
		}
		if gateway != "" || noGateway {
			opts.GatewayIP = &gateway // empty: none
		}
		dhcp := !noDHCP
		opts.EnableDHCP = &dhcp
		for _, p := range pools {
			start, end, ok := strings.Cut(p, "-")
			if !ok {
				return fmt.Errorf("--pool is two addresses, e.g. 10.0.0.10-10.0.0.99, not %q", p)
			}
			opts.AllocationPools = append(opts.AllocationPools, subnets.AllocationPool{Start: start, End: end})
		}
		made, err := subnets.Create(ctx, c, opts).Extract()
		if err != nil {
			return err
		}
		return show(s, *made, subnetColumns())
	})
	f := c.Flags()
	f.StringVar(&network, "network", "", "the network that it is of")
	f.StringVar(&opts.CIDR, "cidr", "", "its addresses, e.g. 10.0.0.0/24")
	f.StringVar(&gateway, "gateway", "", "the address of the gateway (default: the first one)")
	f.BoolVar(&noGateway, "no-gateway", false, "no gateway")
	f.BoolVar(&noDHCP, "no-dhcp", false, "no DHCP")
	f.StringSliceVar(&opts.DNSNameservers, "dns", nil, "a DNS server; may be repeated")
	f.StringSliceVar(&pools, "pool", nil, "a range to take addresses from, as FIRST-LAST; may be repeated")
	c.MarkFlagsMutuallyExclusive("gateway", "no-gateway")
	return required(c, "network", "cidr")
}

func subnetDelete(o *options) *cobra.Command {
	return verb(o, "delete SUBNET...", "Delete subnets", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			n, err := findSubnet(ctx, c, ref)
			if err != nil {
				return err
			}
			return subnets.Delete(ctx, c, n.ID).ExtractErr()
		})
	})
}
