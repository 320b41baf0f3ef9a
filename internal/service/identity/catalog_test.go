package identity_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (r *rig) addService(kind string) identity.CatalogService {
	r.t.Helper()
	s, err := r.CreateService(r.t.Context(), identity.CatalogService{Type: kind, Name: kind + "er", Enabled: true})
	require.NoError(r.t, err)
	return s
}

func (r *rig) addEndpoint(serviceID, url string) identity.CatalogEndpoint {
	r.t.Helper()
	e, err := r.CreateEndpoint(r.t.Context(), identity.CatalogEndpoint{ServiceID: serviceID, Interface: "public", RegionID: "RegionOne", URL: url, Enabled: true}, false)
	require.NoError(r.t, err)
	return e
}

// urls are the URLs of a catalog's public endpoints by the type of their service.
func urls(catalog []identity.CatalogService) map[string]string {
	out := map[string]string{}
	for _, s := range catalog {
		for _, e := range s.Endpoints {
			if e.Interface == "public" {
				out[s.Type] = e.URL
			}
		}
	}
	return out
}

func TestCatalogIsMadeOfBoth(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		on := identity.Scope{ProjectID: "p1"}
		require.Equal(t, map[string]string{"identity": "https://h/identity", "volumev3": "https://h/volume/v3/p1"}, urls(r.Catalog(on, "u1")))

		s := r.addService("dns")
		require.NotContains(t, urls(r.Catalog(on, "u1")), "dns", "a service without an endpoint is nowhere")
		e := r.addEndpoint(s.ID, "https://dns/$(tenant_id)s/%(user_id)s")
		require.Equal(t, "https://dns/p1/u1", urls(r.Catalog(on, "u1"))["dns"])
		require.NotContains(t, urls(r.Catalog(identity.Scope{System: true}, "u1")), "dns", "a URL that needs a project")
		require.Nil(t, r.Catalog(identity.Scope{}, "u1"))

		off := false
		_, err := r.UpdateEndpoint(ctx, e.ID, identity.EndpointChange{Enabled: &off})
		require.NoError(t, err)
		require.NotContains(t, urls(r.Catalog(on, "u1")), "dns", "a disabled endpoint")
		on2, url := true, "https://dns/new"
		_, err = r.UpdateEndpoint(ctx, e.ID, identity.EndpointChange{Enabled: &on2, URL: &url})
		require.NoError(t, err)
		require.Equal(t, "https://dns/new", urls(r.Catalog(on, "u1"))["dns"])
		_, err = r.UpdateService(ctx, s.ID, identity.ServiceChange{Enabled: &off})
		require.NoError(t, err)
		require.NotContains(t, urls(r.Catalog(on, "u1")), "dns", "a disabled service")

		// What was added is there after a start, too.
		again := newService(t, r.db, r.events, 'k')
		require.NoError(t, again.Load(ctx))
		_, err = r.UpdateService(ctx, s.ID, identity.ServiceChange{Enabled: &on2})
		require.NoError(t, err)
		require.NotContains(t, urls(again.Catalog(on, "u1")), "dns")
		require.NoError(t, again.Load(ctx))
		require.Contains(t, urls(again.Catalog(on, "u1")), "dns")

		require.NoError(t, r.DeleteService(ctx, s.ID))
		require.NotContains(t, urls(r.Catalog(on, "u1")), "dns")
		_, err = r.ShowEndpoint(ctx, e.ID)
		isClass(t, fault.NotFound, err)
	})
}

