package image

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// Store keeps the rows. Its writes belong in Tx.
type Store interface {
	// Tx runs fn in a transaction, or joins that of ctx; fn may run more than once.
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
	// AfterCommit runs fn once the outermost transaction of ctx is committed.
	AfterCommit(ctx context.Context, fn func())
	// Insert adds an image of generation 1; an id that is taken is a Conflict.
	Insert(ctx context.Context, i Image) error
	// Get returns an image that is in sight; otherwise NotFound.
	Get(ctx context.Context, s Sight, id string) (Image, error)
	// List returns a page of the images that are in sight.
	List(ctx context.Context, s Sight, f Filter, p query.Page) ([]Image, error)
	// Update writes an image whose stored generation is i.Generation, and raises it; otherwise Conflict.
	Update(ctx context.Context, i Image) error
	// Delete removes an image of that generation with all that belongs to it; otherwise Conflict.
	Delete(ctx context.Context, i Image) error
	// Uploads returns the id, state, upload and lease of each image that names an upload.
	Uploads(ctx context.Context) ([]Image, error)
	// Renew sets the lease of an upload to i.LeaseAt; NotFound if the image does not wait for that upload any more.
	Renew(ctx context.Context, i Image) error

	// Members lists the members of an image.
	Members(ctx context.Context, imageID string) ([]Member, error)
	// PutMember adds a member or changes its status.
	PutMember(ctx context.Context, m Member) error
	// DeleteMember removes a member; NotFound if it is none.
	DeleteMember(ctx context.Context, imageID, projectID string) error
}

// Events tells the world what has happened, in the transaction of ctx.
type Events interface {
	Add(ctx context.Context, e event.Event) error
}
