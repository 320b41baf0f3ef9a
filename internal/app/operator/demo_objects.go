package operator

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"golang.org/x/crypto/ssh"
)

func notFound(err error) bool { return gophercloud.ResponseCodeIs(err, 404) }

// ensureFlavors makes the sizes that every installation starts with.
func ensureFlavors(ctx context.Context, c *clients) error {
	for _, f := range []struct {
		name           string
		cpus, ram, hdd int
	}{{tinyFlavor, 1, 256, 1}, {"small", 1, 2048, 20}, {"medium", 2, 4096, 40}, {"large", 4, 8192, 80}} {
		_, err := flavors.Create(ctx, c.compute, flavors.CreateOpts{Name: f.name, ID: f.name, VCPUs: f.cpus, RAM: f.ram, Disk: &f.hdd}).Extract()
		if err != nil && !conflict(err) {
			return fmt.Errorf("making the flavor %s: %w", f.name, err)
		}
	}
	return nil
}

// flat puts a network straight on the bridge to the outside.
type flat struct{ networks.CreateOptsBuilder }

// ToNetworkCreateMap implements networks.CreateOptsBuilder. gophercloud's own extension knows lists of segments only.
func (f flat) ToNetworkCreateMap() (map[string]any, error) {
	body, err := f.CreateOptsBuilder.ToNetworkCreateMap()
	if err != nil {
		return nil, err
	}
	network, ok := body["network"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("gophercloud made a body without a network: %v", body)
	}
	network["provider:network_type"], network["provider:physical_network"] = "flat", outsideName
	return body, nil
}

// ensureOutside makes the network through which routers reach what the host reaches. address is the host's own on it,
// with the prefix length; floating addresses are from the pools, or, without any, of all that there are.
func ensureOutside(ctx context.Context, c *clients, address string, pools ...subnets.AllocationPool) (*networks.Network, error) {
	yes, no := true, false
	prefix, err := netip.ParsePrefix(address)
	if err != nil {
		return nil, fmt.Errorf("the outside network: %w", err)
	}
	network, err := ensure(
		ctx, "network "+outsideName,
		func(ctx context.Context) ([]networks.Network, error) {
			return pages(ctx, networks.List(c.network, external.ListOptsExt{ListOptsBuilder: networks.ListOpts{Name: outsideName}, External: &yes}), networks.ExtractNetworks)
		},
		func(ctx context.Context) (*networks.Network, error) {
			return networks.Create(ctx, c.network, flat{
				CreateOptsBuilder: external.CreateOptsExt{CreateOptsBuilder: networks.CreateOpts{Name: outsideName}, External: &yes},
			}).Extract()
		},
	)
	if err != nil {
		return nil, err
	}
	gateway := prefix.Addr().String()
	_, err = ensure(
		ctx, "subnet "+outsideName,
		func(ctx context.Context) ([]subnets.Subnet, error) {
			return pages(ctx, subnets.List(c.network, subnets.ListOpts{NetworkID: network.ID}), subnets.ExtractSubnets)
		},
		func(ctx context.Context) (*subnets.Subnet, error) {
			return subnets.Create(ctx, c.network, subnets.CreateOpts{
				Name: outsideName, NetworkID: network.ID, CIDR: prefix.Masked().String(), IPVersion: 4, GatewayIP: &gateway, EnableDHCP: &no, AllocationPools: pools,
			}).Extract()
		},
	)
	return network, err
}