func TestWhatIsInstalledStays(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		services, err := r.ListServices(ctx, "identity", "")
		require.NoError(t, err)
		require.Len(t, services, 1)
		endpoints, err := r.ListEndpoints(ctx, identity.EndpointFilter{ServiceID: services[0].ID, Interface: "admin"})
		require.NoError(t, err)
		require.Len(t, endpoints, 1)
		name := "x"
		for _, do := range []func() error{
			func() error {
				_, err := r.UpdateService(ctx, services[0].ID, identity.ServiceChange{Name: &name})
				return err
			},
			func() error { return r.DeleteService(ctx, services[0].ID) },
			func() error {
				_, err := r.UpdateEndpoint(ctx, endpoints[0].ID, identity.EndpointChange{URL: &name})
				return err
			},
			func() error { return r.DeleteEndpoint(ctx, endpoints[0].ID) },
			func() error {
				_, err := r.UpdateRegion(ctx, "RegionOne", identity.RegionChange{Description: &name})
				return err
			},
			func() error { return r.DeleteRegion(ctx, "RegionOne") },
		} {
			err := do()
			isClass(t, fault.Forbidden, err)
			require.Contains(t, err.Error(), "installation's own")
		}
		_, err = r.CreateRegion(ctx, identity.Region{Made: identity.Made{ID: "RegionOne"}})
		isClass(t, fault.Conflict, err)

		// But it may get endpoints in other regions.
		_, err = r.CreateEndpoint(ctx, identity.CatalogEndpoint{ServiceID: services[0].ID, Interface: "public", RegionID: "Two", URL: "https://two", Enabled: true}, true)
		require.NoError(t, err)
		regions, err := r.ListRegions(ctx, "")
		require.NoError(t, err)
		require.Len(t, regions, 2, "the region was made")
	})
}

func TestRegionsAreATree(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		add := func(id, parent string) error {
			_, err := r.CreateRegion(ctx, identity.Region{Made: identity.Made{ID: id}, ParentID: parent})
			return err
		}
		require.NoError(t, add("a", "RegionOne"))
		require.NoError(t, add("b", "a"))
		require.NoError(t, add("c", "b"))
		isClass(t, fault.Conflict, add("b", ""))
		isClass(t, fault.NotFound, add("d", "nowhere"))
		isClass(t, fault.Invalid, add("e", "e"))
		c := "c"
		_, err := r.UpdateRegion(ctx, "a", identity.RegionChange{ParentID: &c})
		isClass(t, fault.Invalid, err)
		below, err := r.ListRegions(ctx, "a")
		require.NoError(t, err)
		require.Len(t, below, 1)

		s := r.addService("dns")
		e, err := r.CreateEndpoint(ctx, identity.CatalogEndpoint{ServiceID: s.ID, Interface: "public", RegionID: "c", URL: "https://x", Enabled: true}, false)
		require.NoError(t, err)
		isClass(t, fault.Forbidden, r.DeleteRegion(ctx, "a"))
		require.NoError(t, r.DeleteEndpoint(ctx, e.ID))
		require.NoError(t, r.DeleteRegion(ctx, "a"))
		_, err = r.ShowRegion(ctx, "c")
		isClass(t, fault.NotFound, err)
		isClass(t, fault.NotFound, r.DeleteRegion(ctx, "a"))
	})
}

func TestEndpointsLeadSomewhere(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		s := r.addService("dns")
		good := identity.CatalogEndpoint{ServiceID: s.ID, Interface: "public", URL: "https://x/$(project_id)s"}
		for name, spoil := range map[string]func(*identity.CatalogEndpoint){
			"no such service": func(e *identity.CatalogEndpoint) { e.ServiceID = "nothing" },
			"no such region":  func(e *identity.CatalogEndpoint) { e.RegionID = "nowhere" },
			"no URL":          func(e *identity.CatalogEndpoint) { e.URL = "somewhere" },
			"placeholder":     func(e *identity.CatalogEndpoint) { e.URL = "https://x/$(password)s" },
			"half of one":     func(e *identity.CatalogEndpoint) { e.URL = "https://x/%(project_id" },
			"interface":       func(e *identity.CatalogEndpoint) { e.Interface = "secret" },
		} {
			e := good
			spoil(&e)
			_, err := r.CreateEndpoint(t.Context(), e, false)
			require.True(t, fault.Is(err, fault.Invalid), "%s: %v", name, err)
		}
		_, err := r.CreateEndpoint(t.Context(), good, false)
		require.NoError(t, err)
	})
}

