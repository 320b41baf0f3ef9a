package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// plane is the APIs of a control node whose loops do not run: what is asked of it stays as intent.
type plane struct {
	tb      testing.TB
	control *Control
	admin   string // the token of the installation's admin
	ids     map[string]string
	made    int                       // names that furnishHome has given
	paths   map[string]map[string]obj // of the OpenAPI document
}

func newPlane(tb testing.TB) *plane {
	tb.Helper()
	cfg := config.Default()
	dir := tb.TempDir()
	cfg.DataDir, cfg.EtcDir, cfg.RunDir = filepath.Join(dir, "data"), filepath.Join(dir, "etc"), filepath.Join(dir, "run")
	require.NoError(tb, cfg.Complete())
	control, err := NewControl(context.Background(), cfg, ControlOptions{Version: "test", Log: slog.New(slog.DiscardHandler)})
	require.NoError(tb, err)
	tb.Cleanup(func() {
		// No loop has written the records of what may be thousands of calls, and Close gives that a few seconds only.
		require.NoError(tb, control.audit.Flush(context.Background()))
		require.NoError(tb, control.Close())
	})
	require.NoError(tb, control.Bootstrap(context.Background(), adminPassword))
	p := &plane{tb: tb, control: control, ids: map[string]string{}}
	raw, err := rest.OpenAPI("test", "1", control.services()...)
	require.NoError(tb, err)
	var doc struct{ Paths map[string]map[string]obj }
	require.NoError(tb, json.Unmarshal(raw, &doc))
	p.paths = doc.Paths
	p.admin = p.token("admin", adminPassword, "default", map[string]any{"project": map[string]any{"name": "admin", "domain": map[string]any{"id": "default"}}})
	return p
}

// call sends a request as the owner of a token; headers are pairs of name and value.
func (p *plane) call(method, path, body, token string, headers ...string) *httptest.ResponseRecorder {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	// A request from the wire is not parsed as httptest would, which panics where a path is junk.
	r, err := http.NewRequestWithContext(context.Background(), method, "https://aloft"+path, reader)
	if err != nil {
		return nil
	}
	r.RemoteAddr, r.RequestURI = "192.0.2.1:1", path
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.control.Handler().ServeHTTP(w, r)
	return w
}

// make sends a request that must succeed, and returns what is under the keys of its answer.
func (p *plane) make(token, method, path string, body any, keys ...string) string {
	p.tb.Helper()
	raw, err := json.Marshal(body)
	require.NoError(p.tb, err)
	w := p.call(method, path, string(raw), token)
	require.Less(p.tb, w.Code, 300, "%s %s %s: %s", method, path, raw, w.Body)
	if len(keys) == 0 {
		return ""
	}
	var v any
	require.NoError(p.tb, json.Unmarshal(w.Body.Bytes(), &v))
	for _, k := range keys {
		v = v.(map[string]any)[k]
	}
	return fmt.Sprint(v)
}

func (p *plane) token(user, password, domain string, scope any) string {
	p.tb.Helper()
	identity := map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{
		"name": user, "domain": map[string]any{"id": domain}, "password": password,
	}}}
	body := map[string]any{"identity": identity}
	if scope != nil {
		body["scope"] = scope
	}
	raw, err := json.Marshal(map[string]any{"auth": body})
	require.NoError(p.tb, err)
	w := p.call("POST", "/identity/v3/auth/tokens", string(raw), "")
	require.Equal(p.tb, 201, w.Code, "%s", w.Body)
	return w.Header().Get("X-Subject-Token")
}

// user makes a user with a role on a project and returns its token, scoped to the project, and one without a scope.
func (p *plane) user(name, domain, project, role string) (scoped, unscoped string) {
	p.tb.Helper()
	const password = "long-enough-for-A-test-1"
	id := p.make(p.admin, "POST", "/identity/v3/users", obj{"user": obj{"name": name, "domain_id": domain, "password": password}}, "user", "id")
	p.ids["user "+name] = id
	p.make(p.admin, "PUT", "/identity/v3/projects/"+project+"/users/"+id+"/roles/"+p.role(role), obj{})
	return p.token(name, password, domain, obj{"project": obj{"id": project}}), p.token(name, password, domain, "unscoped")
}

type obj = map[string]any

func (p *plane) role(name string) string {
	p.tb.Helper()
	w := p.call("GET", "/identity/v3/roles?name="+name, "", p.admin)
	var out struct{ Roles []struct{ ID string } }
	require.NoError(p.tb, json.Unmarshal(w.Body.Bytes(), &out))
	require.Len(p.tb, out.Roles, 1, name)
	return out.Roles[0].ID
}

// marker is in the name of everything that furnish makes.
const marker = "of-the-first-project"

