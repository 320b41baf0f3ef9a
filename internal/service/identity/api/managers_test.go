package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// estate is two domains with the same things in each, and who has which role on the first.
type estate struct {
	*cloud
	admin      session
	role       map[string]string
	own, other place
}

type place struct{ domain, project, user, group, role string }

func newEstate(t *testing.T) *estate {
	e := &estate{cloud: newCloud(t)}
	e.admin = e.as("admin", adminPassword, onSystem)
	e.role = e.admin.roles()
	e.own, e.other = e.place("own"), e.place("other")
	for _, name := range []string{"admin", "manager", "member", "reader"} {
		id := e.admin.made("user", `"name":"d-`+name+`","password":"pw"`)
		e.admin.do("PUT", "/v3/domains/"+e.own.domain+"/users/"+id+"/roles/"+e.role[name], "", 204)
	}
	return e
}

func (e *estate) place(name string) place {
	p := place{domain: e.admin.made("domain", `"name":"`+name+`"`)}
	in := `"name":"` + name + `","domain_id":"` + p.domain + `"`
	p.project, p.user, p.group = e.admin.made("project", in), e.admin.made("user", in), e.admin.made("group", in)
	p.role = e.admin.made("role", in)
	return p
}

func (e *estate) who(role string) session {
	return e.as("d-"+role, "pw", `{"domain":{"id":"`+e.own.domain+`"}}`)
}

// What needs a manager, of the domain that a place is in. create is what to create there.
func (e *estate) changes(p place, fresh string) [][3]string {
	in := `"name":"` + fresh + `","domain_id":"` + p.domain + `"`
	return [][3]string{
		{"POST", "/v3/users", `{"user":{` + in + `}}`},
		{"POST", "/v3/groups", `{"group":{` + in + `}}`},
		{"POST", "/v3/projects", `{"project":{` + in + `}}`},
		{"PATCH", "/v3/users/" + p.user, `{"user":{"description":"` + fresh + `"}}`},
		{"PATCH", "/v3/groups/" + p.group, `{"group":{"description":"` + fresh + `"}}`},
		{"PATCH", "/v3/projects/" + p.project, `{"project":{"description":"` + fresh + `"}}`},
		{"PUT", "/v3/projects/" + p.project + "/tags/" + fresh, ""},
		{"DELETE", "/v3/projects/" + p.project + "/tags/" + fresh, ""},
		{"PUT", "/v3/groups/" + p.group + "/users/" + p.user, ""},
		{"DELETE", "/v3/groups/" + p.group + "/users/" + p.user, ""},
		{"PUT", "/v3/projects/" + p.project + "/users/" + p.user + "/roles/" + e.role["member"], ""},
		{"DELETE", "/v3/projects/" + p.project + "/users/" + p.user + "/roles/" + e.role["member"], ""},
		{"PUT", "/v3/domains/" + p.domain + "/groups/" + p.group + "/roles/" + e.role["manager"], ""},
		{"DELETE", "/v3/domains/" + p.domain + "/groups/" + p.group + "/roles/" + e.role["manager"], ""},
		{"PUT", "/v3/OS-INHERIT/domains/" + p.domain + "/users/" + p.user + "/roles/" + e.role["reader"] + "/inherited_to_projects", ""},
		{"DELETE", "/v3/OS-INHERIT/domains/" + p.domain + "/users/" + p.user + "/roles/" + e.role["reader"] + "/inherited_to_projects", ""},
	}
}

