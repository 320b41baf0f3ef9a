package compute_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/hypervisors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/instanceactions"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/secgroups"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/services"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/tags"
	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/api"
)

// cloud is a world behind HTTP.
type cloud struct {
	*world
	url string
}

func newCloud(t *testing.T, hosts int, change ...func(*compute.Settings)) *cloud {
	w := newWorld(t, dbtest.SQLite(t, tables()...), hosts, change...)
	callers := map[string]*auth.Caller{
		"member": caller(), "admin": admin(),
		"reader": {UserID: "u3", ProjectID: "p1", Roles: []string{"reader"}},
		"other":  {UserID: "u2", ProjectID: "p2", Roles: []string{"member", "reader"}},
	}
	h, err := rest.New(rest.Options{
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Authenticate: func(_ context.Context, token string) (*auth.Caller, error) {
			if c := callers[token]; c != nil {
				return c, nil
			}
			return nil, fault.New(fault.Unauthenticated, "no such token")
		},
	}, api.Service(w.control.get()))
	require.NoError(t, err)
	s := httptest.NewServer(api.StripProject(h))
	t.Cleanup(s.Close)
	return &cloud{w, s.URL}
}

// client is gophercloud's compute client of a token, at a microversion.
func (c *cloud) client(token, version string) *gophercloud.ServiceClient {
	return &gophercloud.ServiceClient{
		ProviderClient: &gophercloud.ProviderClient{TokenID: token}, Endpoint: c.url + "/compute/v2.1/", Type: "compute", Microversion: version,
	}
}

// call makes a bare request and returns the status and the body.
func (c *cloud) call(token, version, method, path, body string) (int, map[string]any, http.Header) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+"/compute"+path, strings.NewReader(body))
	require.NoError(c.t, err)
	req.Header.Set("X-Auth-Token", token)
	req.Header.Set("Content-Type", "application/json")
	if version != "" {
		req.Header.Set("X-OpenStack-Nova-API-Version", version)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	var out map[string]any
	if len(raw) > 0 {
		require.NoError(c.t, json.Unmarshal(raw, &out), string(raw))
	}
	return res.StatusCode, out, res.Header
}

func (c *cloud) waitFor(client *gophercloud.ServiceClient, id, status string) *servers.Server {
	c.t.Helper()
	var got *servers.Server
	c.eventually("server is "+status, func() bool {
		s, err := servers.Get(c.t.Context(), client, id).Extract()
		require.NoError(c.t, err)
		got = s
		return s.Status == status && s.TaskState == ""
	}, func() string { return got.Status + " " + got.TaskState + " " + got.Fault.Message })
	return got
}

