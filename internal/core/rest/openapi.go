package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// node is a piece of an OpenAPI document.
type node = map[string]any

// OpenAPI returns the OpenAPI 3.1 document of the services, made from the tables that serve them.
func OpenAPI(title, version string, services ...Service) ([]byte, error) {
	paths := map[string]node{}
	var tags []node
	for _, s := range services {
		tags = append(tags, node{"name": s.Type})
		for i := range s.Routes {
			if err := describe(paths, &s, &s.Routes[i]); err != nil {
				return nil, fmt.Errorf("route %s %s: %w", s.Routes[i].Method, s.Routes[i].Path, err)
			}
		}
	}
	doc := node{
		"openapi": "3.1.0",
		"info":    node{"title": title, "version": version, "license": node{"name": "Apache-2.0", "identifier": "Apache-2.0"}},
		"tags":    tags, "paths": paths,
		"components": node{"securitySchemes": node{"token": node{"type": "apiKey", "in": "header", "name": "X-Auth-Token"}}},
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encoding the OpenAPI document: %w", err)
	}
	return raw, nil
}

// describe adds a route; rows that share method and path become one operation, whose body is one of theirs.
func describe(paths map[string]node, s *Service, r *Route) error {
	path := s.Prefix + r.Path
	if paths[path] == nil {
		paths[path] = node{}
	}
	method := strings.ToLower(r.Method)
	body, err := bodySchema(r)
	if err != nil {
		return err
	}
	if op, ok := paths[path][method].(node); ok {
		op["description"] = fmt.Sprint(op["description"], "\n\n", r.line())
		for key, version := range map[string]string{"x-since": r.Since, "x-until": r.Until} {
			if op[key] != version { // it is there in other versions, too
				delete(op, key)
			}
		}
		op["parameters"] = merged(op["parameters"].([]node), parameters(s, r))
		for status, response := range responses(r) {
			if op["responses"].(node)[status] == nil {
				op["responses"].(node)[status] = response
			}
		}
		if body != nil {
			schema := op["requestBody"].(node)["content"].(node)["application/json"].(node)["schema"].(node)
			schema["anyOf"] = append(schema["anyOf"].([]node), body)
		}
		return nil
	}
	op := node{
		"tags": []string{s.Type}, "operationId": operationID(s, r), "summary": r.Doc, "description": r.line(),
		"parameters": parameters(s, r), "responses": responses(r), "x-policy": r.Policy.Name,
	}
	if r.Since != "" {
		op["x-since"] = r.Since
	}
	if r.Until != "" {
		op["x-until"] = r.Until
	}
	if r.Policy.NeedsToken() {
		op["security"] = []node{{"token": []string{}}}
	}
	if body != nil {
		op["requestBody"] = node{"content": node{"application/json": node{"schema": node{"anyOf": []node{body}}}}}
	}
	if r.Do.in.raw != nil {
		op["requestBody"] = node{"content": node{"application/octet-stream": node{}}}
	}
	paths[path][method] = op
	return nil
}

func (r *Route) line() string {
	line := r.Doc
	if r.Action != "" {
		line = "`" + r.Action + "`: " + line
	}
	line += " Policy: " + r.Policy.Name + "."
	if r.Since != "" {
		line += " Since " + r.Since + "."
	}
	if r.Until != "" {
		line += " Until " + r.Until + "."
	}
	return line
}

var notWord = regexp.MustCompile(`[^A-Za-z0-9]+`)

func operationID(s *Service, r *Route) string {
	return strings.Trim(notWord.ReplaceAllString(s.Type+"_"+strings.ToLower(r.Method)+"_"+r.Path, "_"), "_")
}

// merged are the parameters of rows that share method and path.
func merged(first, more []node) []node {
	for _, p := range more {
		if !slices.ContainsFunc(first, func(q node) bool { return q["name"] == p["name"] && q["in"] == p["in"] }) {
			first = append(first, p)
		}
	}
	return first
}

// parameter is the header by which a request asks for a version of the API.
func (m *Micro) parameter() node {
	return node{
		"name": "OpenStack-API-Version", "in": "header", "required": false,
		"description": fmt.Sprintf("%q, from %s to %s, or latest; without it %s.", m.Service+" "+m.Max, m.Min, m.Max, m.Min),
		"schema":      node{"type": "string"}, "x-minimum": m.Min, "x-maximum": m.Max,
	}
}

