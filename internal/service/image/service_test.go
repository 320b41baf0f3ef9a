package image_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/image"
	"github.com/aloft-cloud/aloft/internal/service/image/store"
)

// events is a list of what was told.
type events struct {
	mu   sync.Mutex
	told []string
}

func (e *events) Add(_ context.Context, ev event.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, ev.Type)
	return nil
}

type bench struct {
	*image.Service
	dir    string
	events *events
}

func newBench(t *testing.T, d *db.DB, c image.Config) bench {
	t.Helper()
	if c.Dir == "" {
		c.Dir = filepath.Join(t.TempDir(), "images")
	}
	ev := &events{}
	s, err := image.New(c, store.New(d), ev, slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NoError(t, err)
	return bench{s, c.Dir, ev}
}

func sqlite(t *testing.T, c image.Config) bench {
	return newBench(t, dbtest.SQLite(t, store.Migrations()), c)
}

func (b bench) files(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(b.dir)
	require.NoError(t, err)
	return len(entries)
}

func member(project string) *auth.Caller {
	return &auth.Caller{UserID: "u-" + project, ProjectID: project, Roles: []string{"member", "reader"}}
}

func admin() *auth.Caller {
	return &auth.Caller{UserID: "root", ProjectID: "ops", Roles: []string{"admin", "member", "reader"}}
}

func (b bench) create(t *testing.T, c *auth.Caller, format string) image.Image {
	t.Helper()
	i, err := b.Create(t.Context(), c, image.Image{Name: "n", DiskFormat: format, ContainerFormat: "bare"})
	require.NoError(t, err)
	return i
}

// disk makes an image of 8 MiB with qemu-img.
func disk(t *testing.T, args ...string) []byte {
	t.Helper()
	tool, err := exec.LookPath("qemu-img")
	if err != nil {
		t.Skip("qemu-img is not installed (Debian package qemu-utils)")
	}
	dir := t.TempDir()
	cmd := exec.Command(tool, append(append([]string{"create", "-q"}, args...), "disk", "8M")...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	data, err := os.ReadFile(filepath.Join(dir, "disk"))
	require.NoError(t, err)
	return data
}

func TestLife(t *testing.T) {
	dbtest.Each(t, []db.Migrations{store.Migrations()}, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, image.Config{})
		me, data := member("me"), disk(t, "-f", "qcow2")
		i := b.create(t, me, image.QCOW2)
		require.Equal(t, image.Queued, i.Status)
		require.Equal(t, image.Shared, i.Visibility)

		_, _, err := b.Open(t.Context(), me, i.ID)
		require.ErrorIs(t, err, image.ErrNoData)
		require.NoError(t, b.Upload(t.Context(), me, i.ID, bytes.NewReader(data)))

		i, err = b.Show(t.Context(), me, i.ID)
		require.NoError(t, err)
		require.Equal(t, image.Active, i.Status)
		require.EqualValues(t, len(data), i.Size)
		require.EqualValues(t, 8<<20, i.VirtualSize)
		m, sha := md5.Sum(data), sha512.Sum512(data)
		require.Equal(t, hex.EncodeToString(m[:]), i.MD5)
		require.Equal(t, hex.EncodeToString(sha[:]), i.SHA512)
		require.Equal(t, 1, b.files(t))

		_, f, err := b.Open(t.Context(), me, i.ID)
		require.NoError(t, err)
		got, err := io.ReadAll(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.True(t, bytes.Equal(data, got))

		for _, piece := range []struct {
			offset int64
			length int
			want   []byte
		}{{0, 16, data[:16]}, {int64(len(data)) - 3, 16, data[len(data)-3:]}, {int64(len(data)), 16, []byte{}}, {1 << 40, 1, []byte{}}} {
			p, err := b.ReadAt(t.Context(), i.ID, piece.offset, piece.length)
			require.NoError(t, err)
			require.Equal(t, piece.want, p)
		}
		_, err = b.ReadAt(t.Context(), i.ID, -1, 1)
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)

		err = b.Upload(t.Context(), me, i.ID, bytes.NewReader(data))
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		require.NoError(t, b.Delete(t.Context(), me, i.ID))
		require.Zero(t, b.files(t))
		_, err = b.Show(t.Context(), me, i.ID)
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		require.Equal(t, []string{"image.image.created", "image.image.updated", "image.image.updated", "image.image.deleted"}, b.events.told)
	})
}

