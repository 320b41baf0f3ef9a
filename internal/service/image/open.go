package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// ErrNoData says that an image is visible but has no data yet.
var ErrNoData = errors.New("the image has no data")

// Open opens the data of an image that the caller may see. The caller closes it. An image without data is Conflict
// around ErrNoData; a deactivated one is open to administrators only.
func (s *Service) Open(ctx context.Context, c *auth.Caller, id string) (Image, *os.File, error) {
	i, err := s.store.Get(ctx, sight(c), id)
	if err != nil {
		return Image{}, nil, err
	}
	if i.Status == Deactivated && !c.Admin() {
		return Image{}, nil, fault.New(fault.Forbidden, "The requested image has been deactivated. Image data download is forbidden.")
	}
	file, err := s.open(i)
	return i, file, err
}

func (s *Service) open(i Image) (*os.File, error) {
	if !i.HasData() {
		return nil, fault.Wrap(fault.Conflict, ErrNoData, "image %s is %s and has no data yet", i.ID, i.Status)
	}
	file, err := s.files.open(i.Upload)
	if err != nil {
		return nil, fmt.Errorf("opening the data of image %s: %w", i.ID, err)
	}
	return file, nil
}

// ReadAt returns a piece of an image's data for a host. It is shorter than length at the end of the data only.
func (s *Service) ReadAt(ctx context.Context, id string, offset int64, length int) ([]byte, error) {
	if offset < 0 || length < 0 {
		return nil, fault.Invalidf("offset", "a piece of an image starts at 0 or later and is 0 or more bytes long")
	}
	i, err := s.store.Get(ctx, Sight{All: true}, id)
	if err != nil {
		return nil, err
	}
	file, err := s.open(i)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := make([]byte, min(int64(length), max(0, i.Size-offset)))
	n, err := file.ReadAt(data, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the data of image %s: %w", id, err)
	}
	if n < len(data) {
		return nil, fmt.Errorf("the data of image %s is shorter than its %d bytes", id, i.Size)
	}
	return data, nil
}
