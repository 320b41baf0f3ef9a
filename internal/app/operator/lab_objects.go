package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

const (
	// labName is the name of everything that the laboratory makes: project, user, flavor, image and network.
	labName = "lab"
	labRC   = "labrc"
	// labCIDR has room for more servers than anyone will make.
	labCIDR = "10.128.0.0/9"
	// labImage is the size of the image: every host fetches it.
	labImage = 512
)

// furnish makes, through the public APIs alone, what servers are made of. Everything is found by its name first.
func (l *Lab) furnish(ctx context.Context) error {
	files := Credentials{EtcDir: l.Config.EtcDir}
	cloud, _, err := files.Read(adminCloud)
	if err != nil {
		return err
	}
	admin, err := login(ctx, cloud)
	if err != nil {
		return err
	}
	disk := 1
	_, err = flavors.Create(ctx, admin.compute, flavors.CreateOpts{Name: labName, ID: labName, VCPUs: 1, RAM: 256, Disk: &disk}).Extract()
	if err != nil && !conflict(err) {
		return fmt.Errorf("making the flavor: %w", err)
	}
	if cloud, err = ensureProject(ctx, admin, files, labName, "made by aloft lab"); err != nil {
		return err
	}
	if err := files.WriteRC(labRC, cloud); err != nil {
		return err
	}
	if err := unlimited(ctx, admin); err != nil {
		return err
	}
	tenant, err := login(ctx, cloud)
	if err != nil {
		return err
	}
	if err := ensureLabImage(ctx, tenant); err != nil {
		return err
	}
	return ensureLabNetwork(ctx, tenant)
}

// unlimited takes the limits off the project.
func unlimited(ctx context.Context, c *clients) error {
	found, err := pages(ctx, projects.List(c.identity, projects.ListOpts{Name: labName, DomainID: "default"}), projects.ExtractProjects)
	if err != nil || len(found) != 1 {
		return errors.Join(fmt.Errorf("there is not one project %s", labName), err)
	}
	none := -1
	_, err = quotasets.Update(ctx, c.compute, found[0].ID, quotasets.UpdateOpts{Instances: &none, Cores: &none, RAM: &none}).Extract()
	if err != nil {
		return fmt.Errorf("raising the project's quota: %w", err)
	}
	return nil
}

func ensureLabImage(ctx context.Context, c *clients) error {
	image, err := ensure(
		ctx, "image "+labName,
		func(ctx context.Context) ([]images.Image, error) {
			return pages(ctx, images.List(c.image, images.ListOpts{Name: labName}), images.ExtractImages)
		},
		func(ctx context.Context) (*images.Image, error) {
			return images.Create(ctx, c.image, images.CreateOpts{Name: labName, ContainerFormat: "bare", DiskFormat: "raw"}).Extract()
		},
	)
	if err != nil || image.Status == images.ImageStatusActive {
		return err
	}
	if err := imagedata.Upload(ctx, c.image, image.ID, bytes.NewReader(make([]byte, labImage))).ExtractErr(); err != nil {
		return fmt.Errorf("uploading the image: %w", err)
	}
	return nil
}

func ensureLabNetwork(ctx context.Context, c *clients) error {
	network, err := ensure(
		ctx, "network "+labName,
		func(ctx context.Context) ([]networks.Network, error) {
			return pages(ctx, networks.List(c.network, networks.ListOpts{Name: labName}), networks.ExtractNetworks)
		},
		func(ctx context.Context) (*networks.Network, error) {
			return networks.Create(ctx, c.network, networks.CreateOpts{Name: labName}).Extract()
		},
	)
	if err != nil {
		return err
	}
	_, err = ensure(
		ctx, "subnet "+labName,
		func(ctx context.Context) ([]subnets.Subnet, error) {
			return pages(ctx, subnets.List(c.network, subnets.ListOpts{NetworkID: network.ID}), subnets.ExtractSubnets)
		},
		func(ctx context.Context) (*subnets.Subnet, error) {
			return subnets.Create(ctx, c.network, subnets.CreateOpts{Name: labName, NetworkID: network.ID, CIDR: labCIDR, IPVersion: 4}).Extract()
		},
	)
	return err
}
