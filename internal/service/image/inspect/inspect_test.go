package inspect_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/image/inspect"
)

// qemuImg makes an image with Debian's qemu-img and returns its path.
func qemuImg(t *testing.T, args ...string) string {
	t.Helper()
	tool, err := exec.LookPath("qemu-img")
	if err != nil {
		t.Skip("qemu-img is not installed (Debian package qemu-utils)")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "disk")
	cmd := exec.Command(tool, append([]string{"create", "-q"}, args...)...)
	cmd.Args = append(cmd.Args, path, "8M")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

func ends(t *testing.T, path string) (head, tail []byte, size int64) {
	t.Helper()
	all, err := os.ReadFile(path)
	require.NoError(t, err)
	return all[:min(len(all), inspect.HeadSize)], all[max(0, len(all)-inspect.TailSize):], int64(len(all))
}

func TestFormatsOfQemuImg(t *testing.T) {
	for _, c := range []struct {
		want inspect.Format
		args []string
	}{
		{inspect.QCOW2, []string{"-f", "qcow2"}},
		{inspect.QCOW2, []string{"-f", "qcow2", "-o", "compat=0.10"}},
		{inspect.QCOW2, []string{"-f", "qcow2", "-o", "cluster_size=512"}},
		{inspect.QCOW2, []string{"-f", "qcow2", "-o", "cluster_size=2M"}},
		{inspect.QCOW2, []string{"-f", "qcow2", "-o", "extended_l2=on,cluster_size=128k"}},
		{inspect.QCOW1, []string{"-f", "qcow"}},
		{inspect.Raw, []string{"-f", "raw"}},
		{inspect.VMDK, []string{"-f", "vmdk"}},
		{inspect.VMDK, []string{"-f", "vmdk", "-o", "subformat=twoGbMaxExtentSparse"}},
		{inspect.VMDK, []string{"-f", "vmdk", "-o", "subformat=monolithicFlat"}},
		{inspect.VMDK, []string{"-f", "vmdk", "-o", "subformat=streamOptimized"}},
		{inspect.VDI, []string{"-f", "vdi"}},
		{inspect.VHD, []string{"-f", "vpc"}},
		{inspect.VHD, []string{"-f", "vpc", "-o", "subformat=fixed"}},
		{inspect.VHDX, []string{"-f", "vhdx"}},
		{inspect.QED, []string{"-f", "qed"}},
		{inspect.Parallels, []string{"-f", "parallels"}},
	} {
		t.Run(string(c.want)+" "+c.args[len(c.args)-1], func(t *testing.T) {
			head, tail, size := ends(t, qemuImg(t, c.args...))
			info, err := inspect.Head(head)
			require.NoError(t, err)
			got := info.Format
			if got == inspect.Raw {
				got = inspect.Tail(tail)
			}
			require.Equal(t, c.want, got)
			if c.want == inspect.QCOW2 {
				require.EqualValues(t, 8<<20, info.VirtualSize)
				require.Empty(t, info.QCOW2.Unsafe())
				require.LessOrEqual(t, info.QCOW2.Extent, size)
			}
		})
	}
}

func TestUnsafeQCOW2(t *testing.T) {
	base := qemuImg(t, "-f", "raw")
	aes := []string{"-f", "qcow2", "--object", "secret,id=s,data=abc", "-o", "encrypt.format=aes,encrypt.key-secret=s"}
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"backing file", "backing file", []string{"-f", "qcow2", "-b", base, "-F", "raw"}},
		{"backing file, version 2", "backing file", []string{"-f", "qcow2", "-o", "compat=0.10", "-b", base, "-F", "raw"}},
		{"external data", "external data file", []string{"-f", "qcow2", "-o", "data_file=elsewhere"}},
		{"aes", "encrypted", aes},
	} {
		t.Run(c.name, func(t *testing.T) {
			head, _, _ := ends(t, qemuImg(t, c.args...))
			info, err := inspect.Head(head)
			require.NoError(t, err)
			require.Equal(t, inspect.QCOW2, info.Format)
			require.Contains(t, info.QCOW2.Unsafe(), c.want)
		})
	}
}