// ensureProject makes a project, and a user of the same name whose password is in the credentials' file.
func ensureProject(ctx context.Context, c *clients, files Credentials, name, description string) (Cloud, error) {
	project, err := ensure(
		ctx, "project "+name,
		func(ctx context.Context) ([]projects.Project, error) {
			return pages(ctx, projects.List(c.identity, projects.ListOpts{Name: name, DomainID: "default"}), projects.ExtractProjects)
		},
		func(ctx context.Context) (*projects.Project, error) {
			return projects.Create(ctx, c.identity, projects.CreateOpts{Name: name, DomainID: "default", Description: description}).Extract()
		},
	)
	if err != nil {
		return Cloud{}, err
	}
	cloud, err := files.tenant(name)
	if err != nil {
		return Cloud{}, err
	}
	user, err := ensure(
		ctx, "user "+name,
		func(ctx context.Context) ([]users.User, error) {
			return pages(ctx, users.List(c.identity, users.ListOpts{Name: name, DomainID: "default"}), users.ExtractUsers)
		},
		func(ctx context.Context) (*users.User, error) {
			return users.Create(ctx, c.identity, users.CreateOpts{Name: name, DomainID: "default", DefaultProjectID: project.ID, Password: cloud.Auth.Password}).Extract()
		},
	)
	if err != nil {
		return Cloud{}, err
	}
	role, err := pages(ctx, roles.List(c.identity, roles.ListOpts{Name: "member"}), roles.ExtractRoles)
	if err != nil || len(role) != 1 {
		return Cloud{}, errors.Join(errors.New("there is not one role member"), err)
	}
	err = roles.Assign(ctx, c.identity, role[0].ID, roles.AssignOpts{UserID: user.ID, ProjectID: project.ID}).ExtractErr()
	if err != nil {
		return Cloud{}, fmt.Errorf("assigning the role member: %w", err)
	}
	return cloud, nil
}

// ensureNetwork makes the tenant's network with its router, and a security group that lets ssh and ping in.
func ensureNetwork(ctx context.Context, c *clients, outside string) error {
	network, err := ensure(
		ctx, "network "+demoName,
		func(ctx context.Context) ([]networks.Network, error) {
			return pages(ctx, networks.List(c.network, networks.ListOpts{Name: demoName}), networks.ExtractNetworks)
		},
		func(ctx context.Context) (*networks.Network, error) {
			return networks.Create(ctx, c.network, networks.CreateOpts{Name: demoName}).Extract()
		},
	)
	if err != nil {
		return err
	}
	subnet, err := ensure(
		ctx, "subnet "+demoName,
		func(ctx context.Context) ([]subnets.Subnet, error) {
			return pages(ctx, subnets.List(c.network, subnets.ListOpts{NetworkID: network.ID}), subnets.ExtractSubnets)
		},
		func(ctx context.Context) (*subnets.Subnet, error) {
			return subnets.Create(ctx, c.network, subnets.CreateOpts{Name: demoName, NetworkID: network.ID, CIDR: "10.10.0.0/24", IPVersion: 4}).Extract()
		},
	)
	if err != nil {
		return err
	}
	router, err := ensure(
		ctx, "router "+demoName,
		func(ctx context.Context) ([]routers.Router, error) {
			return pages(ctx, routers.List(c.network, routers.ListOpts{Name: demoName}), routers.ExtractRouters)
		},
		func(ctx context.Context) (*routers.Router, error) {
			return routers.Create(ctx, c.network, routers.CreateOpts{Name: demoName, GatewayInfo: &routers.GatewayInfo{NetworkID: outside}}).Extract()
		},
	)
	if err != nil {
		return err
	}
	connected, err := pages(ctx, ports.List(c.network, ports.ListOpts{DeviceID: router.ID, NetworkID: network.ID}), ports.ExtractPorts)
	if err != nil {
		return fmt.Errorf("looking at the router's ports: %w", err)
	}
	if len(connected) == 0 {
		if _, err := routers.AddInterface(ctx, c.network, router.ID, routers.AddInterfaceOpts{SubnetID: subnet.ID}).Extract(); err != nil {
			return fmt.Errorf("connecting the router to the subnet: %w", err)
		}
	}
	return ensureSecurityGroup(ctx, c)
}

