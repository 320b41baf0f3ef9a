package dir

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/disk/suite"
)

func discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func quiet(int64, int64) {}

func open(t *testing.T, path string) *Pool {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skipf("needs qemu-img: %v", err)
	}
	p, err := Open(path, discard())
	require.NoError(t, err)
	return p
}

// reachableDir is a temporary directory that other users get through to.
func reachableDir(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(path), 0o711))
	return path
}

func TestSuite(t *testing.T) {
	suite.Run(t, func(t *testing.T) disk.Pool { return open(t, reachableDir(t)) })
}

// qcow2 makes an image of a virtual size with qemu-img.
func qcow2(t *testing.T, size string, args ...string) *suite.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.qcow2")
	args = append(append([]string{"create", "-q", "-f", "qcow2"}, args...), path, size)
	out, err := exec.Command("qemu-img", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return suite.NewSource("qcow2", data)
}

func TestOverlay(t *testing.T) {
	p, s := open(t, reachableDir(t)), qcow2(t, "3G")
	require.NoError(t, p.Image(t.Context(), s.Image, s, quiet))
	_, err := p.Create(t.Context(), "small", s.Image, 2)
	require.True(t, fault.Is(err, fault.Invalid))
	require.Contains(t, err.Error(), "needs 3 GiB")

	d, err := p.Create(t.Context(), "server", s.Image, 5)
	require.NoError(t, err)
	require.Equal(t, "qcow2", d.BackingFormat)
	h, err := readHeader(d.Path)
	require.NoError(t, err)
	require.Equal(t, header{VirtualSize: 5 << 30, Backing: d.Backing}, h)
	out, err := exec.Command("qemu-img", "check", d.Path).CombinedOutput()
	require.NoError(t, err, "%s", out)

	for path, mode := range map[string]os.FileMode{
		d.Backing: 0o644, d.Path: 0o600, filepath.Dir(d.Path): 0o711, filepath.Dir(d.Backing): 0o711,
	} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}
}

func TestImagesThatPointElsewhereAreRefused(t *testing.T) {
	p := open(t, reachableDir(t))
	raw := filepath.Join(t.TempDir(), "data.raw")
	for name, s := range map[string]*suite.Source{
		"backing file": qcow2(t, "1M", "-u", "-F", "raw", "-b", "/etc/passwd"),
		"data file":    qcow2(t, "1M", "-o", "data_file="+raw),
	} {
		err := p.Image(t.Context(), s.Image, s, quiet)
		require.True(t, fault.Is(err, fault.Invalid), "%s: %v", name, err)
		_, err = p.Create(t.Context(), "server", s.Image, 1)
		require.True(t, fault.Is(err, fault.NotFound), "%s: %v", name, err)
	}
	lying := suite.Noise(1 << 20)
	lying.Image.Format = "qcow2"
	require.ErrorIs(t, p.Image(t.Context(), lying.Image, lying, quiet), disk.ErrDamaged)
}

func TestNothingHalfDoneSurvives(t *testing.T) {
	path := reachableDir(t)
	p, s := open(t, path), suite.Noise(1<<20)
	require.NoError(t, p.Image(t.Context(), s.Image, s, quiet))
	_, err := p.Create(t.Context(), "whole", s.Image, 1)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(path, "images", ".part-x.raw"), []byte("x"), 0o600))
	for _, d := range []string{".new-a", ".gone-b"} {
		require.NoError(t, os.MkdirAll(filepath.Join(path, "disks", d), 0o711))
		require.NoError(t, os.WriteFile(filepath.Join(path, "disks", d, "root.qcow2"), []byte("x"), 0o600))
	}
	servers, err := p.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"whole"}, servers, "what is half done must not be seen")

	p = open(t, path)
	_, err = p.Find(t.Context(), "whole")
	require.NoError(t, err)
	for _, d := range []string{"images", "disks"} {
		entries, err := os.ReadDir(filepath.Join(path, d))
		require.NoError(t, err)
		require.Len(t, entries, 1, d)
	}
	require.NoError(t, p.Image(t.Context(), s.Image, s, quiet))
	require.Equal(t, s.Image.Size, s.Read.Load(), "the image is still there")
}