func TestGophercloudTour(t *testing.T) {
	c := newCloud(t, 2)
	ctx, me := t.Context(), c.client("member", "2.96")
	key, err := keypairs.Create(ctx, me, keypairs.CreateOpts{Name: "k", PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKQ6jQCmwXqV8v2XmFWhbmPbRvPUsbBhUvW5ZyzbYlzy me@home"}).Extract()
	require.NoError(t, err)
	require.NotEmpty(t, key.Fingerprint)
	made, err := servers.Create(ctx, me, keypairs.CreateOptsExt{
		CreateOptsBuilder: servers.CreateOpts{
			Name: "hello", ImageRef: "tiny", FlavorRef: "42", Networks: []servers.Network{{UUID: "net", FixedIP: "10.0.0.7"}},
			SecurityGroups: []string{"default"}, UserData: []byte("#!/bin/sh"), Metadata: map[string]string{"role": "web"}, Tags: []string{"a"},
		}, KeyName: "k",
	}, nil).Extract()
	require.NoError(t, err)
	s := c.waitFor(me, made.ID, "ACTIVE")
	require.Equal(t, "hello", s.Name)
	require.Equal(t, "k", s.KeyName)
	require.Equal(t, "m1.nano", s.Flavor["original_name"])
	require.Equal(t, "tiny", s.Image["id"])
	require.Equal(t, "nova", s.AvailabilityZone)
	require.EqualValues(t, 1, s.PowerState)
	require.Len(t, s.HostID, 56)
	require.Equal(t, []map[string]any{{"name": "default"}}, s.SecurityGroups)
	require.Equal(t, []any{
		map[string]any{"version": 4.0, "addr": "10.0.0.7", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"},
		map[string]any{"version": 4.0, "addr": "172.24.4.9", "OS-EXT-IPS:type": "floating", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"},
	}, s.Addresses["net"])
	require.Equal(t, []string{"a"}, *s.Tags)
	require.WithinDuration(t, time.Now(), s.LaunchedAt, time.Minute)

	require.NoError(t, servers.Stop(ctx, me, s.ID).ExtractErr())
	c.waitFor(me, s.ID, "SHUTOFF")
	require.NoError(t, servers.Start(ctx, me, s.ID).ExtractErr())
	c.waitFor(me, s.ID, "ACTIVE")
	for _, kind := range []servers.RebootMethod{servers.SoftReboot, servers.HardReboot} {
		require.NoError(t, servers.Reboot(ctx, me, s.ID, servers.RebootOpts{Type: kind}).ExtractErr())
		c.waitFor(me, s.ID, "ACTIVE")
	}
	out, err := servers.ShowConsoleOutput(ctx, me, s.ID, servers.ShowConsoleOutputOpts{Length: 5}).Extract()
	require.NoError(t, err)
	require.Contains(t, out, "5 lines")

	renamed, err := servers.Update(ctx, me, s.ID, servers.UpdateOpts{Name: "bye"}).Extract()
	require.NoError(t, err)
	require.Equal(t, "bye", renamed.Name)
	c.parts(me, s.ID)

	page, err := servers.List(me, servers.ListOpts{Name: "^bye$", Status: "ACTIVE"}).AllPages(ctx)
	require.NoError(t, err)
	list, err := servers.ExtractServers(page)
	require.NoError(t, err)
	require.Len(t, list, 1)

	require.NoError(t, servers.Delete(ctx, me, s.ID).ExtractErr())
	c.eventually("it is gone", func() bool {
		_, err := servers.Get(ctx, me, s.ID).Extract()
		return gophercloud.ResponseCodeIs(err, http.StatusNotFound)
	}, func() string { return "still there" })
	require.NoError(t, keypairs.Delete(ctx, me, "k", nil).ExtractErr())
	c.requireNothingLeft()
}

// parts tours what is below a server.
func (c *cloud) parts(me *gophercloud.ServiceClient, id string) {
	t, ctx := c.t, c.t.Context()
	meta, err := servers.UpdateMetadata(ctx, me, id, servers.MetadataOpts{"x": "y"}).Extract()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"role": "web", "x": "y"}, meta)
	one, err := servers.CreateMetadatum(ctx, me, id, servers.MetadatumOpts{"z": "1"}).Extract()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"z": "1"}, one)
	require.NoError(t, servers.DeleteMetadatum(ctx, me, id, "z").ExtractErr())
	meta, err = servers.ResetMetadata(ctx, me, id, servers.MetadataOpts{"only": "this"}).Extract()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"only": "this"}, meta)

	require.NoError(t, tags.Add(ctx, me, id, "blue").ExtractErr())
	has, err := tags.Check(ctx, me, id, "blue").Extract()
	require.NoError(t, err)
	require.True(t, has)
	require.NoError(t, tags.Delete(ctx, me, id, "a").ExtractErr())
	names, err := tags.ReplaceAll(ctx, me, id, tags.ReplaceAllOpts{Tags: []string{"c", "b"}}).Extract()
	require.NoError(t, err)
	require.Equal(t, []string{"b", "c"}, names)

	ports, err := attachinterfaces.List(me, id).AllPages(ctx)
	require.NoError(t, err)
	attached, err := attachinterfaces.ExtractInterfaces(ports)
	require.NoError(t, err)
	require.Len(t, attached, 1)
	require.Equal(t, "10.0.0.7", attached[0].FixedIPs[0].IPAddress)
	pages, err := servers.ListAddresses(me, id).AllPages(ctx)
	require.NoError(t, err)
	ips, err := servers.ExtractAddresses(pages)
	require.NoError(t, err)
	require.Len(t, ips["net"], 2)
	groupPages, err := secgroups.ListByServer(me, id).AllPages(ctx)
	require.NoError(t, err)
	groups, err := secgroups.ExtractSecurityGroups(groupPages)
	require.NoError(t, err)
	require.Equal(t, "default", groups[0].Name)
	actionPages, err := instanceactions.List(me, id, nil).AllPages(ctx)
	require.NoError(t, err)
	actions, err := instanceactions.ExtractInstanceActions(actionPages)
	require.NoError(t, err)
	require.Equal(t, "create", actions[len(actions)-1].Action)
	shown, err := instanceactions.Get(ctx, me, id, actions[0].RequestID).Extract()
	require.NoError(t, err)
	require.Equal(t, "Success", (*shown.Events)[0].Result)
}

