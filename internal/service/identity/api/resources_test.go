package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// keeper makes calls with one token.
type keeper struct {
	*cloud
	token string
}

func (s keeper) do(want int, method, path, body string) answer {
	s.t.Helper()
	a := s.call(method, path, body, "X-Auth-Token", s.token)
	require.Equal(s.t, want, a.status, "%s %s %s: %s", method, path, body, a.raw)
	if want >= 400 && method != http.MethodHead {
		require.NotEmpty(s.t, a.at("error", "message"))
	}
	return a
}

func (s keeper) make(path, body, key string) string {
	s.t.Helper()
	id, ok := s.do(http.StatusCreated, http.MethodPost, path, body).at(key, "id").(string)
	require.True(s.t, ok)
	return id
}

func newKeeper(t *testing.T) keeper {
	t.Helper()
	c := newCloud(t)
	return keeper{c, c.token("admin", adminPassword, onSystem)}
}

// list returns the things in an answer.
func (a answer) list(key string) []any {
	items, _ := a.body[key].([]any)
	return items
}

func TestRegionsOverHTTP(t *testing.T) {
	s := newKeeper(t)
	require.NotEmpty(t, s.make("/v3/regions", `{"region":{}}`, "region"))
	require.NotEmpty(t, s.make("/v3/regions", `{"region":{"id":"","description":null,"parent_region_id":null}}`, "region"))
	require.Equal(t, "my region", s.make("/v3/regions", `{"region":{"id":"my region","parent_region_id":"RegionOne"}}`, "region"))
	a := s.do(201, "PUT", "/v3/regions/put", `{"region":{"description":"d","colour":"red","parent_region_id":"my region"}}`)
	require.Equal(t, "put", a.at("region", "id"))
	require.Equal(t, "red", a.at("region", "colour"))
	require.Equal(t, s.url+"/v3/regions/put", a.at("region", "links", "self"))
	s.do(409, "PUT", "/v3/regions/put", `{"region":{}}`)
	s.do(400, "PUT", "/v3/regions/other", `{"region":{"id":"another"}}`)
	s.do(400, "POST", "/v3/regions", `{"region":{"id":7}}`)
	s.do(400, "POST", "/v3/regions", `{"region":{"id":"`+strings.Repeat("x", 256)+`"}}`)
	s.do(404, "POST", "/v3/regions", `{"region":{"parent_region_id":"nowhere"}}`)
	require.Len(t, s.do(200, "GET", "/v3/regions?parent_region_id=my%20region", "").list("regions"), 1)
	require.Len(t, s.do(200, "GET", "/v3/regions", "").list("regions"), 5)
	a = s.do(200, "PATCH", "/v3/regions/put", `{"region":{"description":null,"colour":null,"parent_region_id":null}}`)
	require.Equal(t, "", a.at("region", "description"))
	require.Nil(t, a.at("region", "parent_region_id"))
	require.NotContains(t, a.at("region"), "colour")
	s.do(400, "PATCH", "/v3/regions/put", `{"region":{}}`)
	s.do(400, "PATCH", "/v3/regions/put", `{"region":{"id":"x"}}`)
	s.do(403, "PATCH", "/v3/regions/RegionOne", `{"region":{"description":"x"}}`)
	s.do(403, "DELETE", "/v3/regions/RegionOne", "")
	s.do(204, "DELETE", "/v3/regions/my%20region", "")
	s.do(404, "GET", "/v3/regions/my%20region", "")
}

