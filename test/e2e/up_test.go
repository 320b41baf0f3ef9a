package e2e

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testDoctor(t *testing.T, in *installation) {
	out := in.aloft(t, time.Minute, "doctor")
	t.Log("\n" + out)
	require.Contains(t, out, "irtualisation")
	require.Contains(t, out, "vSwitch")
	var report map[string]any
	require.NoError(t, json.Unmarshal([]byte(in.aloft(t, time.Minute, "doctor", "-o", "json")), &report))
}

var sshLine = regexp.MustCompile(`ssh -i (\S+) .*@(\S+)`)

func testUp(t *testing.T, in *installation) {
	out := in.up(t)
	t.Log("\n" + out)
	m := sshLine.FindStringSubmatch(out)
	require.NotNil(t, m, "it prints the ssh line to paste")
	require.Equal(t, keyFile, m[1])
	in.hello = m[2]
	require.Contains(t, out, "https://127.0.0.1:8443")
	require.Contains(t, out, cloudsFile)
	for _, secret := range []string{cloudsFile, "/etc/aloft/openrc", keyFile} {
		info, err := os.Stat(secret)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), secret)
	}
	require.Equal(t, "hello", inGuest(t, in.hello, "hostname"))
	// The line as it is printed, by the client that people have.
	line := strings.Fields(sshLine.FindString(out))
	require.Equal(t, "hello", strings.TrimSpace(run(t, time.Minute, line[0], append(line[1:], "hostname")...)))
}

func testUpAgain(t *testing.T, in *installation) {
	out := in.up(t)
	t.Log("\n" + out)
	require.Equal(t, in.hello, sshLine.FindStringSubmatch(out)[2])
	var list []map[string]any
	openstack(t, "demo", &list, "server", "list")
	require.Len(t, list, 1)
	require.Equal(t, "ACTIVE", list[0]["Status"])
}

func testStatus(t *testing.T, in *installation) {
	out := in.aloft(t, time.Minute, "status")
	t.Log("\n" + out)
	for _, engine := range []string{"libvirtd", "ovs-vswitchd", "ovn-northd", "ovn-controller"} {
		require.Contains(t, out, engine)
	}
}