func TestRefusedContent(t *testing.T) {
	qcow := disk(t, "-f", "qcow2")
	iso := make([]byte, 64<<10)
	copy(iso[0x8001:], "CD001")
	b, me := sqlite(t, image.Config{MaxBytes: 16 << 20}), member("me")
	for name, c := range map[string]struct {
		format, says string
		class        fault.Class
		data         []byte
	}{
		"qcow2 as raw":   {image.Raw, "content is qcow2", fault.Invalid, qcow},
		"raw as qcow2":   {image.QCOW2, "content is not qcow2", fault.Invalid, disk(t, "-f", "raw")},
		"vmdk as raw":    {image.Raw, "content is vmdk", fault.Invalid, disk(t, "-f", "vmdk")},
		"vmdk as qcow2":  {image.QCOW2, "content is vmdk", fault.Invalid, disk(t, "-f", "vmdk")},
		"vdi as raw":     {image.Raw, "content is vdi", fault.Invalid, disk(t, "-f", "vdi")},
		"vhd as raw":     {image.Raw, "content is vhd", fault.Invalid, disk(t, "-f", "vpc", "-o", "subformat=fixed")},
		"vhdx as raw":    {image.Raw, "content is vhdx", fault.Invalid, disk(t, "-f", "vhdx")},
		"iso as qcow2":   {image.QCOW2, "content is iso", fault.Invalid, iso},
		"raw as iso":     {image.ISO, "content is not iso", fault.Invalid, qcow[:0:0]},
		"backing file":   {image.QCOW2, "backing file", fault.Invalid, disk(t, "-f", "qcow2", "-u", "-b", "/etc/shadow", "-F", "raw")},
		"external data":  {image.QCOW2, "external data file", fault.Invalid, disk(t, "-f", "qcow2", "-o", "data_file=data")},
		"cut off header": {image.QCOW2, "cut off", fault.Invalid, qcow[:40]},
		"cut off tables": {image.QCOW2, "cut off", fault.Invalid, qcow[:70<<10]},
		"empty":          {image.Raw, "no data", fault.Invalid, nil},
		"too long":       {image.Raw, "larger than", fault.TooLarge, make([]byte, 16<<20+1)},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "raw as iso" {
				c.data = []byte("plain")
			}
			i := b.create(t, me, c.format)
			err := b.Upload(t.Context(), me, i.ID, bytes.NewReader(c.data))
			require.True(t, fault.Is(err, c.class), "%v", err)
			require.ErrorContains(t, err, c.says)
			i, err = b.Show(t.Context(), me, i.ID)
			require.NoError(t, err)
			require.Equal(t, image.Queued, i.Status, "it may be uploaded again")
			require.Zero(t, i.Size)
			require.Zero(t, b.files(t), "nothing is left of it")
		})
	}
	i := b.create(t, me, image.Raw)
	require.NoError(t, b.Upload(t.Context(), me, i.ID, bytes.NewReader(iso)), "an ISO may be written to a disk, too")
}

func TestBrokenUpload(t *testing.T) {
	b, me := sqlite(t, image.Config{}), member("me")
	i := b.create(t, me, image.Raw)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- b.Upload(ctx, me, i.ID, r) }()
	_, err := w.Write(make([]byte, 300<<10))
	require.NoError(t, err)
	i, err = b.Show(t.Context(), me, i.ID)
	require.NoError(t, err)
	require.Equal(t, image.Saving, i.Status)
	require.Equal(t, 1, b.files(t))
	cancel()
	require.NoError(t, w.CloseWithError(errors.New("connection reset")))
	require.Error(t, <-done)
	i, err = b.Show(t.Context(), me, i.ID)
	require.NoError(t, err)
	require.Equal(t, image.Queued, i.Status)
	require.Zero(t, b.files(t))
	require.NoError(t, b.Upload(t.Context(), me, i.ID, bytes.NewReader([]byte("second try"))))
}

func TestDeleteDuringUpload(t *testing.T) {
	b, me := sqlite(t, image.Config{Lease: 50 * time.Millisecond}), member("me")
	i := b.create(t, me, image.Raw)
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- b.Upload(t.Context(), me, i.ID, r) }()
	_, err := w.Write(make([]byte, 300<<10))
	require.NoError(t, err)
	require.NoError(t, b.Delete(t.Context(), me, i.ID))
	var more sync.WaitGroup
	more.Go(func() { // the client knows nothing and goes on
		for err := error(nil); err == nil; {
			_, err = w.Write(make([]byte, 1024))
		}
	})
	require.True(t, fault.Is(<-done, fault.NotFound), "the upload ends by itself")
	require.NoError(t, r.Close())
	more.Wait()
	require.Zero(t, b.files(t))
}