func TestServicesAndEndpointsOverHTTP(t *testing.T) {
	s := newKeeper(t)
	id := s.make("/v3/services", `{"service":{"type":"dns","name":"designate","description":"names"}}`, "service")
	a := s.do(200, "GET", "/v3/services/"+id, "")
	require.Equal(t, "names", a.at("service", "description"))
	require.Equal(t, true, a.at("service", "enabled"))
	s.do(400, "POST", "/v3/services", `{"service":{"name":"x"}}`)
	s.do(400, "POST", "/v3/services", `{"service":{"type":"x","enabled":"True"}}`)
	require.Len(t, s.do(200, "GET", "/v3/services?type=dns", "").list("services"), 1)
	require.Len(t, s.do(200, "GET", "/v3/services", "").list("services"), 4)
	a = s.do(200, "PATCH", "/v3/services/"+id, `{"service":{"description":"more"}}`)
	require.Equal(t, "designate", a.at("service", "name"))
	require.Equal(t, "more", a.at("service", "description"))
	s.do(400, "PATCH", "/v3/services/"+id, `{"service":{}}`)
	s.do(404, "PATCH", "/v3/services/unknown", `{"service":{"name":"x"}}`)

	body := func(more string) string {
		return `{"endpoint":{"service_id":"` + id + `","interface":"public","url":"https://dns/v2"` + more + `}}`
	}
	e := s.make("/v3/endpoints", body(`,"region":"made","name":"n"`), "endpoint")
	s.do(200, "GET", "/v3/regions/made", "")
	a = s.do(200, "GET", "/v3/endpoints/"+e, "")
	require.Equal(t, "made", a.at("endpoint", "region"))
	require.Equal(t, "made", a.at("endpoint", "region_id"))
	require.Equal(t, "n", a.at("endpoint", "name"))
	for _, more := range []string{`,"region_id":"nowhere"`, `,"enabled":"False"`, `,"enabled":null`, `,"interface":"secret"`, `,"url":"nothing"`, `,"url":"http://x/$(y)s"`, `,"service_id":"z"`} {
		s.do(400, "POST", "/v3/endpoints", body(more))
	}
	s.do(400, "POST", "/v3/endpoints", `{"endpoint":{"interface":"public","url":"https://x"}}`)
	bare := s.make("/v3/endpoints", body(""), "endpoint")
	require.Nil(t, s.do(200, "GET", "/v3/endpoints/"+bare, "").at("endpoint", "region_id"))
	require.Len(t, s.do(200, "GET", "/v3/endpoints?service_id="+id+"&region_id=made&interface=public", "").list("endpoints"), 1)
	a = s.do(200, "PATCH", "/v3/endpoints/"+e, `{"endpoint":{"enabled":false,"region":"RegionOne"}}`)
	require.Equal(t, false, a.at("endpoint", "enabled"))
	require.Equal(t, "RegionOne", a.at("endpoint", "region_id"))
	s.do(400, "PATCH", "/v3/endpoints/"+e, `{"endpoint":{"enabled":"True"}}`)
	s.do(400, "PATCH", "/v3/endpoints/"+e, `{"endpoint":{"region_id":"nowhere"}}`)

	// The next token has it, without a region too.
	catalog := s.do(200, "GET", "/v3/auth/catalog", "").raw
	require.Contains(t, catalog, `"url":"https://dns/v2"`)
	require.Contains(t, catalog, bare)
	require.NotContains(t, catalog, e)
	own := s.do(200, "GET", "/v3/endpoints?interface=admin", "").list("endpoints")[0].(map[string]any)["id"].(string)
	require.Contains(t, s.do(403, "DELETE", "/v3/endpoints/"+own, "").at("error", "message"), "installation's own")
	s.do(204, "DELETE", "/v3/endpoints/"+bare, "")
	s.do(404, "DELETE", "/v3/endpoints/"+bare, "")
	s.do(204, "DELETE", "/v3/services/"+id, "")
	s.do(404, "GET", "/v3/endpoints/"+e, "")
}

