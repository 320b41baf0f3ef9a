package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/spf13/cobra"
)

// newImage is what the flags of `image upload` say.
type newImage struct {
	name, format, visibility string
	opts                     images.CreateOpts
	protected                bool
}

func imageUpload(o *options) *cobra.Command {
	n := &newImage{}
	c := verb(o, "upload FILE", "Upload a disk image", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		return n.run(ctx, s, args[0])
	})
	f := c.Flags()
	f.StringVar(&n.name, "name", "", "the name (default: that of the file)")
	f.StringVar(&n.format, "disk-format", "", "qcow2, raw or iso (default: what the file's content says)")
	f.StringVar(&n.visibility, "visibility", "private", "who sees it: private, shared, community or public")
	f.IntVar(&n.opts.MinDisk, "min-disk", 0, "the disk that servers need for it, in GiB")
	f.IntVar(&n.opts.MinRAM, "min-ram", 0, "the memory that servers need for it, in MiB")
	f.BoolVar(&n.protected, "protected", false, "refuse to delete it")
	f.StringSliceVar(&n.opts.Tags, "tag", nil, "a tag; may be repeated")
	f.StringToStringVar(&n.opts.Properties, "property", nil, "a property, as KEY=VALUE; may be repeated")
	return c
}

func (n *newImage) run(ctx context.Context, s *session, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	opts, err := n.options(file)
	if err != nil {
		return err
	}
	c, err := s.image()
	if err != nil {
		return err
	}
	made, err := images.Create(ctx, c, opts).Extract()
	if err != nil {
		return err
	}
	if err := s.sendImage(ctx, c, made.ID, file); err != nil {
		// What could not be filled is not left behind, even if the user has lost patience.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if undo := images.Delete(ctx, c, made.ID).ExtractErr(); undo != nil {
			s.say("image %s could not be removed again: %s", made.ID, sentence(undo))
		}
		return err
	}
	done, err := images.Get(ctx, c, made.ID).Extract()
	if err != nil {
		return err
	}
	return s.showImage(done)
}

func (n *newImage) options(file *os.File) (images.CreateOpts, error) {
	opts := n.opts
	visibility := images.ImageVisibility(n.visibility)
	opts.Name, opts.DiskFormat, opts.ContainerFormat, opts.Visibility = n.name, n.format, "bare", &visibility
	opts.Protected = &n.protected
	if opts.Name == "" {
		opts.Name = strings.TrimSuffix(filepath.Base(file.Name()), filepath.Ext(file.Name()))
	}
	if opts.DiskFormat != "" {
		return opts, nil
	}
	magic := make([]byte, 4)
	n4, err := file.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return opts, fmt.Errorf("reading %s: %w", file.Name(), err)
	}
	opts.DiskFormat = "raw"
	if string(magic[:n4]) == "QFI\xfb" {
		opts.DiskFormat = "qcow2"
	} else if strings.HasSuffix(strings.ToLower(file.Name()), ".iso") {
		opts.DiskFormat = "iso"
	}
	return opts, nil
}

// sendImage streams a file and prints every second how far it is.
func (s *session) sendImage(ctx context.Context, c *gophercloud.ServiceClient, id string, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	body := &progressReader{file: file, total: info.Size(), say: s.say, last: time.Now()}
	return imagedata.Upload(ctx, c, id, body).ExtractErr()
}

// progressReader can be read again from its start, as a login that has run out in between needs.
type progressReader struct {
	file        *os.File
	sent, total int64
	last        time.Time
	say         func(string, ...any)
}

// Read implements io.Reader.
func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.file.Read(b)
	p.sent += int64(n)
	if time.Since(p.last) > time.Second && p.total > 0 {
		p.last = time.Now()
		p.say("%3d %%  %d of %d MiB", 100*p.sent/p.total, p.sent>>20, p.total>>20)
	}
	return n, err
}

// Seek implements io.Seeker.
func (p *progressReader) Seek(offset int64, whence int) (int64, error) {
	at, err := p.file.Seek(offset, whence)
	p.sent = at
	return at, err
}
