package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// session is a caller with a token.
type session struct {
	*cloud
	token string
}

// as logs in by password.
func (c *cloud) as(user, password, scope string) session {
	c.t.Helper()
	return session{c, c.token(user, password, scope)}
}

// do sends a request that must be answered with a status.
func (s session) do(method, path, body string, want int) answer {
	s.t.Helper()
	a := s.call(method, path, body, "X-Auth-Token", s.token)
	require.Equal(s.t, want, a.status, "%s %s: %s", method, path, a.raw)
	return a
}

// made creates a thing, such as "project", and returns its id.
func (s session) made(noun, fields string) string {
	s.t.Helper()
	return s.do("POST", "/v3/"+noun+"s", `{"`+noun+`":{`+fields+`}}`, http.StatusCreated).at(noun, "id").(string)
}

// roles are the ids of the roles by name.
func (s session) roles() map[string]string {
	s.t.Helper()
	ids := map[string]string{}
	for _, r := range s.do("GET", "/v3/roles", "", 200).at("roles").([]any) {
		ids[r.(map[string]any)["name"].(string)] = r.(map[string]any)["id"].(string)
	}
	return ids
}

// names are the names in a list.
func (a answer) names(list string) string {
	var names []string
	things, _ := a.at(list).([]any)
	for _, thing := range things {
		names = append(names, thing.(map[string]any)["name"].(string))
	}
	return strings.Join(names, " ")
}

func TestProjectTreeOverHTTP(t *testing.T) {
	admin := newCloud(t).as("admin", adminPassword, onSystem)
	top := admin.made("project", `"name":"top"`)
	mid := admin.made("project", `"name":"mid","parent_id":"`+top+`"`)
	leaf := admin.made("project", `"name":"leaf","parent_id":"`+mid+`"`)
	show := func(id, query string) answer { return admin.do("GET", "/v3/projects/"+id+"?"+query, "", 200) }

	require.Equal(t, map[string]any{mid: map[string]any{top: map[string]any{"default": nil}}}, show(leaf, "parents_as_ids").at("project", "parents"))
	require.Equal(t, map[string]any{mid: map[string]any{leaf: nil}}, show(top, "subtree_as_ids").at("project", "subtree"))
	both := show(leaf, "subtree_as_ids&parents_as_ids").at("project").(map[string]any)
	require.Nil(t, both["subtree"])
	require.Contains(t, both, "subtree")
	require.NotContains(t, show(leaf, "parents_as_ids=0").at("project"), "parents")
	require.Empty(t, show(leaf, "parents_as_list").at("project", "parents"), "admin has no role there")
	me := admin.do("GET", "/v3/users?name=admin", "", 200).at("users").([]any)[0].(map[string]any)["id"].(string)
	admin.do("PUT", "/v3/projects/"+mid+"/users/"+me+"/roles/"+admin.roles()["reader"], "", 204)
	require.Equal(t, mid, show(leaf, "parents_as_list").at("project", "parents").([]any)[0].(map[string]any)["project"].(map[string]any)["id"])
	require.Len(t, show(top, "subtree_as_list").at("project", "subtree"), 1)
	admin.do("GET", "/v3/projects/"+leaf+"?parents_as_ids&parents_as_list", "", 400)
	admin.do("GET", "/v3/projects/"+leaf+"?subtree_as_ids&subtree_as_list", "", 400)

	require.Equal(t, "leaf", admin.do("GET", "/v3/projects?parent_id="+mid, "", 200).names("projects"))
	admin.do("PATCH", "/v3/projects/"+leaf, `{"project":{"parent_id":"`+top+`"}}`, 403)
	admin.do("PATCH", "/v3/projects/"+top, `{"project":{"enabled":false}}`, 403)
	admin.do("DELETE", "/v3/projects/"+top, "", 403)
	admin.do("PATCH", "/v3/projects/"+leaf, `{"project":{"options":{"immutable":true}}}`, 200)
	admin.do("PATCH", "/v3/projects/"+leaf, `{"project":{"name":"x"}}`, 403)
	admin.do("DELETE", "/v3/projects/"+leaf, "", 403)
	unlocked := admin.do("PATCH", "/v3/projects/"+leaf, `{"project":{"options":{"immutable":null}}}`, 200)
	require.Equal(t, map[string]any{}, unlocked.at("project", "options"))

	domain := admin.made("project", `"name":"as-project","is_domain":true,"domain_id":null`)
	require.Contains(t, admin.do("GET", "/v3/projects?is_domain=true", "", 200).names("projects"), "as-project")
	require.Equal(t, "as-project", admin.do("GET", "/v3/domains/"+domain, "", 200).at("domain", "name"))
	admin.do("DELETE", "/v3/projects/"+domain, "", 403)
	admin.do("PATCH", "/v3/projects/"+domain, `{"project":{"enabled":false}}`, 200)
	admin.do("DELETE", "/v3/projects/"+domain, "", 204)
}

