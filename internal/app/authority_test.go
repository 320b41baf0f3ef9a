package app

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	identitystore "github.com/aloft-cloud/aloft/internal/service/identity/store"
)

// ladder are the callers of the test of authority, from the one with the least rights on.
var ladder = []least{anyone, reader, member, manager, admin}

// TestAuthority asks every route of every service as everyone: without a token, with one that is no token, has
// expired or was taken back, as each role on a project, and as members of another project and of another domain.
func TestAuthority(t *testing.T) {
	p := newPlane(t)
	newProject := func(name, domain string) string {
		return p.make(p.admin, "POST", "/identity/v3/projects", obj{"project": obj{"name": name, "domain_id": domain}}, "project", "id")
	}
	domain := p.make(p.admin, "POST", "/identity/v3/domains", obj{"domain": obj{"name": "other"}}, "domain", "id")
	first, second, far := newProject("first", "default"), newProject("second", "default"), newProject("far", domain)
	tokens := map[least]string{}
	tokens[reader], tokens[anyone] = p.user("reader", "default", first, "reader")
	tokens[member], _ = p.user("member", "default", first, "member")
	tokens[manager], _ = p.user("manager", "default", first, "manager")
	tokens[admin], _ = p.user("boss", "default", first, "admin")
	strangers := map[string]string{}
	strangers["a member of another project"], _ = p.user("neighbour", "default", second, "member")
	strangers["a manager of another domain"], _ = p.user("stranger", domain, far, "manager")
	p.furnish(tokens[member], first)
	p.ids["user_id"], p.ids["role_id"] = p.ids["user boss"], p.role("member")
	over := p.token("boss", "long-enough-for-A-test-1", "default", obj{"project": obj{"id": first}})
	require.Equal(t, 204, p.call("DELETE", "/identity/v3/auth/tokens", "", over, "X-Subject-Token", over).Code)
	expired := p.expired()

	table := authority()
	unused := maps.Clone(table)
	for _, e := range p.endpoints() {
		want, known := table[e.Policy.Name]
		delete(unused, e.Policy.Name)
		got := p.leastFor(e, tokens)
		if !known {
			t.Errorf("%s has no row: decide who may use it, and add its policy %q to authority(); now it is %q", e, e.Policy.Name, got)
			continue
		}
		if got != want {
			t.Errorf("%s (%s): the least who may is %q, and should be %q", e, e.Policy.Name, got, want)
		}
		if want == open {
			continue
		}
		for what, token := range map[string]string{"no token": "", "garbage": "gAAAAABgarbage", "a token that was taken back": over, "an expired token": expired} {
			w := p.call(e.Method, p.path(e, true), p.body(e), token, headersOf(e)...)
			require.Equal(t, http.StatusUnauthorized, w.Code, "%s with %s: %s", e, what, w.Body)
			require.NotEmpty(t, w.Header().Get("WWW-Authenticate"))
		}
		for who, token := range strangers {
			p.strange(t, e, who, token)
		}
	}
	for policy := range unused {
		t.Errorf("the table has the policy %q, which no route has", policy)
	}
}

// expired is an admin's token that was good and whose time is over: the same installation made it, told to let its
// tokens live for a moment.
func (p *plane) expired() string {
	p.tb.Helper()
	ctx, c := context.Background(), p.control
	master, err := auth.EnsureMasterKey(filepath.Join(c.cfg.DataDir, "pki", "master-key"))
	require.NoError(p.tb, err)
	hasty, err := identity.New(identity.Config{Region: c.cfg.Region, MasterKey: master, TokenLife: time.Microsecond}, c.db, identitystore.New(c.db), c.events, c.log)
	require.NoError(p.tb, err)
	require.NoError(p.tb, hasty.Load(ctx))
	_, token, err := hasty.LogIn(ctx, identity.Proof{
		Methods: []string{identity.MethodPassword}, Password: adminPassword,
		User: identity.UserRef{Name: "admin", Domain: identity.DomainRef{ID: "default"}},
	}, &identity.ScopeRef{Project: &identity.ProjectRef{Name: "admin", Domain: identity.DomainRef{ID: "default"}}})
	require.NoError(p.tb, err)
	shown := p.call("GET", "/identity/v3/auth/tokens?allow_expired=1", "", p.admin, "X-Subject-Token", token)
	require.Equal(p.tb, http.StatusOK, shown.Code, "but for its time the token is good: %s", shown.Body)
	return token
}

// leastFor finds the first step of the ladder that a route does not turn away. What it changes is not there, except for
// reads.
func (p *plane) leastFor(e endpoint, tokens map[least]string) least {
	reads := e.Method == http.MethodGet || e.Method == http.MethodHead
	if !e.Policy.NeedsToken() {
		return open
	}
	for _, who := range ladder {
		code := p.call(e.Method, p.path(e, reads), p.body(e), tokens[who], headersOf(e)...).Code
		refused := code == http.StatusForbidden || (code == http.StatusNotFound && who != admin && tellsWhatIsMissing(e))
		if !refused {
			return who
		}
	}
	return elsewise
}

// tellsWhatIsMissing tells whether a route lets everyone know that a thing is not there, as Keystone's own tests want it.
func tellsWhatIsMissing(e endpoint) bool {
	switch e.Policy.Name {
	case "identity:update_domain", "identity:update_role", "identity:delete_role", "identity:delete_group":
		return true
	}
	return false
}

// strange asks for another project's things: they do not exist, and a list does not hold them.
func (p *plane) strange(t *testing.T, e endpoint, who, token string) {
	w := p.call(e.Method, p.path(e, true), p.body(e), token, headersOf(e)...)
	if strings.Contains(w.Body.String(), marker) && !strings.Contains(p.path(e, true), marker) {
		t.Errorf("%s as %s tells of another project: %.300s", e, who, w.Body)
	}
	owned := slices.ContainsFunc([]string{"{server_id}", "{image_id}", "{id}", "{keypair_name}", "os-quota-sets/{project_id}"}, func(s string) bool { return strings.Contains(e.Path, s) })
	if e.service == "identity" || !owned || strings.HasSuffix(e.Path, "/defaults") || strings.HasSuffix(e.Path, "/default") {
		return
	}
	switch {
	case w.Code == http.StatusForbidden, w.Code == http.StatusNotFound:
	case w.Code == http.StatusBadRequest && e.Method != http.MethodGet: // the body comes before the thing
	default:
		t.Errorf("%s as %s is %d: %.300s", e, who, w.Code, w.Body)
	}
}

// headersOf asks for the version in which a route exists.
func headersOf(e endpoint) []string {
	if e.service == "image" && strings.HasSuffix(e.Path, "/file") {
		return []string{"Content-Type", "application/octet-stream"}
	}
	if e.service != "compute" {
		return nil
	}
	version := "latest"
	if e.Until != "" {
		version = e.Until
	}
	return []string{"OpenStack-API-Version", fmt.Sprint("compute ", version)}
}