func TestActionsInPages(t *testing.T) {
	c := newCloud(t, 1)
	status, body, _ := c.call("member", "2.37", "POST", "/v2.1/servers", `{"server":{"name":"x","imageRef":"tiny","flavorRef":"42","networks":"none"}}`)
	require.Equal(t, 202, status, body)
	id := c.awaitState(body["server"].(map[string]any)["id"].(string), compute.Active).ID
	status, body, _ = c.call("member", "2.1", "POST", "/v2.1/servers/"+id+"/action", `{"os-stop":null}`)
	require.Equal(t, 202, status, body)
	c.awaitState(id, compute.Stopped)
	actions := "/v2.1/servers/" + id + "/os-instance-actions?"
	names := func(version, query string) (names []string, next string) {
		status, body, _ := c.call("member", version, "GET", actions+query, "")
		require.Equal(t, 200, status, "%s %s: %v", version, query, body)
		for _, a := range body["instanceActions"].([]any) {
			names = append(names, a.(map[string]any)["action"].(string))
		}
		if links, ok := body["links"].([]any); ok {
			_, next, _ = strings.Cut(links[0].(map[string]any)["href"].(string), "?")
		}
		return names, next
	}
	all := []string{"stop", "create"}
	for _, version := range []string{"2.57", "2.58", "2.66", "2.75"} {
		got, next := names(version, "")
		require.Equal(t, all, got, version)
		require.Empty(t, next, version)
	}
	got, next := names("2.57", "limit=1&changes-since=2999-01-01T00:00:00Z&colour=red")
	require.Equal(t, all, got, "that is as old as the parameters' absence")
	require.Empty(t, next)
	got, next = names("2.58", "limit=1")
	require.Equal(t, []string{"stop"}, got)
	got, next = names("2.58", next)
	require.Equal(t, []string{"create"}, got)
	got, next = names("2.58", next)
	require.Empty(t, got)
	require.Empty(t, next)
	got, _ = names("2.58", "changes-since=2999-01-01T00:00:00Z")
	require.Empty(t, got)
	got, _ = names("2.66", "changes-since=2000-01-01T00:00:00Z&changes-before=2999-01-01T00:00:00Z")
	require.Equal(t, all, got)
	got, _ = names("2.66", "changes-before=2000-01-01T00:00:00Z")
	require.Empty(t, got)
	for query, version := range map[string]string{
		"marker=req-nope": "2.58", "limit=-1": "2.58", "limit=x": "2.58", "changes-since=x": "2.58", "colour=red": "2.58",
		"changes-before=2000-01-01T00:00:00Z": "2.65", "changes-since=2001-01-01T00:00:00Z&changes-before=2000-01-01T00:00:00Z": "2.66",
	} {
		status, body, _ := c.call("member", version, "GET", actions+query, "")
		require.Equal(t, 400, status, "%s: %v", query, body)
	}
}

