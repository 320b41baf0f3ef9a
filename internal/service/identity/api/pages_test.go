package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pages follows a list from its first page on, and returns what it holds.
func (c *cloud) pages(token, path, key string) (all []string) {
	c.t.Helper()
	for next := c.url + path; next != ""; {
		a := c.call("GET", strings.TrimPrefix(next, c.url), "", "X-Auth-Token", token)
		require.Equal(c.t, 200, a.status, "%s: %s", next, a.raw)
		require.Equal(c.t, next, a.at("links", "self"))
		require.Nil(c.t, a.at("links", "previous"))
		require.Contains(c.t, a.body["links"], "previous")
		require.Contains(c.t, a.body["links"], "next")
		items := a.at(key).([]any)
		require.LessOrEqual(c.t, len(items), 2)
		for _, item := range items {
			all = append(all, fmt.Sprint(item.(map[string]any)["id"], item.(map[string]any)["links"]))
		}
		next, _ = a.at("links", "next").(string)
	}
	return all
}

// A client that looks for something by a name that nothing has must not be given something else.
func TestWhatHasNoNameIsNotFoundByOne(t *testing.T) {
	c := newCloud(t)
	admin := c.token("admin", adminPassword, inAdmin)
	require.Equal(t, 201, c.call("POST", "/v3/policies", `{"policy":{"type":"text","blob":"x"}}`, "X-Auth-Token", admin).status)
	for _, path := range []string{
		"regions", "endpoints", "policies", "registered_limits", "limits", "credentials", "OS-TRUST/trusts", "OS-FEDERATION/mappings",
		"OS-FEDERATION/identity_providers", "OS-FEDERATION/service_providers",
	} {
		a := c.call("GET", "/v3/"+path+"?name=text", "", "X-Auth-Token", admin)
		require.Equal(t, 200, a.status, a.raw)
		delete(a.body, "links")
		require.Len(t, a.body, 1)
		for _, found := range a.body {
			require.Empty(t, found, path)
			require.NotNil(t, found, path)
		}
	}
	require.Len(t, c.call("GET", "/v3/policies", "", "X-Auth-Token", admin).at("policies"), 1)
}

