package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	osclient "github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/stretchr/testify/require"
)

// server is what `openstack server show` tells.
type server struct {
	ID        string              `json:"id"`
	Name      string              `json:"name"`
	Status    string              `json:"status"`
	Addresses map[string][]string `json:"addresses"`
	Fault     map[string]any      `json:"fault"`
}

// create makes a server in a project and waits until it is ACTIVE.
func create(t *testing.T, cloud, name, network string, more ...string) server {
	t.Helper()
	args := append([]string{"server", "create", name, "--image", "aloft-tiny", "--flavor", "tiny", "--network", network, "--wait"}, more...)
	var s server
	openstack(t, cloud, &s, args...)
	require.Equal(t, "ACTIVE", s.Status)
	return s
}

// floating gives a server a floating address.
func floating(t *testing.T, cloud, name string) string {
	t.Helper()
	var fip struct {
		Address string `json:"floating_ip_address"`
	}
	openstack(t, cloud, &fip, "floating", "ip", "create", outside)
	openstack(t, cloud, nil, "server", "add", "floating", "ip", name, fip.Address)
	return fip.Address
}

func testOpenStackClient(t *testing.T, _ *installation) {
	for _, args := range [][]string{
		{"token", "issue"},
		{"catalog", "list"},
		{"image", "list"},
		{"flavor", "list"},
		{"network", "list"},
		{"subnet", "list"},
		{"router", "list"},
		{"port", "list"},
		{"floating", "ip", "list"},
		{"security", "group", "list"},
		{"security", "group", "rule", "list", "demo"},
		{"keypair", "list"},
		{"server", "list", "--long"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			var got any
			openstack(t, "demo", &got, args...)
			require.NotEmpty(t, got)
		})
	}
	for _, args := range [][]string{
		{"project", "list"},
		{"user", "list"},
		{"role", "list"},
		{"role", "assignment", "list", "--names"},
		{"service", "list"},
		{"endpoint", "list"},
		{"hypervisor", "list"},
		{"compute", "service", "list"},
	} {
		t.Run("admin: "+strings.Join(args, " "), func(t *testing.T) {
			var got any
			openstack(t, "aloft", &got, args...)
			require.NotEmpty(t, got)
		})
	}
	// The whole tour of a tenant, by hand.
	openstack(t, "demo", nil, "network", "create", "tour")
	openstack(t, "demo", nil, "subnet", "create", "tour", "--network", "tour", "--subnet-range", "10.20.0.0/24")
	openstack(t, "demo", nil, "router", "create", "tour")
	openstack(t, "demo", nil, "router", "set", "tour", "--external-gateway", outside)
	openstack(t, "demo", nil, "router", "add", "subnet", "tour", "tour")
	s := create(t, "demo", "tour", "tour", "--key-name", "demo", "--security-group", "demo", "--property", "purpose=tour")
	address := floating(t, "demo", "tour")
	require.Equal(t, "tour", inGuest(t, address, "hostname"))
	var shown server
	openstack(t, "demo", &shown, "server", "show", "tour")
	require.Equal(t, s.ID, shown.ID)
	require.Contains(t, shown.Addresses["tour"], address)
	log := run(t, time.Minute, "openstack", "--os-cloud", "demo", "console", "log", "show", "tour")
	require.Contains(t, log, "Linux version")
	require.Contains(t, refused(t, "demo", "network", "delete", "tour"), "in use", "a network with ports stays, and it says why")
	openstack(t, "demo", nil, "server", "delete", "tour", "--wait")
	openstack(t, "demo", nil, "floating", "ip", "delete", address)
	openstack(t, "demo", nil, "router", "remove", "subnet", "tour", "tour")
	openstack(t, "demo", nil, "router", "delete", "tour")
	openstack(t, "demo", nil, "network", "delete", "tour")
	require.Contains(t, refused(t, "demo", "server", "show", "tour"), "tour")
}

