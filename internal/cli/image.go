package cli

import (
	"context"
	"log/slog"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/images/tiny"
)

func imageCommand(o *options) *cobra.Command {
	return noun(o, "image", "Images: what servers start from", imageList(o), imageShow(o), imageUpload(o), imageDelete(o), imageBuildTiny())
}

func imageColumns() []column[images.Image] {
	return []column[images.Image]{
		{"id", func(i images.Image) any { return i.ID }},
		{"name", func(i images.Image) any { return i.Name }},
		{"status", func(i images.Image) any { return i.Status }},
		{"format", func(i images.Image) any { return i.DiskFormat }},
		{"size", func(i images.Image) any { return i.SizeBytes }},
		{"visibility", func(i images.Image) any { return i.Visibility }},
	}
}

// imageNames are the names of all images by their ids.
func (s *session) imageNames(ctx context.Context) (map[string]string, error) {
	c, err := s.image()
	if err != nil {
		return nil, err
	}
	items, err := pages(ctx, images.List(c, images.ListOpts{}), images.ExtractImages)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(items))
	for _, i := range items {
		names[i.ID] = i.Name
	}
	return names, nil
}

func findImage(ctx context.Context, c *gophercloud.ServiceClient, ref string) (*images.Image, error) {
	return finder[images.Image]{
		kind: "image",
		get:  func(id string) (*images.Image, error) { return images.Get(ctx, c, id).Extract() },
		list: func(name string) ([]images.Image, error) {
			return pages(ctx, images.List(c, images.ListOpts{Name: name}), images.ExtractImages)
		},
		id:   func(i images.Image) string { return i.ID },
		name: func(i images.Image) string { return i.Name },
	}.find(ref)
}

func imageList(o *options) *cobra.Command {
	return verb(o, "list", "List images", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.image()
		if err != nil {
			return err
		}
		items, err := pages(ctx, images.List(c, images.ListOpts{}), images.ExtractImages)
		if err != nil {
			return err
		}
		return list(s, items, imageColumns())
	})
}

func imageShow(o *options) *cobra.Command {
	return verb(o, "show IMAGE", "Show an image", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.image()
		if err != nil {
			return err
		}
		i, err := findImage(ctx, c, args[0])
		if err != nil {
			return err
		}
		return s.showImage(i)
	})
}

func (s *session) showImage(i *images.Image) error {
	property := func(name string) func(images.Image) any {
		return func(i images.Image) any { return i.Properties[name] }
	}
	return show(s, *i, append(imageColumns(), []column[images.Image]{
		{"virtual_size", func(i images.Image) any { return i.VirtualSize }},
		{"checksum", func(i images.Image) any { return i.Checksum }},
		{"os_hash_algo", property("os_hash_algo")},
		{"os_hash_value", property("os_hash_value")},
		{"min_disk", func(i images.Image) any { return i.MinDiskGigabytes }},
		{"min_ram", func(i images.Image) any { return i.MinRAMMegabytes }},
		{"owner", func(i images.Image) any { return i.Owner }},
		{"protected", func(i images.Image) any { return i.Protected }},
		{"tags", func(i images.Image) any { return i.Tags }},
		{"created", func(i images.Image) any { return i.CreatedAt }},
		{"updated", func(i images.Image) any { return i.UpdatedAt }},
	}...))
}

func imageDelete(o *options) *cobra.Command {
	return verb(o, "delete IMAGE...", "Delete images", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.image()
		if err != nil {
			return err
		}
		return each(args, func(ref string) error {
			i, err := findImage(ctx, c, ref)
			if err != nil {
				return err
			}
			return images.Delete(ctx, c, i.ID).ExtractErr()
		})
	})
}

func imageBuildTiny() *cobra.Command {
	var opts tiny.Options
	c := &cobra.Command{
		Use: "build-tiny FILE", Short: "Build the tiny test image from Debian's packages", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			opts.Out = args[0]
			opts.Log = slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
			if err := tiny.Build(c.Context(), opts); err != nil {
				return err
			}
			info, err := os.Stat(args[0])
			if err == nil {
				c.Printf("%s: %.1f MiB\n", args[0], float64(info.Size())/(1<<20))
			}
			return err
		},
	}
	c.Flags().StringVar(&opts.WorkDir, "work-dir", "", "where packages and parts are kept for the next time (default: in the user's cache)")
	return c
}