func TestEndpointFilterOverHTTP(t *testing.T) {
	s := newKeeper(t)
	svc := s.make("/v3/services", `{"service":{"type":"dns"}}`, "service")
	e := s.make("/v3/endpoints", `{"endpoint":{"service_id":"`+svc+`","interface":"public","url":"https://dns"}}`, "endpoint")
	project := s.make("/v3/projects", `{"project":{"name":"p","domain_id":"default"}}`, "project")
	const groups = "/v3/OS-EP-FILTER/endpoint_groups"
	g := s.make(groups, `{"endpoint_group":{"name":"g","description":"d","filters":{"service_id":"`+svc+`"}}}`, "endpoint_group")
	for _, bad := range []string{`{"name":"g"}`, `{"name":"g","filters":{}}`, `{"name":"g","filters":{"colour":"red"}}`, `{"filters":{"interface":"public"}}`, `{"name":"g","filters":{"interface":"secret"}}`} {
		s.do(400, "POST", groups, `{"endpoint_group":`+bad+`}`)
	}
	a := s.do(200, "PATCH", groups+"/"+g, `{"endpoint_group":{"name":"h"}}`)
	require.Equal(t, svc, a.at("endpoint_group", "filters", "service_id"))
	require.Equal(t, s.url+groups+"/"+g, a.at("endpoint_group", "links", "self"))
	s.do(200, "HEAD", groups+"/"+g, "")
	require.Len(t, s.do(200, "GET", groups+"?name=h", "").list("endpoint_groups"), 1)
	require.Len(t, s.do(200, "GET", groups+"/"+g+"/endpoints", "").list("endpoints"), 1)

	s.do(404, "GET", groups+"/"+g+"/projects/"+project, "")
	s.do(204, "PUT", groups+"/"+g+"/projects/"+project, "")
	s.do(409, "PUT", groups+"/"+g+"/projects/"+project, "")
	require.Equal(t, g, s.do(200, "GET", groups+"/"+g+"/projects/"+project, "").at("project_endpoint_group", "endpoint_group_id"))
	s.do(200, "HEAD", groups+"/"+g+"/projects/"+project, "")
	require.Len(t, s.do(200, "GET", groups+"/"+g+"/projects", "").list("projects"), 1)
	require.Len(t, s.do(200, "GET", "/v3/OS-EP-FILTER/projects/"+project+"/endpoint_groups", "").list("endpoint_groups"), 1)
	require.Len(t, s.do(200, "GET", "/v3/OS-EP-FILTER/projects/"+project+"/endpoints", "").list("endpoints"), 1)
	s.do(204, "DELETE", groups+"/"+g+"/projects/"+project, "")
	s.do(404, "DELETE", groups+"/"+g+"/projects/"+project, "")

	of := "/v3/OS-EP-FILTER/projects/" + project + "/endpoints/" + e
	s.do(404, "GET", of, "")
	s.do(204, "PUT", of, "")
	s.do(204, "GET", of, "")
	s.do(204, "HEAD", of, "")
	require.Len(t, s.do(200, "GET", "/v3/OS-EP-FILTER/endpoints/"+e+"/projects", "").list("projects"), 1)
	s.do(204, "DELETE", of, "")
	s.do(404, "DELETE", of, "")
	s.do(204, "DELETE", groups+"/"+g, "")
	s.do(404, "GET", groups+"/"+g, "")
}

func TestPoliciesOverHTTP(t *testing.T) {
	s := newKeeper(t)
	svc := s.make("/v3/services", `{"service":{"type":"dns"}}`, "service")
	e := s.make("/v3/endpoints", `{"endpoint":{"service_id":"`+svc+`","interface":"public","url":"https://dns"}}`, "endpoint")
	p := s.make("/v3/policies", `{"policy":{"type":"application/json","blob":"{\"a\":1}"}}`, "policy")
	s.do(400, "POST", "/v3/policies", `{"policy":{"type":"x"}}`)
	s.do(400, "POST", "/v3/policies", `{"policy":{"blob":"x"}}`)
	s.do(400, "POST", "/v3/policies", `{"policy":{"type":"x","blob":{}}}`)
	a := s.do(200, "PATCH", "/v3/policies/"+p, `{"policy":{"type":"text"}}`)
	require.Equal(t, `{"a":1}`, a.at("policy", "blob"))
	require.Len(t, s.do(200, "GET", "/v3/policies?type=text", "").list("policies"), 1)
	require.Empty(t, s.do(200, "GET", "/v3/policies?type=other", "").list("policies"))
	base := "/v3/policies/" + p + "/OS-ENDPOINT-POLICY/"
	for _, path := range []string{"services/" + svc, "services/" + svc + "/regions/RegionOne", "endpoints/" + e} {
		s.do(404, "GET", base+path, "")
		s.do(204, "PUT", base+path, "")
		s.do(204, "GET", base+path, "")
		s.do(204, "HEAD", base+path, "")
	}
	require.Equal(t, p, s.do(200, "GET", "/v3/endpoints/"+e+"/OS-ENDPOINT-POLICY/policy", "").at("policy", "id"))
	require.Len(t, s.do(200, "GET", base+"endpoints", "").list("endpoints"), 1)
	s.do(204, "DELETE", base+"endpoints/"+e, "")
	s.do(404, "GET", base+"endpoints/"+e, "")
	s.do(404, "PUT", base+"endpoints/unknown", "")
	s.do(204, "DELETE", "/v3/policies/"+p, "")
	s.do(404, "GET", "/v3/endpoints/"+e+"/OS-ENDPOINT-POLICY/policy", "")
}

