package cli

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/spf13/cobra"
)

func portCommand(o *options) *cobra.Command {
	return noun(o, "port", "Ports: where servers and routers are plugged into networks", portList(o))
}

func portColumns() []column[ports.Port] {
	return []column[ports.Port]{
		{"id", func(p ports.Port) any { return p.ID }},
		{"name", func(p ports.Port) any { return p.Name }},
		{"status", func(p ports.Port) any { return p.Status }},
		{"mac", func(p ports.Port) any { return p.MACAddress }},
		{"addresses", func(p ports.Port) any { return portAddresses(p) }},
		{"owner", func(p ports.Port) any { return p.DeviceOwner }},
		{"device", func(p ports.Port) any { return p.DeviceID }},
		{"network", func(p ports.Port) any { return p.NetworkID }},
	}
}

func portAddresses(p ports.Port) []string {
	ips := []string{}
	for _, ip := range p.FixedIPs {
		ips = append(ips, ip.IPAddress)
	}
	return ips
}

func findPort(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*ports.Port, error) {
	return finder[ports.Port]{
		kind: "port",
		get:  func(id string) (*ports.Port, error) { return ports.Get(ctx, c, id).Extract() },
		list: func(name string) ([]ports.Port, error) {
			return pages(ctx, ports.List(c, ports.ListOpts{Name: name}), ports.ExtractPorts)
		},
		id:   func(p ports.Port) string { return p.ID },
		name: func(p ports.Port) string { return p.Name },
	}.find(ref)
}

func portList(o *options) *cobra.Command {
	var opts ports.ListOpts
	var server, network string
	c := verb(o, "list", "List ports", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		if network != "" {
			n, err := findNetwork(ctx, c, network)
			if err != nil {
				return err
			}
			opts.NetworkID = n.ID
		}
		if server != "" {
			if opts.DeviceID, err = s.serverID(ctx, server); err != nil {
				return err
			}
		}
		items, err := pages(ctx, ports.List(c, opts), ports.ExtractPorts)
		if err != nil {
			return err
		}
		return list(s, items, portColumns())
	})
	c.Flags().StringVar(&server, "server", "", "only those of this server")
	c.Flags().StringVar(&network, "network", "", "only those of this network")
	return c
}

func (s *session) serverID(ctx context.Context, ref string) (string, error) {
	c, err := s.compute()
	if err != nil {
		return "", err
	}
	server, err := findServer(ctx, c, ref)
	if err != nil {
		return "", err
	}
	return server.ID, nil
}
