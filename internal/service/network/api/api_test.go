package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/common/extensions"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
	"github.com/aloft-cloud/aloft/internal/service/network/api"
	"github.com/aloft-cloud/aloft/internal/service/network/store"
)

// authenticate knows three tokens: "admin", and the projects "one" and "two".
func authenticate(_ context.Context, token string) (*auth.Caller, error) {
	switch token {
	case "admin":
		return &auth.Caller{UserID: "root", ProjectID: "admin", Roles: []string{"admin", "member", "reader"}}, nil
	case "one", "two":
		return &auth.Caller{UserID: "user-" + token, ProjectID: token, Roles: []string{"member", "reader"}}, nil
	}
	return nil, fault.New(fault.Unauthenticated, "unknown token")
}

// serve returns the URL of a network API on a database.
func serve(t *testing.T, d *db.DB) string {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	core := network.New(network.Config{}, store.New(d), d, event.New(d, nil, log), nil, log)
	h, err := rest.New(rest.Options{Authenticate: authenticate, Log: log}, api.Service(core))
	require.NoError(t, err)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/network/"
}

func client(url, token string) *gophercloud.ServiceClient {
	p := &gophercloud.ProviderClient{HTTPClient: *http.DefaultClient}
	p.SetToken(token)
	return &gophercloud.ServiceClient{ProviderClient: p, Endpoint: url, ResourceBase: url + "v2.0/", Type: "network"}
}

func sets() []db.Migrations { return []db.Migrations{event.Migrations(), store.Migrations()} }

func yes() *bool { b := true; return &b }

func failsWith(t *testing.T, err error, status int, kind string) {
	t.Helper()
	require.Error(t, err)
	var e gophercloud.ErrUnexpectedResponseCode
	require.ErrorAs(t, err, &e)
	require.Equal(t, status, e.Actual, string(e.Body))
	require.Contains(t, string(e.Body), `"type":"`+kind+`"`)
}

// tour is a tenant's network behind a router, made with gophercloud.
type tour struct {
	t               *testing.T
	admin, one, two *gophercloud.ServiceClient
	outside, inside *networks.Network
	subnet          *subnets.Subnet
	port            *ports.Port
	router          *routers.Router
}

func TestATenantsNetworkWithGophercloud(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		tour := &tour{t: t, admin: client(url, "admin"), one: client(url, "one"), two: client(url, "two")}
		tour.networks()
		tour.foreigners()
		tour.ports()
		tour.routers()
		tour.floatingIPs()
		tour.securityGroups()
		tour.end()
	})
}

func (o *tour) networks() {
	t, ctx := o.t, o.t.Context()
	var err error
	o.outside, err = networks.Create(ctx, o.admin, external{networks.CreateOpts{Name: "outside", AdminStateUp: yes()}}).Extract()
	require.NoError(t, err)
	off := false
	_, err = subnets.Create(ctx, o.admin, subnets.CreateOpts{NetworkID: o.outside.ID, CIDR: "172.24.4.0/24", IPVersion: 4, EnableDHCP: &off}).Extract()
	require.NoError(t, err)
	o.inside, err = networks.Create(ctx, o.one, networks.CreateOpts{Name: "inside"}).Extract()
	require.NoError(t, err)
	require.Equal(t, "one", o.inside.ProjectID)
	require.Equal(t, "ACTIVE", o.inside.Status)
	_, err = networks.Create(ctx, o.one, external{networks.CreateOpts{Name: "mine"}}).Extract()
	failsWith(t, err, 403, "PolicyNotAuthorized")
	o.subnet, err = subnets.Create(ctx, o.one, subnets.CreateOpts{NetworkID: o.inside.ID, CIDR: "10.0.0.0/24", IPVersion: 4, DNSNameservers: []string{"9.9.9.9"}}).Extract()
	require.NoError(t, err)
	require.Equal(t, "10.0.0.1", o.subnet.GatewayIP)
	_, err = subnets.Create(ctx, o.one, subnets.CreateOpts{NetworkID: o.inside.ID, CIDR: "10.0.0.128/25", IPVersion: 4}).Extract()
	failsWith(t, err, 400, "InvalidInput")
	require.Len(t, all(t, networks.List(o.one, networks.ListOpts{Name: "inside"}), networks.ExtractNetworks), 1)
}

