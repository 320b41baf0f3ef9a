package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/common/extensions"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/test/controlnode"
)

// offer is what tempest must know of a network service.
type offer struct {
	PublicID, Public string
	Aliases          string // of the extensions, separated by commas
}

// makeOutside makes the network that leads outside, as an administrator would, and asks for the extensions.
func makeOutside(t *testing.T, dir string, c controlnode.Cloud) offer {
	t.Helper()
	auth, where, _, err := clouds.Parse(clouds.WithCloudName("aloft"), clouds.WithLocations(controlnode.CloudsFile(dir)))
	require.NoError(t, err)
	pem, err := os.ReadFile(c.CACert)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	provider, err := config.NewProviderClient(t.Context(), auth, config.WithTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	require.NoError(t, err)
	client, err := openstack.NewNetworkV2(provider, where)
	require.NoError(t, err)

	n, err := networks.Create(t.Context(), client, wanted{"network": map[string]any{
		"name": "public", "router:external": true, "provider:network_type": "flat", "provider:physical_network": "public",
	}}).Extract()
	require.NoError(t, err)
	_, err = subnets.Create(t.Context(), client, subnets.CreateOpts{NetworkID: n.ID, Name: "public", IPVersion: 4, CIDR: "172.24.4.0/24"}).Extract()
	require.NoError(t, err)

	pages, err := extensions.List(client).AllPages(t.Context())
	require.NoError(t, err)
	list, err := extensions.ExtractExtensions(pages)
	require.NoError(t, err)
	var aliases []string
	for _, e := range list {
		aliases = append(aliases, e.Alias)
	}
	return offer{PublicID: n.ID, Public: n.Name, Aliases: strings.Join(aliases, ",")}
}

// wanted is the body of a request to make a network.
type wanted map[string]any

var _ networks.CreateOptsBuilder = wanted{}

// ToNetworkCreateMap implements networks.CreateOptsBuilder.
func (w wanted) ToNetworkCreateMap() (map[string]any, error) { return w, nil }