// TestSweep plays processes that died at each point.
func TestSweep(t *testing.T) {
	d := dbtest.SQLite(t, store.Migrations())
	b, me := newBench(t, d, image.Config{Lease: time.Hour}), member("me")
	kept := b.create(t, me, image.Raw)
	require.NoError(t, b.Upload(t.Context(), me, kept.ID, bytes.NewReader([]byte("kept"))))
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "deleted-row"), []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "deleted-row-too.part"), []byte("x"), 0o600))
	st := store.New(d)
	for id, c := range map[string]struct {
		file  string
		lease time.Time
	}{
		"dead-part":  {"dead-part.part", time.Now().Add(-2 * time.Hour)},
		"dead-whole": {"dead-whole", time.Now().Add(-2 * time.Hour)},
		"alive":      {"alive.part", time.Now()},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(b.dir, c.file), []byte("x"), 0o600))
		require.NoError(t, st.Tx(t.Context(), func(ctx context.Context) error {
			return st.Insert(ctx, image.Image{
				ID: id, ProjectID: "me", Status: image.Saving, Visibility: image.Private, Upload: id, LeaseAt: c.lease,
				CreatedAt: c.lease, UpdatedAt: c.lease, Generation: 1,
			})
		}))
	}
	swept, err := b.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, image.Swept{Requeued: 2, Removed: 4}, swept)
	require.Equal(t, 2, b.files(t))
	for id, want := range map[string]image.Status{
		kept.ID: image.Active, "dead-part": image.Queued, "dead-whole": image.Queued, "alive": image.Saving,
	} {
		i, err := b.Show(t.Context(), me, id)
		require.NoError(t, err)
		require.Equal(t, want, i.Status, id)
	}
	kept, err = b.Show(t.Context(), me, kept.ID)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(b.dir, kept.Upload)))
	swept, err = b.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, image.Swept{Missing: 1}, swept)
}

func TestAuthority(t *testing.T) {
	b, me, you := sqlite(t, image.Config{}), member("me"), member("you")
	_, err := b.Create(t.Context(), me, image.Image{Visibility: image.Public})
	require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
	_, err = b.Create(t.Context(), me, image.Image{ProjectID: "you"})
	require.True(t, fault.Is(err, fault.Forbidden), "%v", err)

	i := b.create(t, me, image.Raw)
	publish := func(i *image.Image) error { i.Visibility = image.Public; return nil }
	_, err = b.Update(t.Context(), me, i.ID, publish)
	require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
	_, err = b.Update(t.Context(), you, i.ID, publish)
	require.True(t, fault.Is(err, fault.NotFound), "not even that it exists may be learned: %v", err)
	_, err = b.Update(t.Context(), admin(), i.ID, publish)
	require.NoError(t, err)
	require.NoError(t, b.Upload(t.Context(), me, i.ID, bytes.NewReader([]byte("data"))))

	_, err = b.Show(t.Context(), you, i.ID)
	require.NoError(t, err)
	require.True(t, fault.Is(b.Delete(t.Context(), you, i.ID), fault.Forbidden))
	_, err = b.Update(t.Context(), me, i.ID, func(i *image.Image) error { i.DiskFormat = image.QCOW2; return nil })
	require.True(t, fault.Is(err, fault.Forbidden), "the format of active images is fixed: %v", err)
	_, err = b.Update(t.Context(), me, i.ID, func(i *image.Image) error {
		i.Protected, i.Size, i.Status, i.Upload = true, 99, image.Queued, "/etc/shadow"
		return nil
	})
	require.NoError(t, err)
	i, err = b.Show(t.Context(), me, i.ID)
	require.NoError(t, err)
	require.EqualValues(t, 4, i.Size)
	require.Equal(t, image.Active, i.Status)
	require.True(t, fault.Is(b.Delete(t.Context(), me, i.ID), fault.Forbidden), "protected")

	require.NoError(t, b.SetActive(t.Context(), admin(), i.ID, false))
	_, _, err = b.Open(t.Context(), me, i.ID)
	require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
	require.NoError(t, b.SetActive(t.Context(), admin(), i.ID, true))
	_, f, err := b.Open(t.Context(), you, i.ID)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestMembers(t *testing.T) {
	b, me, you, they := sqlite(t, image.Config{}), member("me"), member("you"), member("they")
	i := b.create(t, me, image.Raw)
	_, err := b.AddMember(t.Context(), you, i.ID, "you")
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	m, err := b.AddMember(t.Context(), me, i.ID, "you")
	require.NoError(t, err)
	require.Equal(t, image.Pending, m.Status)
	_, err = b.AddMember(t.Context(), me, i.ID, "you")
	require.True(t, fault.Is(err, fault.Conflict), "%v", err)
	_, err = b.AddMember(t.Context(), me, i.ID, "they")
	require.NoError(t, err)
	_, err = b.SetMemberStatus(t.Context(), me, i.ID, "you", image.Accepted)
	require.True(t, fault.Is(err, fault.Forbidden), "%v", err)

	list := func() []image.Image {
		l, err := b.List(t.Context(), you, image.Filter{}, query.Page{Limit: 5})
		require.NoError(t, err)
		return l
	}
	require.Empty(t, list())
	_, err = b.SetMemberStatus(t.Context(), you, i.ID, "you", image.Accepted)
	require.NoError(t, err)
	require.Len(t, list(), 1)
	members, err := b.Members(t.Context(), they, i.ID)
	require.NoError(t, err)
	require.Len(t, members, 1, "a member sees itself only")
	require.NoError(t, b.RemoveMember(t.Context(), me, i.ID, "you"))
	require.Empty(t, list())
	_, err = b.Show(t.Context(), you, i.ID)
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
}