func TestErrorBodies(t *testing.T) {
	c := newCloud(t, 1, func(s *compute.Settings) { s.Quota.Servers = 1 })
	sv := c.awaitState(c.create().ID, compute.Active)
	const create = `{"server":{"name":"x","imageRef":"tiny","flavorRef":"42","networks":"none"}}`
	for _, tc := range []struct {
		name, token, method, path, body string
		code                            int
		kind, message                   string
	}{
		{"no such server", "member", "GET", "/v2.1/servers/nope", "", 404, "itemNotFound", "Instance nope could not be found."},
		{"another's server", "other", "GET", "/v2.1/servers/" + sv.ID, "", 404, "itemNotFound", "could not be found"},
		{"another's server stopped", "other", "POST", "/v2.1/servers/" + sv.ID + "/action", `{"os-stop":null}`, 404, "itemNotFound", "could not be found"},
		{"wrong state", "member", "POST", "/v2.1/servers/" + sv.ID + "/action", `{"os-start":null}`, 409, "conflictingRequest", "Cannot 'start' instance " + sv.ID + " while it is in vm_state active"},
		{"unknown action", "member", "POST", "/v2.1/servers/" + sv.ID + "/action", `{"explode":null}`, 400, "badRequest", "There is no such action"},
		{"reader may not", "reader", "POST", "/v2.1/servers", create, 403, "forbidden", "os_compute_api:servers:create"},
		{"quota", "member", "POST", "/v2.1/servers", create, 403, "forbidden", "Quota exceeded for instances: Requested 1, but already used 1 of 1 instances"},
		{"no networks", "member", "POST", "/v2.1/servers", `{"server":{"name":"x","imageRef":"tiny","flavorRef":"42"}}`, 400, "badRequest", "server.networks"},
		{"unknown field", "member", "POST", "/v2.1/servers", `{"server":{"name":"x","flavorRef":"42","colour":"red"}}`, 400, "badRequest", "server.colour"},
		{"personality", "member", "POST", "/v2.1/servers", `{"server":{"name":"x","flavorRef":"42","personality":[]}}`, 400, "badRequest", "server.personality"},
		{"config drive", "member", "POST", "/v2.1/servers", `{"server":{"name":"x","imageRef":"tiny","flavorRef":"42","networks":"none","config_drive":true}}`, 400, "badRequest", "config_drive is not offered"},
		{"volume root", "member", "POST", "/v2.1/servers", `{"server":{"name":"x","flavorRef":"42","networks":"none","block_device_mapping_v2":[{"source_type":"volume","destination_type":"volume","uuid":"v","boot_index":0}]}}`, 400, "badRequest", "Block Device Mapping is Invalid"},
		{"no flavor", "member", "GET", "/v2.1/flavors/nope", "", 404, "itemNotFound", "Flavor nope could not be found."},
		{"no key pair", "member", "GET", "/v2.1/os-keypairs/nope", "", 404, "itemNotFound", "Keypair nope not found for user u1"},
		{"bad status", "member", "GET", "/v2.1/servers?status=HAPPY", "", 400, "badRequest", "Invalid status value: HAPPY"},
		{"unknown filter", "member", "GET", "/v2.1/servers?colour=red", "", 400, "badRequest", "'colour' was unexpected"},
		{"all tenants", "member", "GET", "/v2.1/servers?all_tenants=1", "", 403, "forbidden", "get_all_tenants"},
		{"bad marker", "member", "GET", "/v2.1/servers?marker=nope", "", 400, "badRequest", "marker [nope] not found"},
		{"hosts are for admins", "member", "GET", "/v2.1/os-hypervisors", "", 403, "forbidden", "os-hypervisors"},
		{"no path", "member", "GET", "/v2.1/nothing", "", 404, "itemNotFound", "could not be found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, body, _ := c.call(tc.token, "2.96", tc.method, tc.path, tc.body)
			require.Equal(t, tc.code, code, body)
			inner, ok := body[tc.kind].(map[string]any)
			require.True(t, ok, body)
			require.EqualValues(t, tc.code, inner["code"])
			require.Contains(t, inner["message"], tc.message)
		})
	}
}

// The shape of a server follows the microversion, and some of it is for admins.
func TestServerByMicroversion(t *testing.T) {
	c := newCloud(t, 1)
	sv := c.awaitState(c.create().ID, compute.Active)
	always := []string{
		"id", "name", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor", "created", "updated", "addresses",
		"accessIPv4", "accessIPv6", "links", "OS-DCF:diskConfig", "progress", "OS-EXT-AZ:availability_zone", "config_drive", "key_name",
		"OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "security_groups", "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state",
		"OS-EXT-STS:power_state", "os-extended-volumes:volumes_attached",
	}
	since := map[string][]string{
		"2.9": {"locked"}, "2.19": {"description"}, "2.26": {"tags"}, "2.63": {"trusted_image_certificates"}, "2.71": {"server_groups"},
		"2.73": {"locked_reason"}, "2.90": {"OS-EXT-SRV-ATTR:hostname"}, "2.96": {"pinned_availability_zone"},
	}
	adminSince := map[string][]string{
		"2.1": {"OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:instance_name"},
		"2.3": {
			"OS-EXT-SRV-ATTR:reservation_id", "OS-EXT-SRV-ATTR:launch_index", "OS-EXT-SRV-ATTR:kernel_id", "OS-EXT-SRV-ATTR:ramdisk_id",
			"OS-EXT-SRV-ATTR:root_device_name", "OS-EXT-SRV-ATTR:user_data",
		},
		"2.16": {"host_status"},
	}
	for _, version := range []string{"2.1", "2.3", "2.9", "2.16", "2.19", "2.26", "2.46", "2.47", "2.63", "2.71", "2.73", "2.90", "2.96"} {
		v, err := rest.ParseVersion(version)
		require.NoError(t, err)
		for _, token := range []string{"member", "admin"} {
			want := append([]string{}, always...)
			for from, fields := range since {
				if v.AtLeast(from) || (token == "admin" && from == "2.90" && v.AtLeast("2.3")) {
					want = append(want, fields...)
				}
			}
			for from, fields := range adminSince {
				if token == "admin" && v.AtLeast(from) {
					want = append(want, fields...)
				}
			}
			code, body, header := c.call(token, version, "GET", "/v2.1/servers/"+sv.ID, "")
			require.Equal(t, 200, code, body)
			require.Equal(t, version, header.Get("X-Openstack-Nova-Api-Version"))
			s := body["server"].(map[string]any)
			var got []string
			for k := range s {
				got = append(got, k)
			}
			require.ElementsMatch(t, want, got, "%s at %s", token, version)
			flavor := s["flavor"].(map[string]any)
			if v.AtLeast("2.47") {
				require.Equal(t, "m1.nano", flavor["original_name"])
				require.NotContains(t, flavor, "id")
			} else {
				require.Equal(t, "42", flavor["id"])
			}
		}
	}
}