func (o *tour) foreigners() {
	t, ctx := o.t, o.t.Context()
	_, err := networks.Get(ctx, o.two, o.inside.ID).Extract()
	failsWith(t, err, 404, "NetworkNotFound")
	_, err = subnets.Get(ctx, o.two, o.subnet.ID).Extract()
	failsWith(t, err, 404, "SubnetNotFound")
	_, err = ports.Create(ctx, o.two, ports.CreateOpts{NetworkID: o.inside.ID}).Extract()
	failsWith(t, err, 404, "NetworkNotFound")
	failsWith(t, networks.Delete(ctx, o.two, o.inside.ID).ExtractErr(), 404, "NetworkNotFound")
	require.Len(t, all(t, networks.List(o.two, networks.ListOpts{}), networks.ExtractNetworks), 1, "the outside network only")
}

func (o *tour) ports() {
	t, ctx := o.t, o.t.Context()
	var err error
	chosen := ports.CreateOpts{NetworkID: o.inside.ID, Name: "web", FixedIPs: []ports.IP{{SubnetID: o.subnet.ID, IPAddress: "10.0.0.10"}}}
	o.port, err = ports.Create(ctx, o.one, chosen).Extract()
	require.NoError(t, err)
	require.Equal(t, "DOWN", o.port.Status)
	require.Len(t, o.port.SecurityGroups, 1)
	_, err = ports.Create(ctx, o.one, chosen).Extract()
	failsWith(t, err, 409, "IpAddressInUse")
	_, err = ports.Create(ctx, o.one, ports.CreateOpts{NetworkID: o.inside.ID, MACAddress: o.port.MACAddress}).Extract()
	failsWith(t, err, 409, "MacAddressInUse")
	found := all(t, ports.List(o.one, ports.ListOpts{FixedIPs: []ports.FixedIPOpts{{IPAddress: "10.0.0.10"}}}), ports.ExtractPorts)
	require.Len(t, found, 1)
	require.Equal(t, o.port.ID, found[0].ID)
	_, err = ports.Update(ctx, o.one, o.port.ID, ports.UpdateOpts{AllowedAddressPairs: &[]ports.AddressPair{{IPAddress: "10.0.0.200"}}}).Extract()
	require.NoError(t, err)
	meta := all(t, ports.List(o.one, ports.ListOpts{DeviceOwner: "network:distributed"}), ports.ExtractPorts)
	require.Len(t, meta, 1)
	failsWith(t, ports.Delete(ctx, o.one, meta[0].ID).ExtractErr(), 409, "ServicePortInUse")
}

func (o *tour) routers() {
	t, ctx := o.t, o.t.Context()
	var err error
	o.router, err = routers.Create(ctx, o.one, routers.CreateOpts{Name: "router", GatewayInfo: &routers.GatewayInfo{NetworkID: o.outside.ID}}).Extract()
	require.NoError(t, err)
	require.Len(t, o.router.GatewayInfo.ExternalFixedIPs, 1)
	_, err = floatingips.Create(ctx, o.one, floatingips.CreateOpts{FloatingNetworkID: o.outside.ID, PortID: o.port.ID}).Extract()
	failsWith(t, err, 404, "ExternalGatewayForFloatingIPNotFound")
	_, err = routers.AddInterface(ctx, o.one, o.router.ID, routers.AddInterfaceOpts{SubnetID: o.subnet.ID}).Extract()
	require.NoError(t, err)
	_, err = routers.AddInterface(ctx, o.one, o.router.ID, routers.AddInterfaceOpts{SubnetID: o.subnet.ID}).Extract()
	failsWith(t, err, 400, "BadRequest")
	failsWith(t, routers.Delete(ctx, o.one, o.router.ID).ExtractErr(), 409, "RouterInUse")
	failsWith(t, networks.Delete(ctx, o.one, o.inside.ID).ExtractErr(), 409, "NetworkInUse")
	failsWith(t, subnets.Delete(ctx, o.one, o.subnet.ID).ExtractErr(), 409, "SubnetInUse")
}

func (o *tour) floatingIPs() {
	t, ctx := o.t, o.t.Context()
	fip, err := floatingips.Create(ctx, o.one, floatingips.CreateOpts{FloatingNetworkID: o.outside.ID, PortID: o.port.ID}).Extract()
	require.NoError(t, err)
	require.Equal(t, "10.0.0.10", fip.FixedIP)
	require.Equal(t, o.router.ID, fip.RouterID)
	_, err = floatingips.Create(ctx, o.one, floatingips.CreateOpts{FloatingNetworkID: o.outside.ID, PortID: o.port.ID}).Extract()
	failsWith(t, err, 409, "FloatingIPPortAlreadyAssociated")
	_, err = routers.RemoveInterface(ctx, o.one, o.router.ID, routers.RemoveInterfaceOpts{SubnetID: o.subnet.ID}).Extract()
	failsWith(t, err, 409, "RouterInterfaceInUseByFloatingIP")
	_, err = routers.Update(ctx, o.one, o.router.ID, routers.UpdateOpts{GatewayInfo: &routers.GatewayInfo{}}).Extract()
	failsWith(t, err, 409, "RouterExternalGatewayInUseByFloatingIp")
	_, err = floatingips.Create(ctx, o.one, floatingips.CreateOpts{FloatingNetworkID: o.outside.ID, FloatingIP: "172.24.4.200"}).Extract()
	failsWith(t, err, 403, "PolicyNotAuthorized")
	none := ""
	fip, err = floatingips.Update(ctx, o.one, fip.ID, floatingips.UpdateOpts{PortID: &none}).Extract()
	require.NoError(t, err)
	require.Empty(t, fip.PortID)
	require.NoError(t, floatingips.Delete(ctx, o.one, fip.ID).ExtractErr())
}

