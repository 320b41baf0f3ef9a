package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/spf13/cobra"
)

func floatingIPCommand(o *options) *cobra.Command {
	return noun(o, "floatingip", "Floating ips: addresses that are reached from outside",
		floatingIPList(o), floatingIPCreate(o), floatingIPSet(o), floatingIPDelete(o))
}

func floatingIPColumns() []column[floatingips.FloatingIP] {
	return []column[floatingips.FloatingIP]{
		{"id", func(f floatingips.FloatingIP) any { return f.ID }},
		{"address", func(f floatingips.FloatingIP) any { return f.FloatingIP }},
		{"status", func(f floatingips.FloatingIP) any { return f.Status }},
		{"fixed_address", func(f floatingips.FloatingIP) any { return f.FixedIP }},
		{"port", func(f floatingips.FloatingIP) any { return f.PortID }},
		{"network", func(f floatingips.FloatingIP) any { return f.FloatingNetworkID }},
	}
}

// findFloatingIP takes an id or the address itself for a name.
func findFloatingIP(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*floatingips.FloatingIP, error) {
	return finder[floatingips.FloatingIP]{
		kind: "floating ip",
		get:  func(id string) (*floatingips.FloatingIP, error) { return floatingips.Get(ctx, c, id).Extract() },
		list: func(address string) ([]floatingips.FloatingIP, error) {
			return pages(ctx, floatingips.List(c, floatingips.ListOpts{FloatingIP: address}), floatingips.ExtractFloatingIPs)
		},
		id:   func(f floatingips.FloatingIP) string { return f.ID },
		name: func(f floatingips.FloatingIP) string { return f.FloatingIP },
	}.find(ref)
}

func floatingIPList(o *options) *cobra.Command {
	return verb(o, "list", "List floating ips", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		items, err := pages(ctx, floatingips.List(c, floatingips.ListOpts{}), floatingips.ExtractFloatingIPs)
		if err != nil {
			return err
		}
		return list(s, items, floatingIPColumns())
	})
}

// takeFloatingIP makes a floating ip, on a port if one is named.
func takeFloatingIP(ctx context.Context, c *gophercloud.ServiceClient, network, port string) (*floatingips.FloatingIP, error) {
	return floatingips.Create(ctx, c, floatingips.CreateOpts{FloatingNetworkID: network, PortID: port}).Extract()
}

func floatingIPCreate(o *options) *cobra.Command {
	var network, server, port string
	c := verb(o, "create", "Take a floating ip", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		outside, err := s.outsideNetwork(ctx, network)
		if err != nil {
			return err
		}
		target, err := s.portFor(ctx, c, server, port)
		if err != nil {
			return err
		}
		made, err := takeFloatingIP(ctx, c, outside, target)
		if err != nil {
			return err
		}
		return show(s, *made, floatingIPColumns())
	})
	c.Flags().StringVar(&network, "floating-network", "", "the network to take it from (default: the only outside network)")
	targetFlags(c, &server, &port)
	return c
}

func targetFlags(c *cobra.Command, server, port *string) {
	c.Flags().StringVar(server, "server", "", "the server that it leads to")
	c.Flags().StringVar(port, "port", "", "the port that it leads to")
	c.MarkFlagsMutuallyExclusive("server", "port")
}

func floatingIPSet(o *options) *cobra.Command {
	var server, port string
	var none bool
	c := verb(o, "set FLOATING-IP", "Lead a floating ip to another server or port", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		f, err := findFloatingIP(ctx, c, args[0])
		if err != nil {
			return err
		}
		target, err := s.portFor(ctx, c, server, port)
		if err != nil {
			return err
		}
		var opts floatingips.UpdateOpts
		opts.PortID = &target // empty: none
		done, err := floatingips.Update(ctx, c, f.ID, opts).Extract()
		if err != nil {
			return err
		}
		return show(s, *done, floatingIPColumns())
	})
	targetFlags(c, &server, &port)
	c.Flags().BoolVar(&none, "none", false, "lead it nowhere")
	c.MarkFlagsOneRequired("server", "port", "none")
	c.MarkFlagsMutuallyExclusive("server", "none")
	c.MarkFlagsMutuallyExclusive("port", "none")
	return c
}

// portFor returns the port that a user means by a server, which must have exactly one, or by itself.
func (s *session) portFor(ctx context.Context, c *gophercloud.ServiceClient, server, port string) (string, error) {
	if port != "" {
		p, err := findPort(ctx, c, port)
		if err != nil {
			return "", err
		}
		return p.ID, nil
	}
	if server == "" {
		return "", nil
	}
	id, err := s.serverID(ctx, server)
	if err != nil {
		return "", err
	}
	found, err := pages(ctx, ports.List(c, ports.ListOpts{DeviceID: id}), ports.ExtractPorts)
	if err != nil {
		return "", err
	}
	if len(found) == 1 {
		return found[0].ID, nil
	}
	ids := make([]string, len(found))
	for k, p := range found {
		ids[k] = p.ID
	}
	return "", fmt.Errorf("server %s has %d ports; say which with --port: %s", server, len(found), strings.Join(ids, ", "))
}

func floatingIPDelete(o *options) *cobra.Command {
	return verb(o, "delete FLOATING-IP...", "Give floating ips back", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			f, err := findFloatingIP(ctx, c, ref)
			if err != nil {
				return err
			}
			return floatingips.Delete(ctx, c, f.ID).ExtractErr()
		})
	})
}

// outsideNetwork is the network that a user names, or the only one that leads out.
func (s *session) outsideNetwork(ctx context.Context, ref string) (string, error) {
	c, err := s.network()
	if err != nil {
		return "", err
	}
	if ref != "" {
		network, err := findNetwork(ctx, c, ref)
		if err != nil {
			return "", err
		}
		return network.ID, nil
	}
	found, err := outsideNetworks(ctx, c)
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", errors.New("this cloud has no outside network, so it has no floating ips")
	case 1:
		return found[0].ID, nil
	}
	names := make([]string, len(found))
	for k, network := range found {
		names[k] = network.Name
	}
	return "", fmt.Errorf("there are several outside networks; say which with --floating-network: %s", strings.Join(names, ", "))
}