func TestProjectsAreLimitedToEndpoints(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		p, other := r.project("p"), r.project("other")
		s := r.addService("dns")
		e := r.addEndpoint(s.ID, "https://dns")
		on := identity.Scope{ProjectID: p.ID}

		isClass(t, fault.NotFound, r.CheckEndpointInProject(ctx, p.ID, e.ID))
		require.NoError(t, r.AddEndpointToProject(ctx, p.ID, e.ID))
		isClass(t, fault.Conflict, r.AddEndpointToProject(ctx, p.ID, e.ID))
		isClass(t, fault.NotFound, r.AddEndpointToProject(ctx, "nothing", e.ID))
		isClass(t, fault.NotFound, r.AddEndpointToProject(ctx, p.ID, "nothing"))
		require.NoError(t, r.CheckEndpointInProject(ctx, p.ID, e.ID))
		require.Equal(t, map[string]string{"dns": "https://dns"}, urls(r.Catalog(on, "u")))
		require.Len(t, r.Catalog(identity.Scope{ProjectID: other.ID}, "u"), 3, "others reach everything")

		own, err := r.ListServices(ctx, "identity", "")
		require.NoError(t, err)
		g, err := r.CreateEndpointGroup(ctx, identity.EndpointGroup{Name: "g", Filter: identity.EndpointFilter{ServiceID: own[0].ID, Interface: "public"}})
		require.NoError(t, err)
		require.NoError(t, r.AddGroupToProject(ctx, p.ID, g.ID))
		isClass(t, fault.Conflict, r.AddGroupToProject(ctx, p.ID, g.ID))
		require.NoError(t, r.CheckGroupInProject(ctx, p.ID, g.ID))
		isClass(t, fault.NotFound, r.CheckGroupInProject(ctx, other.ID, g.ID))
		require.Equal(t, map[string]string{"dns": "https://dns", "identity": "https://h/identity"}, urls(r.Catalog(on, "u")))
		endpoints, err := r.EndpointsOfProject(ctx, p.ID)
		require.NoError(t, err)
		require.Len(t, endpoints, 2)
		for _, find := range []func() ([]identity.Project, error){
			func() ([]identity.Project, error) { return r.ProjectsOfGroup(ctx, g.ID) },
			func() ([]identity.Project, error) { return r.ProjectsOfEndpoint(ctx, e.ID) },
		} {
			projects, err := find()
			require.NoError(t, err)
			require.Len(t, projects, 1)
			require.Equal(t, p.ID, projects[0].ID)
		}

		require.NoError(t, r.RemoveEndpointFromProject(ctx, p.ID, e.ID))
		isClass(t, fault.NotFound, r.RemoveEndpointFromProject(ctx, p.ID, e.ID))
		require.NotContains(t, urls(r.Catalog(on, "u")), "dns")
		nothing := identity.EndpointFilter{RegionID: "nowhere"}
		_, err = r.UpdateEndpointGroup(ctx, g.ID, identity.EndpointGroupChange{Filter: &nothing})
		require.NoError(t, err)
		require.Len(t, r.Catalog(on, "u"), 3, "a group of nothing limits nothing")
		require.NoError(t, r.DeleteEndpointGroup(ctx, g.ID))
		groups, err := r.GroupsOfProject(ctx, p.ID)
		require.NoError(t, err)
		require.Empty(t, groups)

		require.NoError(t, r.AddEndpointToProject(ctx, p.ID, e.ID))
		require.NoError(t, r.DeleteProject(ctx, p.ID))
		projects, err := r.ProjectsOfEndpoint(ctx, e.ID)
		require.NoError(t, err)
		require.Empty(t, projects, "associations go with the project")
	})
}

// hearsay is events that are heard on another control node, as a test sends them.
type hearsay struct {
	recorder
	heard chan func(event.Event)
}

func (h *hearsay) Subscribe(prefix string, fn func(event.Event)) (cancel func()) {
	if prefix == "identity." {
		h.heard <- fn
	}
	return func() {}
}