func TestLimitsOverHTTP(t *testing.T) {
	s := newKeeper(t)
	svc := s.make("/v3/services", `{"service":{"type":"dns"}}`, "service")
	project := s.make("/v3/projects", `{"project":{"name":"p","domain_id":"default"}}`, "project")
	registered := func(more string) string {
		return `{"registered_limits":[{"service_id":"` + svc + `","resource_name":"zones","default_limit":10` + more + `}]}`
	}
	a := s.do(201, "POST", "/v3/registered_limits", registered(`,"region_id":"RegionOne","description":"d"`))
	require.NotContains(t, a.body, "links")
	r := a.list("registered_limits")[0].(map[string]any)["id"].(string)
	s.do(409, "POST", "/v3/registered_limits", registered(`,"region_id":"RegionOne"`))
	s.do(201, "POST", "/v3/registered_limits", registered(""))
	for _, bad := range []string{`,"region_id":"nowhere"`, `,"service_id":"x"`, `,"default_limit":-2`, `,"default_limit":"many"`, `,"default_limit":2147483648`, `,"resource_name":""`, `,"more":1`} {
		s.do(400, "POST", "/v3/registered_limits", registered(bad))
	}
	s.do(400, "POST", "/v3/registered_limits", `{"registered_limits":[]}`)
	s.do(400, "POST", "/v3/registered_limits", `{"registered_limits":[{"service_id":"`+svc+`"}]}`)
	require.Len(t, s.do(200, "GET", "/v3/registered_limits?service_id="+svc+"&region_id=RegionOne", "").list("registered_limits"), 1)
	require.EqualValues(t, 7, s.do(200, "PATCH", "/v3/registered_limits/"+r, `{"registered_limit":{"default_limit":7}}`).at("registered_limit", "default_limit"))

	limit := func(more string) string {
		return `{"limits":[{"service_id":"` + svc + `","resource_name":"zones","resource_limit":3` + more + `}]}`
	}
	onProject := `,"region_id":"RegionOne","project_id":"` + project + `"`
	l := s.do(201, "POST", "/v3/limits", limit(onProject)).list("limits")[0].(map[string]any)
	require.Equal(t, project, l["project_id"])
	require.Nil(t, l["domain_id"])
	s.do(409, "POST", "/v3/limits", limit(onProject))
	for _, bad := range []string{"", `,"project_id":"x"`, onProject + `,"domain_id":"default"`, `,"domain_id":"x"`, onProject + `,"resource_limit":-2`} {
		s.do(400, "POST", "/v3/limits", limit(bad))
	}
	s.do(403, "POST", "/v3/limits", limit(onProject+`,"resource_name":"other"`))
	d := s.do(201, "POST", "/v3/limits", limit(`,"domain_id":"default"`)).list("limits")[0].(map[string]any)
	require.Equal(t, "default", d["domain_id"])
	path := "/v3/limits/" + l["id"].(string)
	require.EqualValues(t, -1, s.do(200, "PATCH", path, `{"limit":{"resource_limit":-1,"description":"x"}}`).at("limit", "resource_limit"))
	s.do(400, "PATCH", path, `{"limit":{"resource_name":"x"}}`)
	require.Len(t, s.do(200, "GET", "/v3/limits?project_id="+project, "").list("limits"), 1)
	require.Len(t, s.do(200, "GET", "/v3/limits", "").list("limits"), 2)
	require.Equal(t, "flat", s.do(200, "GET", "/v3/limits/model", "").at("model", "name"))
	s.do(403, "DELETE", "/v3/registered_limits/"+r, "")
	s.do(204, "DELETE", path, "")
	s.do(404, "GET", path, "")
	s.do(204, "DELETE", "/v3/registered_limits/"+r, "")
	s.do(404, "GET", "/v3/registered_limits/"+r, "")
}

