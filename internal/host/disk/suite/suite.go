// Package suite tests an implementation of disk.Pool against the interface's comments.
package suite

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Source is an image that a pool can fetch, with knobs.
type Source struct {
	Image protocol.Image
	Data  []byte
	// Before is called before each piece is handed out, if set; its error is the read's.
	Before func(ctx context.Context, offset int64) error
	// Read counts the bytes handed out.
	Read atomic.Int64
}

// NewSource returns an image of a format with the given content.
func NewSource(format string, data []byte) *Source {
	sum := sha512.Sum512(data)
	return &Source{Data: data, Image: protocol.Image{
		ID: uuid.NewString(), Format: format, Size: int64(len(data)), SHA512: hex.EncodeToString(sum[:]),
	}}
}

// Noise returns a raw image of random content, size bytes.
func Noise(size int) *Source {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data) // it never fails
	return NewSource("raw", data)
}

// ReadImage implements disk.Source.
func (s *Source) ReadImage(ctx context.Context, id string, offset int64, length int) ([]byte, error) {
	if id != s.Image.ID {
		return nil, fault.Missing("image", id)
	}
	if s.Before != nil {
		if err := s.Before(ctx, offset); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	end := min(offset+int64(length), int64(len(s.Data)))
	s.Read.Add(end - offset)
	return bytes.Clone(s.Data[offset:end]), nil
}

func quiet(int64, int64) {}

// Run runs the suite; open makes an empty pool.
func Run(t *testing.T, open func(t *testing.T) disk.Pool) {
	for name, test := range map[string]func(*testing.T, disk.Pool){
		"nothing there":         nothing,
		"a disk's life":         life,
		"progress":              progress,
		"damaged data":          damagedData,
		"data that ends":        shortData,
		"many want one":         many,
		"an interrupted one":    interrupted,
		"a failing source":      failing,
		"as large as the image": asLarge,
		"odd names":             oddNames,
		"capacity":              capacity,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func nothing(t *testing.T, p disk.Pool) {
	ctx, server := t.Context(), uuid.NewString()
	_, err := p.Find(ctx, server)
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	_, err = p.Create(ctx, server, Noise(4096).Image, 1)
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	require.NoError(t, p.Delete(ctx, server))
	servers, err := p.List(ctx)
	require.NoError(t, err)
	require.Empty(t, servers)
}

func life(t *testing.T, p disk.Pool) {
	ctx, server, s := t.Context(), uuid.NewString(), Noise(3<<20)
	require.NoError(t, p.Image(ctx, s.Image, s, quiet))
	require.NoError(t, p.Image(ctx, s.Image, s, quiet))
	require.Equal(t, s.Image.Size, s.Read.Load(), "an image that is there must not be fetched again")

	made, err := p.Create(ctx, server, s.Image, 1)
	require.NoError(t, err)
	require.NotEmpty(t, made.Path)
	require.Contains(t, []string{"none", "writeback"}, made.Cache)
	again, err := p.Create(ctx, server, s.Image, 7)
	require.NoError(t, err)
	require.Equal(t, made, again)
	found, err := p.Find(ctx, server)
	require.NoError(t, err)
	require.Equal(t, made, found)
	servers, err := p.List(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{server}, servers)

	require.NoError(t, p.Delete(ctx, server))
	require.NoError(t, p.Delete(ctx, server))
	_, err = p.Find(ctx, server)
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	_, err = p.Create(ctx, server, s.Image, 0)
	require.NoError(t, err, "the image is still there")
}

func progress(t *testing.T, p disk.Pool) {
	s := Noise(3 * protocol.ImagePiece)
	var heard []int64
	require.NoError(t, p.Image(t.Context(), s.Image, s, func(have, size int64) {
		require.Equal(t, s.Image.Size, size)
		heard = append(heard, have)
	}))
	require.NotEmpty(t, heard)
	require.IsNonDecreasing(t, heard)
	require.Equal(t, s.Image.Size, heard[len(heard)-1])
}

func damagedData(t *testing.T, p disk.Pool) {
	s := Noise(1 << 20)
	s.Data[5]++
	err := p.Image(t.Context(), s.Image, s, quiet)
	require.ErrorIs(t, err, disk.ErrDamaged)
	_, err = p.Create(t.Context(), uuid.NewString(), s.Image, 1)
	require.True(t, fault.Is(err, fault.NotFound), "damaged data must not be used")
	s.Data[5]--
	require.NoError(t, p.Image(t.Context(), s.Image, s, quiet), "it starts anew")
}

func shortData(t *testing.T, p disk.Pool) {
	s := Noise(1 << 20)
	whole := s.Data
	s.Data = whole[:1<<19]
	require.ErrorIs(t, p.Image(t.Context(), s.Image, s, quiet), disk.ErrDamaged)
	s.Data = whole
	require.NoError(t, p.Image(t.Context(), s.Image, s, quiet))
}

func many(t *testing.T, p disk.Pool) {
	s := Noise(2 << 20)
	var all sync.WaitGroup
	failures := make(chan error, 64)
	for range 16 {
		all.Go(func() {
			failures <- p.Image(t.Context(), s.Image, s, quiet)
			_, err := p.Create(t.Context(), uuid.NewString(), s.Image, 1)
			failures <- err
		})
	}
	all.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	require.Equal(t, s.Image.Size, s.Read.Load(), "it must be fetched once")
	servers, err := p.List(t.Context())
	require.NoError(t, err)
	require.Len(t, servers, 16)
}

// interrupted ends the first of two callers in the middle of the fetch; the other brings it to its end.
func interrupted(t *testing.T, p disk.Pool) {
	s := Noise(4 * protocol.ImagePiece)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reached := make(chan struct{})
	var once sync.Once
	s.Before = func(ctx context.Context, offset int64) error {
		first := false
		if offset == 2*protocol.ImagePiece {
			once.Do(func() { first = true })
		}
		if first {
			close(reached)
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- p.Image(ctx, s.Image, s, quiet) }()
	<-reached
	go func() { second <- p.Image(t.Context(), s.Image, s, quiet) }()
	cancel()
	require.ErrorIs(t, <-first, context.Canceled)
	require.NoError(t, <-second)
	_, err := p.Create(t.Context(), uuid.NewString(), s.Image, 1)
	require.NoError(t, err)
}

func failing(t *testing.T, p disk.Pool) {
	s := Noise(2 * protocol.ImagePiece)
	broken := errors.New("broken")
	s.Before = func(_ context.Context, offset int64) error {
		if offset > 0 {
			return broken
		}
		return nil
	}
	require.ErrorIs(t, p.Image(t.Context(), s.Image, s, quiet), broken)
	s.Before = nil
	require.NoError(t, p.Image(t.Context(), s.Image, s, quiet))
}

func asLarge(t *testing.T, p disk.Pool) {
	s := Noise(4096)
	require.NoError(t, p.Image(t.Context(), s.Image, s, quiet))
	_, err := p.Create(t.Context(), uuid.NewString(), s.Image, 0)
	require.NoError(t, err)
}

func oddNames(t *testing.T, p disk.Pool) {
	s := Noise(4096)
	require.NoError(t, p.Image(t.Context(), s.Image, s, quiet))
	for _, id := range []string{"", ".", "..", "a/b", "../x", ".hidden"} {
		_, err := p.Create(t.Context(), id, s.Image, 1)
		require.True(t, fault.Is(err, fault.Invalid), "%q: %v", id, err)
		require.True(t, fault.Is(p.Delete(t.Context(), id), fault.Invalid), "%q", id)
		image := s.Image
		image.ID = id
		require.True(t, fault.Is(p.Image(t.Context(), image, s, quiet), fault.Invalid), "%q", id)
	}
	image := s.Image
	image.Format = "vmdk"
	require.True(t, fault.Is(p.Image(t.Context(), image, s, quiet), fault.Invalid))
}

func capacity(t *testing.T, p disk.Pool) {
	c, err := p.Capacity(t.Context())
	require.NoError(t, err)
	require.Positive(t, c.Total)
	require.LessOrEqual(t, c.Free, c.Total)
}