func TestManagersOfADomainChangeWhatIsInIt(t *testing.T) {
	e := newEstate(t)
	for _, role := range []string{"admin", "manager", "member", "reader"} {
		s := e.who(role)
		for _, c := range e.changes(e.own, "by-"+role) {
			a := s.call(c[0], c[1], c[2], "X-Auth-Token", s.token)
			if role == "admin" || role == "manager" {
				require.Less(t, a.status, 300, "%s: %s %s: %s", role, c[0], c[1], a.raw)
			} else {
				require.Equal(t, 403, a.status, "%s: %s %s: %s", role, c[0], c[1], a.raw)
			}
		}
		for _, c := range e.changes(e.other, "by-"+role) {
			s.do(c[0], c[1], c[2], 403)
		}
		for _, c := range [][3]string{
			{"POST", "/v3/domains", `{"domain":{"name":"x"}}`},
			{"POST", "/v3/projects", `{"project":{"name":"x","is_domain":true,"domain_id":null}}`},
			{"PATCH", "/v3/domains/" + e.own.domain, `{"domain":{"description":"x"}}`},
			{"DELETE", "/v3/domains/" + e.own.domain, ""},
			{"POST", "/v3/roles", `{"role":{"name":"x","domain_id":"` + e.own.domain + `"}}`},
			{"PATCH", "/v3/roles/" + e.own.role, `{"role":{"description":"x"}}`},
			{"DELETE", "/v3/roles/" + e.own.role, ""},
			{"PUT", "/v3/roles/" + e.own.role + "/implies/" + e.role["reader"], ""},
			{"PUT", "/v3/domains/" + e.own.domain + "/config", `{"config":{"identity":{"driver":"x"}}}`},
			{"PUT", "/v3/system/users/" + e.own.user + "/roles/" + e.role["reader"], ""},
			{"DELETE", "/v3/system/users/" + e.own.user + "/roles/" + e.role["reader"], ""},
			{"PATCH", "/v3/users/unknown", `{"user":{"description":"x"}}`},
			{"PATCH", "/v3/projects/unknown", `{"project":{"description":"x"}}`},
			{"PUT", "/v3/groups/" + e.own.group + "/users/unknown", ""},
			// A part of each of these is elsewhere.
			{"PUT", "/v3/projects/" + e.own.project + "/users/" + e.other.user + "/roles/" + e.role["member"], ""},
			{"PUT", "/v3/projects/" + e.other.project + "/users/" + e.own.user + "/roles/" + e.role["member"], ""},
			{"PUT", "/v3/projects/" + e.own.project + "/users/" + e.own.user + "/roles/" + e.other.role, ""},
			// Nobody makes others, or themselves, more than they are.
			{"PUT", "/v3/projects/" + e.own.project + "/users/" + e.own.user + "/roles/" + e.role["admin"], ""},
			{"PUT", "/v3/projects/" + e.own.project + "/users/" + e.own.user + "/roles/" + e.role["service"], ""},
			{"PUT", "/v3/OS-INHERIT/domains/" + e.own.domain + "/users/" + e.own.user + "/roles/" + e.role["admin"] + "/inherited_to_projects", ""},
		} {
			s.do(c[0], c[1], c[2], 403)
		}
		want := 403
		if role == "admin" {
			want = 204
		}
		s.do("PUT", "/v3/domains/"+e.own.domain+"/users/"+e.own.user+"/roles/"+e.role["admin"], "", want)
		s.do("PUT", "/v3/domains/"+e.own.domain+"/users/"+e.own.user+"/roles/"+e.own.role, "", want)
		s.do("PATCH", "/v3/domains/unknown", `{"domain":{}}`, 404)
		s.do("DELETE", "/v3/roles/unknown", "", 404)
		s.do("DELETE", "/v3/groups/unknown", "", 404)
	}
}