func TestTagsOverHTTP(t *testing.T) {
	c := newCloud(t)
	admin := c.as("admin", adminPassword, onSystem)
	id := admin.made("project", `"name":"p","tags":["one","two"]`)
	admin.made("project", `"name":"q"`)
	at := "/v3/projects/" + id + "/tags"
	a := admin.do("GET", at, "", 200)
	require.Equal(t, []any{"one", "two"}, a.at("tags"))
	require.Equal(t, c.url+at, a.at("links", "self"))
	for query, want := range map[string]string{
		"tags=one,two": "p", "tags=one,three": "", "tags-any=three,two": "p", "not-tags=one,two": "admin q", "not-tags-any=one": "admin q", "tags=one&not-tags-any=two": "",
	} {
		require.Equal(t, want, admin.do("GET", "/v3/projects?"+query, "", 200).names("projects"), query)
	}
	require.NotEmpty(t, admin.do("PUT", at+"/three", "", 201).header.Get("Location"))
	admin.do("GET", at+"/three", "", 204)
	admin.do("HEAD", at+"/four", "", 404)
	admin.do("PUT", at+"/"+url.PathEscape("a,b"), "", 400)
	admin.do("DELETE", at+"/three", "", 204)
	admin.do("DELETE", at+"/three", "", 404)
	require.Equal(t, []any{"x"}, admin.do("PUT", at, `{"tags":["x"]}`, 200).at("tags"))
	admin.do("PUT", at, `{"tags":["x","x"]}`, 400)
	admin.do("PUT", at, `{"tags":[1]}`, 400)
	admin.do("PUT", at, `{}`, 400)
	admin.do("DELETE", at, "", 204)
	require.Empty(t, admin.do("GET", at, "", 200).at("tags"))
	admin.do("GET", "/v3/projects/nothing/tags", "", 404)
}

func TestInexactFilters(t *testing.T) {
	admin := newCloud(t).as("admin", adminPassword, onSystem)
	for _, noun := range []string{"user", "group", "project", "role", "domain"} {
		for _, name := range []string{"Find-One", "find-two"} {
			admin.made(noun, `"name":"`+name+`"`)
		}
		list := "/v3/" + noun + "s?"
		for query, want := range map[string]string{
			"name__contains=ind-": "Find-One find-two", "name__contains=IND-": "", "name__icontains=IND-": "Find-One find-two",
			"name__startswith=find": "find-two", "name__istartswith=find-": "Find-One find-two",
			"name__endswith=-two": "find-two", "name__iendswith=ONE": "Find-One", "name=find-two": "find-two",
		} {
			require.Equal(t, want, admin.do("GET", list+query, "", 200).names(noun+"s"), "%s %s", noun, query)
		}
	}
	require.Empty(t, admin.do("GET", "/v3/users?password_expires_at=lt:2030-01-02T03:04:05Z", "", 200).at("users"))
	admin.do("GET", "/v3/users?password_expires_at=tomorrow", "", 400)
	// What clients add to groups and roles is kept.
	g := admin.made("group", `"name":"g","cost_centre":"x"`)
	require.Equal(t, "x", admin.do("GET", "/v3/groups/"+g, "", 200).at("group", "cost_centre"))
	require.Nil(t, admin.do("PATCH", "/v3/groups/"+g, `{"group":{"cost_centre":null}}`, 200).at("group", "cost_centre"))
	r := admin.made("role", `"name":"r","level":3`)
	require.InDelta(t, 3, admin.do("PATCH", "/v3/roles/"+r, `{"role":{"description":"d"}}`, 200).at("role", "level"), 0)
}

