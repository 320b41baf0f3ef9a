package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAuthorityOfScopes asks every route as the admins and readers of the system and of domains.
func TestAuthorityOfScopes(t *testing.T) {
	p := newPlane(t)
	home := p.make(p.admin, "POST", "/identity/v3/domains", obj{"domain": obj{"name": "home"}}, "domain", "id")
	far := p.make(p.admin, "POST", "/identity/v3/domains", obj{"domain": obj{"name": "far"}}, "domain", "id")
	project := p.make(p.admin, "POST", "/identity/v3/projects", obj{"project": obj{"name": "first", "domain_id": home}}, "project", "id")
	tenant, _ := p.user("tenant", home, project, "member")
	tokens := map[string]string{
		systemAdmin:  p.scoped("root", "default", "/system", "admin", obj{"system": obj{"all": true}}),
		systemReader: p.scoped("auditor", "default", "/system", "reader", obj{"system": obj{"all": true}}),
		domainAdmin:  p.scoped("steward", home, "/domains/"+home, "admin", obj{"domain": obj{"id": home}}),
		farAdmin:     p.scoped("stranger", far, "/domains/"+far, "admin", obj{"domain": obj{"id": far}}),
	}
	p.furnish(tenant, project)
	p.ids["role_id"], p.ids["domain_id"] = p.role("member"), home
	mays, known := map[string]map[string]bool{}, map[string]bool{}
	for who, policies := range scopeAuthority() {
		mays[who] = map[string]bool{}
		for policy := range strings.FieldsSeq(policies) {
			mays[who][policy] = true
		}
	}
	for _, e := range p.endpoints() {
		if !e.Policy.NeedsToken() {
			continue
		}
		known[e.Policy.Name] = true
		for who, token := range tokens {
			want := mays[who][e.Policy.Name] != (who == systemAdmin)
			if who == domainAdmin && strings.HasPrefix(e.Path, "/v3/system/") {
				want = false
			}
			if got, code := p.may(e, who, token, home); got != want {
				t.Errorf("%s (%s) as %s: is let in: %t (%d), and should be: %t", e, e.Policy.Name, who, got, code, want)
			}
		}
	}
	for who, policies := range mays {
		for policy := range policies {
			require.True(t, known[policy], "the table of %s has the policy %q, which no route has", who, policy)
		}
	}
}

// may tells whether a route lets somebody in. To those of a domain it is about what is there, and is new each time.
func (p *plane) may(e endpoint, who, token, home string) (bool, int) {
	p.tb.Helper()
	reads := e.Method == http.MethodGet || e.Method == http.MethodHead
	within := who == domainAdmin || who == farAdmin
	if within {
		p.furnishHome(home)
	}
	code := p.call(e.Method, p.path(e, reads || within), p.bodyIn(e, home), token, headersOf(e)...).Code
	missing := code == http.StatusNotFound && who != systemAdmin && tellsWhatIsMissing(e)
	return code != http.StatusForbidden && !missing, code
}

// scoped makes a user with a role on the system or on a domain, and returns its token.
func (p *plane) scoped(name, domain, on, role string, scope obj) string {
	p.tb.Helper()
	const password = "long-enough-for-A-test-1"
	id := p.make(p.admin, "POST", "/identity/v3/users", obj{"user": obj{"name": name, "domain_id": domain, "password": password}}, "user", "id")
	p.make(p.admin, "PUT", "/identity/v3"+on+"/users/"+id+"/roles/"+p.role(role), obj{})
	return p.token(name, password, domain, scope)
}

// furnishHome makes a new user, group and project in a domain, for the next request to change.
func (p *plane) furnishHome(domain string) {
	p.tb.Helper()
	p.made++
	for _, kind := range []string{"user", "group", "project"} {
		name := fmt.Sprint(kind, p.made, "-", marker)
		p.ids[kind+"_id"] = p.make(p.admin, "POST", "/identity/v3/"+kind+"s", obj{kind: obj{"name": name, "domain_id": domain}}, kind, "id")
	}
}

// bodyIn is the least that an endpoint takes for a body; what it makes belongs to a domain.
func (p *plane) bodyIn(e endpoint, domain string) string {
	switch kind := strings.TrimPrefix(e.Policy.Name, "identity:create_"); kind {
	case "user", "group", "project":
		p.made++
		return fmt.Sprintf(`{%q:{"name":"made-%d","domain_id":%q}}`, kind, p.made, domain)
	}
	return p.body(e)
}
