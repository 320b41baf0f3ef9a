package image

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// Show returns an image that the caller may see.
func (s *Service) Show(ctx context.Context, c *auth.Caller, id string) (Image, error) {
	return s.store.Get(ctx, sight(c), id)
}

// List returns a page of the images that the caller may see.
func (s *Service) List(ctx context.Context, c *auth.Caller, f Filter, p query.Page) ([]Image, error) {
	return s.store.List(ctx, sight(c), f, p)
}