func TestFederationOverHTTP(t *testing.T) {
	s := newKeeper(t)
	const base = "/v3/OS-FEDERATION/"
	idp := base + "identity_providers/acme"
	a := s.do(201, "PUT", idp, `{"identity_provider":{"description":"d"}}`)
	require.Equal(t, false, a.at("identity_provider", "enabled"))
	require.Equal(t, []any{}, a.at("identity_provider", "remote_ids"))
	require.Equal(t, s.url+idp+"/protocols", a.at("identity_provider", "links", "protocols"))
	s.do(409, "PUT", idp, `{"identity_provider":{}}`)
	for _, bad := range []string{`{"colour":1}`, `{"enabled":"True"}`, `{"domain_id":"nowhere"}`, `{"remote_ids":["a","a"]}`, `{"authorization_ttl":-1}`} {
		s.do(400, "PUT", base+"identity_providers/bad", `{"identity_provider":`+bad+`}`)
	}
	a = s.do(200, "PATCH", idp, `{"identity_provider":{"enabled":true,"remote_ids":["r"],"authorization_ttl":5}}`)
	require.EqualValues(t, 5, a.at("identity_provider", "authorization_ttl"))
	s.do(400, "PATCH", idp, `{"identity_provider":{"domain_id":"default"}}`)
	s.do(400, "PATCH", idp, `{"identity_provider":{}}`)
	require.Len(t, s.do(200, "GET", base+"identity_providers?enabled=true&id=acme", "").list("identity_providers"), 1)

	const rules = `{"mapping":{"rules":[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"n"},{"type":"g","whitelist":["a"],"regex":true}]}]}}`
	a = s.do(201, "PUT", base+"mappings/m", rules)
	require.Equal(t, "1.0", a.at("mapping", "schema_version"))
	require.Equal(t, a.at("mapping", "rules"), s.do(200, "GET", base+"mappings/m", "").at("mapping", "rules"))
	s.do(409, "PUT", base+"mappings/m", rules)
	for _, bad := range []string{`{}`, `{"rules":[]}`, `{"rules":{}}`, `{"rules":null}`, `{"rules":[{"local":[],"remote":[{"type":"x","any_one_of":1}]}]}`, strings.TrimSuffix(rules[11:], "}}") + `,"schema_version":"7"}`} {
		s.do(400, "PUT", base+"mappings/bad", `{"mapping":`+bad+`}`)
		s.do(400, "PATCH", base+"mappings/m", `{"mapping":`+bad+`}`)
	}
	require.Len(t, s.do(200, "GET", base+"mappings", "").list("mappings"), 1)

	s.do(400, "PUT", idp+"/protocols/saml2", `{"protocol":{"mapping_id":"nothing"}}`)
	s.do(400, "PUT", idp+"/protocols/saml2", `{"protocol":{}}`)
	s.do(404, "PUT", base+"identity_providers/nobody/protocols/saml2", `{"protocol":{"mapping_id":"m"}}`)
	a = s.do(201, "PUT", idp+"/protocols/saml2", `{"protocol":{"mapping_id":"m"}}`)
	require.Equal(t, "saml2", a.at("protocol", "id"))
	require.Equal(t, s.url+idp, a.at("protocol", "links", "identity_provider"))
	s.do(409, "PUT", idp+"/protocols/saml2", `{"protocol":{"mapping_id":"m"}}`)
	s.do(200, "PATCH", idp+"/protocols/saml2", `{"protocol":{"mapping_id":"m","remote_id_attribute":"HTTP_X"}}`)
	require.Len(t, s.do(200, "GET", idp+"/protocols", "").list("protocols"), 1)
	s.do(404, "GET", base+"identity_providers/nobody/protocols", "")
	s.do(204, "DELETE", idp, "")
	s.do(404, "GET", idp+"/protocols/saml2", "")
	s.do(204, "DELETE", base+"mappings/m", "")
	s.do(404, "DELETE", base+"mappings/m", "")

	sp := base + "service_providers/other"
	a = s.do(201, "PUT", sp, `{"service_provider":{"auth_url":"https://a","sp_url":"https://b"}}`)
	require.Equal(t, "ss:mem:", a.at("service_provider", "relay_state_prefix"))
	require.Contains(t, a.at("service_provider"), "description")
	s.do(409, "PUT", sp, `{"service_provider":{"auth_url":"https://a","sp_url":"https://b"}}`)
	for _, bad := range []string{`{}`, `{"auth_url":"https://a"}`, `{"auth_url":"a","sp_url":"https://b"}`, `{"auth_url":"https://a","sp_url":"https://b","x":1}`} {
		s.do(400, "PUT", base+"service_providers/bad", `{"service_provider":`+bad+`}`)
	}
	s.do(200, "PATCH", sp, `{"service_provider":{"enabled":true}}`)
	require.Len(t, s.do(200, "GET", base+"service_providers?enabled=true", "").list("service_providers"), 1)
	token := func() answer {
		return s.call("GET", "/v3/auth/tokens", "", "X-Auth-Token", s.token, "X-Subject-Token", s.token)
	}
	require.Equal(t, []any{map[string]any{"id": "other", "auth_url": "https://a", "sp_url": "https://b"}}, token().at("token", "service_providers"))
	s.do(200, "PATCH", sp, `{"service_provider":{"enabled":false}}`)
	require.NotContains(t, token().raw, "service_providers")
	s.do(204, "DELETE", sp, "")
	s.do(404, "GET", sp, "")
	require.NotNil(t, s.do(200, "GET", base+"projects", "").body["projects"])
	require.NotEmpty(t, s.do(200, "GET", base+"domains", "").list("domains"))
}