func parameters(s *Service, r *Route) []node {
	out := []node{}
	add := func(in string, list []source) {
		for _, s := range list {
			if s.name == "*" { // the standard's way to say that there may be others
				out = append(out, node{
					"name": "filters", "in": in, "required": false, "style": "form", "explode": true, "description": s.doc,
					"schema": node{"type": "object", "additionalProperties": node{"type": "string"}},
				})
				continue
			}
			if in == "path" && !slices.Contains(pathNames(r.Path), s.name) { // an input may serve several paths
				continue
			}
			schema := scalarSchema(s.typ, &s.check)
			out = append(out, node{"name": s.name, "in": in, "required": in == "path" || s.check.required, "schema": schema})
		}
	}
	add("path", r.Do.in.path)
	for _, name := range pathNames(r.Path) {
		if !slices.ContainsFunc(r.Do.in.path, func(s source) bool { return s.name == name }) {
			out = append(out, node{"name": name, "in": "path", "required": true, "schema": node{"type": "string"}})
		}
	}
	add("query", r.Do.in.query)
	add("header", r.Do.in.header)
	if s.Micro != nil {
		out = append(out, s.Micro.parameter())
	}
	return out
}

func responses(r *Route) node {
	ok := node{"description": http.StatusText(r.status())}
	t := r.Do.outType
	switch {
	case t == reflect.TypeFor[Stream]():
		ok["content"] = node{"application/octet-stream": node{}}
	case t != reflect.TypeFor[None]():
		ok["content"] = node{"application/json": node{"schema": schemaOf(t, 0)}}
	}
	return node{strconv.Itoa(r.status()): ok, "default": node{"description": "an error, in the envelope of the service"}}
}

func bodySchema(r *Route) (node, error) {
	if w := r.Do.in.whole; w != nil {
		return schemaOf(w.typ, 0), nil
	}
	if r.Action == "" && len(r.Do.in.body) == 0 {
		return nil, nil
	}
	properties, required := node{}, []string{}
	for _, s := range r.Do.in.body {
		properties[s.name] = checkedSchema(s.typ, &s.check, 0)
		if s.typ.Kind() != reflect.Pointer && !isOpt(s.typ) {
			required = append(required, s.name)
		}
	}
	if r.Action != "" && properties[r.Action] == nil {
		properties[r.Action] = node{}
		required = append(required, r.Action)
	}
	return node{"type": "object", "properties": properties, "required": required, "additionalProperties": false}, nil
}

// maxSchemaDepth ends the description of types that hold themselves.
const maxSchemaDepth = 8

func schemaOf(t reflect.Type, depth int) node { return checkedSchema(t, &check{}, depth) }

func isOpt(t reflect.Type) bool {
	_, is := reflect.New(t).Interface().(optional)
	return is
}

// checkedSchema is the schema of a field with its check: min and max of a list speak of the list, the rest of its items.
func checkedSchema(t reflect.Type, c *check, depth int) node {
	if depth > maxSchemaDepth || t.Implements(marshalerType) {
		return node{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return checkedSchema(t.Elem(), c, depth)
	case reflect.Slice:
		items := checkedSchema(t.Elem(), &check{enum: c.enum, format: c.format}, depth+1)
		return bounds(node{"type": "array", "items": items}, c, "minItems", "maxItems")
	case reflect.Map:
		return bounds(node{"type": "object", "additionalProperties": schemaOf(t.Elem(), depth+1)}, c, "minProperties", "maxProperties")
	case reflect.Struct:
		if isOpt(t) {
			f, _ := t.FieldByName("Value")
			return node{"anyOf": []node{checkedSchema(f.Type, c, depth+1), {"type": "null"}}}
		}
		return objectSchema(t, depth)
	}
	return scalarSchema(t, c)
}

func objectSchema(t reflect.Type, depth int) node {
	plan, err := planStruct(t)
	if err != nil { // refused at start by Do
		return node{}
	}
	properties, required := node{}, []string{}
	for i := range plan.fields {
		f := &plan.fields[i]
		if f.extra {
			continue
		}
		schema := checkedSchema(f.typ, &f.check, depth+1)
		if f.span.since != (Version{}) {
			schema["x-since"] = f.span.since.String()
		}
		if f.span.until != (Version{}) {
			schema["x-until"] = f.span.until.String()
		}
		properties[f.name] = schema
		if f.check.required {
			required = append(required, f.name)
		}
	}
	return node{"type": "object", "properties": properties, "required": required, "additionalProperties": plan.extra >= 0}
}

func scalarSchema(t reflect.Type, c *check) node {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice:
		return node{"type": "array", "items": scalarSchema(t.Elem(), c)}
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.Float64:
		return node{"type": "number"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return bounds(node{"type": "integer"}, c, "minimum", "maximum")
	case reflect.String:
		n := bounds(node{"type": "string"}, c, "minLength", "maxLength")
		if c.enum != nil {
			n["enum"] = c.enum
		}
		switch c.format {
		case "":
		case "uuid":
			n["pattern"] = uuidPattern.String()
		default:
			n["format"] = c.format // of ours: ip, cidr, mac
		}
		return n
	}
	return node{}
}

func bounds(n node, c *check, low, high string) node {
	if c.min != nil {
		n[low] = *c.min
	}
	if c.max != nil {
		n[high] = *c.max
	}
	return n
}
