// Package simulated is a pool of disks that are nothing but names, for labs and tests. Image data is fetched and verified,
// unless Options say otherwise, and thrown away.
package simulated

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Operation names what can be made to fail.
type Operation string

// The operations, one for each method of the interface.
const (
	Image    Operation = "image"
	Create   Operation = "create"
	Find     Operation = "find"
	Delete   Operation = "delete"
	List     Operation = "list"
	Capacity Operation = "capacity"
)

// Options are the knobs. The zero value is a pool of 1 TiB that does everything well.
type Options struct {
	TotalGiB int
	// SkipData makes images present without fetching them.
	SkipData bool
	// Fail is asked before each call, with no lock held; what it returns is the call's error. id is the server's or the
	// image's, and may be empty.
	Fail func(op Operation, id string) error
}

// Pool is disk.Pool in memory. It lives as long as the host that it plays.
type Pool struct {
	opts Options

	mu      sync.Mutex
	images  map[string]int64         // size by id
	turns   map[string]chan struct{} // held by who fetches an image
	servers map[string]root
}

// root is a server's root disk.
type root struct {
	image  protocol.Image
	gib    int
	format string
}

var _ disk.Pool = (*Pool)(nil)

// New returns an empty pool.
func New(opts Options) *Pool {
	if opts.TotalGiB == 0 {
		opts.TotalGiB = 1 << 10
	}
	return &Pool{opts: opts, images: map[string]int64{}, turns: map[string]chan struct{}{}, servers: map[string]root{}}
}

// Image implements disk.Pool.
func (p *Pool) Image(ctx context.Context, image protocol.Image, from disk.Source, progress disk.Progress) error {
	if err := p.begin(ctx, Image, "image", image.ID); err != nil {
		return err
	}
	if image.Format != "qcow2" && image.Format != "raw" {
		return fault.Invalidf("image", "image %s has format %q; this host can use qcow2 and raw", image.ID, image.Format)
	}
	turn := p.turn(image.ID)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.has(image.ID) {
		return nil
	}
	if !p.opts.SkipData {
		if err := fetch(ctx, image, from, progress); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.images[image.ID] = image.Size
	return nil
}

func fetch(ctx context.Context, image protocol.Image, from disk.Source, progress disk.Progress) error {
	sum := sha512.New()
	for have := int64(0); have < image.Size; {
		piece, err := from.ReadImage(ctx, image.ID, have, int(min(protocol.ImagePiece, image.Size-have)))
		if err != nil {
			return fmt.Errorf("fetching image %s at byte %d: %w", image.ID, have, err)
		}
		if len(piece) == 0 {
			break
		}
		sum.Write(piece)
		have += int64(len(piece))
		progress(have, image.Size)
	}
	if hex.EncodeToString(sum.Sum(nil)) != image.SHA512 {
		return fault.Wrap(fault.Unavailable, disk.ErrDamaged, "image %s did not arrive whole", image.ID)
	}
	return nil
}

func (p *Pool) turn(image string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.turns[image] == nil {
		p.turns[image] = make(chan struct{}, 1)
	}
	return p.turns[image]
}

func (p *Pool) has(image string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.images[image]
	return ok
}

// Create implements disk.Pool.
func (p *Pool) Create(ctx context.Context, server string, image protocol.Image, sizeGiB int) (disk.Disk, error) {
	if err := p.begin(ctx, Create, "server", server); err != nil {
		return disk.Disk{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, ok := p.servers[server]; ok {
		return r.disk(server), nil
	}
	size, ok := p.images[image.ID]
	if !ok {
		return disk.Disk{}, fault.Missing("cached image", image.ID)
	}
	if sizeGiB > 0 && int64(sizeGiB)<<30 < size {
		return disk.Disk{}, fault.Invalidf("flavor", "a root disk of %d GiB is too small for the image, which needs %d GiB",
			sizeGiB, (size+1<<30-1)>>30)
	}
	if p.used()+int64(sizeGiB) > int64(p.opts.TotalGiB) {
		return disk.Disk{}, fault.Wrap(fault.Unavailable, disk.ErrFull, "the host has no room on its disk for a root disk")
	}
	r := root{image: image, gib: sizeGiB, format: "qcow2"}
	p.servers[server] = r
	return r.disk(server), nil
}

// used is the size of all root disks, in GiB. The caller holds the lock.
func (p *Pool) used() (gib int64) {
	for _, r := range p.servers {
		gib += int64(r.gib)
	}
	return gib
}

func (r root) disk(server string) disk.Disk {
	return disk.Disk{
		Path: "/simulated/disks/" + server, Format: r.format, Cache: "none",
		Backing: "/simulated/images/" + r.image.ID, BackingFormat: r.image.Format,
	}
}

// Find implements disk.Pool.
func (p *Pool) Find(ctx context.Context, server string) (disk.Disk, error) {
	if err := p.begin(ctx, Find, "server", server); err != nil {
		return disk.Disk{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.servers[server]
	if !ok {
		return disk.Disk{}, fault.Missing("root disk", server)
	}
	return r.disk(server), nil
}

// Delete implements disk.Pool.
func (p *Pool) Delete(ctx context.Context, server string) error {
	if err := p.begin(ctx, Delete, "server", server); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.servers, server)
	return nil
}

// List implements disk.Pool.
func (p *Pool) List(ctx context.Context) ([]string, error) {
	if err := p.begin(ctx, List, "", ""); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	servers := make([]string, 0, len(p.servers))
	for id := range p.servers {
		servers = append(servers, id)
	}
	return servers, nil
}

// Capacity implements disk.Pool.
func (p *Pool) Capacity(ctx context.Context) (disk.Capacity, error) {
	if err := p.begin(ctx, Capacity, "", ""); err != nil {
		return disk.Capacity{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	total := int64(p.opts.TotalGiB)
	return disk.Capacity{Total: total << 30, Free: (total - p.used()) << 30}, nil
}

// begin fails as the knobs say, or because of an odd id.
func (p *Pool) begin(ctx context.Context, op Operation, object, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if object != "" && (id == "" || filepath.Base(id) != id || strings.HasPrefix(id, ".")) {
		return fault.Invalidf("id", "%q is no %s's id", id, object)
	}
	if p.opts.Fail != nil {
		return p.opts.Fail(op, id)
	}
	return nil
}