func TestPagesOfServers(t *testing.T) {
	c := newCloud(t, 1)
	for range 5 {
		c.create()
	}
	me := c.client("member", "2.96")
	n := 0
	require.NoError(t, servers.ListSimple(me, servers.ListOpts{Limit: 2}).EachPage(t.Context(), func(_ context.Context, p pagination.Page) (bool, error) {
		list, err := servers.ExtractServers(p)
		n += len(list)
		return true, err
	}))
	require.Equal(t, 5, n)
}

func TestPathsWithAProject(t *testing.T) {
	c := newCloud(t, 1)
	sv := c.create()
	for path, want := range map[string]int{
		"/v2.1/p1/servers": 200, "/v2.1/p1/servers/detail": 200, "/v2.1/p1/servers/" + sv.ID: 200, "/v2.1/p1/flavors/42": 200,
		"/v2.1/p1/nothing": 404, "/v2.1": 200, "": 200, "/v2.1/": 200,
	} {
		code, _, _ := c.call("member", "", "GET", path, "")
		require.Equal(t, want, code, path)
	}
	_, body, _ := c.call("", "", "GET", "/v2.1", "")
	v := body["version"].(map[string]any)
	require.Equal(t, "2.1", v["min_version"])
	require.Equal(t, "2.96", v["version"])
}

func TestFlavorsOverHTTP(t *testing.T) {
	c := newCloud(t, 0)
	ctx, me, root := t.Context(), c.client("member", "2.96"), c.client("admin", "2.96")
	disk, hidden := 3, false
	made, err := flavors.Create(ctx, root, flavors.CreateOpts{Name: "big", RAM: 64, VCPUs: 2, Disk: &disk, IsPublic: &hidden}).Extract()
	require.NoError(t, err)
	require.Equal(t, 3, made.Disk)
	_, err = flavors.Get(ctx, me, made.ID).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusNotFound), "it is not public")
	for _, tc := range []struct {
		client *gophercloud.ServiceClient
		access flavors.AccessType
		want   int
	}{{me, flavors.AllAccess, 6}, {root, flavors.AllAccess, 7}, {root, flavors.PublicAccess, 6}, {root, flavors.PrivateAccess, 1}} {
		pages, err := flavors.ListDetail(tc.client, flavors.ListOpts{AccessType: tc.access}).AllPages(ctx)
		require.NoError(t, err)
		list, err := flavors.ExtractFlavors(pages)
		require.NoError(t, err)
		require.Len(t, list, tc.want)
	}
	specs, err := flavors.ListExtraSpecs(ctx, me, "1").Extract()
	require.NoError(t, err)
	require.Empty(t, specs)
	require.NoError(t, flavors.Delete(ctx, root, made.ID).ExtractErr())
	_, body, _ := c.call("member", "2.1", "GET", "/v2.1/flavors/1", "")
	require.Equal(t, "", body["flavor"].(map[string]any)["swap"], "an empty string before 2.75")
}