func (o *tour) securityGroups() {
	t, ctx := o.t, o.t.Context()
	group, err := groups.Create(ctx, o.one, groups.CreateOpts{Name: "ssh"}).Extract()
	require.NoError(t, err)
	require.Len(t, group.Rules, 2)
	failsWith(t, groups.Delete(ctx, o.one, o.port.SecurityGroups[0]).ExtractErr(), 409, "SecurityGroupInUse")
	opts := rules.CreateOpts{SecGroupID: group.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP, PortRangeMin: 22, PortRangeMax: 22}
	_, err = rules.Create(ctx, o.one, opts).Extract()
	require.NoError(t, err)
	_, err = rules.Create(ctx, o.one, opts).Extract()
	failsWith(t, err, 409, "SecurityGroupRuleExists")
	_, err = rules.Create(ctx, o.two, opts).Extract()
	failsWith(t, err, 404, "SecurityGroupNotFound")
}

func (o *tour) end() {
	t, ctx := o.t, o.t.Context()
	_, err := routers.RemoveInterface(ctx, o.one, o.router.ID, routers.RemoveInterfaceOpts{SubnetID: o.subnet.ID}).Extract()
	require.NoError(t, err)
	require.NoError(t, routers.Delete(ctx, o.one, o.router.ID).ExtractErr())
	require.NoError(t, ports.Delete(ctx, o.one, o.port.ID).ExtractErr())
	require.NoError(t, networks.Delete(ctx, o.one, o.inside.ID).ExtractErr())
	require.NoError(t, networks.Delete(ctx, o.admin, o.outside.ID).ExtractErr())
	require.Empty(t, all(t, ports.List(o.admin, ports.ListOpts{}), ports.ExtractPorts))
}

// external makes a network lead outside; gophercloud's own way wraps a struct in a struct as this does.
type external struct{ networks.CreateOpts }

func (e external) ToNetworkCreateMap() (map[string]any, error) {
	m, err := e.CreateOpts.ToNetworkCreateMap()
	if err == nil {
		m["network"].(map[string]any)["router:external"] = true
	}
	return m, err
}

func TestListsComeInPages(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	one := client(serve(t, d), "one")
	want := map[string]bool{}
	for range 7 {
		n, err := networks.Create(t.Context(), one, networks.CreateOpts{Name: "n"}).Extract()
		require.NoError(t, err)
		want[n.ID] = true
	}
	list := all(t, networks.List(one, networks.ListOpts{Limit: 3, SortKey: "name", SortDir: "desc"}), networks.ExtractNetworks)
	require.Len(t, list, 7)
	for _, n := range list {
		delete(want, n.ID)
	}
	require.Empty(t, want)
	_, err := networks.List(one, filter{}).AllPages(t.Context())
	failsWith(t, err, 400, "HTTPBadRequest")
}

type filter struct{}

func (filter) ToNetworkListQuery() (string, error) { return "?colour=blue", nil }

func TestExtensionsAndVersions(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	url := serve(t, d)
	one := client(url, "one")
	page, err := extensions.List(one).AllPages(t.Context())
	require.NoError(t, err)
	list, err := extensions.ExtractExtensions(page)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, path := range []string{"", "v2.0", "v2.0/"} {
		res, err := http.Get(url + path)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode, path)
		require.NoError(t, res.Body.Close())
	}
}

// TestNoRouteWithoutAToken asks every route that needs one for its answer to nobody.
func TestNoRouteWithoutAToken(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	url := strings.TrimSuffix(serve(t, d), "/network/")
	for _, r := range api.Service(nil).Routes {
		if !r.Policy.NeedsToken() {
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), r.Method, url+"/network"+strings.NewReplacer("{id}", "x", "{alias}", "x").Replace(r.Path), strings.NewReader("{}"))
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s %s", r.Method, r.Path)
	}
}
