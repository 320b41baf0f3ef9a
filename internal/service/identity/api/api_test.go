package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	inAdmin  = `{"project":{"name":"admin","domain":{"id":"default"}}}`
	onSystem = `{"system":{"all":true}}`
)

func TestDiscoveryNeedsNoToken(t *testing.T) {
	c := newCloud(t)
	for _, path := range []string{"", "/"} {
		a := c.call(http.MethodGet, path, "")
		require.Equal(t, http.StatusMultipleChoices, a.status)
		values := a.at("versions", "values").([]any)
		require.Len(t, values, 1)
		v := values[0].(map[string]any)
		require.Equal(t, "v3.14", v["id"])
		require.Equal(t, "stable", v["status"])
		require.Equal(t, c.url+"/v3/", v["links"].([]any)[0].(map[string]any)["href"])
	}
	for _, path := range []string{"/v3", "/v3/"} {
		a := c.call(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "v3.14", a.at("version", "id"))
	}
}

func TestTokenAnswer(t *testing.T) {
	c := newCloud(t)
	a := c.call(http.MethodPost, "/v3/auth/tokens", passwordBody("admin", adminPassword, inAdmin))
	require.Equal(t, http.StatusCreated, a.status)
	token := a.header.Get("X-Subject-Token")
	require.NotEmpty(t, token)
	require.Less(t, len(token), 1024)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Regexp(t, regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`), a.at("token", "expires_at"))
	require.Equal(t, "admin", a.at("token", "project", "name"))
	require.Equal(t, "Default", a.at("token", "project", "domain", "name"))
	require.Equal(t, false, a.at("token", "is_domain"))
	require.Len(t, a.at("token", "catalog"), 3)
	require.Len(t, a.at("token", "roles"), 4)

	shown := c.call(http.MethodGet, "/v3/auth/tokens", "", "X-Auth-Token", token, "X-Subject-Token", token)
	require.Equal(t, http.StatusOK, shown.status)
	require.Equal(t, token, shown.header.Get("X-Subject-Token"))
	require.Equal(t, a.body, shown.body, "what was said at log-in is said again")
	bare := c.call(http.MethodGet, "/v3/auth/tokens?nocatalog", "", "X-Auth-Token", token, "X-Subject-Token", token)
	require.Nil(t, bare.at("token", "catalog"))
	head := c.call(http.MethodHead, "/v3/auth/tokens", "", "X-Auth-Token", token, "X-Subject-Token", token)
	require.Equal(t, http.StatusOK, head.status)
	require.Empty(t, head.raw)

	system := c.call(http.MethodPost, "/v3/auth/tokens", passwordBody("admin", adminPassword, onSystem))
	require.Equal(t, true, system.at("token", "system", "all"))
	require.Nil(t, system.at("token", "project"))
	require.Len(t, system.at("token", "catalog"), 2, "a URL that needs a project is left out")
	for _, scope := range []string{`"unscoped"`, `{"unscoped":{}}`} {
		none := c.call(http.MethodPost, "/v3/auth/tokens", passwordBody("admin", adminPassword, scope))
		require.Equal(t, http.StatusCreated, none.status, none.raw)
		for _, key := range []string{"project", "domain", "system", "roles", "catalog"} {
			require.Nil(t, none.at("token", key), key)
		}
		refused := c.call(http.MethodGet, "/v3/auth/catalog", "", "X-Auth-Token", none.header.Get("X-Subject-Token"))
		require.Equal(t, http.StatusForbidden, refused.status)
		reach := c.call(http.MethodGet, "/v3/auth/projects", "", "X-Auth-Token", none.header.Get("X-Subject-Token"))
		require.Len(t, reach.at("projects"), 1)
		reach = c.call(http.MethodGet, "/v3/auth/domains", "", "X-Auth-Token", none.header.Get("X-Subject-Token"))
		require.Len(t, reach.at("domains"), 1)
		reach = c.call(http.MethodGet, "/v3/auth/system", "", "X-Auth-Token", none.header.Get("X-Subject-Token"))
		require.Equal(t, []any{map[string]any{"all": true}}, reach.at("system"))
	}
}

func TestMalformedLogIns(t *testing.T) {
	c := newCloud(t)
	identity := `{"auth":{"identity":%s}}`
	scope := func(s string) string { return passwordBody("admin", adminPassword, s) }
	for name, body := range map[string]string{
		"no body":           ``,
		"no auth":           `{}`,
		"no identity":       `{"auth":{}}`,
		"no methods":        fmt.Sprintf(identity, `{}`),
		"empty methods":     fmt.Sprintf(identity, `{"methods":[]}`),
		"methods no list":   fmt.Sprintf(identity, `{"methods":"password"}`),
		"no password":       fmt.Sprintf(identity, `{"methods":["password"]}`),
		"no token":          fmt.Sprintf(identity, `{"methods":["token"]}`),
		"no user":           fmt.Sprintf(identity, `{"methods":["password"],"password":{}}`),
		"no name":           fmt.Sprintf(identity, `{"methods":["password"],"password":{"user":{"password":"x"}}}`),
		"no domain":         fmt.Sprintf(identity, `{"methods":["password"],"password":{"user":{"name":"admin","password":"x"}}}`),
		"empty domain":      fmt.Sprintf(identity, `{"methods":["password"],"password":{"user":{"name":"admin","domain":{},"password":"x"}}}`),
		"number as name":    fmt.Sprintf(identity, `{"methods":["password"],"password":{"user":{"name":5,"password":"x"}}}`),
		"scope a text":      scope(`"all"`),
		"scope a list":      scope(`[]`),
		"scope empty":       scope(`{}`),
		"scope unknown":     scope(`{"planet":{}}`),
		"two scopes":        scope(`{"domain":{"id":"default"},"system":{"all":true}}`),
		"system false":      scope(`{"system":{"all":false}}`),
		"project empty":     scope(`{"project":{}}`),
		"project no domain": scope(`{"project":{"name":"admin"}}`),
		"domain a text":     scope(`{"domain":"default"}`),
		"long password":     passwordBody("admin", strings.Repeat("x", 5000), ""),
	} {
		a := c.call(http.MethodPost, "/v3/auth/tokens", body)
		require.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
		require.Equal(t, float64(http.StatusBadRequest), a.at("error", "code"), name)
		require.Equal(t, "Bad Request", a.at("error", "title"), name)
		require.NotEmpty(t, a.at("error", "message"), name)
	}
	a := c.call(http.MethodPost, "/v3/auth/tokens", passwordBody("admin", "wrong", ""))
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Equal(t, "Unauthorized", a.at("error", "title"))
	require.Contains(t, a.header.Get("WWW-Authenticate"), "Keystone uri=")
}

// who may do what: one row a request, one column a caller.
func TestAuthority(t *testing.T) {
	c := newCloud(t)
	admin := c.token("admin", adminPassword, onSystem)
	post := func(path, body string) answer {
		a := c.call(http.MethodPost, path, body, "X-Auth-Token", admin)
		require.Equal(t, http.StatusCreated, a.status, a.raw)
		return a
	}
	project := post("/v3/projects", `{"project":{"name":"demo"}}`).at("project", "id").(string)
	other := post("/v3/projects", `{"project":{"name":"other"}}`).at("project", "id").(string)
	role := map[string]string{}
	for _, r := range c.call(http.MethodGet, "/v3/roles", "", "X-Auth-Token", admin).at("roles").([]any) {
		role[r.(map[string]any)["name"].(string)] = r.(map[string]any)["id"].(string)
	}
	user := map[string]string{}
	for name, grant := range map[string]string{
		"reader": "/projects/" + project, "member": "/projects/" + project, "service": "/projects/" + project,
		"dreader": "/domains/default", "sreader": "/system", "nobody": "",
	} {
		user[name] = post("/v3/users", `{"user":{"name":"`+name+`","password":"pw"}}`).at("user", "id").(string)
		if grant != "" {
			r := strings.TrimLeft(name, "ds")
			if name == "service" {
				r = name
			}
			a := c.call(http.MethodPut, "/v3"+grant+"/users/"+user[name]+"/roles/"+role[r], "", "X-Auth-Token", admin)
			require.Equal(t, http.StatusNoContent, a.status, a.raw)
		}
	}
	inDemo := `{"project":{"id":"` + project + `"}}`
	tokens := []string{
		"", admin, c.token("reader", "pw", inDemo), c.token("dreader", "pw", `{"domain":{"id":"default"}}`),
		c.token("sreader", "pw", onSystem), c.token("service", "pw", inDemo), c.token("nobody", "pw", `"unscoped"`),
	}
	mine := user["reader"]
	endpoint := c.call(http.MethodGet, "/v3/endpoints", "", "X-Auth-Token", admin).list("endpoints")[0].(map[string]any)["id"].(string)
	rows := []struct {
		method, path string
		want         []int // none, admin, project reader, domain reader, system reader, service, nobody
	}{
		{"GET", "/v3/users", []int{401, 200, 403, 200, 200, 403, 403}},
		{"GET", "/v3/users/" + mine, []int{401, 200, 200, 200, 200, 403, 403}},
		{"GET", "/v3/users/unknown", []int{401, 404, 403, 403, 404, 403, 403}},
		{"GET", "/v3/users/" + mine + "/projects", []int{401, 200, 200, 200, 200, 403, 403}},
		{"GET", "/v3/users/" + mine + "/groups", []int{401, 200, 200, 200, 200, 403, 403}},
		{"GET", "/v3/groups", []int{401, 200, 403, 200, 200, 403, 403}},
		{"GET", "/v3/projects", []int{401, 200, 403, 200, 200, 403, 403}},
		{"GET", "/v3/projects?domain_id=x", []int{401, 200, 403, 403, 200, 403, 403}},
		{"GET", "/v3/projects/" + project, []int{401, 200, 200, 200, 200, 403, 403}},
		{"GET", "/v3/projects/" + other, []int{401, 200, 403, 200, 200, 403, 403}},
		{"GET", "/v3/projects/unknown", []int{401, 404, 403, 403, 404, 403, 403}},
		{"GET", "/v3/domains", []int{401, 200, 403, 200, 200, 403, 403}},
		{"GET", "/v3/domains/default", []int{401, 200, 200, 200, 200, 200, 403}},
		{"GET", "/v3/domains/" + project, []int{401, 404, 403, 403, 404, 403, 403}},
		{"GET", "/v3/roles", []int{401, 200, 403, 403, 200, 403, 403}},
		{"GET", "/v3/roles/" + role["admin"], []int{401, 200, 403, 403, 200, 403, 403}},
		{"GET", "/v3/role_assignments", []int{401, 200, 403, 200, 200, 403, 403}},
		{"GET", "/v3/role_assignments?scope.domain.id=default", []int{401, 200, 403, 200, 200, 403, 403}},
		{"GET", "/v3/role_assignments?scope.project.id=" + project, []int{401, 200, 403, 200, 200, 403, 403}},
		{"GET", "/v3/projects/" + project + "/users/" + mine + "/roles", []int{401, 200, 403, 200, 200, 403, 403}},
		{"HEAD", "/v3/projects/" + project + "/users/" + mine + "/roles/" + role["reader"], []int{401, 204, 403, 204, 204, 403, 403}},
		{"GET", "/v3/projects/" + project + "/users/" + mine + "/roles/" + role["admin"], []int{401, 404, 403, 404, 404, 403, 403}},
		{"GET", "/v3/services", []int{401, 200, 403, 403, 200, 403, 403}},
		{"GET", "/v3/endpoints", []int{401, 200, 403, 403, 200, 403, 403}},
		{"GET", "/v3/regions", []int{401, 200, 200, 200, 200, 200, 200}},
		{"GET", "/v3/auth/projects", []int{401, 200, 200, 200, 200, 200, 200}},
		{"POST", "/v3/users", []int{401, 400, 403, 403, 403, 403, 403}},
		{"PATCH", "/v3/users/" + mine, []int{401, 400, 403, 403, 403, 403, 403}},
		{"DELETE", "/v3/users/unknown", []int{401, 404, 403, 403, 403, 403, 403}},
		{"POST", "/v3/groups", []int{401, 400, 403, 403, 403, 403, 403}},
		{"POST", "/v3/projects", []int{401, 400, 403, 403, 403, 403, 403}},
		{"PATCH", "/v3/projects/" + project, []int{401, 400, 403, 403, 403, 403, 403}},
		{"DELETE", "/v3/projects/unknown", []int{401, 404, 403, 403, 403, 403, 403}},
		{"POST", "/v3/domains", []int{401, 400, 403, 403, 403, 403, 403}},
		{"DELETE", "/v3/domains/default", []int{401, 403, 403, 403, 403, 403, 403}},
		{"POST", "/v3/roles", []int{401, 400, 403, 403, 403, 403, 403}},
		{"PUT", "/v3/projects/" + project + "/users/" + mine + "/roles/unknown", []int{401, 404, 403, 403, 403, 403, 403}},
		{"DELETE", "/v3/system/users/" + mine + "/roles/" + role["admin"], []int{401, 404, 403, 403, 403, 403, 403}},
		{"POST", "/v3/services", []int{401, 400, 403, 403, 403, 403, 403}},
		{"GET", "/v3/endpoints/" + endpoint, []int{401, 200, 403, 403, 200, 403, 403}},
		{"PATCH", "/v3/endpoints/" + endpoint, []int{401, 400, 400, 400, 400, 400, 400}},
		{"DELETE", "/v3/endpoints/" + endpoint, []int{401, 403, 403, 403, 403, 403, 403}},
		{"GET", "/v3/endpoints/unknown", []int{401, 404, 404, 404, 404, 404, 404}},
		{"DELETE", "/v3/endpoints/unknown", []int{401, 404, 404, 404, 404, 404, 404}},
		{"PUT", "/v3/services", []int{405, 405, 405, 405, 405, 405, 405}},
	}
	for _, row := range rows {
		for i, token := range tokens {
			body := ""
			if row.method == "POST" || row.method == "PATCH" {
				body = `{}`
			}
			headers := []string{"X-Auth-Token", token}
			if token == "" {
				headers = nil
			}
			a := c.call(row.method, row.path, body, headers...)
			require.Equal(t, row.want[i], a.status, "%s %s as caller %d: %s", row.method, row.path, i, a.raw)
			if a.status >= 400 && row.method != "HEAD" {
				require.NotEmpty(t, a.at("error", "message"))
			}
		}
	}
	// Whose token may be looked at: one's own, and for services and readers of the system any.
	for i, want := range []int{0, 200, 200, 403, 200, 200, 403} {
		if i > 0 {
			a := c.call(http.MethodGet, "/v3/auth/tokens", "", "X-Auth-Token", tokens[i], "X-Subject-Token", tokens[2])
			require.Equal(t, want, a.status, "caller %d", i)
		}
	}
	for subject, want := range map[string]int{"": 404, "garbage": 404} {
		a := c.call(http.MethodGet, "/v3/auth/tokens", "", "X-Auth-Token", admin, "X-Subject-Token", subject)
		require.Equal(t, want, a.status, a.raw)
	}
	a := c.call(http.MethodDelete, "/v3/auth/tokens", "", "X-Auth-Token", tokens[3], "X-Subject-Token", tokens[2])
	require.Equal(t, http.StatusForbidden, a.status)
	a = c.call(http.MethodDelete, "/v3/auth/tokens", "", "X-Auth-Token", tokens[2], "X-Subject-Token", tokens[2])
	require.Equal(t, http.StatusNoContent, a.status)
	a = c.call(http.MethodGet, "/v3/regions", "", "X-Auth-Token", tokens[2])
	require.Equal(t, http.StatusUnauthorized, a.status)
}

func TestConflictsAndPatches(t *testing.T) {
	c := newCloud(t)
	admin := c.token("admin", adminPassword, onSystem)
	do := func(method, path, body string, want int) answer {
		t.Helper()
		a := c.call(method, path, body, "X-Auth-Token", admin)
		require.Equal(t, want, a.status, a.raw)
		return a
	}
	for kind, body := range map[string]string{
		"users": `{"user":{"name":"x"}}`, "projects": `{"project":{"name":"x"}}`, "groups": `{"group":{"name":"x"}}`,
		"domains": `{"domain":{"name":"x"}}`, "roles": `{"role":{"name":"x"}}`,
	} {
		noun := strings.TrimSuffix(kind, "s")
		id := do("POST", "/v3/"+kind, body, 201).at(noun, "id").(string)
		require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{32}$`), id)
		a := do("POST", "/v3/"+kind, body, 409)
		require.Contains(t, a.at("error", "message"), "Conflict occurred attempting to store "+noun+" - Duplicate entry")
		at := "/v3/" + kind + "/" + id
		shown := do("GET", at, "", 200)
		require.Equal(t, c.url+at, shown.at(noun, "links", "self"))
		require.Equal(t, "", orEmpty(do("PATCH", at, `{"`+noun+`":{"name":"y","description":null}}`, 200).at(noun, "description")))
		require.Equal(t, "said", do("PATCH", at, `{"`+noun+`":{"description":"said"}}`, 200).at(noun, "description"))
		require.Equal(t, "y", do("GET", at, "", 200).at(noun, "name"))
		do("PATCH", at, `{"`+noun+`":{"name":" "}}`, 400)
		do("PATCH", at, `{"`+noun+`":{"name":"`+strings.Repeat("n", 256)+`"}}`, 400)
		do("PATCH", at, `{"`+noun+`":{"name":7}}`, 400)
		list := do("GET", "/v3/"+kind+"?name=y", "", 200)
		require.Len(t, list.at(kind), 1)
		require.Equal(t, c.url+"/v3/"+kind+"?name=y", list.at("links", "self"))
		if kind == "domains" {
			do("DELETE", at, "", 403)
			do("PATCH", at, `{"domain":{"enabled":false}}`, 200)
		}
		do("DELETE", at, "", 204)
		a = do("GET", at, "", 404)
		require.Equal(t, "Not Found", a.at("error", "title"))
	}
	// Additions of clients are kept, null takes them away, and what places a thing can't be changed.
	u := do("POST", "/v3/users", `{"user":{"name":"e","email":"a@b","id":"mine","options":{}}}`, 201)
	id := u.at("user", "id").(string)
	require.NotEqual(t, "mine", id)
	require.Equal(t, "a@b", u.at("user", "email"))
	require.Nil(t, do("PATCH", "/v3/users/"+id, `{"user":{"email":null,"domain_id":"default"}}`, 200).at("user", "email"))
	do("PATCH", "/v3/users/"+id, `{"user":{"domain_id":"other"}}`, 400)
	do("PATCH", "/v3/users/"+id, `{"user":{"id":"other"}}`, 400)
	do("POST", "/v3/users", `{"user":{"name":"f","options":{"lock_pasword":true}}}`, 400)
	do("POST", "/v3/users", `{"user":{"name":"f","domain_id":"nowhere"}}`, 404)
	do("POST", "/v3/users", `{"user":{}}`, 400)
	do("POST", "/v3/projects", `{"project":{"name":"f","tags":["a","a"]}}`, 400)
	do("POST", "/v3/projects", `{"project":{"name":"f","parent_id":"nowhere"}}`, 404)
	fixed := do("POST", "/v3/projects", `{"project":{"name":"f","options":{"immutable":true}}}`, 201).at("project", "id").(string)
	do("DELETE", "/v3/projects/"+fixed, "", 403)
	do("PATCH", "/v3/projects/"+fixed, `{"project":{"name":"g"}}`, 403)
	do("PATCH", "/v3/projects/"+fixed, `{"project":{"parent_id":"x"}}`, 403)
	do("PATCH", "/v3/projects/"+fixed, `{"project":{"options":{"immutable":false}}}`, 200)
	below := do("POST", "/v3/projects", `{"project":{"name":"h","parent_id":"`+fixed+`"}}`, 201).at("project", "id").(string)
	do("DELETE", "/v3/projects/"+fixed, "", 403)
	do("DELETE", "/v3/projects/"+below, "", 204)
	do("DELETE", "/v3/projects/"+fixed, "", 204)
	do("DELETE", "/v3/domains/default", "", 403)
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

