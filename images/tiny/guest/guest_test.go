package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func table(start, length uint32) *[sectorSize]byte {
	var t [sectorSize]byte
	entry := t[mbrEntries+(rootNumber-1)*mbrEntrySize:]
	binary.LittleEndian.PutUint32(entry[8:], start)
	binary.LittleEndian.PutUint32(entry[12:], length)
	t[510], t[511] = 0x55, 0xaa
	return &t
}

func TestGrowEntryNeverShrinksNorLeavesTheDisk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Uint32Range(2048, 1<<20).Draw(t, "start")
		length := rapid.Uint32Range(1, 1<<24).Draw(t, "length")
		sectors := uint64(start) + uint64(length) + rapid.Uint64Range(0, 1<<33).Draw(t, "more")
		tab := table(start, length)
		before := *tab
		grown, changed, err := growEntry(tab, rootNumber, sectors)
		if err != nil || grown.start != uint64(start) || grown.length < uint64(length) || grown.start+grown.length > sectors {
			t.Fatalf("%+v %v", grown, err)
		}
		if grown.start+grown.length > 1<<32-1 {
			t.Fatalf("%+v does not fit the table", grown)
		}
		if changed != (before != *tab) {
			t.Fatalf("changed is %v", changed)
		}
		again, changed, err := growEntry(tab, rootNumber, sectors)
		if err != nil || changed || again != grown {
			t.Fatalf("a second time: %+v %v %v", again, changed, err)
		}
	})
}

func TestGrowEntryRefusesAForeignTable(t *testing.T) {
	tab := table(2048, 0)
	_, _, err := growEntry(tab, rootNumber, 1<<20)
	require.Error(t, err)
	tab = table(2048, 4096)
	tab[511] = 0
	_, _, err = growEntry(tab, rootNumber, 1<<20)
	require.Error(t, err)
}

func TestWantedSignature(t *testing.T) {
	s, err := wantedSignature("BOOT_IMAGE=vmlinuz console=ttyS0 aloft.disk=a10f7001 panic=10\n")
	require.NoError(t, err)
	require.Equal(t, uint32(0xa10f7001), s)
	for _, bad := range []string{"", "aloft.disk=", "aloft.disk=xyz", "aloft.disk=1a10f7001"} {
		_, err := wantedSignature(bad)
		require.Error(t, err, bad)
	}
}

func TestParseUevent(t *testing.T) {
	event := func(fields string) []byte { return bytes.ReplaceAll([]byte(fields), []byte(" "), []byte{0}) }
	d, ok := parseUevent(event("add@/devices/pci/virtio1/net/eth1 ACTION=add DEVPATH=/devices/pci/virtio1/net/eth1 SUBSYSTEM=net "))
	require.True(t, ok)
	require.Equal(t, device{class: "net", name: "eth1"}, d)
	d, ok = parseUevent(event("remove@/x ACTION=remove DEVPATH=/x/vport1p1 SUBSYSTEM=virtio-ports"))
	require.True(t, ok)
	require.Equal(t, device{class: "virtio-ports", name: "vport1p1", gone: true}, d)
	for _, other := range []string{"", "add@/x ACTION=add DEVPATH=/x/vda SUBSYSTEM=block", "c@/x ACTION=change DEVPATH=/x/eth0 SUBSYSTEM=net"} {
		_, ok := parseUevent(event(other))
		require.False(t, ok, other)
	}
}

func TestAwaitPowerKey(t *testing.T) {
	var events bytes.Buffer
	for _, e := range []inputEvent{{Type: 0}, {Type: 1, Code: 30, Value: 1}, {Type: 1, Code: 116, Value: 0}, {Type: 1, Code: 116, Value: 1}, {Type: 9}} {
		require.NoError(t, binary.Write(&events, binary.LittleEndian, e))
	}
	require.NoError(t, awaitPowerKey(&events))
	require.Equal(t, 24, events.Len(), "it read up to the power key and no further")
	require.Error(t, awaitPowerKey(&events))
}

func TestParseOpenStack(t *testing.T) {
	inst, err := parseOpenStack([]byte(`{"uuid":"u-1","hostname":"hello.novalocal","name":"Hello","public_keys":{"b":"ssh-rsa BB b\n","a":"ssh-ed25519 AA a"},
		"keys":[{"type":"ssh","name":"a","data":"ssh-ed25519 AA a"},{"type":"x509","data":"cert"}],"unknown":{"x":[1]}}`))
	require.NoError(t, err)
	require.Equal(t, instance{ID: "u-1", Hostname: "hello.novalocal", Keys: []string{"ssh-ed25519 AA a", "ssh-rsa BB b"}}, inst)
	require.Equal(t, "hello", inst.shortName())
	for _, bad := range []string{``, `[]`, `{"hostname":"x"}`} {
		_, err := parseOpenStack([]byte(bad))
		require.Error(t, err, bad)
	}
}

