package compute_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/aggregates"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servergroups"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// boot creates a server with hints, and waits until it is in a state.
func (c *cloud) boot(me *gophercloud.ServiceClient, status string, hints servers.SchedulerHintOpts, change ...func(*servers.CreateOpts)) *servers.Server {
	c.t.Helper()
	opts := servers.CreateOpts{Name: "member", ImageRef: "tiny", FlavorRef: "42", Networks: "none"}
	for _, f := range change {
		f(&opts)
	}
	s, err := servers.Create(c.t.Context(), me, opts, hints).Extract()
	require.NoError(c.t, err)
	return c.waitFor(me, s.ID, status)
}

func TestServerGroupsOverHTTP(t *testing.T) {
	c := newCloud(t, 2, func(s *compute.Settings) { s.Quota.ServerGroups, s.Quota.GroupMembers = 2, 3 })
	c.awaitHosts(2)
	ctx, me := t.Context(), c.client("member", "2.96")
	g, err := servergroups.Create(ctx, me, servergroups.CreateOpts{Name: "apart", Policy: "anti-affinity", Rules: &servergroups.Rules{MaxServerPerHost: 1}}).Extract()
	require.NoError(t, err)
	require.Equal(t, "anti-affinity", *g.Policy)
	require.Equal(t, 1, g.Rules.MaxServerPerHost)
	require.Equal(t, "p1", g.ProjectID)
	hint := servers.SchedulerHintOpts{Group: g.ID}
	one, two := c.boot(me, "ACTIVE", hint), c.boot(me, "ACTIVE", hint)
	require.NotEqual(t, one.HostID, two.HostID)
	third := c.boot(me, "ERROR", hint)
	require.Equal(t, "No valid host: 0 of 2 hosts fit: 2 have members of the anti-affinity group", third.Fault.Message)
	require.Equal(t, []string{g.ID}, *one.ServerGroups)
	_, err = servers.Create(ctx, me, servers.CreateOpts{Name: "x", ImageRef: "tiny", FlavorRef: "42", Networks: "none"}, hint).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusForbidden), "%v", err)
	require.ErrorContains(t, err, "too many servers in group")

	got, err := servergroups.Get(ctx, me, g.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, []string{one.ID, two.ID, third.ID}, got.Members)
	old, err := servergroups.Create(ctx, c.client("member", "2.15"), servergroups.CreateOpts{Name: "old", Policies: []string{"soft-affinity"}}).Extract()
	require.NoError(t, err)
	require.Equal(t, []string{"soft-affinity"}, old.Policies)
	pages, err := servergroups.List(me, servergroups.ListOpts{}).AllPages(ctx)
	require.NoError(t, err)
	list, err := servergroups.ExtractServerGroups(pages)
	require.NoError(t, err)
	require.Len(t, list, 2)
	used, err := limits.Get(ctx, me, nil).Extract()
	require.NoError(t, err)
	require.Equal(t, 2, used.Absolute.TotalServerGroupsUsed)
	require.Equal(t, 3, used.Absolute.MaxServerGroupMembers)

	near := c.boot(me, "ACTIVE", servers.SchedulerHintOpts{SameHost: []string{one.ID}})
	require.Equal(t, one.HostID, near.HostID)
	far := c.boot(me, "ACTIVE", servers.SchedulerHintOpts{DifferentHost: []string{one.ID}})
	require.Equal(t, two.HostID, far.HostID)

	_, body, _ := c.call("other", "2.96", "GET", "/v2.1/os-server-groups", "")
	require.Empty(t, body["server_groups"])
	other := c.client("other", "2.96")
	_, err = servergroups.Get(ctx, other, g.ID).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusNotFound))
	nosy, err := servers.Create(ctx, other, servers.CreateOpts{Name: "x", ImageRef: "tiny", FlavorRef: "42", Networks: "none"}, servers.SchedulerHintOpts{SameHost: []string{one.ID}}).Extract()
	require.NoError(t, err)
	require.Equal(t, "ERROR", c.waitFor(other, nosy.ID, "ERROR").Status, "where another project's server is does not come out")
	require.NoError(t, servergroups.Delete(ctx, me, g.ID).ExtractErr())
	alone, err := servers.Get(ctx, me, one.ID).Extract()
	require.NoError(t, err)
	require.Empty(t, *alone.ServerGroups)
}