func TestImpliedRolesOverHTTP(t *testing.T) {
	c := newCloud(t)
	admin := c.as("admin", adminPassword, onSystem)
	x, y := admin.made("role", `"name":"x"`), admin.made("role", `"name":"y"`)
	at := "/v3/roles/" + x + "/implies"
	admin.do("GET", at+"/"+y, "", 404)
	made := admin.do("PUT", at+"/"+y, "", 201)
	require.Equal(t, "x", made.at("role_inference", "prior_role", "name"))
	require.Equal(t, c.url+"/v3/roles/"+y, made.at("role_inference", "implies", "links", "self"))
	require.Equal(t, c.url+at+"/"+y, made.at("links", "self"))
	require.Equal(t, made.body, admin.do("GET", at+"/"+y, "", 200).body)
	admin.do("HEAD", at+"/"+y, "", 204)
	all := admin.do("GET", "/v3/role_inferences", "", 200).at("role_inferences").([]any)
	require.Len(t, all, 4)
	list := admin.do("GET", at, "", 200)
	require.Equal(t, y, list.at("role_inference", "implies").([]any)[0].(map[string]any)["id"])
	admin.do("PUT", "/v3/roles/"+y+"/implies/"+x, "", 403)
	admin.do("PUT", at+"/nothing", "", 404)
	admin.do("DELETE", at+"/"+y, "", 204)
	admin.do("DELETE", at+"/"+y, "", 404)
	admin.do("HEAD", at+"/"+y, "", 404)
}

func TestInheritedRolesOverHTTP(t *testing.T) {
	c := newCloud(t)
	admin := c.as("admin", adminPassword, onSystem)
	reader := admin.roles()["reader"]
	top := admin.made("project", `"name":"top"`)
	leaf := admin.made("project", `"name":"leaf","parent_id":"`+top+`"`)
	u, g := admin.made("user", `"name":"u","password":"pw"`), admin.made("group", `"name":"g"`)
	admin.do("PUT", "/v3/groups/"+g+"/users/"+u, "", 204)
	for _, actor := range []string{"users/" + u, "groups/" + g} {
		for _, scope := range []string{"projects/" + top, "domains/default"} {
			list := "/v3/OS-INHERIT/" + scope + "/" + actor + "/roles/inherited_to_projects"
			at := "/v3/OS-INHERIT/" + scope + "/" + actor + "/roles/" + reader + "/inherited_to_projects"
			admin.do("HEAD", at, "", 404)
			admin.do("PUT", at, "", 204)
			admin.do("HEAD", at, "", 204)
			admin.do("GET", at, "", 204)
			require.Equal(t, "reader", admin.do("GET", list, "", 200).names("roles"))
			require.Empty(t, admin.do("GET", "/v3/"+scope+"/"+actor+"/roles", "", 200).at("roles"))
			c.token("u", "pw", `{"project":{"id":"`+leaf+`"}}`)

			found := admin.do("GET", "/v3/role_assignments?effective&user.id="+u+"&scope.project.id="+leaf, "", 200).at("role_assignments").([]any)
			require.Len(t, found, 1)
			one := found[0].(map[string]any)
			require.Equal(t, map[string]any{"project": map[string]any{"id": leaf}, "OS-INHERIT:inherited_to": "projects"}, one["scope"])
			links := map[string]any{"assignment": c.url + at}
			if strings.HasPrefix(actor, "groups") {
				links["membership"] = c.url + "/v3/groups/" + g + "/users/" + u
			}
			require.Equal(t, links, one["links"])
			require.Len(t, admin.do("GET", "/v3/role_assignments?scope.OS-INHERIT:inherited_to=projects", "", 200).at("role_assignments"), 1)

			admin.do("DELETE", at, "", 204)
			admin.do("DELETE", at, "", 404)
			require.Empty(t, admin.do("GET", "/v3/role_assignments?effective&user.id="+u, "", 200).at("role_assignments"))
		}
	}
	for _, bad := range []string{
		"effective&scope.domain.id=default&scope.OS-INHERIT:inherited_to=projects", "scope.OS-INHERIT:inherited_to=domains",
		"include_subtree", "scope.system=all&scope.domain.id=default",
	} {
		admin.do("GET", "/v3/role_assignments?"+bad, "", 400)
	}
	admin.do("PUT", "/v3/projects/"+leaf+"/users/"+u+"/roles/"+admin.roles()["member"], "", 204)
	sub := admin.do("GET", "/v3/role_assignments?include_subtree&include_names&scope.project.id="+top, "", 200).at("role_assignments").([]any)
	require.Len(t, sub, 1)
	require.Equal(t, "leaf", sub[0].(map[string]any)["scope"].(map[string]any)["project"].(map[string]any)["name"])
	implied := admin.do("GET", "/v3/role_assignments?effective&role.id="+reader+"&user.id="+u, "", 200).at("role_assignments").([]any)
	require.Contains(t, implied[0].(map[string]any)["links"].(map[string]any)["prior_role"], "/implies/"+reader)
	admin.do("HEAD", "/v3/role_assignments?user.id="+u, "", 200)
}

