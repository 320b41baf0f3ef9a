package app

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// FuzzRoutes feeds every route with requests that are nearly right, in the shape that the OpenAPI document tells, and
// with junk in some places. Whatever a client sends, the answer is no 5xx. Each seed asks every route once.
func FuzzRoutes(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(seed, "junk")
	}
	f.Add(uint64(100), "\x00\xff")
	f.Add(uint64(101), "' OR 1=1 --")
	f.Add(uint64(102), "../../..")
	f.Add(uint64(103), strings.Repeat("é", 300))
	p := newPlane(f)
	project := p.make(p.admin, "POST", "/identity/v3/projects", obj{"project": obj{"name": "first", "domain_id": "default"}}, "project", "id")
	owner, _ := p.user("boss", "default", project, "admin")
	p.furnish(owner, project)
	f.Fuzz(func(t *testing.T, seed uint64, junk string) {
		j := &jester{rand.New(rand.NewPCG(seed, 1)), p, junk}
		for _, e := range p.endpoints() {
			op := p.paths[e.prefix+e.Path][strings.ToLower(e.Method)]
			method, path, body := e.Method, j.path(e)+j.query(op), j.body(e)
			w := p.call(method, path, body, owner, j.headers(e)...)
			if w != nil && w.Code >= http.StatusInternalServerError && w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: %d\n%s %.300q\n%.500q\n%.500s", e, w.Code, method, path, body, w.Body)
			}
		}
	})
}

// jester makes requests that are nearly right.
type jester struct {
	*rand.Rand
	p    *plane
	junk string
}

func (j *jester) one(values ...any) any { return values[j.IntN(len(values))] }

// strange is a value that is not what anyone asked for.
func (j *jester) strange() any {
	return j.one(nil, j.junk, "", "\x00", -1, 0, 1<<62, 1e300, 0.5, true, []any{}, []any{nil}, obj{}, obj{j.junk: j.junk}, strings.Repeat("x", 70_000),
		"2026-02-30T00:00:00Z", "999999999999999999999999", "::1", "0.0.0.0/0", "10.0.0.0/33", "ff:ff:ff:ff:ff:ff", []any{obj{"a": []any{1}}}, "null", "\u202e", "%00", "in:\"", "%s%n",
		json.RawMessage("1e999"), json.RawMessage("99999999999999999999"), json.RawMessage(strings.Repeat("[", 33)+strings.Repeat("]", 33)))
}

func (j *jester) path(e endpoint) string {
	escaped := []string{"%00", "%ff", "..%2f..", "%20", url.PathEscape(j.junk), strings.Repeat("a", 5000), "-1", "9223372036854775808"}
	return e.prefix + segment.ReplaceAllStringFunc(e.Path, func(s string) string {
		if j.IntN(4) == 0 {
			return escaped[j.IntN(len(escaped))]
		}
		real := strings.TrimPrefix(j.p.path(endpoint{rest.Route{Path: strings.SplitAfter(e.Path, s)[0]}, e.service, e.prefix}, j.IntN(3) > 0 && e.Method != http.MethodDelete), e.prefix)
		return url.PathEscape(real[strings.LastIndex(real, "/")+1:])
	})
}

func (j *jester) query(op obj) string {
	if j.IntN(2) == 0 {
		return ""
	}
	q := url.Values{}
	names := []string{"limit", "marker", "sort_key", "sort_dir", "sort", "fields", "changes-since", "name", "status", "id", "tags", "created_at", "fixed_ips", "all_tenants", "ip", "page_reverse"}
	parameters, _ := op["parameters"].([]any)
	for _, p := range parameters {
		if m := p.(obj); m["in"] == "query" {
			names = append(names, m["name"].(string))
		}
	}
	for range 1 + j.IntN(3) {
		q.Add(names[j.IntN(len(names))], fmt.Sprint(j.one(j.strange(), "name", "asc", "created_at:desc", "id:asc", 5, "2026-01-01T00:00:00Z", "gt:2026-01-01", j.p.ids["server_id"])))
	}
	if j.IntN(10) == 0 {
		return "?%zz&" + strings.ReplaceAll(url.QueryEscape(j.junk), "%", "") + "&;=&"
	}
	encoded := q.Encode()
	if len(encoded) > 8000 {
		encoded = encoded[:8000]
	}
	return "?" + encoded
}

func (j *jester) body(e endpoint) string {
	forms := j.p.forms(e)
	if len(forms) == 0 || j.IntN(15) == 0 {
		return j.one("", "{", "[]", "null", `{"a":1}{}`, strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 20_000), j.junk, "\xff", `{"server":null}`).(string)
	}
	form := forms[j.IntN(len(forms))].(obj)
	if i := slices.IndexFunc(forms, func(f any) bool { p, _ := f.(obj)["properties"].(obj); return p[e.Action] != nil }); e.Action != "" && i >= 0 {
		form = forms[i].(obj)
	}
	raw, err := json.Marshal(j.value(form, 0))
	if err != nil {
		return j.junk
	}
	return string(raw)
}

// value is of a schema, mostly.
func (j *jester) value(schema obj, depth int) any {
	if depth > 0 && j.IntN(12) == 0 {
		return j.strange()
	}
	if forms, ok := schema["anyOf"].([]any); ok {
		return j.value(forms[j.IntN(len(forms))].(obj), depth)
	}
	if words, ok := schema["enum"].([]any); ok {
		return words[j.IntN(len(words))]
	}
	switch schema["type"] {
	case "object":
		out, properties := obj{}, obj{}
		if p, ok := schema["properties"].(obj); ok {
			properties = p
		}
		required, _ := schema["required"].([]any)
		for name, p := range properties {
			if slices.Contains(required, any(name)) || j.IntN(3) == 0 {
				out[name] = j.value(p.(obj), depth+1)
			}
		}
		if j.IntN(8) == 0 || len(properties) == 0 {
			out[j.one("a", j.junk, "", "é", "os-start", "x:y").(string)] = j.strange()
		}
		return out
	case "array":
		list := []any{}
		items, _ := schema["items"].(obj)
		for range j.IntN(3) {
			list = append(list, j.value(items, depth+1))
		}
		return list
	case "integer":
		return j.one(0, 1, 2, 64, 1500, -1, 1<<31, 1<<40, "7")
	case "number":
		return j.Float64()
	case "boolean":
		return j.one(true, false, "true")
	case "string":
		ids := j.p.ids
		return j.one("name", "", "tiny", "10.9.0.0/24", "10.9.0.5", "fe80::1", "fa:16:3e:00:00:01", "default", "password", "tcp", "ingress", "IPv4", "any", "compute", j.junk,
			ids["networks"], ids["subnets"], ids["ports"], ids["routers"], ids["security-groups"], ids["image_id"], ids["server_id"], ids["project_id"], "2027-01-01T00:00:00Z", "https://x.example/")
	}
	return j.strange()
}

func (j *jester) headers(e endpoint) []string {
	headers := []string{"Content-Type", "application/json"}
	if e.service == "image" {
		headers[1] = j.one("application/json", "application/octet-stream", "application/openstack-images-v2.1-json-patch", "x").(string)
	}
	if e.service == "compute" {
		headers = append(headers, "OpenStack-API-Version", fmt.Sprintf("compute 2.%d", 1+j.IntN(96)))
	}
	if j.IntN(5) == 0 {
		headers = append(headers, j.one("X-Subject-Token", "Range", "If-Match", "If-None-Match", "OpenStack-API-Version", "X-Openstack-Request-Id", "Accept-Encoding").(string), j.junk)
	}
	return headers
}