func TestEveryListHasPages(t *testing.T) {
	c := newCloud(t)
	admin := c.token("admin", adminPassword, inAdmin)
	do := func(method, path, body string) answer {
		t.Helper()
		a := c.call(method, path, body, "X-Auth-Token", admin)
		require.Less(t, a.status, 300, "%s %s: %s", method, path, a.raw)
		return a
	}
	me := c.call("GET", "/v3/auth/tokens", "", "X-Auth-Token", admin, "X-Subject-Token", admin)
	user, project := me.at("token", "user", "id").(string), me.at("token", "project", "id").(string)
	service := do("POST", "/v3/services", `{"service":{"type":"x","name":"x"}}`).at("service", "id").(string)
	group := do("POST", "/v3/groups", `{"group":{"name":"g"}}`).at("group", "id").(string)
	role := do("POST", "/v3/roles", `{"role":{"name":"r"}}`).at("role", "id").(string)
	for i := range 5 {
		n := fmt.Sprint("n", i)
		do("POST", "/v3/regions", `{"region":{"id":"`+n+`"}}`)
		do("POST", "/v3/services", `{"service":{"type":"`+n+`"}}`)
		endpoint := do("POST", "/v3/endpoints", `{"endpoint":{"service_id":"`+service+`","interface":"public","url":"http://`+n+`"}}`).at("endpoint", "id").(string)
		do("PUT", "/v3/OS-EP-FILTER/projects/"+project+"/endpoints/"+endpoint, "")
		do("POST", "/v3/OS-EP-FILTER/endpoint_groups", `{"endpoint_group":{"name":"`+n+`","filters":{"service_id":"`+service+`"}}}`)
		do("POST", "/v3/policies", `{"policy":{"type":"text","blob":"`+n+`"}}`)
		do("POST", "/v3/registered_limits", `{"registered_limits":[{"service_id":"`+service+`","resource_name":"`+n+`","default_limit":1}]}`)
		do("POST", "/v3/limits", `{"limits":[{"service_id":"`+service+`","resource_name":"`+n+`","project_id":"`+project+`","resource_limit":1}]}`)
		do("PUT", "/v3/OS-FEDERATION/identity_providers/"+n, `{"identity_provider":{}}`)
		do("PUT", "/v3/OS-FEDERATION/mappings/"+n, `{"mapping":{"rules":[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"u"}]}]}}`)
		do("PUT", "/v3/OS-FEDERATION/identity_providers/n0/protocols/"+n, `{"protocol":{"mapping_id":"`+n+`"}}`)
		do("PUT", "/v3/OS-FEDERATION/service_providers/"+n, `{"service_provider":{"auth_url":"http://x","sp_url":"http://x"}}`)
		do("POST", "/v3/users/"+user+"/credentials/OS-EC2", `{"tenant_id":"`+project+`"}`)
		do("POST", "/v3/users/"+user+"/application_credentials", `{"application_credential":{"name":"`+n+`","access_rules":[{"service":"x","method":"GET","path":"/`+n+`"}]}}`)
		in := do("POST", "/v3/projects", `{"project":{"name":"`+n+`"}}`).at("project", "id").(string)
		do("PUT", "/v3/projects/"+in+"/groups/"+group+"/roles/"+role, "")
		do("PUT", "/v3/projects/"+in+"/users/"+user+"/roles/"+role, "")
	}
	do("PUT", "/v3/groups/"+group+"/users/"+user, "")
	for path, key := range map[string]string{
		"/v3/regions": "regions", "/v3/services": "services", "/v3/endpoints?service_id=" + service: "endpoints",
		"/v3/OS-EP-FILTER/projects/" + project + "/endpoints": "endpoints", "/v3/OS-EP-FILTER/endpoint_groups": "endpoint_groups",
		"/v3/policies?type=text": "policies", "/v3/registered_limits": "registered_limits", "/v3/limits": "limits",
		"/v3/OS-FEDERATION/identity_providers": "identity_providers", "/v3/OS-FEDERATION/mappings": "mappings",
		"/v3/OS-FEDERATION/identity_providers/n0/protocols": "protocols", "/v3/OS-FEDERATION/service_providers": "service_providers",
		"/v3/users/" + user + "/credentials/OS-EC2": "credentials", "/v3/users/" + user + "/application_credentials": "application_credentials",
		"/v3/users/" + user + "/access_rules": "access_rules", "/v3/projects": "projects", "/v3/users?domain_id=default": "users",
		"/v3/role_assignments": "role_assignments", "/v3/role_assignments?effective": "role_assignments",
		"/v3/role_assignments?effective&role.id=" + role: "role_assignments", "/v3/roles": "roles", "/v3/groups": "groups", "/v3/domains": "domains",
	} {
		whole := c.call("GET", path, "", "X-Auth-Token", admin)
		require.Equal(t, 200, whole.status, whole.raw)
		require.Equal(t, c.url+path, whole.at("links", "self"))
		require.Nil(t, whole.at("links", "next"))
		var all []string
		for _, item := range whole.at(key).([]any) {
			all = append(all, fmt.Sprint(item.(map[string]any)["id"], item.(map[string]any)["links"]))
		}
		require.NotEmpty(t, all)
		and := "?"
		if strings.Contains(path, "?") {
			and = "&"
		}
		require.Equal(t, all, c.pages(admin, path+and+"limit=2", key), path)
		require.Equal(t, 400, c.call("GET", path+and+"marker="+url.QueryEscape("no such thing"), "", "X-Auth-Token", admin).status, path)
	}
}

func TestListsThatTheCeilingCutSaySo(t *testing.T) {
	c := newCloud(t)
	admin := c.token("admin", adminPassword, inAdmin)
	get := func(query string) answer {
		a := c.call("GET", "/v3/regions"+query, "", "X-Auth-Token", admin)
		require.Equal(t, 200, a.status, a.raw)
		return a
	}
	require.NotContains(t, get("").body, "truncated")
	for i := range 1001 {
		require.Equal(t, 201, c.call("POST", "/v3/regions", fmt.Sprintf(`{"region":{"id":"r%04d"}}`, i), "X-Auth-Token", admin).status)
	}
	for _, query := range []string{"", "?limit=0", "?limit=5000"} {
		a := get(query)
		require.Len(t, a.at("regions"), 1000, query)
		require.Equal(t, true, a.body["truncated"], query)
	}
	require.NotContains(t, get("?limit=2").body, "truncated", "that is as it was asked")
	require.NotContains(t, get("?marker=r0999").body, "truncated", "that is the end")
}