func ensureSecurityGroup(ctx context.Context, c *clients) error {
	group, err := ensure(
		ctx, "security group "+demoName,
		func(ctx context.Context) ([]groups.SecGroup, error) {
			return pages(ctx, groups.List(c.network, groups.ListOpts{Name: demoName}), groups.ExtractGroups)
		},
		func(ctx context.Context) (*groups.SecGroup, error) {
			return groups.Create(ctx, c.network, groups.CreateOpts{Name: demoName, Description: "lets ssh and ping in"}).Extract()
		},
	)
	if err != nil {
		return err
	}
	for _, rule := range []rules.CreateOpts{{Protocol: rules.ProtocolTCP, PortRangeMin: 22, PortRangeMax: 22}, {Protocol: rules.ProtocolICMP}} {
		rule.Direction, rule.EtherType, rule.SecGroupID = rules.DirIngress, rules.EtherType4, group.ID
		if _, err := rules.Create(ctx, c.network, rule).Extract(); err != nil && !conflict(err) {
			return fmt.Errorf("letting %s in: %w", rule.Protocol, err)
		}
	}
	return nil
}

func createHello(ctx context.Context, c *clients) (*servers.Server, error) {
	network, err := pages(ctx, networks.List(c.network, networks.ListOpts{Name: demoName}), networks.ExtractNetworks)
	if err != nil || len(network) != 1 {
		return nil, errors.Join(fmt.Errorf("there is not one network %s", demoName), err)
	}
	image, err := pages(ctx, images.List(c.image, images.ListOpts{Name: tinyImage, Status: images.ImageStatusActive}), images.ExtractImages)
	if err != nil || len(image) == 0 {
		return nil, errors.Join(fmt.Errorf("there is no active image %s", tinyImage), err)
	}
	return servers.Create(ctx, c.compute, keypairs.CreateOptsExt{
		KeyName: demoName,
		CreateOptsBuilder: servers.CreateOpts{
			Name: helloName, ImageRef: image[0].ID, FlavorRef: tinyFlavor, SecurityGroups: []string{demoName},
			Networks: []servers.Network{{UUID: network[0].ID}},
		},
	}, nil).Extract()
}

func portOf(ctx context.Context, c *clients, server string) (string, error) {
	found, err := pages(ctx, ports.List(c.network, ports.ListOpts{DeviceID: server}), ports.ExtractPorts)
	if err != nil {
		return "", fmt.Errorf("looking for the server's port: %w", err)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("the server %s has no port: delete it and run aloft up again", server)
	}
	return found[0].ID, nil
}

// demoKey is the key pair of the demonstration; its private half stays on the disk.
type demoKey struct {
	path   string
	signer ssh.Signer
}

func (k *demoKey) ensure(ctx context.Context, c *clients) error {
	raw, err := os.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = newKey(k.path)
	}
	if err != nil {
		return fmt.Errorf("reading the key: %w", err)
	}
	if k.signer, err = ssh.ParsePrivateKey(raw); err != nil {
		return fmt.Errorf("%s is no private key of ssh: %w", k.path, err)
	}
	public := string(ssh.MarshalAuthorizedKey(k.signer.PublicKey()))
	if err := os.WriteFile(k.path+".pub", []byte(public), 0o644); err != nil {
		return fmt.Errorf("writing the public key: %w", err)
	}
	have, err := keypairs.Get(ctx, c.compute, demoName, nil).Extract()
	if err == nil && have.Fingerprint == ssh.FingerprintLegacyMD5(k.signer.PublicKey()) {
		return nil
	}
	if err == nil {
		err = keypairs.Delete(ctx, c.compute, demoName, nil).ExtractErr()
	}
	if err != nil && !notFound(err) {
		return fmt.Errorf("looking at the key pair: %w", err)
	}
	if _, err := keypairs.Create(ctx, c.compute, keypairs.CreateOpts{Name: demoName, PublicKey: public}).Extract(); err != nil {
		return fmt.Errorf("making the key pair: %w", err)
	}
	return nil
}

func newKey(path string) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "aloft "+demoName)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	raw := pem.EncodeToMemory(block)
	return raw, replaceFile(path, raw)
}
