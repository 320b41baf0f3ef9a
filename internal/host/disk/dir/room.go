package dir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// slack is kept free, so that a host whose pool is full still works.
const slack = 256 << 20

// unusedFor is how long an image must have been out of use to be removed: a disk may be about to be laid over it.
const unusedFor = 10 * time.Minute

// cached is an image in the cache.
type cached struct {
	path string
	used time.Time
}

// makeRoom removes images that no disk is laid over, the longest unused first, until there is room for so many bytes.
func (p *Pool) makeRoom(ctx context.Context, need int64) error {
	enough := func() (bool, error) {
		c, err := p.Capacity(ctx)
		return c.Free >= need+slack, err
	}
	if ok, err := enough(); ok || err != nil {
		return err
	}
	p.layout.Lock()
	defer p.layout.Unlock()
	unused, err := p.unused(ctx)
	if err != nil {
		return err
	}
	for _, image := range unused {
		p.log.Info("disk pool: removing an unused image to make room", "path", image.path)
		if err := os.Remove(image.path); err != nil && !isGone(err) {
			return fmt.Errorf("removing an unused image: %w", err)
		}
		if ok, err := enough(); ok || err != nil {
			return err
		}
	}
	return full(fmt.Sprintf("an image of %d MiB", need>>20))
}

// unused returns the images that may go, the longest unused first.
func (p *Pool) unused(ctx context.Context) ([]cached, error) {
	servers, err := p.List(ctx)
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, server := range servers {
		d, err := p.Find(ctx, server)
		if err != nil {
			return nil, err // without knowing what it needs nothing may go
		}
		needed[d.Backing] = true
	}
	entries, err := os.ReadDir(p.images)
	if err != nil {
		return nil, fmt.Errorf("listing the images: %w", err)
	}
	var found []cached
	for _, e := range entries {
		path := filepath.Join(p.images, e.Name())
		info, err := e.Info()
		if err != nil || strings.HasPrefix(e.Name(), ".") || needed[path] || time.Since(info.ModTime()) < unusedFor {
			continue
		}
		found = append(found, cached{path, info.ModTime()})
	}
	slices.SortFunc(found, func(a, b cached) int { return a.used.Compare(b.used) })
	return found, nil
}