func TestReadersOfADomainReadWhatIsInIt(t *testing.T) {
	e := newEstate(t)
	grant := func(p place, u string) string {
		return "/v3/projects/" + p.project + "/users/" + u + "/roles/" + e.role["member"]
	}
	for _, path := range []string{grant(e.own, e.own.user), grant(e.own, e.other.user), grant(e.other, e.own.user), grant(e.other, e.other.user)} {
		e.admin.do("PUT", path, "", 204)
	}
	for _, g := range []string{e.own.group, e.other.group} {
		for _, u := range []string{e.own.user, e.other.user} {
			e.admin.do("PUT", "/v3/groups/"+g+"/users/"+u, "", 204)
		}
	}
	for _, role := range []string{"admin", "manager", "member", "reader"} {
		s := e.who(role)
		for _, kind := range []string{"users", "groups", "projects"} {
			require.Equal(t, "own", s.do("GET", "/v3/"+kind, "", 200).names(kind), "%s %s", role, kind)
			s.do("GET", "/v3/"+kind+"?domain_id="+e.other.domain, "", 403)
			s.do("GET", "/v3/"+kind+"/unknown", "", 403)
		}
		for own, other := range map[string]string{
			"/v3/users/" + e.own.user: "/v3/users/" + e.other.user, "/v3/groups/" + e.own.group: "/v3/groups/" + e.other.group,
			"/v3/projects/" + e.own.project: "/v3/projects/" + e.other.project, "/v3/domains/" + e.own.domain: "/v3/domains/" + e.other.domain,
			"/v3/projects/" + e.own.project + "/tags": "/v3/projects/" + e.other.project + "/tags",
		} {
			s.do("GET", own, "", 200)
			s.do("GET", other, "", 403)
		}
		require.Equal(t, "own", s.do("GET", "/v3/users/"+e.own.user+"/groups", "", 200).names("groups"))
		require.Equal(t, "own", s.do("GET", "/v3/groups/"+e.own.group+"/users", "", 200).names("users"))
		s.do("GET", "/v3/users/"+e.other.user+"/groups", "", 403)
		s.do("GET", "/v3/groups/"+e.own.group+"/users/"+e.other.user, "", 204)
		s.do("GET", "/v3/groups/"+e.own.group+"/users/unknown", "", 403)
		s.do("GET", "/v3/groups/"+e.other.group+"/users/"+e.own.user, "", 403)

		s.do("HEAD", grant(e.own, e.own.user), "", 204)
		for _, path := range []string{grant(e.own, e.other.user), grant(e.other, e.own.user), grant(e.other, e.other.user)} {
			s.do("HEAD", path, "", 403)
		}
		s.do("HEAD", "/v3/projects/"+e.own.project+"/users/"+e.own.user+"/roles/"+e.other.role, "", 403)
		s.do("GET", "/v3/system/users/"+e.own.user+"/roles", "", 403)
		assignments := func(query string) int {
			return len(s.do("GET", "/v3/role_assignments?"+query, "", 200).at("role_assignments").([]any))
		}
		require.Equal(t, 6, assignments(""), "four on the domain, two on the project")
		require.Equal(t, 0, assignments("scope.domain.id="+e.other.domain))
		require.Equal(t, 0, assignments("scope.project.id="+e.other.project))
		require.Equal(t, 0, assignments("scope.system=all"))
		require.Equal(t, 1, assignments("user.id="+e.other.user))
		require.Equal(t, 2, assignments("scope.project.id="+e.own.project+"&include_subtree"))
		require.NotZero(t, assignments("effective"))
		s.do("GET", "/v3/role_assignments?include_subtree&scope.project.id="+e.other.project, "", 403)

		for path, want := range map[string]int{
			"/v3/roles/" + e.own.role: 403, "/v3/roles/" + e.role["admin"]: 403, "/v3/roles/unknown": 404, "/v3/role_inferences": 403,
			"/v3/domains/" + e.own.domain + "/config": 403, "/v3/roles?domain_id=" + e.own.domain: 403,
		} {
			s.do("GET", path, "", want)
		}
		require.Equal(t, "own", s.do("GET", "/v3/domains", "", 200).names("domains"))
		require.Empty(t, s.do("GET", "/v3/domains?name=other", "", 200).names("domains"))
		if role == "admin" || role == "manager" {
			require.Equal(t, "admin manager member reader service", s.do("GET", "/v3/roles", "", 200).names("roles"))
			require.Equal(t, "member", s.do("GET", "/v3/roles?name=member", "", 200).names("roles"))
			s.do("GET", "/v3/roles/"+e.role["member"], "", 200)
		} else {
			s.do("GET", "/v3/roles", "", 403)
			s.do("GET", "/v3/roles/"+e.role["member"], "", 403)
		}
	}
}