func TestServerGroupErrors(t *testing.T) {
	c := newCloud(t, 1, func(s *compute.Settings) { s.Quota.ServerGroups = 1 })
	c.awaitHosts(1)
	const none = "11111111-1111-4111-8111-111111111111"
	create := func(hints string) string {
		return `{"server":{"name":"x","imageRef":"tiny","flavorRef":"42","networks":"none"},"os:scheduler_hints":` + hints + `}`
	}
	for _, tc := range []struct {
		name, version, method, path, body string
		code                              int
		message                           string
	}{
		{"soft is too new", "2.14", "POST", "", `{"server_group":{"name":"g","policies":["soft-affinity"]}}`, 400, "affinity or anti-affinity"},
		{"two policies", "2.15", "POST", "", `{"server_group":{"name":"g","policies":["affinity","anti-affinity"]}}`, 400, "has one policy"},
		{"the old field", "2.64", "POST", "", `{"server_group":{"name":"g","policies":["affinity"]}}`, 400, "server_group.policies"},
		{"the new field", "2.63", "POST", "", `{"server_group":{"name":"g","policy":"affinity"}}`, 400, "server_group.policy"},
		{"rules of affinity", "2.64", "POST", "", `{"server_group":{"name":"g","policy":"affinity","rules":{"max_server_per_host":2}}}`, 400, "Only anti-affinity policy supports rules"},
		{"a rule of 0", "2.64", "POST", "", `{"server_group":{"name":"g","policy":"anti-affinity","rules":{"max_server_per_host":0}}}`, 400, "at least 1"},
		{"the first", "2.64", "POST", "", `{"server_group":{"name":"g","policy":"anti-affinity","rules":{"max_server_per_host":"2"}}}`, 200, ""},
		{"one too many", "2.64", "POST", "", `{"server_group":{"name":"g","policy":"affinity"}}`, 403, "Quota exceeded, too many server groups"},
		{"all projects", "2.64", "GET", "?all_projects=true", "", 403, "admins only"},
		{"not there", "2.64", "GET", "/" + none, "", 404, "Instance group " + none + " could not be found."},
		{"not there to delete", "2.64", "DELETE", "/" + none, "", 404, "Instance group " + none + " could not be found."},
		{"no such group", "2.64", "SERVER", "", create(`{"group":"` + none + `"}`), 400, "Instance group " + none + " could not be found."},
		{"no group", "2.64", "SERVER", "", create(`{"group":"g"}`), 400, "g is not a UUID"},
		{"no host", "2.64", "SERVER", "", create(`{"same_host":["x"]}`), 400, "x is not a UUID"},
		{"not offered", "2.64", "SERVER", "", create(`{"build_near_host_ip":"10.0.0.1"}`), 400, "is not offered"},
		{"unknown means nothing", "2.64", "SERVER", "", create(`{"colour":"red"}`), 202, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			method, path := tc.method, "/v2.1/os-server-groups"+tc.path
			if method == "SERVER" {
				method, path = "POST", "/v2.1/servers"
			}
			code, body, _ := c.call("member", tc.version, method, path, tc.body)
			require.Equal(t, tc.code, code, "%v", body)
			require.Contains(t, fmt.Sprint(body), tc.message)
		})
	}
}