func TestSystemRolesOfGroups(t *testing.T) {
	c := newCloud(t)
	admin := c.as("admin", adminPassword, onSystem)
	u, g := admin.made("user", `"name":"u","password":"pw"`), admin.made("group", `"name":"g"`)
	at := "/v3/system/groups/" + g + "/roles/" + admin.roles()["reader"]
	admin.do("PUT", at, "", 204)
	admin.do("HEAD", at, "", 204)
	require.Equal(t, "reader", admin.do("GET", "/v3/system/groups/"+g+"/roles", "", 200).names("roles"))
	require.Equal(t, 401, c.call("POST", "/v3/auth/tokens", passwordBody("u", "pw", onSystem)).status)
	admin.do("PUT", "/v3/groups/"+g+"/users/"+u, "", 204)
	reader := c.as("u", "pw", onSystem)
	require.Len(t, reader.do("GET", "/v3/auth/system", "", 200).at("system"), 1)
	for _, path := range []string{"catalog", "projects", "domains", "system"} {
		reader.do("HEAD", "/v3/auth/"+path, "", 200)
	}
	admin.do("DELETE", at, "", 204)
	reader.do("GET", "/v3/auth/system", "", 401)
}

func TestDomainConfigOverHTTP(t *testing.T) {
	c := newCloud(t)
	admin := c.as("admin", adminPassword, onSystem)
	at := "/v3/domains/" + admin.made("domain", `"name":"d"`) + "/config"
	config := `{"config":{"identity":{"driver":"ldap"},"ldap":{"url":"ldap://h","password":"secret"}}}`
	shown := map[string]any{"identity": map[string]any{"driver": "ldap"}, "ldap": map[string]any{"url": "ldap://h"}}
	admin.do("GET", at, "", 404)
	require.Equal(t, shown, admin.do("PUT", at, config, 201).at("config"))
	require.Equal(t, shown, admin.do("PUT", at, config, 200).at("config"))
	require.Equal(t, shown, admin.do("GET", at, "", 200).at("config"))
	admin.do("HEAD", at, "", 200)
	require.Equal(t, map[string]any{"ldap": shown["ldap"]}, admin.do("GET", at+"/ldap", "", 200).at("config"))
	require.Equal(t, shown["ldap"], admin.do("GET", at+"/ldap/url", "", 200).at("config"))
	admin.do("GET", at+"/ldap/password", "", 404)
	admin.do("GET", at+"/bogus", "", 403)
	changed := admin.do("PATCH", at+"/ldap/url", `{"config":{"url":"ldaps://h"}}`, 200)
	require.Equal(t, "ldaps://h", changed.at("config", "ldap", "url"))
	require.Equal(t, "sql", admin.do("PATCH", at+"/identity", `{"config":{"identity":{"driver":"sql"}}}`, 200).at("config", "identity", "driver"))
	admin.do("PATCH", at, `{"config":{"bogus":{"x":1}}}`, 403)
	admin.do("PATCH", at, `{"config":{"ldap":5}}`, 400)
	admin.do("DELETE", at+"/ldap/url", "", 204)
	admin.do("GET", at+"/ldap/url", "", 404)
	admin.do("DELETE", at+"/identity", "", 204)
	admin.do("DELETE", at, "", 204)
	admin.do("GET", at, "", 404)

	whole := admin.do("GET", "/v3/domains/config/default", "", 200)
	require.Equal(t, "sql", whole.at("config", "identity", "driver"))
	for name := range whole.at("config", "ldap").(map[string]any) {
		require.Contains(t, admin.do("GET", "/v3/domains/config/ldap/"+name+"/default", "", 200).at("config"), name)
	}
	require.Contains(t, admin.do("GET", "/v3/domains/config/identity/default", "", 200).at("config", "identity"), "list_limit")
	admin.do("GET", "/v3/domains/config/ldap/password/default", "", 403)
	admin.made("user", `"name":"u","password":"pw"`)
	nobody := c.as("u", "pw", `"unscoped"`)
	rules := "/v3/domains/default/config/security_compliance"
	require.Contains(t, nobody.do("GET", rules, "", 200).at("config", "security_compliance"), "password_regex")
	nobody.do("GET", rules+"/password_regex_description", "", 200)
	nobody.do("GET", rules+"/lockout_duration", "", 403)
	for _, path := range []string{at, "/v3/domains/unknown/config", "/v3/domains/config/default"} {
		nobody.do("GET", path, "", 403)
	}
	nobody.do("PUT", at, config, 403)
}
