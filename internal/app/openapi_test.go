package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOpenAPI checks the document against the rules of OpenAPI 3.1 (its sections 4.8 on objects and their fields) and
// of JSON Schema 2020-12, as far as the document goes.
func TestOpenAPI(t *testing.T) {
	p := newPlane(t)
	w := p.call("GET", "/openapi.json", "", "")
	require.Equal(t, 200, w.Code)
	var doc obj
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &doc))
	c := &checker{ids: map[string]string{}}
	c.document(doc)
	require.Empty(t, c.wrong)
	w = p.call("GET", "/openapi.json", "", "", "If-None-Match", w.Header().Get("ETag"))
	require.Equal(t, 304, w.Code)
	w = p.call("GET", "/openapi.json", "", "", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	for _, e := range p.endpoints() {
		op := doc["paths"].(obj)[e.prefix+e.Path].(obj)[strings.ToLower(e.Method)].(obj)
		require.Contains(t, op["description"], e.Policy.Name, e.String())
		for _, version := range []string{e.Since, e.Until} {
			require.Contains(t, op["description"], version, e.String())
		}
		if e.service == "compute" {
			require.Contains(t, fmt.Sprint(op["parameters"]), "OpenStack-API-Version", e.String())
		}
		if e.Action != "" {
			require.Contains(t, op["description"], "`"+e.Action+"`", e.String())
		}
		require.Contains(t, doc["paths"].(obj)[e.prefix+e.Path], strings.ToLower(e.Method), e.String())
		require.NotEmpty(t, e.Policy.Name, "%s has no policy", e)
		require.Regexp(t, `^[A-Z].*\.$`, e.Doc, "%s: its documentation is a sentence", e)
		if e.Method != "GET" && e.Method != "HEAD" {
			require.Regexp(t, `^[a-z]+(\.[a-z0-9_]+)+$`, e.Audit, "%s: the audit calls it service.noun.verb", e)
		}
	}
}

func TestTheCheckerOfOpenAPIFindsMistakes(t *testing.T) {
	for doc, want := range map[string]string{
		`{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{}}`:                                                                                                      "openapi",
		`{"openapi":"3.1.0","info":{"title":"t"},"paths":{}}`:                                                                                                                    "version",
		`{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a/{b}":{"get":{"operationId":"x","responses":{"200":{"description":"d"}}}}}}`:                          "b is not described",
		`{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"operationId":"x","responses":{"200":{}}}}}}`:                                               "description",
		`{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a":{"fetch":{}}}}`:                                                                                     "fetch",
		`{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"operationId":"x","security":[{"none":[]}],"responses":{"200":{"description":"d"}}}}}}`:     "none",
		`{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"d","content":{"x/y":{"schema":{"type":"strung"}}}}}}}}}`: "strung",
	} {
		var parsed obj
		require.NoError(t, json.Unmarshal([]byte(doc), &parsed))
		c := &checker{ids: map[string]string{}}
		c.document(parsed)
		require.Contains(t, strings.Join(c.wrong, "\n"), want, doc)
	}
}

// checker notes what is wrong in an OpenAPI document.
type checker struct {
	wrong   []string
	ids     map[string]string
	schemes obj
}

func (c *checker) say(at, format string, args ...any) {
	c.wrong = append(c.wrong, at+": "+fmt.Sprintf(format, args...))
}

