package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// node is a value of JSON and where it stands.
type node struct {
	path  string
	value any
}

// fields are the fields of an object.
type fields struct {
	path   string
	values map[string]any
}

// object reads an object that may have some fields and no others.
func (n node) object(known ...string) (fields, error) {
	m, ok := n.value.(map[string]any)
	if !ok {
		return fields{}, fault.Invalidf(n.path, "Invalid input for field %s: it must be an object", n.path)
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(known, name) {
			return fields{}, fault.Invalidf(n.path, "Invalid input for field %s: Additional properties are not allowed, the fields are %s and not %q", n.path, strings.Join(known, ", "), name)
		}
	}
	return fields{n.path, m}, nil
}

func (f fields) has(name string) bool {
	_, ok := f.values[name]
	return ok
}

func (f fields) at(name string) node { return node{f.path + "." + name, f.values[name]} }

func (f fields) wrong(name, format string, args ...any) error {
	path := f.path + "." + name
	return fault.Invalidf(path, "Invalid input for field %s: it %s", path, fmt.Sprintf(format, args...))
}

func (f fields) text(name string, required bool) (string, error) {
	if !f.has(name) {
		if required {
			return "", f.wrong(name, "is a required field")
		}
		return "", nil
	}
	s, ok := f.values[name].(string)
	if !ok {
		return "", f.wrong(name, "must be a string")
	}
	return s, nil
}

func (f fields) truth(name string) (bool, error) {
	if !f.has(name) {
		return false, nil
	}
	on, ok := f.values[name].(bool)
	if !ok {
		return false, f.wrong(name, "must be true or false")
	}
	return on, nil
}

func (f fields) list(name string) ([]node, error) {
	if !f.has(name) {
		return nil, f.wrong(name, "is a required field")
	}
	items, ok := f.values[name].([]any)
	if !ok {
		return nil, f.wrong(name, "must be a list")
	}
	out := make([]node, len(items))
	for i, item := range items {
		out[i] = node{fmt.Sprintf("%s.%s[%d]", f.path, name, i), item}
	}
	return out, nil
}

func (f fields) texts(name string) ([]string, error) {
	items, err := f.list(name)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(items))
	for i, item := range items {
		s, ok := item.value.(string)
		if !ok {
			return nil, f.wrong(fmt.Sprintf("%s[%d]", name, i), "must be a string")
		}
		out[i] = s
	}
	return out, nil
}