// provider logs in with gophercloud, as the user of a cloud.
func provider(t *testing.T, cloud string) (*gophercloud.ProviderClient, gophercloud.EndpointOpts) {
	t.Helper()
	auth, endpoint, _, err := clouds.Parse(clouds.WithCloudName(cloud), clouds.WithLocations(cloudsFile))
	require.NoError(t, err)
	pem, err := os.ReadFile("/etc/aloft/ca.pem")
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	p, err := config.NewProviderClient(t.Context(), auth, config.WithTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	require.NoError(t, err)
	return p, endpoint
}

func computeClient(t *testing.T, cloud string) *gophercloud.ServiceClient {
	t.Helper()
	p, endpoint := provider(t, cloud)
	c, err := osclient.NewComputeV2(p, endpoint)
	require.NoError(t, err)
	return c
}

func testGophercloud(t *testing.T, _ *installation) {
	p, endpoint := provider(t, "demo")
	compute, err := osclient.NewComputeV2(p, endpoint)
	require.NoError(t, err)
	pages, err := servers.List(compute, servers.ListOpts{}).AllPages(t.Context())
	require.NoError(t, err)
	list, err := servers.ExtractServers(pages)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "hello", list[0].Name)
	require.NotEmpty(t, list[0].Addresses["demo"])
	compute.Microversion = "2.60"
	one, err := servers.Get(t.Context(), compute, list[0].ID).Extract()
	require.NoError(t, err)
	require.Equal(t, "tiny", one.Flavor["original_name"])
	fpages, err := flavors.ListDetail(compute, nil).AllPages(t.Context())
	require.NoError(t, err)
	sizes, err := flavors.ExtractFlavors(fpages)
	require.NoError(t, err)
	require.NotEmpty(t, sizes)
	image, err := osclient.NewImageV2(p, endpoint)
	require.NoError(t, err)
	ipages, err := images.List(image, images.ListOpts{Name: "aloft-tiny"}).AllPages(t.Context())
	require.NoError(t, err)
	found, err := images.ExtractImages(ipages)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "qcow2", found[0].DiskFormat)
	require.Less(t, found[0].SizeBytes, int64(22_000_001), "what one downloads is at most 22 MB")
	require.Equal(t, "sha512", fmt.Sprint(found[0].Properties["os_hash_algo"]))
	_, err = servers.Get(t.Context(), compute, "00000000-0000-4000-8000-000000000000").Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, 404), "%v", err)
	require.ErrorContains(t, err, "itemNotFound")
}

func testOwnVerbs(t *testing.T, in *installation) {
	require.Contains(t, in.aloft(t, time.Minute, "--os-cloud", "demo", "server", "list"), "hello")
	out := in.aloft(t, time.Minute, "--os-cloud", "demo", "server", "list", "-o", "json")
	require.True(t, strings.HasPrefix(strings.TrimSpace(out), "["), out)
	require.Contains(t, in.aloft(t, time.Minute, "--os-cloud", "demo", "network", "list"), "demo")
	require.Contains(t, in.aloft(t, time.Minute, "--os-cloud", "demo", "console", "log", "hello"), "Linux version")
	created := in.aloft(t, 3*time.Minute, "--os-cloud", "demo", "server", "create", "verbs", "--image", "aloft-tiny", "--flavor", "tiny",
		"--network", "demo", "--key-name", "demo", "--security-group", "demo", "--floating-ip", "--wait")
	t.Log("\n" + created)
	eventually(t, func() error {
		out, errOut, err := try(t, time.Minute, in.binary, "--os-cloud", "demo", "server", "ssh", "verbs", "--", "hostname")
		if err != nil {
			return fmt.Errorf("%w: %s", err, errOut)
		}
		if strings.TrimSpace(out) != "verbs" {
			return fmt.Errorf("the guest calls itself %q", out)
		}
		return nil
	})
	in.aloft(t, time.Minute, "--os-cloud", "demo", "server", "delete", "verbs", "--wait")
	_, errOut, err := try(t, time.Minute, in.binary, "--os-cloud", "demo", "server", "show", "verbs")
	require.Error(t, err)
	require.Contains(t, errOut, "verbs")
}
