package identity

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/query"
)

// Made is what the service itself says of a thing that is stored.
type Made struct {
	ID        string
	CreatedAt time.Time
	Revision  int64
}

// Key is the id.
func (m Made) Key() string { return m.ID }

// Table keeps things of one kind. It does what the stores do that have methods of their own.
type Table[T any] interface {
	Insert(ctx context.Context, t T) error
	Update(ctx context.Context, t T) error
	Delete(ctx context.Context, id string) error
	Get(ctx context.Context, id string) (T, error)
	List(ctx context.Context, is Is) ([]T, error) // in the order of their ids
	Page(ctx context.Context, is Is, page query.Page) ([]T, error)
}

// Is selects things by their fields, named as the API names them; an empty value selects all.
type Is map[string]string

// Ties keeps which things of one kind are tied to which of another.
type Ties interface {
	Tie(ctx context.Context, left, right string) error   // Conflict where they are
	Untie(ctx context.Context, left, right string) error // NotFound where they are not
	UntieRight(ctx context.Context, right string) error
	Ties(ctx context.Context, left, right string) ([]Tie, error) // empty: any
}

// Tie is a pair of ids.
type Tie struct{ Left, Right string }

// made returns what a new thing begins with. Without an id it gets one.
func (s *Service) made(id string) Made {
	if id == "" {
		id = newID()
	}
	return Made{ID: id, CreatedAt: s.time(), Revision: 1}
}

// ResourceStores are the tables of the catalog and of what stands beside it.
type ResourceStores struct {
	Regions               Table[Region]
	Services              Table[CatalogService]
	Endpoints             Table[CatalogEndpoint]
	EndpointGroups        Table[EndpointGroup]
	ProjectEndpoints      Ties // project to endpoint
	ProjectEndpointGroups Ties // project to endpoint group
	Policies              Table[Policy]
	PolicyAssociations    PolicyAssociations
	RegisteredLimits      Table[RegisteredLimit]
	Limits                Table[Limit]
	Providers             Table[IdentityProvider]
	Protocols             Table[Protocol]
	Mappings              Table[Mapping]
	ServiceProviders      Table[ServiceProvider]
}
