package api

import (
	"context"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

type imageIn struct {
	ID string `path:"image_id"`
}

// shown is an image as the whole body; a create says where it is, too.
type shown struct {
	imageWire
	Location string `json:"-" header:"Location"`
}

type createIn struct {
	Image newImage `body:"."`
}

type newImage struct {
	ID              string            `json:"id" check:"uuid"`
	Name            rest.Opt[string]  `json:"name"`
	Visibility      string            `json:"visibility"`
	Owner           rest.Opt[string]  `json:"owner"`
	ContainerFormat rest.Opt[string]  `json:"container_format"`
	DiskFormat      rest.Opt[string]  `json:"disk_format"`
	MinDisk         rest.Opt[int]     `json:"min_disk"`
	MinRAM          rest.Opt[int]     `json:"min_ram"`
	Protected       rest.Opt[bool]    `json:"protected"`
	Hidden          rest.Opt[bool]    `json:"os_hidden"`
	Tags            []string          `json:"tags"`
	Properties      map[string]string `json:"*"`
}

func (a *api) createImage(ctx context.Context, in createIn) (shown, error) {
	n := in.Image
	for name := range n.Properties {
		if err := writable(name); err != nil {
			return shown{}, err
		}
	}
	i, err := a.core.Create(ctx, auth.From(ctx), image.Image{
		ID: n.ID, Name: n.Name.Or(""), Visibility: image.Visibility(n.Visibility), ProjectID: n.Owner.Or(""),
		ContainerFormat: n.ContainerFormat.Or(""), DiskFormat: n.DiskFormat.Or(""),
		MinDiskGiB: n.MinDisk.Or(0), MinRAMMiB: n.MinRAM.Or(0), Protected: n.Protected.Or(false), Hidden: n.Hidden.Or(false),
		Tags: n.Tags, Properties: n.Properties,
	})
	if err != nil {
		return shown{}, err
	}
	return shown{toWire(i), rest.BaseURL(ctx) + "/v2/images/" + i.ID}, nil
}

func (a *api) showImage(ctx context.Context, in imageIn) (imageWire, error) {
	i, err := a.core.Show(ctx, auth.From(ctx), in.ID)
	return toWire(i), err
}

func (a *api) deleteImage(ctx context.Context, in imageIn) (rest.None, error) {
	return rest.None{}, a.core.Delete(ctx, auth.From(ctx), in.ID)
}

func (a *api) deactivate(ctx context.Context, in imageIn) (rest.None, error) {
	return rest.None{}, a.core.SetActive(ctx, auth.From(ctx), in.ID, false)
}

func (a *api) reactivate(ctx context.Context, in imageIn) (rest.None, error) {
	return rest.None{}, a.core.SetActive(ctx, auth.From(ctx), in.ID, true)
}

type tagIn struct {
	ID  string `path:"image_id"`
	Tag string `path:"tag"`
}

func (a *api) addTag(ctx context.Context, in tagIn) (rest.None, error) {
	_, err := a.core.Update(ctx, auth.From(ctx), in.ID, func(i *image.Image) error {
		i.Tags = append(i.Tags, in.Tag)
		return nil
	})
	return rest.None{}, err
}

func (a *api) removeTag(ctx context.Context, in tagIn) (rest.None, error) {
	_, err := a.core.Update(ctx, auth.From(ctx), in.ID, func(i *image.Image) error {
		k := slices.Index(i.Tags, in.Tag)
		if k < 0 {
			return fault.New(fault.NotFound, "image %s has no tag '%s'", in.ID, in.Tag)
		}
		i.Tags = slices.Delete(i.Tags, k, k+1)
		return nil
	})
	return rest.None{}, err
}

type imagesWire struct {
	Images []imageWire `json:"images"`
	First  string      `json:"first"`
	Next   string      `json:"next,omitempty"`
	Schema string      `json:"schema"`
}

// mostListed is the longest page of a list, and the usual one.
const mostListed = 1000

func (a *api) listImages(ctx context.Context, in listIn) (imagesWire, error) {
	page, err := in.Page("created_at:desc", mostListed)
	if err != nil {
		return imagesWire{}, err
	}
	f, err := filter(in.Query)
	if err != nil {
		return imagesWire{}, err
	}
	images, err := a.core.List(ctx, auth.From(ctx), f, page)
	if err != nil {
		return imagesWire{}, err
	}
	// Relative to the service, as its clients expect.
	out := imagesWire{First: strings.TrimPrefix(rest.FirstURL(ctx), rest.BaseURL(ctx)), Schema: "/v2/schemas/images"}
	for _, i := range images {
		out.Images = append(out.Images, toWire(i))
	}
	if len(images) == page.Limit {
		out.Next = strings.TrimPrefix(rest.NextURL(ctx, images[len(images)-1].ID), rest.BaseURL(ctx))
	}
	return out, nil
}
