package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// sharing is a tenant's network and group that others may use.
type sharing struct {
	t               *testing.T
	admin, one, two caller
	network, group  object
}

func (s *sharing) expect(c caller, method, path string, body any, want int) object {
	s.t.Helper()
	status, got := c.call(method, path, "", body)
	require.Equal(s.t, want, status, "%s %s %v: %v", method, path, body, got)
	return got
}

func policy(kind string, o object, action, target string) object {
	return object{"rbac_policy": object{"object_type": kind, "object_id": o["id"], "action": action, "target_tenant": target}}
}

func TestAccessPolicies(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		s := &sharing{t: t, admin: caller{t, url, "admin"}, one: caller{t, url, "one"}, two: caller{t, url, "two"}}
		s.network = s.one.make("networks", "network", object{"name": "n"})
		s.one.make("subnets", "subnet", object{"network_id": s.network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"})
		s.group = s.one.make("security-groups", "security_group", object{"name": "g"})
		s.refusals()
		s.oneProject()
		s.everybody()
		s.groups()
		s.outside()
	})
}

func (s *sharing) refusals() {
	for _, bad := range []struct {
		body object
		want int
	}{
		{policy("unicorn", s.network, "access_as_shared", "two"), 400},
		{policy("network", s.network, "access_as_pony", "two"), 400},
		{policy("security_group", s.group, "access_as_external", "two"), 400},
		{policy("network", s.network, "access_as_shared", ""), 400},
		{policy("network", s.network, "access_as_shared", "*"), 403},
		{policy("network", s.network, "access_as_external", "two"), 403},
		{policy("network", object{"id": "nowhere"}, "access_as_shared", "two"), 404},
	} {
		s.expect(s.one, "POST", "rbac-policies", bad.body, bad.want)
	}
	s.expect(s.two, "POST", "rbac-policies", policy("network", s.network, "access_as_shared", "two"), 404)
}

func (s *sharing) oneProject() {
	t, path := s.t, "networks/"+s.network["id"].(string)
	s.expect(s.two, "GET", path, nil, 404)
	p := s.expect(s.one, "POST", "rbac-policies", policy("network", s.network, "access_as_shared", "two"), 201)
	at := "rbac-policies/" + p["id"].(string)
	require.Equal(t, "one", p["project_id"])
	e := s.expect(s.one, "POST", "rbac-policies", policy("network", s.network, "access_as_shared", "two"), 409)
	require.Equal(t, "DuplicateRbacPolicy", e["type"])
	require.Equal(t, true, s.expect(s.two, "GET", path, nil, 200)["shared"])
	require.Equal(t, false, s.expect(s.one, "GET", path, nil, 200)["shared"])
	require.Equal(t, false, s.expect(s.admin, "GET", path, nil, 200)["shared"])
	require.Len(t, s.expect(s.two, "GET", "networks?shared=true", nil, 200)["networks"], 1)
	require.Empty(t, s.expect(s.one, "GET", "networks?shared=true", nil, 200)["networks"])
	s.expect(s.two, "PUT", path, object{"network": object{"name": "mine"}}, 403)
	s.expect(s.two, "GET", at, nil, 404)
	port := s.two.make("ports", "port", object{"network_id": s.network["id"]})
	require.Equal(t, "RbacPolicyInUse", s.expect(s.one, "DELETE", at, nil, 409)["type"])
	require.Equal(t, "RbacPolicyInUse", s.expect(s.one, "PUT", at, object{"rbac_policy": object{"target_tenant": "three"}}, 409)["type"])
	s.expect(s.one, "PUT", path, object{"network": object{"name": "renamed"}}, 200) // a change keeps it
	s.expect(s.two, "GET", path, nil, 200)
	all := s.expect(s.admin, "POST", "rbac-policies", policy("network", s.network, "access_as_shared", "*"), 201)
	s.expect(s.one, "DELETE", at, nil, 204) // now there is another one that lets it
	require.Equal(t, "RbacPolicyInUse", s.expect(s.admin, "DELETE", "rbac-policies/"+all["id"].(string), nil, 409)["type"])
	s.expect(s.two, "DELETE", "ports/"+port["id"].(string), nil, 204)
	s.expect(s.admin, "DELETE", "rbac-policies/"+all["id"].(string), nil, 204)
	s.expect(s.two, "GET", path, nil, 404)
}

