package api_test

import (
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/catalog"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/domains"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/endpoints"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/regions"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/services"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/stretchr/testify/require"
)

func TestGophercloudLogsIn(t *testing.T) {
	c := newCloud(t)
	admin := c.admin()
	require.Equal(t, c.url+"/v3/", admin.Endpoint)

	// The catalog leads to the other services, with the project in the URL where one belongs.
	volume, err := admin.EndpointLocator(gophercloud.EndpointOpts{Type: "block-storage", Region: "RegionOne", Availability: gophercloud.AvailabilityInternal, Aliases: []string{"volumev3"}})
	require.NoError(t, err)
	got := tokens.Get(t.Context(), admin, admin.Token())
	project, err := got.ExtractProject()
	require.NoError(t, err)
	require.Equal(t, "admin", project.Name)
	require.Contains(t, volume, "/volume/v3/"+project.ID+"/")
	held, err := got.ExtractRoles()
	require.NoError(t, err)
	require.Len(t, held, 4)
	user, err := got.ExtractUser()
	require.NoError(t, err)
	require.Equal(t, "Default", user.Domain.Name)

	for name, scope := range map[string]*gophercloud.AuthScope{
		"system": {System: true}, "domain": {DomainName: "Default"}, "project": {ProjectID: project.ID}, "none": nil,
	} {
		_, err := c.client("admin", adminPassword, scope)
		require.NoError(t, err, name)
	}
	_, err = c.client("admin", "wrong", nil)
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusUnauthorized), "%v", err)

	// A token stands for its user.
	again, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{IdentityEndpoint: c.url, TokenID: admin.Token(), Scope: &gophercloud.AuthScope{System: true}})
	require.NoError(t, err)
	require.NotEqual(t, admin.Token(), again.Token())

	valid, err := tokens.Validate(t.Context(), admin, again.Token())
	require.NoError(t, err)
	require.True(t, valid)
	require.NoError(t, tokens.Revoke(t.Context(), admin, again.Token()).Err)
	valid, err = tokens.Validate(t.Context(), admin, again.Token())
	require.NoError(t, err)
	require.False(t, valid)

	// A revoked token makes the client log in again by itself.
	before := admin.Token()
	require.NoError(t, tokens.Revoke(t.Context(), admin, before).Err)
	_, err = users.Get(t.Context(), admin, user.ID).Extract()
	require.NoError(t, err)
	require.NotEqual(t, before, admin.Token())
}

func TestGophercloudManagesIdentity(t *testing.T) {
	c, ctx := newCloud(t), t.Context()
	admin := c.admin()
	yes, no := true, false

	d, err := domains.Create(ctx, admin, domains.CreateOpts{Name: "acme", Description: "x"}).Extract()
	require.NoError(t, err)
	require.True(t, d.Enabled)
	p, err := projects.Create(ctx, admin, projects.CreateOpts{Name: "web", DomainID: d.ID, Enabled: &yes, Tags: []string{"a"}, Extra: map[string]any{"cost": "7"}}).Extract()
	require.NoError(t, err)
	require.Equal(t, d.ID, p.ParentID)
	require.Equal(t, []string{"a"}, p.Tags)
	require.Equal(t, "7", p.Extra["cost"])
	below, err := projects.Create(ctx, admin, projects.CreateOpts{Name: "below", ParentID: p.ID}).Extract()
	require.NoError(t, err)
	require.Equal(t, d.ID, below.DomainID)
	u, err := users.Create(ctx, admin, users.CreateOpts{Name: "alice", DomainID: d.ID, Password: "secret", DefaultProjectID: p.ID, Extra: map[string]any{"email": "a@example.org"}}).Extract()
	require.NoError(t, err)
	require.Equal(t, "a@example.org", u.Extra["email"])
	g, err := groups.Create(ctx, admin, groups.CreateOpts{Name: "staff", DomainID: d.ID}).Extract()
	require.NoError(t, err)
	require.NoError(t, users.AddToGroup(ctx, admin, g.ID, u.ID).ExtractErr())

	pages, err := roles.List(admin, roles.ListOpts{Name: "member"}).AllPages(ctx)
	require.NoError(t, err)
	found, err := roles.ExtractRoles(pages)
	require.NoError(t, err)
	require.Len(t, found, 1)
	member := found[0].ID
	require.NoError(t, roles.Assign(ctx, admin, member, roles.AssignOpts{GroupID: g.ID, ProjectID: p.ID}).ExtractErr())
	require.NoError(t, roles.Assign(ctx, admin, member, roles.AssignOpts{UserID: u.ID, DomainID: d.ID}).ExtractErr())

	pages, err = roles.ListAssignments(admin, roles.ListAssignmentsOpts{UserID: u.ID, Effective: &yes, IncludeNames: &yes}).AllPages(ctx)
	require.NoError(t, err)
	held, err := roles.ExtractRoleAssignments(pages)
	require.NoError(t, err)
	require.Len(t, held, 4, "member and reader, on the project and on the domain")
	require.Equal(t, "alice", held[0].User.Name)
	require.Equal(t, "acme", held[0].User.Domain.Name)

	alice, err := openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{IdentityEndpoint: c.url, UserID: u.ID, Password: "secret"})
	require.NoError(t, err)
	own, err := openstack.NewIdentityV3(alice, gophercloud.EndpointOpts{})
	require.NoError(t, err)
	pages, err = users.ListProjects(own, u.ID).AllPages(ctx)
	require.NoError(t, err)
	mine, err := projects.ExtractProjects(pages)
	require.NoError(t, err)
	require.Len(t, mine, 1)
	require.NoError(t, users.ChangePassword(ctx, own, u.ID, users.ChangePasswordOpts{OriginalPassword: "secret", Password: "better"}).ExtractErr())
	_, err = openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{IdentityEndpoint: c.url, UserID: u.ID, Password: "secret"})
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusUnauthorized), "%v", err)

	err = domains.Delete(ctx, admin, d.ID).ExtractErr()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusForbidden), "%v", err)
	_, err = domains.Update(ctx, admin, d.ID, domains.UpdateOpts{Enabled: &no}).Extract()
	require.NoError(t, err)
	require.NoError(t, domains.Delete(ctx, admin, d.ID).ExtractErr())
	_, err = users.Get(ctx, admin, u.ID).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusNotFound), "%v", err)
}

func TestGophercloudReadsTheCatalog(t *testing.T) {
	c, ctx := newCloud(t), t.Context()
	admin := c.admin()
	pages, err := catalog.List(admin).AllPages(ctx)
	require.NoError(t, err)
	entries, err := catalog.ExtractServiceCatalog(pages)
	require.NoError(t, err)
	require.Len(t, entries, 3)
	pages, err = services.List(admin, services.ListOpts{ServiceType: "compute"}).AllPages(ctx)
	require.NoError(t, err)
	listed, err := services.ExtractServices(pages)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	pages, err = endpoints.List(admin, endpoints.ListOpts{ServiceID: listed[0].ID}).AllPages(ctx)
	require.NoError(t, err)
	all, err := endpoints.ExtractEndpoints(pages)
	require.NoError(t, err)
	require.Len(t, all, 3)
	require.Equal(t, entries[1].ID, listed[0].ID)
	region, err := regions.Get(ctx, admin, "RegionOne").Extract()
	require.NoError(t, err)
	require.Equal(t, "RegionOne", region.ID)
}
