// Package disk says what a host needs of a place that keeps root disks: a pool. A pool caches images, makes a server's
// root disk from an image, and removes it again. Its methods are the whole contract; package disk/suite tests each
// implementation against it.
//
// A pool keeps nothing in memory that a restart would miss: what it has is what it finds.
package disk

import (
	"context"
	"errors"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// ErrFull is inside every error that comes from a lack of space in the pool, after unused images have been dropped.
var ErrFull = errors.New("the disk pool is full")

// ErrDamaged is inside an error of Pool.Image when the data that arrived isn't the data that the image promises.
var ErrDamaged = errors.New("the image's data is damaged")

// Source is where a pool fetches image data from.
type Source interface {
	// ReadImage returns at most length bytes from offset; fewer than asked for only at the end of the image.
	ReadImage(ctx context.Context, id string, offset int64, length int) ([]byte, error)
}

// Progress is told how many bytes of an image are there, out of how many. It must not block.
type Progress func(have, size int64)

// Disk is a root disk, in the terms in which a hypervisor opens it.
type Disk struct {
	Path   string // absolute
	Format string // "qcow2" or "raw"
	Cache  string // the hypervisor's cache mode that the pool allows: "none" or "writeback"
	// Backing is the cached image that the disk is laid over; it is shared and must not be written or change owner.
	Backing       string
	BackingFormat string
}

// Capacity is the size of a pool, in bytes.
type Capacity struct {
	Total, Free int64
}

// Pool keeps the root disks of a host's servers. All methods may be called at the same time from many goroutines, and
// all may be repeated: what is done already is not done again. Errors that a user should read are faults.
type Pool interface {
	// Image makes an image's data present and verified. One fetch of an image is at work at a time; other callers wait
	// for it and hear of its progress too. A caller whose ctx ends gives up its turn and the next goes on where it was.
	// Data that does not have the promised size, SHA512 or format is thrown away and is an error (ErrDamaged); an image
	// that points to other files is refused.
	Image(ctx context.Context, image protocol.Image, from Source, progress Progress) error

	// Create makes the root disk of a server from an image that Image has made present, sizeGiB large; 0 means as large
	// as the image. An existing disk is returned as it is, whatever its size. An image that is larger than sizeGiB is an
	// Invalid fault; one that is not present is a NotFound fault. After a crash there is a whole disk or none.
	Create(ctx context.Context, server string, image protocol.Image, sizeGiB int) (Disk, error)

	// Find returns the root disk of a server; a NotFound fault if there is none.
	Find(ctx context.Context, server string) (Disk, error)

	// Delete removes all disks of a server. It is no error if there are none.
	Delete(ctx context.Context, server string) error

	// List returns the servers that have disks here, in no order.
	List(ctx context.Context) ([]string, error)

	// Capacity returns what the pool has in all, and what is free.
	Capacity(ctx context.Context) (Capacity, error)
}