// furnish makes one of each thing in a project, as its member.
func (p *plane) furnish(token, project string) {
	p.tb.Helper()
	n := func(kind string) obj { return obj{"name": kind + "-" + marker} }
	with := func(o obj, pairs ...any) obj {
		for i := 0; i < len(pairs); i += 2 {
			o[pairs[i].(string)] = pairs[i+1]
		}
		return o
	}
	outside := p.make(p.admin, "POST", "/network/v2.0/networks", obj{"network": obj{"name": "outside", "router:external": true}}, "network", "id")
	p.make(p.admin, "POST", "/network/v2.0/subnets", obj{"subnet": obj{"network_id": outside, "ip_version": 4, "cidr": "203.0.113.0/24"}}, "subnet", "id")
	p.ids["networks"] = p.make(token, "POST", "/network/v2.0/networks", obj{"network": n("network")}, "network", "id")
	p.ids["subnets"] = p.make(token, "POST", "/network/v2.0/subnets", obj{"subnet": with(n("subnet"), "network_id", p.ids["networks"], "ip_version", 4, "cidr", "10.9.0.0/20")}, "subnet", "id")
	p.ids["ports"] = p.make(token, "POST", "/network/v2.0/ports", obj{"port": with(n("port"), "network_id", p.ids["networks"])}, "port", "id")
	p.ids["routers"] = p.make(token, "POST", "/network/v2.0/routers", obj{"router": n("router")}, "router", "id")
	p.ids["floatingips"] = p.make(token, "POST", "/network/v2.0/floatingips", obj{"floatingip": obj{"floating_network_id": outside, "description": marker}}, "floatingip", "id")
	p.ids["security-groups"] = p.make(token, "POST", "/network/v2.0/security-groups", obj{"security_group": n("group")}, "security_group", "id")
	p.ids["security-group-rules"] = p.make(token, "POST", "/network/v2.0/security-group-rules", obj{"security_group_rule": obj{
		"security_group_id": p.ids["security-groups"], "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "description": marker,
	}}, "security_group_rule", "id")
	p.ids["image_id"] = p.make(token, "POST", "/image/v2/images", with(n("image"), "disk_format", "raw", "container_format", "bare"), "id")
	w := p.call("PUT", "/image/v2/images/"+p.ids["image_id"]+"/file", "bytes", token, "Content-Type", "application/octet-stream")
	require.Equal(p.tb, 204, w.Code, "%s", w.Body)
	p.ids["flavor_id"] = p.make(p.admin, "POST", "/compute/v2.1/flavors", obj{"flavor": obj{"name": "tiny", "id": "tiny", "vcpus": 1, "ram": 64, "disk": 1}}, "flavor", "id")
	p.ids["keypair_name"] = p.make(token, "POST", "/compute/v2.1/os-keypairs", obj{"keypair": n("key")}, "keypair", "name")
	p.ids["server_id"] = p.make(token, "POST", "/compute/v2.1/servers", obj{"server": with(n("server"), "flavorRef", "tiny", "imageRef", p.ids["image_id"],
		"networks", []obj{{"uuid": p.ids["networks"]}}, "metadata", obj{"key": marker})}, "server", "id")
	p.ids["key"], p.ids["tag"], p.ids["network"], p.ids["project_id"], p.ids["domain_id"] = "key", "tag", "network-"+marker, project, "default"
	p.ids["port_id"] = p.ids["ports"]
}

// endpoint is a route with its service.
type endpoint struct {
	rest.Route
	service string
	prefix  string
}

func (e endpoint) String() string {
	return strings.TrimSpace(e.Method + " " + e.prefix + e.Path + " " + e.Action)
}

// forms are the schemas of the bodies that an endpoint takes; several where rows share it.
func (p *plane) forms(e endpoint) []any {
	request, _ := p.paths[e.prefix+e.Path][strings.ToLower(e.Method)]["requestBody"].(obj)
	content, _ := request["content"].(obj)
	media, _ := content["application/json"].(obj)
	schema, _ := media["schema"].(obj)
	forms, _ := schema["anyOf"].([]any)
	return forms
}

// body is the least that an endpoint takes for a body.
func (p *plane) body(e endpoint) string {
	if e.Action != "" {
		return `{"` + e.Action + `":null}`
	}
	forms := p.forms(e)
	switch {
	case len(forms) == 0:
		return ""
	case strings.HasSuffix(e.Path, "/config"), strings.HasSuffix(e.Path, "/config/{group}"): // 403 answers what is no configuration
		return `{"config":{"identity":{"driver":"sql"}}}`
	case strings.HasSuffix(e.Path, "/config/{group}/{option}"):
		return `{"config":{"driver":"sql"}}`
	}
	raw, err := json.Marshal(minimal(forms[0].(obj)))
	require.NoError(p.tb, err)
	return string(raw)
}

func minimal(schema obj) any {
	if forms, ok := schema["anyOf"].([]any); ok {
		return minimal(forms[0].(obj))
	}
	if words, ok := schema["enum"].([]any); ok {
		return words[0]
	}
	switch schema["type"] {
	case "object":
		out := obj{}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			out[name.(string)] = minimal(schema["properties"].(obj)[name.(string)].(obj))
		}
		return out
	case "array":
		return []any{}
	case "integer", "number":
		return 1
	case "boolean":
		return false
	case "string":
		return "0123456789abcdef0123456789abcdef"
	}
	return obj{}
}

func (p *plane) endpoints() []endpoint {
	var all []endpoint
	for _, s := range p.control.services() {
		for _, r := range s.Routes {
			all = append(all, endpoint{r, s.Type, s.Prefix})
		}
	}
	return all
}

var segment = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// path fills the variable segments of a route: with what was made, or else with what is not there.
func (p *plane) path(e endpoint, real bool) string {
	resource := strings.Split(strings.TrimPrefix(e.Path, "/v2.0/"), "/")[0]
	return e.prefix + segment.ReplaceAllStringFunc(e.Path, func(s string) string {
		name := segment.FindStringSubmatch(s)[1]
		if name == "id" && e.service == "network" {
			name = resource
		}
		switch {
		case name == "group":
			return "identity"
		case name == "option" && strings.Contains(e.Path, "security_compliance"):
			return "password_regex"
		case name == "option" && strings.Contains(e.Path, "ldap"):
			return "url"
		case name == "option":
			return "driver"
		}
		if id := p.ids[name]; real && id != "" {
			return id
		}
		return uuid.NewString()
	})
}