func (s *sharing) everybody() {
	t := s.t
	n := s.admin.make("networks", "network", object{"shared": true})
	list := s.expect(s.admin, "GET", "rbac-policies?object_id="+n["id"].(string), nil, 200)["rbac_policies"].([]any)
	require.Len(t, list, 1)
	require.Equal(t, "*", list[0].(object)["target_tenant"])
	path := "networks/" + n["id"].(string)
	require.Equal(t, true, s.expect(s.two, "GET", path, nil, 200)["shared"])
	s.expect(s.admin, "DELETE", "rbac-policies/"+list[0].(object)["id"].(string), nil, 204)
	s.expect(s.two, "GET", path, nil, 404)
	require.Equal(t, false, s.expect(s.admin, "GET", path, nil, 200)["shared"])
	s.expect(s.admin, "PUT", path, object{"network": object{"shared": true}}, 200)
	s.expect(s.two, "GET", path, nil, 200)
	s.expect(s.admin, "DELETE", path, nil, 204)
	require.Empty(t, s.expect(s.admin, "GET", "rbac-policies", nil, 200)["rbac_policies"])
}

func (s *sharing) groups() {
	t, path := s.t, "security-groups/"+s.group["id"].(string)
	s.expect(s.two, "GET", path, nil, 404)
	p := s.expect(s.one, "POST", "rbac-policies", policy("security_group", s.group, "access_as_shared", "two"), 201)
	require.Equal(t, true, s.expect(s.two, "GET", path, nil, 200)["shared"])
	s.expect(s.two, "PUT", path, object{"security_group": object{"name": "mine"}}, 403)
	s.expect(s.two, "DELETE", path, nil, 403)
	s.expect(s.two, "POST", "security-group-rules", object{"security_group_rule": object{"security_group_id": s.group["id"], "direction": "ingress"}}, 403)
	n := s.two.make("networks", "network", object{})
	port := s.two.make("ports", "port", object{"network_id": n["id"], "security_groups": []any{s.group["id"]}})
	require.Equal(t, "RbacPolicyInUse", s.expect(s.one, "DELETE", "rbac-policies/"+p["id"].(string), nil, 409)["type"])
	s.expect(s.two, "DELETE", "ports/"+port["id"].(string), nil, 204)
	s.expect(s.one, "DELETE", "rbac-policies/"+p["id"].(string), nil, 204)
	s.expect(s.two, "GET", path, nil, 404)
}

func (s *sharing) outside() {
	t := s.t
	n := s.admin.make("networks", "network", object{"name": "outside"})
	s.admin.make("subnets", "subnet", object{"network_id": n["id"], "ip_version": 4, "cidr": "192.0.2.0/24"})
	path := "networks/" + n["id"].(string)
	p := s.expect(s.admin, "POST", "rbac-policies", policy("network", n, "access_as_external", "two"), 201)
	require.Equal(t, true, s.expect(s.two, "GET", path, nil, 200)["router:external"])
	s.expect(s.one, "GET", path, nil, 404)
	s.expect(s.two, "POST", "ports", object{"port": object{"network_id": n["id"]}}, 403)
	s.expect(s.admin, "PUT", path, object{"network": object{"name": "still for two only"}}, 200)
	s.expect(s.one, "GET", path, nil, 404)
	f := s.two.make("floatingips", "floatingip", object{"floating_network_id": n["id"]})
	require.Equal(t, "RbacPolicyInUse", s.expect(s.admin, "DELETE", "rbac-policies/"+p["id"].(string), nil, 409)["type"])
	s.expect(s.two, "DELETE", "floatingips/"+f["id"].(string), nil, 204)
	s.expect(s.admin, "DELETE", "rbac-policies/"+p["id"].(string), nil, 204)
	s.expect(s.two, "GET", path, nil, 404)
	require.Equal(t, false, s.expect(s.admin, "GET", path, nil, 200)["router:external"])
}