// service answers with the texts of its paths, and 404 for all others.
func service(t *testing.T, texts map[string]string) metadataClient {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := texts[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return newMetadataClient(server.URL)
}

func TestAskPrefersOpenStack(t *testing.T) {
	inst, err := service(t, map[string]string{
		"/openstack/latest/meta_data.json": `{"uuid":"u-1","name":"n"}`,
		"/openstack/latest/user_data":      "#!/bin/sh\n",
		"/latest/meta-data/instance-id":    "i-1",
	}).ask(t.Context())
	require.NoError(t, err)
	require.Equal(t, instance{ID: "u-1", Hostname: "n", UserData: []byte("#!/bin/sh\n")}, inst)
}

func TestAskFallsBackToEC2(t *testing.T) {
	inst, err := service(t, map[string]string{
		"/latest/meta-data/instance-id":               "i-1\n",
		"/latest/meta-data/hostname":                  "hello",
		"/latest/meta-data/public-keys/":              "0=first\n1=second",
		"/latest/meta-data/public-keys/0/openssh-key": "ssh-rsa BB",
		"/latest/meta-data/public-keys/1/openssh-key": "ssh-ed25519 AA\n",
	}).ask(t.Context())
	require.NoError(t, err)
	require.Equal(t, instance{ID: "i-1", Hostname: "hello", Keys: []string{"ssh-ed25519 AA", "ssh-rsa BB"}}, inst)
}

func TestAskSaysThatNeitherIsThere(t *testing.T) {
	_, err := service(t, nil).ask(t.Context())
	require.ErrorIs(t, err, errAbsent)
}

func TestAwaitMetadataAsksAgainUntilAnswered(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case asked.Add(1) < 3:
			http.Error(w, "starting", http.StatusServiceUnavailable)
		case r.URL.Path == "/openstack/latest/meta_data.json":
			_, _ = io.WriteString(w, `{"uuid":"u-1"}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	addresses := make(chan string, 1)
	addresses <- "10.0.0.5/24 on eth0"
	inst, err := awaitMetadata(t.Context(), newConsole(io.Discard), newMetadataClient(server.URL), addresses)
	require.NoError(t, err)
	require.Equal(t, "u-1", inst.ID)
}

func TestAwaitMetadataEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := awaitMetadata(ctx, newConsole(io.Discard), newMetadataClient("http://127.0.0.1:1"), make(chan string))
	require.Error(t, err)
}

func TestApplyOncePerInstance(t *testing.T) {
	s := instanceStore{root: t.TempDir()}
	keys := func(home string) string {
		text, err := os.ReadFile(filepath.Join(s.root, home, ".ssh/authorized_keys"))
		require.NoError(t, err)
		return string(text)
	}
	first := instance{ID: "i-1", Keys: []string{"ssh-rsa A"}, UserData: []byte("#!/bin/sh")}
	result, err := s.apply(first)
	require.NoError(t, err)
	require.Equal(t, applied{userData: first.UserData}, result)
	require.Equal(t, "ssh-rsa A\n", keys("root"))
	require.Equal(t, "ssh-rsa A\n", keys("home/aloft"))
	info, err := os.Stat(filepath.Join(s.root, "root/.ssh"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	require.NoError(t, os.WriteFile(filepath.Join(s.root, "root/.ssh/authorized_keys"), []byte("owner's own\n"), 0o600))
	result, err = s.apply(first)
	require.NoError(t, err)
	require.Equal(t, applied{}, result, "a reboot runs nothing again")
	require.Equal(t, "owner's own\n", keys("root"), "a reboot keeps what the owner changed")

	result, err = s.apply(instance{ID: "i-2"})
	require.NoError(t, err)
	require.Equal(t, applied{changed: true}, result)
	require.Empty(t, keys("root"), "another server's keys do not stay in a copy of its disk")
}

func TestScriptOf(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte("#!/bin/sh\necho hi\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, c := range map[string]struct {
		data         []byte
		script, kind string
	}{
		"none":         {},
		"blank":        {data: []byte("\n \n")},
		"script":       {data: []byte("#!/bin/sh\n"), script: "#!/bin/sh\n", kind: "script"},
		"gzipped":      {data: packed.Bytes(), script: "#!/bin/sh\necho hi\n", kind: "script"},
		"cloud-config": {data: []byte("#cloud-config\npackages: []\n"), kind: `"#cloud-config"`},
	} {
		t.Run(name, func(t *testing.T) {
			script, kind, err := scriptOf(c.data)
			require.NoError(t, err)
			require.Equal(t, c.script, string(script))
			require.Equal(t, c.kind, kind)
		})
	}
	_, _, err = scriptOf([]byte{0x1f, 0x8b, 0})
	require.Error(t, err)
}

func TestHostKeyIsFoundAndFingerprinted(t *testing.T) {
	const blob = "AAAAC3NzaC1lZDI1NTE5AAAAIBtuQWG7FV62/ptlw2/la2eQKQbeeQAhJe9wPLNlIHRz"
	key, err := publicKeyIn("Generating 256 bit ed25519 key, this may take a while...\nPublic key portion is:\nssh-ed25519 " + blob + " root@x\nFingerprint: SHA256:abc\n")
	require.NoError(t, err)
	require.Equal(t, "ssh-ed25519 "+blob, key)
	print, err := fingerprint(key)
	require.NoError(t, err)
	require.Equal(t, "SHA256:qpADrMTvipFVJ0Hs3m3lMdM2rjMuccWgQNXVdaXbJBM", print)
	_, err = publicKeyIn("no key\n")
	require.Error(t, err)
	_, err = fingerprint("ssh-ed25519 ***")
	require.Error(t, err)
}

func TestProcessesReapAndReport(t *testing.T) {
	p := newProcesses()
	p.reap(t.Context())
	require.NoError(t, p.run(command{argv: []string{"/bin/true"}}))
	require.ErrorContains(t, p.run(command{argv: []string{"/bin/false"}}), "exit status 1")
	require.ErrorIs(t, p.run(command{argv: []string{"/nonexistent"}}), os.ErrNotExist)
	out, err := p.output("/bin/echo", "hello")
	require.NoError(t, err)
	require.Equal(t, "hello\n", out)
}
