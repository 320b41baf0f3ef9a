package cli

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/mtu"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/spf13/cobra"
)

func networkCommand(o *options) *cobra.Command {
	return noun(o, "network", "Networks", networkList(o), networkShow(o), networkCreate(o), networkDelete(o), networkSettings(o), networkAudit(o), networkTrace(o))
}

// wholeNetwork is a network with the fields of the extensions that every cloud has.
type wholeNetwork struct {
	networks.Network
	external.NetworkExternalExt
	mtu.NetworkMTUExt
}

// UnmarshalJSON reads the parts one by one: the one with an own method would hide the others.
func (n *wholeNetwork) UnmarshalJSON(b []byte) error {
	for _, part := range []any{&n.Network, &n.NetworkExternalExt, &n.NetworkMTUExt} {
		if err := json.Unmarshal(b, part); err != nil {
			return err
		}
	}
	return nil
}

func networkColumns() []column[wholeNetwork] {
	return []column[wholeNetwork]{
		{"id", func(n wholeNetwork) any { return n.ID }},
		{"name", func(n wholeNetwork) any { return n.Name }},
		{"status", func(n wholeNetwork) any { return n.Status }},
		{"outside", func(n wholeNetwork) any { return n.External }},
		{"shared", func(n wholeNetwork) any { return n.Shared }},
		{"mtu", func(n wholeNetwork) any { return n.MTU }},
		{"subnets", func(n wholeNetwork) any { return n.Subnets }},
	}
}

func extractNetworks(p pagination.Page) ([]wholeNetwork, error) {
	var out []wholeNetwork
	err := networks.ExtractNetworksInto(p, &out)
	return out, err
}

func listNetworks(ctx context.Context, c *gophercloud.ServiceClient, opts networks.ListOptsBuilder) ([]wholeNetwork, error) {
	return pages(ctx, networks.List(c, opts), extractNetworks)
}

func outsideNetworks(ctx context.Context, c *gophercloud.ServiceClient) ([]wholeNetwork, error) {
	yes := true
	return listNetworks(ctx, c, external.ListOptsExt{ListOptsBuilder: networks.ListOpts{}, External: &yes})
}

func findNetwork(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*wholeNetwork, error) {
	return finder[wholeNetwork]{
		kind: "network",
		get: func(id string) (*wholeNetwork, error) {
			var n wholeNetwork
			err := networks.Get(ctx, c, id).ExtractInto(&n)
			return &n, err
		},
		list: func(name string) ([]wholeNetwork, error) { return listNetworks(ctx, c, networks.ListOpts{Name: name}) },
		id:   func(n wholeNetwork) string { return n.ID },
		name: func(n wholeNetwork) string { return n.Name },
	}.find(ref)
}

func networkList(o *options) *cobra.Command {
	return verb(o, "list", "List networks", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		items, err := listNetworks(ctx, c, networks.ListOpts{})
		if err != nil {
			return err
		}
		return list(s, items, networkColumns())
	})
}

func networkShow(o *options) *cobra.Command {
	return verb(o, "show NETWORK", "Show a network", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		n, err := findNetwork(ctx, c, args[0])
		if err != nil {
			return err
		}
		return show(s, *n, append(networkColumns(),
			column[wholeNetwork]{"project", func(n wholeNetwork) any { return n.ProjectID }},
			column[wholeNetwork]{"description", func(n wholeNetwork) any { return n.Description }}))
	})
}

// newNetwork adds what extensions know to a create request.
type newNetwork struct {
	networks.CreateOpts
	more map[string]any
}

// ToNetworkCreateMap implements networks.CreateOptsBuilder.
func (n newNetwork) ToNetworkCreateMap() (map[string]any, error) {
	body, err := n.CreateOpts.ToNetworkCreateMap()
	if err != nil {
		return nil, err
	}
	if inner, ok := body["network"].(map[string]any); ok {
		maps.Copy(inner, n.more)
	}
	return body, nil
}

func networkCreate(o *options) *cobra.Command {
	var n newNetwork
	var outside, shared bool
	var physical, kind string
	var segment int
	c := verb(o, "create NAME", "Create a network", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		n.Name, n.more = args[0], map[string]any{}
		if shared {
			n.Shared = &shared
		}
		if outside {
			n.more["router:external"] = true
		}
		if kind != "" {
			n.more["provider:network_type"] = kind
		}
		if physical != "" {
			n.more["provider:physical_network"] = physical
		}
		if segment != 0 {
			n.more["provider:segmentation_id"] = segment
		}
		var made wholeNetwork
		if err := networks.Create(ctx, c, n).ExtractInto(&made); err != nil {
			return err
		}
		return show(s, made, networkColumns())
	})
	c.Flags().StringVar(&n.Description, "description", "", "a description")
	c.Flags().BoolVar(&shared, "shared", false, "for every project (for administrators)")
	c.Flags().BoolVar(&outside, "outside", false, "a way out, for routers and floating ips (for administrators)")
	c.Flags().StringVar(&kind, "type", "", "flat, vlan or geneve (for administrators)")
	c.Flags().StringVar(&physical, "physical-network", "", "the physical network of a flat or vlan network (for administrators)")
	c.Flags().IntVar(&segment, "segment", 0, "the number of the vlan (for administrators)")
	return c
}

func networkDelete(o *options) *cobra.Command {
	return verb(o, "delete NETWORK...", "Delete networks", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			n, err := findNetwork(ctx, c, ref)
			if err != nil {
				return err
			}
			return networks.Delete(ctx, c, n.ID).ExtractErr()
		})
	})
}
