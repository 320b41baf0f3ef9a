package tiny

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBootSectorHoldsTwoPartitionsThatFillTheDisk(t *testing.T) {
	s, err := bootSector([]byte{0xfa, 0xfc})
	require.NoError(t, err)
	require.Len(t, s, sector)
	require.Equal(t, []byte{0xfa, 0xfc}, s[:2])
	require.Equal(t, []byte{0x55, 0xaa}, s[510:])
	require.Equal(t, uint32(diskSignature), binary.LittleEndian.Uint32(s[440:]))
	boot, root := s[446:462], s[462:478]
	require.Equal(t, byte(0x80), boot[0], "the loader's partition is active")
	end := func(e []byte) uint32 { return binary.LittleEndian.Uint32(e[8:]) + binary.LittleEndian.Uint32(e[12:]) }
	require.Equal(t, end(boot), binary.LittleEndian.Uint32(root[8:]), "no gap")
	require.Equal(t, uint32(diskSize/sector), end(root))
	require.Equal(t, make([]byte, 32), s[478:510])

	_, err = bootSector(make([]byte, 441))
	require.Error(t, err)
}

func TestCPIOIsWhatOthersRead(t *testing.T) {
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Skip("the program busybox, which reads the archive here, is not installed")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "busybox", "cpio", "-i", "-d")
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(string(encodeCPIO([]cpioEntry{
		{name: "d", mode: cpioDir | 0o755},
		{name: "d/empty", mode: cpioFile | 0o600},
		{name: "d/odd", mode: cpioFile | 0o755, data: []byte("12345")},
		{name: "last", mode: cpioFile | 0o644, data: []byte("x")},
	})))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	for name, want := range map[string]string{"d/empty": "", "d/odd": "12345", "last": "x"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	info, err := os.Stat(filepath.Join(dir, "d/odd"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode())
}

func TestModinfoDepends(t *testing.T) {
	require.Equal(t, []string{"virtio", "virtio_ring"}, parseModinfo([]byte("license=GPL\x00depends=virtio,virtio_ring\x00retpoline=Y\x00")))
	require.Empty(t, parseModinfo([]byte("license=GPL\x00depends=\x00")))
	require.Empty(t, parseModinfo([]byte("license=GPL\x00")))
}

func TestDependenciesComeFirstAndOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c", "d", "e", "f"}
		needs := map[string][]string{} // of names before only: modules never need one another in a circle
		for i, name := range names {
			needs[name] = rapid.SliceOfDistinct(rapid.SampledFrom(append([]string{"z"}, names[:i]...)), rapid.ID[string]).Draw(t, name)
		}
		wanted := rapid.SliceOf(rapid.SampledFrom(names)).Draw(t, "wanted")
		order, err := withDependencies(wanted, func(name string) ([]string, error) { return needs[name], nil })
		if err != nil {
			t.Fatal(err)
		}
		place := map[string]int{}
		for i, name := range order {
			if _, twice := place[name]; twice {
				t.Fatalf("%s twice in %v", name, order)
			}
			place[name] = i
		}
		for _, name := range wanted {
			if _, there := place[name]; !there {
				t.Fatalf("%s missing in %v", name, order)
			}
		}
		for _, name := range order {
			for _, need := range needs[name] {
				if at, there := place[need]; !there || at > place[name] {
					t.Fatalf("%s needs %s before it: %v", name, need, order)
				}
			}
		}
	})
	_, err := withDependencies([]string{"a"}, func(string) ([]string, error) { return nil, errors.New("no such module") })
	require.ErrorContains(t, err, "no such module")
}

func TestCompleteTreeAddsParentsAndKeepsTheFirst(t *testing.T) {
	tree := completeTree([]node{
		{path: "usr/sbin/b", mode: kindFile | 0o755, source: "/real"},
		{path: "usr/sbin/b", mode: kindLink | 0o777, target: "applet"},
		{path: "tmp", mode: kindDir | 0o1777},
		{path: "tmp/x", mode: kindFile | 0o644},
	})
	want := []node{
		{path: "tmp", mode: kindDir | 0o1777},
		{path: "tmp/x", mode: kindFile | 0o644},
		{path: "usr", mode: kindDir | 0o755},
		{path: "usr/sbin", mode: kindDir | 0o755},
		{path: "usr/sbin/b", mode: kindFile | 0o755, source: "/real"},
	}
	require.Empty(t, cmp.Diff(want, tree, cmp.AllowUnexported(node{})))
}

func TestDebugfsScript(t *testing.T) {
	script := debugfsScript([]node{
		{path: "home", mode: kindDir | 0o755},
		{path: "home/aloft", mode: kindDir | 0o700, uid: 1000},
		{path: "home/aloft/f", mode: kindFile | 0o600, source: "/a b/f", uid: 1000},
		{path: "home/l", mode: kindLink | 0o777, target: "../etc"},
	})
	want := `cd /
mkdir home
set_inode_field home mode 040755
set_inode_field home uid 0
set_inode_field home gid 0
cd /home/
mkdir aloft
set_inode_field aloft mode 040700
set_inode_field aloft uid 1000
set_inode_field aloft gid 1000
cd /home/aloft/
write "/a b/f" f
set_inode_field f mode 0100600
set_inode_field f uid 1000
set_inode_field f gid 1000
cd /home/
symlink l ../etc
`
	require.Empty(t, cmp.Diff(want, string(script)))
}