func TestAggregatesOverHTTP(t *testing.T) {
	c := newCloud(t, 2)
	c.awaitHosts(2)
	ctx, root, me := t.Context(), c.client("admin", "2.96"), c.client("member", "2.96")
	a, err := aggregates.Create(ctx, root, aggregates.CreateOpts{Name: "ssd", AvailabilityZone: "east"}).Extract()
	require.NoError(t, err)
	_, err = aggregates.Create(ctx, root, aggregates.CreateOpts{Name: "ssd"}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusConflict))
	a, err = aggregates.AddHost(ctx, root, a.ID, aggregates.AddHostOpts{Host: "host-h1"}).Extract()
	require.NoError(t, err)
	require.Equal(t, []string{"host-h1"}, a.Hosts)
	require.Equal(t, "east", a.AvailabilityZone)
	a, err = aggregates.SetMetadata(ctx, root, a.ID, aggregates.SetMetadataOpts{Metadata: map[string]any{"ssd": "true", "cpu_allocation_ratio": "1"}}).Extract()
	require.NoError(t, err)
	require.Equal(t, "true", a.Metadata["ssd"])
	_, err = aggregates.SetMetadata(ctx, root, a.ID, aggregates.SetMetadataOpts{Metadata: map[string]any{"cpu_allocation_ratio": "much"}}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusBadRequest))
	_, err = aggregates.AddHost(ctx, root, a.ID, aggregates.AddHostOpts{Host: "nothing"}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusNotFound))
	_, err = aggregates.AddHost(ctx, root, a.ID, aggregates.AddHostOpts{Host: "host-h1"}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusConflict))

	pages, err := availabilityzones.List(me).AllPages(ctx)
	require.NoError(t, err)
	zones, err := availabilityzones.ExtractAvailabilityZones(pages)
	require.NoError(t, err)
	require.Equal(t, "east", zones[0].ZoneName)
	in := func(zone string) func(*servers.CreateOpts) {
		return func(o *servers.CreateOpts) { o.AvailabilityZone = zone }
	}
	east := c.boot(me, "ACTIVE", servers.SchedulerHintOpts{}, in("east"))
	require.Equal(t, "east", east.AvailabilityZone)
	require.Equal(t, "nova", c.boot(me, "ACTIVE", servers.SchedulerHintOpts{}, in("nova")).AvailabilityZone)
	_, err = servers.Create(ctx, me, servers.CreateOpts{Name: "x", ImageRef: "tiny", FlavorRef: "42", Networks: "none", AvailabilityZone: "south"}, nil).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusBadRequest))

	second, err := aggregates.Create(ctx, root, aggregates.CreateOpts{Name: "west", AvailabilityZone: "west"}).Extract()
	require.NoError(t, err)
	_, err = aggregates.AddHost(ctx, root, second.ID, aggregates.AddHostOpts{Host: "host-h1"}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusConflict))
	require.ErrorContains(t, err, "two availability zones")
	_, err = aggregates.Update(ctx, root, a.ID, aggregates.UpdateOpts{AvailabilityZone: "north"}).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusConflict))
	require.ErrorContains(t, err, "contain instances")

	// Flavors ask for what aggregates have.
	specs, err := flavors.CreateExtraSpecs(ctx, root, "42", flavors.ExtraSpecsOpts{"aggregate_instance_extra_specs:ssd": "true", "hw:x": "1"}).Extract()
	require.NoError(t, err)
	require.Len(t, specs, 2)
	_, err = flavors.UpdateExtraSpec(ctx, root, "42", flavors.ExtraSpecsOpts{"hw:x": "2"}).Extract()
	require.NoError(t, err)
	require.NoError(t, flavors.DeleteExtraSpec(ctx, root, "42", "hw:x").ExtractErr())
	require.True(t, gophercloud.ResponseCodeIs(flavors.DeleteExtraSpec(ctx, root, "42", "hw:x").ExtractErr(), http.StatusNotFound))
	require.True(t, gophercloud.ResponseCodeIs(flavors.DeleteExtraSpec(ctx, me, "42", "hw:x").ExtractErr(), http.StatusForbidden))
	f, err := flavors.Get(ctx, me, "42").Extract()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"aggregate_instance_extra_specs:ssd": "true"}, f.ExtraSpecs)
	for range 3 {
		require.Equal(t, east.HostID, c.boot(me, "ACTIVE", servers.SchedulerHintOpts{}).HostID)
	}
	refused := c.boot(me, "ERROR", servers.SchedulerHintOpts{}, in("nova"))
	require.Equal(t, "No valid host: 0 of 2 hosts fit: 1 is in another zone, 1 is in no aggregate with ssd true", refused.Fault.Message)

	require.True(t, gophercloud.ResponseCodeIs(aggregates.Delete(ctx, root, a.ID).ExtractErr(), http.StatusBadRequest))
	require.NoError(t, aggregates.Delete(ctx, root, second.ID).ExtractErr())
	_, err = aggregates.Get(ctx, root, second.ID).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusNotFound))
	_, err = aggregates.Get(ctx, me, a.ID).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusForbidden))
}

func TestServicesBeforeTheyHadIDs(t *testing.T) {
	c := newCloud(t, 1)
	c.awaitHosts(1)
	for _, tc := range []struct {
		version, path, body string
		code                int
		want                string
	}{
		{"2.1", "disable", `{"host":"host-h1","binary":"nova-compute"}`, 200, "disabled"},
		{"2.52", "disable-log-reason", `{"host":"host-h1","binary":"nova-compute","disabled_reason":"fire"}`, 200, "fire"},
		{"2.1", "enable", `{"host":"host-h1","binary":"nova-compute"}`, 200, "enabled"},
		{"2.1", "enable", `{"host":"host-h1","binary":"nova-cells"}`, 404, "Could not find binary nova-cells"},
		{"2.1", "enable", `{"host":"x","binary":"nova-compute"}`, 404, "Compute host x could not be found"},
		{"2.53", "enable", `{"host":"host-h1","binary":"nova-compute"}`, 404, "could not be found"},
	} {
		code, body, _ := c.call("admin", tc.version, "PUT", "/v2.1/os-services/"+tc.path, tc.body)
		require.Equal(t, tc.code, code, "%v", body)
		require.Contains(t, fmt.Sprint(body), tc.want)
	}
}
