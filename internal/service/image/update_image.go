package image

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Update lets edit change what a user may choose of an image. edit may run more than once, each time on a fresh copy;
// what it does to other fields has no effect.
func (s *Service) Update(ctx context.Context, c *auth.Caller, id string, edit func(*Image) error) (Image, error) {
	return s.change(ctx, c, id, func(i *Image) error {
		want := i.clone()
		if err := edit(&want); err != nil {
			return err
		}
		if err := want.validate(); err != nil {
			return err
		}
		return i.take(c, want)
	})
}

// take copies what a user may choose, if this caller may choose it now.
func (i *Image) take(c *auth.Caller, want Image) error {
	if want.Visibility != i.Visibility {
		if err := mayPublish(c, want.Visibility); err != nil {
			return err
		}
	}
	if want.ProjectID != i.ProjectID && !c.Admin() {
		return fault.New(fault.Forbidden, "You are not permitted to modify 'owner' on this image: that is for administrators")
	}
	if want.ProjectID == "" {
		return fault.Invalidf("owner", "an image must have an owner, the id of a project")
	}
	if i.Status != Queued && want.DiskFormat != i.DiskFormat {
		return fault.New(fault.Forbidden, "Attribute disk_format can be only replaced for a queued image.")
	}
	if i.Status != Queued && want.ContainerFormat != i.ContainerFormat {
		return fault.New(fault.Forbidden, "Attribute container_format can be only replaced for a queued image.")
	}
	i.Name, i.ProjectID, i.Visibility = want.Name, want.ProjectID, want.Visibility
	i.DiskFormat, i.ContainerFormat = want.DiskFormat, want.ContainerFormat
	i.MinDiskGiB, i.MinRAMMiB = want.MinDiskGiB, want.MinRAMMiB
	i.Protected, i.Hidden = want.Protected, want.Hidden
	i.Tags, i.Properties = want.Tags, want.Properties
	return nil
}

// SetActive stops the use of an image's data, or allows it again.
func (s *Service) SetActive(ctx context.Context, c *auth.Caller, id string, active bool) error {
	to := Deactivated
	if active {
		to = Active
	}
	_, err := s.change(ctx, c, id, func(i *Image) error {
		if i.Status == to {
			return nil
		}
		if !i.HasData() {
			return fault.New(fault.Forbidden, "image %s is %s: only one with data can be deactivated or reactivated", id, i.Status)
		}
		return i.move(to)
	})
	return err
}
