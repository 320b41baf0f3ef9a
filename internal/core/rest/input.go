package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// maxBody is how long a JSON body may be, in bytes. User data alone may be 64 KiB of base64.
const maxBody = 1 << 20

// source is where a field of an input struct comes from.
type source struct {
	index []int
	name  string
	typ   reflect.Type
	check check
	doc   string // of query:"*": what may be in it
}

// inputPlan is how a request becomes an input struct.
type inputPlan struct {
	path, query, header, body []source
	whole, raw                *source // body:"." and raw:"body"
}

func planInput(t reflect.Type) (*inputPlan, error) {
	p := &inputPlan{}
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("input %s is not a struct", t)
	}
	if err := p.collect(t, nil); err != nil {
		return nil, fmt.Errorf("input %s: %w", t, err)
	}
	return p, nil
}

func (p *inputPlan) collect(t reflect.Type, index []int) error {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int{}, index...), i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct && f.Tag == "" {
			if err := p.collect(f.Type, at); err != nil {
				return err
			}
			continue
		}
		if err := p.add(f, at); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

func (p *inputPlan) add(f reflect.StructField, at []int) error {
	c, err := parseCheck(f.Tag.Get("check"))
	if err != nil {
		return err
	}
	s := source{index: at, typ: f.Type, check: c, doc: f.Tag.Get("doc")}
	for _, from := range []struct {
		tag  string
		list *[]source
	}{{"path", &p.path}, {"query", &p.query}, {"header", &p.header}, {"body", &p.body}} {
		name, ok := f.Tag.Lookup(from.tag)
		if !ok {
			continue
		}
		s.name = name
		if from.tag == "body" {
			if err := planBody(f.Type); err != nil {
				return err
			}
			if name == "." {
				p.whole = &s
				return nil
			}
		}
		*from.list = append(*from.list, s)
		return nil
	}
	if f.Tag.Get("raw") == "body" {
		p.raw = &s
		return nil
	}
	return errors.New("it says not where it comes from: tag it path, query, header, body or raw")
}

func planBody(t reflect.Type) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	if _, isOpt := reflect.New(t).Interface().(optional); isOpt {
		return nil
	}
	_, err := planStruct(t)
	return err
}

// fill decodes a request into in, a pointer to the input struct. body is the decoded JSON, where there is one.
func (p *inputPlan) fill(in any, r *http.Request, body any, version Version) error {
	v := reflect.ValueOf(in).Elem()
	for _, s := range p.path {
		if err := bindText(v.FieldByIndex(s.index), []string{r.PathValue(s.name)}, s.name, &s.check); err != nil {
			return err
		}
	}
	if err := p.fillQuery(v, r); err != nil {
		return err
	}
	for _, s := range p.header {
		if values := r.Header.Values(s.name); len(values) > 0 {
			if err := bindText(v.FieldByIndex(s.index), values, s.name, &s.check); err != nil {
				return err
			}
		}
	}
	b := binder{version}
	if p.raw != nil {
		v.FieldByIndex(p.raw.index).Set(reflect.ValueOf(io.Reader(r.Body)))
	}
	if p.whole != nil {
		return b.value(v.FieldByIndex(p.whole.index), body, "", &p.whole.check, 0)
	}
	return p.fillBody(v, b, body)
}

func (p *inputPlan) fillQuery(v reflect.Value, r *http.Request) error {
	if len(p.query) == 0 {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fault.Invalidf("query", "the query string can't be read: %s", err)
	}
	for name, values := range query {
		for _, value := range values {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return fault.Invalidf(name, "Invalid input for query parameter %s: it is not valid UTF-8 text", shorten(name))
			}
		}
	}
	for _, s := range p.query {
		if s.name == "*" {
			v.FieldByIndex(s.index).Set(reflect.ValueOf(query))
			continue
		}
		values := query[s.name]
		if s.check.required && len(values) == 0 {
			return fault.Invalidf(s.name, "the query parameter %s is required", s.name)
		}
		if len(values) > 0 {
			if err := bindText(v.FieldByIndex(s.index), values, s.name, &s.check); err != nil {
				return err
			}
		}
	}
	return nil
}

// unexpected refuses a query parameter that no field takes.
func (p *inputPlan) unexpected(r *http.Request) error {
	var known []string
	for _, s := range p.query {
		if s.name == "*" {
			return nil
		}
		known = append(known, s.name)
	}
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(known, name) {
			return fault.Invalidf(name, "Invalid input for query parameters: Additional properties are not allowed ('%s' was unexpected); there are: %s", shorten(name), strings.Join(known, ", "))
		}
	}
	return nil
}

func (p *inputPlan) fillBody(v reflect.Value, b binder, body any) error {
	if len(p.body) == 0 {
		return nil
	}
	var names []string
	for _, s := range p.body {
		names = append(names, s.name)
	}
	m, ok := body.(map[string]any)
	if !ok {
		return fault.Invalidf(names[0], "the request needs a JSON body: an object with the key %s", strings.Join(names, ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(names, key) {
			return fault.Invalidf(key, "Invalid input: there is no field %s in the body; it may have %s", shorten(key), strings.Join(names, ", "))
		}
	}
	for _, s := range p.body {
		tree, present := m[s.name]
		fv := v.FieldByIndex(s.index)
		if !present && fv.Kind() != reflect.Pointer && !isOptional(fv) {
			return fault.Invalidf(s.name, "Invalid input: %s is a required field of the body", s.name)
		}
		if !present {
			continue
		}
		if err := b.value(fv, tree, s.name, &s.check, 0); err != nil {
			return err
		}
	}
	return nil
}

func isOptional(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(optional)
	return ok
}

// bindText fills a field from a path, a query or a header.
func bindText(v reflect.Value, values []string, name string, c *check) error {
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(values), len(values)))
		for i := range values {
			if err := bindText(v.Index(i), values[i:i+1], name, c); err != nil {
				return err
			}
		}
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0) {
		return fault.Invalidf(name, "Invalid input for %s: it is not valid UTF-8 text", name)
	}
	return binder{}.scalar(v, values[0], name, c)
}

// readBody reads the JSON body of a request.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, fault.New(fault.TooLarge, "the body is longer than %d bytes", tooLong.Limit)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the body could not be read")
	}
	return raw, nil
}

// parseBody parses the JSON body of a request. No body gives nil.
func parseBody(raw []byte, kind string) (any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	if kind != "" && !strings.Contains(kind, "json") && kind != "application/x-www-form-urlencoded" {
		return nil, fault.New(fault.Unsupported, "the content type %s is not supported here: send application/json", shorten(kind))
	}
	return parseJSON(raw)
}

func parseJSON(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, fault.Invalidf("body", "Malformed request body: it is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, fault.Invalidf("body", "Malformed request body: it is not valid JSON at byte %d: %s", dec.InputOffset(), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.Invalidf("body", "Malformed request body: there is more after the JSON value")
	}
	if bytes.Contains(raw, []byte(`u0000`)) && hasNUL(tree) { // JSON has no other way to write it
		return nil, fault.Invalidf("body", "Malformed request body: a text in it holds the character NUL, which no field may")
	}
	return tree, nil
}

// hasNUL tells whether a text or a key of a tree holds the character NUL, which databases can't keep.
func hasNUL(tree any) bool {
	switch t := tree.(type) {
	case string:
		return strings.ContainsRune(t, 0)
	case []any:
		return slices.ContainsFunc(t, hasNUL)
	case map[string]any:
		for k, v := range t {
			if hasNUL(k) || hasNUL(v) {
				return true
			}
		}
	}
	return false
}