func TestRevocationsOverHTTP(t *testing.T) {
	s := newKeeper(t)
	other := s.cloud.token("admin", adminPassword, onSystem)
	require.Empty(t, s.do(200, "GET", "/v3/OS-REVOKE/events?since=2030-01-01T00:00:00Z", "").list("events"))
	before := len(s.do(200, "GET", "/v3/OS-REVOKE/events", "").list("events"))
	a := s.call(http.MethodDelete, "/v3/auth/tokens", "", "X-Auth-Token", s.token, "X-Subject-Token", other)
	require.Equal(t, http.StatusNoContent, a.status, a.raw)
	events := s.do(200, "GET", "/v3/OS-REVOKE/events?since=2020-01-01T00:00:00.000000Z", "").list("events")
	require.Len(t, events, before+1)
	last := events[len(events)-1].(map[string]any)
	require.NotEmpty(t, last["audit_id"])
	require.NotEmpty(t, last["issued_before"])
	require.Len(t, last, 2)
	s.do(400, "GET", "/v3/OS-REVOKE/events?since=yesterday", "")
}

func TestOnlyAdminsChangeEndpoints(t *testing.T) {
	s := newKeeper(t)
	svc := s.make("/v3/services", `{"service":{"type":"dns"}}`, "service")
	e := s.make("/v3/endpoints", `{"endpoint":{"service_id":"`+svc+`","interface":"public","url":"https://dns"}}`, "endpoint")
	s.make("/v3/users", `{"user":{"name":"eve","domain_id":"default","password":"long-enough"}}`, "user")
	eve := keeper{s.cloud, s.cloud.token("eve", "long-enough", `"unscoped"`)}
	for _, id := range []string{e, "unknown"} {
		want := map[string]int{e: 403, "unknown": 404}[id]
		eve.do(want, "GET", "/v3/endpoints/"+id, "")
		eve.do(want, "PATCH", "/v3/endpoints/"+id, `{"endpoint":{"url":"https://eve"}}`)
		eve.do(want, "DELETE", "/v3/endpoints/"+id, "")
	}
	require.Equal(t, "https://dns", s.do(200, "GET", "/v3/endpoints/"+e, "").at("endpoint", "url"))
}
