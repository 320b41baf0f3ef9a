package image

import (
	"context"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Create makes a queued image from the fields that a user may choose: all of Image up to Properties, without what the
// data says. An empty ID, ProjectID or Visibility is chosen here.
func (s *Service) Create(ctx context.Context, c *auth.Caller, i Image) (Image, error) {
	if i.ProjectID == "" {
		i.ProjectID = c.ProjectID
	}
	if !c.Admin() && i.ProjectID != c.ProjectID {
		return Image{}, fault.New(fault.Forbidden, "You are not permitted to create images owned by '%s'", i.ProjectID)
	}
	if i.ProjectID == "" {
		return Image{}, fault.Invalidf("owner", "an image belongs to a project, and your token is scoped to none: "+
			"authenticate for a project, or name an owner")
	}
	if i.ID == "" {
		i.ID = uuid.NewString()
	}
	if i.Visibility == "" {
		i.Visibility = Shared
	}
	if err := i.validate(); err != nil {
		return Image{}, err
	}
	if err := mayPublish(c, i.Visibility); err != nil {
		return Image{}, err
	}
	i.Status, i.Upload, i.Size, i.VirtualSize, i.MD5, i.SHA512 = Queued, "", 0, 0, "", ""
	i.CreatedAt, i.Generation = now(), 1
	i.UpdatedAt = i.CreatedAt
	return i, s.store.Tx(ctx, func(ctx context.Context) error {
		if err := s.store.Insert(ctx, i); err != nil {
			return err
		}
		return s.tell(ctx, "created", i)
	})
}

// mayPublish keeps images that everyone's list shows to the operators.
func mayPublish(c *auth.Caller, v Visibility) error {
	if v == Public && !c.Admin() {
		return fault.New(fault.Forbidden, "You are not authorized to make an image public: that is for administrators; "+
			"visibility community lets everyone use it too")
	}
	return nil
}