func TestKeyPairsOverHTTP(t *testing.T) {
	c := newCloud(t, 0)
	ctx, me, root := t.Context(), c.client("member", "2.60"), c.client("admin", "2.60")
	made, err := keypairs.Create(ctx, me, keypairs.CreateOpts{Name: "gen"}).Extract()
	require.NoError(t, err)
	require.Contains(t, made.PrivateKey, "PRIVATE KEY")
	_, err = keypairs.Create(ctx, me, keypairs.CreateOpts{Name: "gen"}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusConflict))
	_, err = keypairs.Create(ctx, me, keypairs.CreateOpts{Name: "bad", PublicKey: "nonsense"}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusBadRequest))
	_, err = keypairs.Create(ctx, c.client("member", "2.92"), keypairs.CreateOpts{Name: "gen2"}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusBadRequest), "2.92 makes no keys")
	got, err := keypairs.Get(ctx, root, "gen", keypairs.GetOpts{UserID: "u1"}).Extract()
	require.NoError(t, err)
	require.Equal(t, "u1", got.UserID)
	_, err = keypairs.Get(ctx, c.client("other", "2.60"), "gen", keypairs.GetOpts{UserID: "u1"}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusForbidden))
	for version, want := range map[string]int{"2.1": 202, "2.2": 204} {
		code, _, _ := c.call("member", "2.92", "POST", "/v2.1/os-keypairs", `{"keypair":{"name":"`+version+`","public_key":"`+strings.TrimSpace(made.PublicKey)+`"}}`)
		require.Equal(t, 201, code)
		code, _, _ = c.call("member", version, "DELETE", "/v2.1/os-keypairs/"+version, "")
		require.Equal(t, want, code)
	}
}

func TestHostsOverHTTP(t *testing.T) {
	c := newCloud(t, 2)
	c.awaitHosts(2)
	ctx, root := t.Context(), c.client("admin", "2.96")
	pages, err := hypervisors.List(root, nil).AllPages(ctx)
	require.NoError(t, err)
	hosts, err := hypervisors.ExtractHypervisors(pages)
	require.NoError(t, err)
	require.Len(t, hosts, 2)
	require.Equal(t, "up", hosts[0].State)
	old, err := hypervisors.Get(ctx, c.client("admin", "2.53"), hosts[0].ID).Extract()
	require.NoError(t, err)
	require.Equal(t, 4096, old.MemoryMB)
	require.Equal(t, "QEMU", old.HypervisorType)
	require.Equal(t, 7002019, old.HypervisorVersion)

	_, err = services.Update(ctx, root, "h1", services.UpdateOpts{Status: services.ServiceDisabled, DisabledReason: "repair"}).Extract()
	require.NoError(t, err)
	servicePages, err := services.List(root, nil).AllPages(ctx)
	require.NoError(t, err)
	list, err := services.ExtractServices(servicePages)
	require.NoError(t, err)
	require.Len(t, list, 2)
	first := list[slices.IndexFunc(list, func(s services.Service) bool { return s.ID == "h1" })]
	require.Equal(t, "disabled", first.Status)
	require.Equal(t, "repair", first.DisabledReason)
	require.Equal(t, "up", first.State)
	for range 3 {
		require.Equal(t, "h2", c.awaitState(c.create().ID, compute.Active).HostID)
	}
	zonePages, err := availabilityzones.List(c.client("member", "")).AllPages(ctx)
	require.NoError(t, err)
	zones, err := availabilityzones.ExtractAvailabilityZones(zonePages)
	require.NoError(t, err)
	require.Equal(t, "nova", zones[0].ZoneName)
	require.True(t, zones[0].ZoneState.Available)
}

func TestQuotasOverHTTP(t *testing.T) {
	c := newCloud(t, 1)
	ctx, me, root := t.Context(), c.client("member", "2.96"), c.client("admin", "2.96")
	six := 6
	_, err := quotasets.Update(ctx, root, "p1", quotasets.UpdateOpts{Instances: &six}).Extract()
	require.NoError(t, err)
	c.create()
	detail, err := quotasets.GetDetail(ctx, me, "p1").Extract()
	require.NoError(t, err)
	require.Equal(t, 6, detail.Instances.Limit)
	require.Equal(t, 1, detail.Instances.InUse)
	require.Equal(t, 128, detail.RAM.InUse)
	_, err = quotasets.Get(ctx, c.client("other", ""), "p1").Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusForbidden))
	got, err := limits.Get(ctx, me, nil).Extract()
	require.NoError(t, err)
	require.Equal(t, 6, got.Absolute.MaxTotalInstances)
	require.Equal(t, 1, got.Absolute.TotalInstancesUsed)
}
