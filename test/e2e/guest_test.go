package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testGuest(t *testing.T, _ *installation) {
	script := filepath.Join(t.TempDir(), "user-data")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\necho \"ran on $(hostname)\" > /tmp/user-data-ran\n"), 0o600))
	s := create(t, "demo", "guest", "demo", "--key-name", "demo", "--security-group", "demo", "--user-data", script, "--property", "colour=blue")
	defer openstack(t, "demo", nil, "server", "delete", "guest", "--wait")
	address := floating(t, "demo", "guest")
	require.Equal(t, "guest", inGuest(t, address, "hostname"))
	require.Equal(t, "ran on guest", inGuest(t, address, "cat /tmp/user-data-ran"))
	meta := inGuest(t, address, "wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json")
	require.Contains(t, meta, s.ID)
	require.Contains(t, meta, `"colour"`)
	require.Equal(t, s.ID, strings.TrimSpace(inGuest(t, address, "wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json | tr ',' '\\n' | grep '\"uuid\"' | cut -d'\"' -f4")))
	require.Contains(t, inGuest(t, address, "wget -q -O - http://169.254.169.254/latest/meta-data/hostname"), "guest")
	// The flavor's disk has 1 GiB, the image is far smaller: the root has grown.
	size := inGuest(t, address, "df -m / | tail -1 | awk '{print $2}'")
	var mib int
	_, err := fmt.Sscan(size, &mib)
	require.NoError(t, err, size)
	require.Greater(t, mib, 800)
}

// stranger makes a project with a user and a network of its own, and returns the name of its cloud.
func stranger(t *testing.T, in *installation) string {
	t.Helper()
	openstack(t, "aloft", nil, "project", "create", "stranger")
	openstack(t, "aloft", nil, "user", "create", "stranger", "--password", "only-for-this-test")
	openstack(t, "aloft", nil, "role", "add", "--user", "stranger", "--project", "stranger", "member")
	raw, err := os.ReadFile(cloudsFile)
	require.NoError(t, err)
	entry := `    stranger:
        auth:
            auth_url: https://127.0.0.1:8443/identity/v3
            username: stranger
            password: only-for-this-test
            project_name: stranger
            user_domain_name: Default
            project_domain_name: Default
        region_name: RegionOne
        cacert: /etc/aloft/ca.pem
        interface: public
        identity_api_version: "3"
`
	require.NoError(t, os.WriteFile(cloudsFile, append(raw, entry...), 0o600))
	openstack(t, "stranger", nil, "network", "create", "stranger")
	openstack(t, "stranger", nil, "subnet", "create", "stranger", "--network", "stranger", "--subnet-range", "10.10.0.0/24")
	openstack(t, "stranger", nil, "router", "create", "stranger", "--external-gateway", outside)
	openstack(t, "stranger", nil, "router", "add", "subnet", "stranger", "stranger")
	openstack(t, "stranger", nil, "security", "group", "rule", "create", "default", "--protocol", "tcp", "--dst-port", "22")
	run(t, time.Minute, "ssh-keygen", "-q", "-y", "-f", keyFile)
	openstack(t, "stranger", nil, "keypair", "create", "--public-key", keyFile+".pub", "stranger")
	return "stranger"
}

func fixedAddress(t *testing.T, cloud, name, network string) string {
	t.Helper()
	var s server
	openstack(t, cloud, &s, "server", "show", name)
	require.NotEmpty(t, s.Addresses[network], "%+v", s.Addresses)
	return s.Addresses[network][0]
}

func testIsolation(t *testing.T, in *installation) {
	a := create(t, "demo", "neighbour", "demo", "--key-name", "demo", "--security-group", "demo")
	inside := fixedAddress(t, "demo", "neighbour", "demo")
	t.Run("neighbours ping one another", func(t *testing.T) {
		require.Contains(t, inGuest(t, in.hello, "ping -c 1 -W 5 "+inside), "1 packets received")
	})
	cloud := stranger(t, in)
	create(t, cloud, "stranger", "stranger", "--key-name", "stranger")
	address := floating(t, cloud, "stranger")
	require.Equal(t, "stranger", inGuest(t, address, "hostname"))
	t.Run("a stranger reaches neither by the same address on a network of its own", func(t *testing.T) {
		own := fixedAddress(t, cloud, "stranger", "stranger")
		target := inside
		if own == inside { // then it would ping itself
			target = fixedAddress(t, "demo", "hello", "demo")
		}
		require.Contains(t, inGuest(t, address, "ping -c 2 -W 2 "+target+" || true"), " 0 packets received")
	})
	t.Run("nor by the API", func(t *testing.T) {
		refused(t, cloud, "server", "show", a.ID)
		refused(t, cloud, "network", "show", "demo")
		var list []any
		openstack(t, cloud, &list, "server", "list")
		require.Len(t, list, 1)
		refused(t, cloud, "server", "list", "--all-projects")
	})
	openstack(t, cloud, nil, "server", "delete", "stranger", "--wait")
	openstack(t, "demo", nil, "server", "delete", "neighbour", "--wait")
}

func testRules(t *testing.T, in *installation) {
	ping(t, in.hello)
	s := signer(t)
	require.Equal(t, "hello", inGuest(t, in.hello, "hostname"))
	var rules []map[string]any
	openstack(t, "demo", &rules, "security", "group", "rule", "list", "demo", "--protocol", "tcp")
	require.Len(t, rules, 1)
	openstack(t, "demo", nil, "security", "group", "rule", "delete", rules[0]["ID"].(string))
	eventually(t, func() error {
		if client, err := connect(s, in.hello, 2*time.Second); err == nil {
			client.Close()
			return fmt.Errorf("ssh is still let in")
		}
		return nil
	})
	ping(t, in.hello) // that stays
	openstack(t, "demo", nil, "security", "group", "rule", "create", "demo", "--protocol", "tcp", "--dst-port", "22")
	require.Equal(t, "hello", inGuest(t, in.hello, "hostname"))
}