func TestOtherControlNodesHearOfTheCatalog(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		far := &hearsay{heard: make(chan func(event.Event), 1)}
		node := newService(t, r.db, far, 'k')
		require.NoError(t, node.Load(t.Context()))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- node.Run(ctx) }()
		tell := <-far.heard

		r.addEndpoint(r.addService("dns").ID, "https://dns")
		on := identity.Scope{System: true}
		require.NotContains(t, urls(node.Catalog(on, "u")), "dns", "it has not heard yet")
		tell(event.Event{Type: "identity.endpoint.created", Object: "endpoint", Data: json.RawMessage(`{}`)})
		require.Eventually(t, func() bool { return urls(node.Catalog(on, "u"))["dns"] != "" }, time.Minute, 5*time.Millisecond)
		stop()
		require.NoError(t, <-done)
	})
}

func TestPoliciesAreForEndpoints(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		for _, region := range []identity.Region{{Made: identity.Made{ID: "up"}}, {Made: identity.Made{ID: "down"}, ParentID: "up"}} {
			_, err := r.CreateRegion(ctx, region)
			require.NoError(t, err)
		}
		s := r.addService("dns")
		e, err := r.CreateEndpoint(ctx, identity.CatalogEndpoint{ServiceID: s.ID, Interface: "public", RegionID: "down", URL: "https://x", Enabled: true}, false)
		require.NoError(t, err)
		policy := func(kind string) identity.Policy {
			p, err := r.CreatePolicy(ctx, identity.Policy{Type: kind, Blob: "{}"})
			require.NoError(t, err)
			return p
		}
		_, err = r.PolicyOfEndpoint(ctx, e.ID)
		isClass(t, fault.NotFound, err)
		// The nearer the better: service, region above, own region, endpoint.
		for _, target := range []identity.PolicyTarget{
			{ServiceID: s.ID}, {ServiceID: s.ID, RegionID: "up"}, {ServiceID: s.ID, RegionID: "down"}, {EndpointID: e.ID},
		} {
			p := policy("t")
			a := identity.PolicyAssociation{PolicyTarget: target, PolicyID: p.ID}
			isClass(t, fault.NotFound, r.CheckPolicyAssociation(ctx, a))
			require.NoError(t, r.AssociatePolicy(ctx, a))
			require.NoError(t, r.AssociatePolicy(ctx, a), "twice is once")
			require.NoError(t, r.CheckPolicyAssociation(ctx, a))
			got, err := r.PolicyOfEndpoint(ctx, e.ID)
			require.NoError(t, err)
			require.Equal(t, p.ID, got.ID)
			endpoints, err := r.EndpointsOfPolicy(ctx, p.ID)
			require.NoError(t, err)
			require.True(t, slices.ContainsFunc(endpoints, func(x identity.CatalogEndpoint) bool { return x.ID == e.ID }))
		}
		p := policy("other")
		a := identity.PolicyAssociation{PolicyTarget: identity.PolicyTarget{EndpointID: e.ID}, PolicyID: p.ID}
		require.NoError(t, r.AssociatePolicy(ctx, a), "in place of the other")
		got, err := r.PolicyOfEndpoint(ctx, e.ID)
		require.NoError(t, err)
		require.Equal(t, p.ID, got.ID)
		require.NoError(t, r.DissociatePolicy(ctx, a))
		require.NoError(t, r.DissociatePolicy(ctx, a), "nothing to take")
		isClass(t, fault.NotFound, r.AssociatePolicy(ctx, identity.PolicyAssociation{PolicyTarget: identity.PolicyTarget{ServiceID: "x"}, PolicyID: p.ID}))
		isClass(t, fault.NotFound, r.AssociatePolicy(ctx, identity.PolicyAssociation{PolicyTarget: a.PolicyTarget, PolicyID: "x"}))

		require.NoError(t, r.AssociatePolicy(ctx, a))
		require.NoError(t, r.DeletePolicy(ctx, p.ID))
		got, err = r.PolicyOfEndpoint(ctx, e.ID)
		require.NoError(t, err)
		require.NotEqual(t, p.ID, got.ID, "associations go with the policy")
		require.NoError(t, r.DeleteEndpoint(ctx, e.ID))
		require.NoError(t, r.DeleteRegion(ctx, "up"))
	})
}