func TestListsFollowTheirLinks(t *testing.T) {
	c := newCloud(t)
	admin := c.token("admin", adminPassword, onSystem)
	for i := range 4 {
		a := c.call(http.MethodPost, "/v3/projects", fmt.Sprintf(`{"project":{"name":"p%d"}}`, i), "X-Auth-Token", admin)
		require.Equal(t, http.StatusCreated, a.status)
	}
	var names []string
	for path := "/v3/projects?limit=2"; path != ""; {
		a := c.call(http.MethodGet, path, "", "X-Auth-Token", admin)
		require.Equal(t, http.StatusOK, a.status, a.raw)
		for _, p := range a.at("projects").([]any) {
			names = append(names, p.(map[string]any)["name"].(string))
		}
		next, _ := a.at("links", "next").(string)
		path = strings.TrimPrefix(next, c.url)
	}
	require.Equal(t, []string{"admin", "p0", "p1", "p2", "p3"}, names)
}

func TestChangePasswordNeedsNoToken(t *testing.T) {
	c := newCloud(t)
	admin := c.token("admin", adminPassword, onSystem)
	me := c.call(http.MethodGet, "/v3/auth/tokens", "", "X-Auth-Token", admin, "X-Subject-Token", admin).at("token", "user", "id").(string)
	change := func(id, from, to string) answer {
		return c.call(http.MethodPost, "/v3/users/"+id+"/password", fmt.Sprintf(`{"user":{"original_password":%q,"password":%q}}`, from, to))
	}
	wrong, nobody := change(me, "wrong", "new"), change("nobody", "wrong", "new")
	require.Equal(t, http.StatusUnauthorized, wrong.status)
	require.Equal(t, wrong.raw, nobody.raw)
	require.Equal(t, http.StatusBadRequest, change(me, adminPassword, adminPassword).status)
	require.Equal(t, http.StatusBadRequest, change(me, adminPassword, "").status)
	require.Equal(t, http.StatusNoContent, change(me, adminPassword, "new").status)
	a := c.call(http.MethodGet, "/v3/regions", "", "X-Auth-Token", admin)
	require.Equal(t, http.StatusUnauthorized, a.status, "the tokens of the old password are gone")
	c.token("admin", "new", onSystem)
}

