package image

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Config is what an operator may choose.
type Config struct {
	Dir      string        // the folder of the data; made if missing
	MaxBytes int64         // the longest data of one image; 0: 1 TiB
	Lease    time.Duration // how long an upload may go without a sign of life; 0: 30 s
}

// Service has the use cases.
type Service struct {
	store    Store
	events   Events
	files    folder
	maxBytes int64
	lease    time.Duration
	log      *slog.Logger
}

// New makes the service and its folder.
func New(c Config, store Store, events Events, log *slog.Logger) (*Service, error) {
	files, err := openFolder(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("preparing the folder of the images: %w", err)
	}
	return &Service{
		store: store, events: events, files: files, log: log,
		maxBytes: cmp.Or(c.MaxBytes, 1<<40),
		lease:    cmp.Or(c.Lease, 30*time.Second),
	}, nil
}

// sight is what a caller may see.
func sight(c *auth.Caller) Sight {
	if c.Admin() {
		return Sight{All: true}
	}
	if c == nil {
		return Sight{}
	}
	return Sight{ProjectID: c.ProjectID}
}

// own returns an image that the caller may change. One that they only see is Forbidden.
func (s *Service) own(ctx context.Context, c *auth.Caller, id string) (Image, error) {
	i, err := s.store.Get(ctx, sight(c), id)
	if err != nil {
		return Image{}, err
	}
	if !c.Admin() && i.ProjectID != c.ProjectID {
		return Image{}, fault.New(fault.Forbidden, "You are not permitted to change image %s: it belongs to another project", id)
	}
	return i, nil
}

// change edits an image of the caller's in a transaction and tells of it.
func (s *Service) change(ctx context.Context, c *auth.Caller, id string, edit func(*Image) error) (Image, error) {
	var done Image
	err := s.store.Tx(ctx, func(ctx context.Context) error {
		i, err := s.own(ctx, c, id)
		if err != nil {
			return err
		}
		if err := edit(&i); err != nil {
			return err
		}
		done, err = s.save(ctx, i)
		return err
	})
	return done, err
}

// save writes an edited image and tells of it, in the transaction of ctx.
func (s *Service) save(ctx context.Context, i Image) (Image, error) {
	i.UpdatedAt = now()
	if err := s.store.Update(ctx, i); err != nil {
		return Image{}, err
	}
	i.Generation++
	return i, s.tell(ctx, "updated", i)
}

func (s *Service) tell(ctx context.Context, what string, i Image) error {
	data, err := json.Marshal(map[string]string{"name": i.Name, "status": string(i.Status)})
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	return s.events.Add(ctx, event.Event{
		At: now(), Type: "image.image." + what, Object: "image", ObjectID: i.ID, ProjectID: i.ProjectID, Data: data,
	})
}

// now is the time in the precision that both databases keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