// fields checks that an object has what it must, and nothing that the specification does not know.
func (c *checker) fields(at string, v any, required, known string) obj {
	o, ok := v.(obj)
	if !ok {
		c.say(at, "is no object")
		return obj{}
	}
	must, may := strings.Fields(required), strings.Fields(known)
	for _, name := range must {
		if o[name] == nil {
			c.say(at, "lacks %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(must, name) && !slices.Contains(may, name) && !strings.HasPrefix(name, "x-") {
			c.say(at, "has %s, which is no field of it", name)
		}
	}
	return o
}

func (c *checker) document(doc obj) {
	c.fields("document", doc, "openapi info paths", "jsonSchemaDialect servers webhooks components security tags externalDocs")
	if v, _ := doc["openapi"].(string); !strings.HasPrefix(v, "3.1.") {
		c.say("openapi", "is %q and not 3.1.x", v)
	}
	info := c.fields("info", doc["info"], "title version", "summary description termsOfService contact license")
	if info["license"] != nil {
		license := c.fields("license", info["license"], "name", "identifier url")
		if license["identifier"] != nil && license["url"] != nil {
			c.say("license", "has both identifier and url")
		}
	}
	names := map[any]bool{}
	tags, _ := doc["tags"].([]any)
	for _, tag := range tags {
		name := c.fields("tag", tag, "name", "description externalDocs")["name"]
		if names[name] {
			c.say("tags", "%v is there twice", name)
		}
		names[name] = true
	}
	if components, ok := doc["components"].(obj); ok {
		c.schemes, _ = components["securitySchemes"].(obj)
	}
	shapes := map[string]string{}
	for path, item := range doc["paths"].(obj) {
		if !strings.HasPrefix(path, "/") {
			c.say(path, "does not begin with a slash")
		}
		shape := segment.ReplaceAllString(path, "{}")
		if other, taken := shapes[shape]; taken {
			c.say(path, "is the same path as %s", other)
		}
		shapes[shape] = path
		for method, op := range c.fields(path, item, "", "get put post delete options head patch trace summary description servers parameters") {
			c.operation(method+" "+path, path, op)
		}
	}
}

func (c *checker) operation(at, path string, v any) {
	op := c.fields(at, v, "responses", "tags summary description externalDocs operationId parameters requestBody callbacks deprecated security servers")
	if id, ok := op["operationId"].(string); ok {
		if other := c.ids[id]; other != "" {
			c.say(at, "has the operationId of %s", other)
		}
		c.ids[id] = at
	}
	inPath, seen := map[string]bool{}, map[string]bool{}
	parameters, _ := op["parameters"].([]any)
	for _, v := range parameters {
		parameter := c.fields(at+" parameter", v, "name in", "description required deprecated allowEmptyValue style explode schema example content")
		key := fmt.Sprint(parameter["in"], " ", parameter["name"])
		if seen[key] {
			c.say(at, "describes %s twice", key)
		}
		seen[key] = true
		if !slices.Contains([]any{"query", "header", "path", "cookie"}, parameter["in"]) {
			c.say(at, "has a parameter in %v", parameter["in"])
		}
		if parameter["in"] == "path" {
			inPath[fmt.Sprint(parameter["name"])] = true
			if parameter["required"] != true {
				c.say(at, "has a path parameter that is not required")
			}
		}
		c.schema(at+" "+key, parameter["schema"])
	}
	for _, m := range segment.FindAllStringSubmatch(path, -1) {
		if !inPath[m[1]] {
			c.say(at, "%s is not described", m[1])
		}
		delete(inPath, m[1])
	}
	for name := range inPath {
		c.say(at, "describes %s, which is not in the path", name)
	}
	if op["requestBody"] != nil {
		c.content(at+" body", c.fields(at+" body", op["requestBody"], "content", "description required")["content"])
	}
	responses, _ := op["responses"].(obj)
	if len(responses) == 0 {
		c.say(at, "has no responses")
	}
	for status, r := range responses {
		if !regexp.MustCompile(`^([1-5]\d\d|[1-5]XX|default)$`).MatchString(status) {
			c.say(at, "has the response %s", status)
		}
		c.content(at+" "+status, c.fields(at+" "+status, r, "description", "headers content links")["content"])
	}
	wanted, _ := op["security"].([]any)
	for _, s := range wanted {
		for name := range s.(obj) {
			if c.schemes[name] == nil {
				c.say(at, "asks for the security scheme %s, which is not there", name)
			}
		}
	}
}

func (c *checker) content(at string, v any) {
	content, _ := v.(obj)
	for kind, media := range content {
		if !strings.Contains(kind, "/") {
			c.say(at, "has the media type %s", kind)
		}
		if m := c.fields(at, media, "", "schema example examples encoding"); m["schema"] != nil {
			c.schema(at, m["schema"])
		}
	}
}

func (c *checker) schema(at string, v any) {
	s := c.fields(at+" schema", v, "", "type properties required additionalProperties items anyOf enum format minimum maximum minLength maxLength minItems maxItems minProperties maxProperties pattern description")
	if kind := s["type"]; kind != nil && !slices.Contains([]any{"null", "boolean", "object", "array", "number", "string", "integer"}, kind) {
		c.say(at, "has the type %v", kind)
	}
	properties, _ := s["properties"].(obj)
	for name, p := range properties {
		c.schema(at+"."+name, p)
	}
	if more, ok := s["additionalProperties"].(obj); ok {
		c.schema(at+".*", more)
	}
	if s["items"] != nil {
		c.schema(at+"[]", s["items"])
	}
	if forms, there := s["anyOf"]; there {
		list, ok := forms.([]any)
		if !ok || len(list) == 0 {
			c.say(at, "has an empty anyOf")
		}
		for _, f := range list {
			c.schema(at, f)
		}
	}
	required, listed := s["required"].([]any)
	if s["required"] != nil && !listed {
		c.say(at, "required is no list")
	}
	for i, name := range required {
		if slices.Contains(required[:i], name) {
			c.say(at, "requires %v twice", name)
		}
	}
	if words, ok := s["enum"].([]any); ok && len(words) == 0 {
		c.say(at, "has an empty enum")
	}
}