func TestAnInterruptedFetchGoesOnWhereItWas(t *testing.T) {
	p, s := open(t, reachableDir(t)), suite.Noise(4<<20)
	ctx, cancel := context.WithCancel(t.Context())
	s.Before = func(_ context.Context, offset int64) error {
		if offset == 2<<20 {
			cancel()
		}
		return nil
	}
	require.ErrorIs(t, p.Image(ctx, s.Image, s, quiet), context.Canceled)
	require.Equal(t, int64(2<<20), s.Read.Load())
	s.Before = nil
	require.NoError(t, p.Image(t.Context(), s.Image, s, quiet))
	require.Equal(t, s.Image.Size, s.Read.Load())
}

// small mounts a file system of a few MiB, in which images are removed for each other.
func small(t *testing.T, mib string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	path := reachableDir(t)
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, "mode=0755,size="+mib+"m"); err != nil {
		t.Skipf("needs to mount a small file system: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(path, unix.MNT_DETACH)) })
	return path
}

func TestUnusedImagesMakeRoom(t *testing.T) {
	p := open(t, small(t, "262")) // 6 MiB more than must stay free
	used, old, fresh := suite.Noise(2<<20), suite.Noise(2<<20+1), suite.Noise(2<<20+2)
	for _, s := range []*suite.Source{used, old} {
		require.NoError(t, p.Image(t.Context(), s.Image, s, quiet))
		path, err := p.imagePath(s.Image)
		require.NoError(t, err)
		long := time.Now().Add(-time.Hour)
		require.NoError(t, os.Chtimes(path, long, long))
	}
	_, err := p.Create(t.Context(), "server", used.Image, 1)
	require.NoError(t, err)
	require.NoError(t, p.Image(t.Context(), fresh.Image, fresh, quiet))
	for s, want := range map[*suite.Source]bool{used: true, old: false, fresh: true} {
		path, err := p.imagePath(s.Image)
		require.NoError(t, err)
		_, err = os.Stat(path)
		require.Equal(t, want, err == nil, path)
	}

	large := suite.Noise(8 << 20)
	err = p.Image(t.Context(), large.Image, large, quiet)
	require.ErrorIs(t, err, disk.ErrFull)
	require.Contains(t, fault.Of(err).Message, "no room")
	require.Zero(t, large.Read.Load(), "there was no point in starting")
}

func TestAFullDiskIsAClearFault(t *testing.T) {
	path := small(t, "1")
	p, s := open(t, path), suite.Noise(4096)
	base, err := p.imagePath(s.Image)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(base, s.Data, 0o644))
	filler, err := os.Create(filepath.Join(path, "filler"))
	require.NoError(t, err)
	_, err = io.Copy(filler, strings.NewReader(strings.Repeat("x", 1<<20)))
	require.Error(t, err, "the file system must be full now")
	require.NoError(t, filler.Close())

	_, err = p.Create(t.Context(), "server", s.Image, 1)
	require.ErrorIs(t, err, disk.ErrFull)
	servers, err := p.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, servers)
}

func TestAPoolOutOfReachIsRefused(t *testing.T) {
	private := filepath.Join(reachableDir(t), "private")
	require.NoError(t, os.Mkdir(private, 0o700))
	_, err := Open(filepath.Join(private, "pool"), discard())
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	require.Contains(t, err.Error(), "chmod o+x "+private)
}

func TestParseHeader(t *testing.T) {
	good := make([]byte, 120)
	binary.BigEndian.PutUint32(good, 0x514649fb)
	binary.BigEndian.PutUint32(good[4:], 3)
	binary.BigEndian.PutUint64(good[24:], 1<<30)
	change := func(at int, b ...byte) string {
		c := append([]byte(nil), good...)
		copy(c[at:], b)
		return string(c)
	}
	h, err := parseHeader(strings.NewReader(string(good)))
	require.NoError(t, err)
	require.Equal(t, header{VirtualSize: 1 << 30}, h)
	h, err = parseHeader(strings.NewReader(change(79, 4)))
	require.NoError(t, err)
	require.True(t, h.DataFile)
	for name, text := range map[string]string{
		"empty": "", "short": string(good[:50]), "magic": change(0, 'X'), "version": change(7, 9), "size": change(24, 0xff),
		"backing length": change(12, 0, 0, 0, 96), "backing offset": change(8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4),
	} {
		_, err := parseHeader(strings.NewReader(text))
		require.ErrorIs(t, err, errNotQcow2, name)
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte("QFI\xfb\x00\x00\x00\x03"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = parseHeader(strings.NewReader(string(data))) // it must not panic
	})
}