func TestParseDepends(t *testing.T) {
	name, ok := parseDepends("linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n    |Something: else\n")
	require.True(t, ok)
	require.Equal(t, "linux-image-6.1.0-56-cloud-amd64", name)
	_, ok = parseDepends("linux-image-cloud-amd64\n")
	require.False(t, ok)
}

func TestDownloadedFindsThePackageByItsWholeName(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []string{"syslinux-common_6_all.deb", "libc6_2.36-1_amd64.deb", "libc6_2.36-9_amd64.deb", "partial.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), nil, 0o644))
	}
	for pattern, want := range map[string]string{"libc6": "libc6_2.36-9_amd64.deb", "syslinux": "", `sys.*`: "syslinux-common_6_all.deb"} {
		got, err := downloaded(dir, pattern)
		require.NoError(t, err)
		require.Equal(t, want, got, pattern)
	}
}

// The DHCP script runs here with a program "ip" that writes down how it was called.
func TestDHCPScript(t *testing.T) {
	source, err := sources.ReadFile("rootfs/usr/share/udhcpc/default.script")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		event string
		env   []string
		calls string
		dns   string
	}{
		"classless routes win over the router": {
			event: "bound",
			env: []string{
				"interface=eth0", "ip=10.0.0.5", "mask=24", "mtu=1442", "router=10.0.0.9", "dns=1.1.1.1 9.9.9.9", "domain=example.org",
				"staticroutes=169.254.169.254/32 10.0.0.2 10.1.0.0/16 0.0.0.0 0.0.0.0/0 10.0.0.1",
			},
			calls: `link set eth0 mtu 1442
-4 address flush dev eth0
address replace 10.0.0.5/24 brd + dev eth0
route replace 169.254.169.254/32 via 10.0.0.2 dev eth0 onlink metric 100
route replace 10.1.0.0/16 dev eth0 metric 100
route replace 0.0.0.0/0 via 10.0.0.1 dev eth0 onlink metric 100
`,
			dns: "search example.org\nnameserver 1.1.1.1\nnameserver 9.9.9.9\n",
		},
		"a router only, second interface, renewed": {
			event: "renew",
			env:   []string{"interface=eth1", "ip=10.2.0.5", "mask=16", "router=10.2.0.1 10.2.0.2"},
			calls: `address replace 10.2.0.5/16 brd + dev eth1
route replace default via 10.2.0.1 dev eth1 onlink metric 101
`,
		},
		"by DHCPv6, in place of another": {
			event: "bound6",
			env:   []string{"interface=eth0", "ipv6=fd00::5", "old=fd00::4", "dns=fd00::1 fd00::2"},
			calls: "-6 address del fd00::4/128 dev eth0\n-6 address replace fd00::5/128 dev eth0\n",
			dns:   "nameserver fd00::1\nnameserver fd00::2\n",
		},
		"lost": {
			event: "deconfig", env: []string{"interface=eth0"},
			calls: "-4 address flush dev eth0\nlink set eth0 up\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			script := strings.NewReplacer("/run/", dir+"/run/", "/etc/", dir+"/etc/").Replace(string(source))
			ip := "#!/bin/sh\necho \"$@\" >>" + dir + "/calls\n"
			require.NoError(t, errors.Join(os.Mkdir(filepath.Join(dir, "run"), 0o755), os.Mkdir(filepath.Join(dir, "etc"), 0o755),
				os.WriteFile(filepath.Join(dir, "ip"), []byte(ip), 0o755), os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o755)))
			cmd := exec.CommandContext(t.Context(), "/bin/sh", filepath.Join(dir, "script"), c.event)
			cmd.Env = append([]string{"PATH=" + dir + ":/bin:/usr/bin"}, c.env...)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			require.Empty(t, string(out))
			calls, err := os.ReadFile(filepath.Join(dir, "calls"))
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(c.calls, string(calls)))
			if c.dns != "" {
				dns, err := os.ReadFile(filepath.Join(dir, "etc/resolv.conf"))
				require.NoError(t, err)
				require.Equal(t, c.dns, string(dns))
			}
			if c.event == "bound" {
				line, err := os.ReadFile(filepath.Join(dir, "run/aloft-network"))
				require.NoError(t, err)
				require.Equal(t, "10.0.0.5/24 on eth0\n", string(line))
			}
		})
	}
}

func TestKeyChangesWithAPackage(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the Go toolchain is not in PATH")
	}
	key := func(files ...string) string {
		var set packageSet
		for _, file := range files {
			set = append(set, debianPackage{file: file})
		}
		key, err := imageKey(t.Context(), "go", set)
		require.NoError(t, err)
		return key
	}
	require.Equal(t, key("a_1.deb", "b_1.deb"), key("b_1.deb", "a_1.deb"))
	require.NotEqual(t, key("a_1.deb"), key("a_2.deb"))
}