// header is a valid qcow2 version 3 header of 64 KiB clusters and 1 GiB.
func header() []byte {
	b := make([]byte, 512)
	copy(b, "QFI\xfb")
	binary.BigEndian.PutUint32(b[4:], 3)
	binary.BigEndian.PutUint32(b[20:], 16)
	binary.BigEndian.PutUint64(b[24:], 1<<30)
	binary.BigEndian.PutUint64(b[40:], 0x30000)
	binary.BigEndian.PutUint64(b[48:], 0x10000)
	binary.BigEndian.PutUint32(b[100:], 104)
	return b
}

func TestCraftedQCOW2(t *testing.T) {
	info, err := inspect.Head(header())
	require.NoError(t, err)
	require.EqualValues(t, 1<<30, info.VirtualSize)
	require.EqualValues(t, 0x30000, info.QCOW2.Extent)

	nameOnly := header()
	binary.BigEndian.PutUint32(nameOnly[104:], 0x44415441) // the name of a data file, without the feature bit
	binary.BigEndian.PutUint32(nameOnly[108:], 11)
	copy(nameOnly[112:], "/etc/shadow")
	info, err = inspect.Head(nameOnly)
	require.NoError(t, err)
	require.Contains(t, info.QCOW2.Unsafe(), "external data file")

	for name, change := range map[string]func(b []byte) []byte{
		"cut off":         func(b []byte) []byte { return b[:80] },
		"version 4":       func(b []byte) []byte { b[7] = 4; return b },
		"cluster size":    func(b []byte) []byte { b[23] = 60; return b },
		"negative size":   func(b []byte) []byte { b[24] = 0xff; return b },
		"unknown feature": func(b []byte) []byte { b[72] = 0x80; return b },
		"header length":   func(b []byte) []byte { b[103] = 7; return b },
		"table offset":    func(b []byte) []byte { b[40] = 0xff; return b },
		"long extension":  func(b []byte) []byte { b[104], b[108] = 1, 0xff; return b },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect.Head(change(header()))
			require.Error(t, err)
		})
	}
}

func TestOthers(t *testing.T) {
	iso := make([]byte, inspect.HeadSize)
	copy(iso[0x8001:], "CD001")
	for want, head := range map[inspect.Format][]byte{
		inspect.ISO:  iso,
		inspect.VMDK: []byte("\n  # disk descriptorfile\nversion=1\n"),
		inspect.LUKS: []byte("LUKS\xba\xbe\x00\x02"),
		inspect.Raw:  {},
	} {
		info, err := inspect.Head(head)
		require.NoError(t, err)
		require.Equal(t, want, info.Format)
	}
	require.Equal(t, inspect.DMG, inspect.Tail(append(bytes.Repeat([]byte{0}, 9), append([]byte("koly"), make([]byte, 508)...)...)))
	require.Equal(t, inspect.Raw, inspect.Tail([]byte("koly")))
}

func FuzzHead(f *testing.F) {
	f.Add(header())
	f.Add([]byte("QFI\xfb\x00\x00\x00\x01"))
	f.Add([]byte("# Disk DescriptorFile\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		info, err := inspect.Head(head)
		inspect.Tail(head)
		if err != nil {
			return
		}
		if (info.Format == inspect.QCOW2) != (info.QCOW2 != nil) {
			t.Fatalf("format %s with header %v", info.Format, info.QCOW2)
		}
		if info.VirtualSize < 0 {
			t.Fatalf("virtual size %d", info.VirtualSize)
		}
		// Whatever else a header says, a name of another file never passes.
		if h := info.QCOW2; h != nil && binary.BigEndian.Uint64(head[8:]) != 0 && h.Unsafe() == "" {
			t.Fatal("a backing file passed")
		}
	})
}
