package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/spf13/cobra"
)

// newServer is what the flags of `server create` say.
type newServer struct {
	image, flavor, key, userData, zone string
	networks, groups                   []string
	metadata                           map[string]string
	floating                           bool
	outside                            string
	wait                               waiting
}

func serverCreate(o *options) *cobra.Command {
	n := &newServer{}
	c := verb(o, "create NAME", "Create a server", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		return n.run(ctx, s, args[0])
	})
	f := c.Flags()
	f.StringVar(&n.image, "image", "", "the image to start from")
	f.StringVar(&n.flavor, "flavor", "", "the flavor: its processors, memory and disk")
	f.StringSliceVar(&n.networks, "network", nil, "a network to be on; may be repeated (default: the project's only one)")
	f.StringVar(&n.key, "key-name", "", "the key pair that may log in")
	f.StringSliceVar(&n.groups, "security-group", nil, "a security group; may be repeated")
	f.StringVar(&n.userData, "user-data", "", "a file with what cloud-init shall do, e.g. a script")
	f.StringToStringVar(&n.metadata, "property", nil, "metadata, as KEY=VALUE; may be repeated")
	f.StringVar(&n.zone, "availability-zone", "", "the availability zone")
	f.BoolVar(&n.floating, "floating-ip", false, "give it a floating ip")
	f.StringVar(&n.outside, "floating-network", "", "the network of the floating ip (default: the only outside network)")
	n.wait.flags(c)
	return required(c, "image", "flavor")
}

func (n *newServer) run(ctx context.Context, s *session, name string) error {
	c, err := s.compute()
	if err != nil {
		return err
	}
	opts, err := n.resolve(ctx, s, c, name)
	if err != nil {
		return err
	}
	// The outside network is looked for before the server is made: a mistake there must not leave half of it.
	outside := ""
	if n.floating {
		if outside, err = s.outsideNetwork(ctx, n.outside); err != nil {
			return err
		}
	}
	made, err := servers.Create(ctx, c, opts, nil).Extract()
	if err != nil {
		return err
	}
	if n.floating {
		if err := n.addFloatingIP(ctx, s, made.ID, outside); err != nil {
			return fmt.Errorf("server %s is being created, but has no floating ip: %w", made.ID, err)
		}
	}
	if err := n.wait.until(ctx, s, c, made.ID, "ACTIVE"); err != nil {
		return err
	}
	server, err := servers.Get(ctx, c, made.ID).Extract()
	if err != nil {
		return err
	}
	return s.showServer(ctx, server)
}

// resolve turns names into what the API wants.
func (n *newServer) resolve(ctx context.Context, s *session, c *gophercloud.ServiceClient, name string) (servers.CreateOptsBuilder, error) {
	opts := servers.CreateOpts{Name: name, SecurityGroups: n.groups, AvailabilityZone: n.zone, Metadata: n.metadata}
	images, err := s.image()
	if err != nil {
		return nil, err
	}
	image, err := findImage(ctx, images, n.image)
	if err != nil {
		return nil, err
	}
	flavor, err := findFlavor(ctx, c, n.flavor)
	if err != nil {
		return nil, err
	}
	opts.ImageRef, opts.FlavorRef = image.ID, flavor.ID
	if opts.Networks, err = n.resolveNetworks(ctx, s); err != nil {
		return nil, err
	}
	if n.userData != "" {
		if opts.UserData, err = os.ReadFile(n.userData); err != nil {
			return nil, fmt.Errorf("reading the user data: %w", err)
		}
	}
	if n.key == "" {
		return opts, nil
	}
	return keypairs.CreateOptsExt{CreateOptsBuilder: opts, KeyName: n.key}, nil
}

func (n *newServer) resolveNetworks(ctx context.Context, s *session) (any, error) {
	if len(n.networks) == 0 {
		return "auto", nil
	}
	c, err := s.network()
	if err != nil {
		return nil, err
	}
	var out []servers.Network
	for _, ref := range n.networks {
		network, err := findNetwork(ctx, c, ref)
		if err != nil {
			return nil, err
		}
		out = append(out, servers.Network{UUID: network.ID})
	}
	return out, nil
}

// addFloatingIP waits for the server's port, which some clouds make later, and gives it an address.
func (n *newServer) addFloatingIP(ctx context.Context, s *session, serverID, outside string) error {
	c, err := s.network()
	if err != nil {
		return err
	}
	port, err := n.serverPort(ctx, c, serverID)
	if err != nil {
		return err
	}
	ip, err := takeFloatingIP(ctx, c, outside, port)
	if err != nil {
		return err
	}
	s.say("         floating ip %s", ip.FloatingIP)
	return nil
}

func (n *newServer) serverPort(ctx context.Context, c *gophercloud.ServiceClient, serverID string) (string, error) {
	var id string
	w := waiting{wait: true, timeout: n.wait.timeout}
	err := w.poll(ctx, "get a port", func(ctx context.Context, _ time.Duration, last *string) (bool, error) {
		found, err := pages(ctx, ports.List(c, ports.ListOpts{DeviceID: serverID}), ports.ExtractPorts)
		if err != nil || len(found) == 0 {
			*last = "without a port"
			return false, err
		}
		id = found[0].ID
		return true, nil
	})
	return id, err
}