func TestRoleAssignmentsList(t *testing.T) {
	c := newCloud(t)
	admin := c.token("admin", adminPassword, onSystem)
	list := func(query string) []any {
		t.Helper()
		a := c.call(http.MethodGet, "/v3/role_assignments"+query, "", "X-Auth-Token", admin)
		require.Equal(t, http.StatusOK, a.status, a.raw)
		return a.at("role_assignments").([]any)
	}
	require.Len(t, list(""), 3)
	require.Len(t, list("?effective"), 12)
	require.Len(t, list("?effective=0"), 3)
	require.Len(t, list("?scope.system=all"), 1)
	require.Len(t, list("?scope.domain.id=default&effective=true"), 4)
	require.Empty(t, list("?user.id=nobody"))
	one := list("?scope.domain.id=default&include_names=True")[0].(map[string]any)
	require.Equal(t, "Default", one["scope"].(map[string]any)["domain"].(map[string]any)["name"])
	require.Equal(t, "admin", one["role"].(map[string]any)["name"])
	require.Equal(t, "Default", one["user"].(map[string]any)["domain"].(map[string]any)["name"])
	for _, bad := range []string{"?user.id=a&group.id=b", "?scope.project.id=a&scope.domain.id=b", "?effective&group.id=a"} {
		a := c.call(http.MethodGet, "/v3/role_assignments"+bad, "", "X-Auth-Token", admin)
		require.Equal(t, http.StatusBadRequest, a.status, bad)
	}
}
