package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// maxDepth is how deep the body of a request may nest.
const maxDepth = 32

// Opt is a field of which absent, null and a value are three different things, as in PUT and PATCH.
type Opt[T any] struct {
	Set, Null bool
	Value     T
}

// Or returns the value, or other where the field is absent or null.
func (o Opt[T]) Or(other T) T {
	if o.Set && !o.Null {
		return o.Value
	}
	return other
}

func (o *Opt[T]) accept(null bool) any {
	o.Set, o.Null = true, null
	return &o.Value
}

type optional interface{ accept(null bool) any }

type validator interface{ Validate() error }

// binder fills Go values from a decoded JSON tree, for one version of the API.
type binder struct{ version Version }

func (b binder) value(v reflect.Value, tree any, path string, c *check, depth int) error {
	if depth > maxDepth {
		return fault.Invalidf(path, "the body nests deeper than %d levels", maxDepth)
	}
	if o, ok := v.Addr().Interface().(optional); ok {
		inner := o.accept(tree == nil)
		if tree == nil {
			return nil
		}
		return b.value(reflect.ValueOf(inner).Elem(), tree, path, c, depth)
	}
	if v.Kind() == reflect.Pointer {
		if tree == nil {
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return b.value(v.Elem(), tree, path, c, depth)
	}
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		raw, err := json.Marshal(tree)
		if err != nil {
			return fmt.Errorf("re-encoding %s: %w", path, err)
		}
		v.SetBytes(raw)
		return nil
	}
	switch v.Kind() {
	case reflect.Interface:
		return b.free(v, tree, path, depth)
	case reflect.Struct:
		return b.object(v, tree, path, depth)
	case reflect.Slice:
		return b.list(v, tree, path, c, depth)
	case reflect.Map:
		return b.mapping(v, tree, path, c, depth)
	}
	return b.scalar(v, tree, path, c)
}

func (b binder) free(v reflect.Value, tree any, path string, depth int) error {
	plain, err := plainTree(tree, path, depth)
	if err != nil || plain == nil {
		return err
	}
	v.Set(reflect.ValueOf(plain))
	return nil
}

// plainTree turns json.Number into int64 or float64 and refuses what nests too deep.
func plainTree(tree any, path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fault.Invalidf(path, "the body nests deeper than %d levels", maxDepth)
	}
	var err error
	switch t := tree.(type) {
	case json.Number:
		if n, err := t.Int64(); err == nil {
			return n, nil
		}
		f, err := t.Float64()
		if err != nil {
			return nil, fault.Invalidf(path, "Invalid input for field %s: the number %s is out of range", path, shorten(t.String()))
		}
		return f, nil
	case []any:
		for i := range t {
			if t[i], err = plainTree(t[i], fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range t {
			if t[k], err = plainTree(t[k], join(path, k), depth+1); err != nil {
				return nil, err
			}
		}
	}
	return tree, nil
}

func (b binder) object(v reflect.Value, tree any, path string, depth int) error {
	m, ok := tree.(map[string]any)
	if !ok {
		return wrongType(path, tree, "an object")
	}
	plan, err := planStruct(v.Type())
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m)) { // sorted, so that the same mistake always gets the same answer
		i, known := plan.byName[name]
		if known && plan.fields[i].span.has(b.version) {
			f := &plan.fields[i]
			if err := b.value(v.FieldByIndex(f.index), m[name], join(path, name), &f.check, depth+1); err != nil {
				return err
			}
			continue
		}
		if plan.extra < 0 {
			return b.unknown(plan, join(path, name), known)
		}
		if err := b.extra(v.FieldByIndex(plan.fields[plan.extra].index), name, m[name], path, depth); err != nil {
			return err
		}
	}
	for i := range plan.fields {
		f := &plan.fields[i]
		if _, present := m[f.name]; f.check.required && !present && f.span.has(b.version) {
			return fault.Invalidf(join(path, f.name), "Invalid input: %s is a required field", join(path, f.name))
		}
	}
	if val, ok := v.Addr().Interface().(validator); ok {
		return val.Validate()
	}
	return nil
}

func (b binder) unknown(plan *structPlan, path string, known bool) error {
	if known {
		return fault.Invalidf(path, "Invalid input: the field %s does not exist in version %s of the API", path, b.version)
	}
	var names []string
	for i := range plan.fields {
		if plan.fields[i].span.has(b.version) {
			names = append(names, plan.fields[i].name)
		}
	}
	slices.Sort(names)
	return fault.Invalidf(path, "Invalid input: there is no field %s; Additional properties are not allowed, the fields are %s", shorten(path), strings.Join(names, ", "))
}

func (b binder) extra(v reflect.Value, name string, tree any, path string, depth int) error {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	item := reflect.New(v.Type().Elem()).Elem()
	if err := b.value(item, tree, join(path, name), &check{}, depth+1); err != nil {
		return err
	}
	v.SetMapIndex(reflect.ValueOf(name), item)
	return nil
}

func (b binder) list(v reflect.Value, tree any, path string, c *check, depth int) error {
	items, ok := tree.([]any)
	if !ok {
		return wrongType(path, tree, "a list")
	}
	if err := c.count(path, int64(len(items)), "items"); err != nil {
		return err
	}
	// min and max of the tag speak of the list; the other checks of its items.
	each := check{enum: c.enum, format: c.format}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := b.value(v.Index(i), item, fmt.Sprintf("%s[%d]", path, i), &each, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (b binder) mapping(v reflect.Value, tree any, path string, c *check, depth int) error {
	m, ok := tree.(map[string]any)
	if !ok {
		return wrongType(path, tree, "an object")
	}
	if err := c.count(path, int64(len(m)), "entries"); err != nil {
		return err
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(m)))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := b.extra(v, key, m[key], path, depth); err != nil {
			return err
		}
	}
	return nil
}

func (b binder) scalar(v reflect.Value, tree any, path string, c *check) error {
	switch v.Kind() {
	case reflect.String:
		s, ok := tree.(string)
		if !ok {
			return wrongType(path, tree, "a string")
		}
		v.SetString(s)
		return c.text(path, s)
	case reflect.Bool:
		on, ok := boolean(tree)
		if !ok {
			return wrongType(path, tree, "true or false")
		}
		v.SetBool(on)
		return nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, ok := integer(tree)
		if !ok || v.OverflowInt(n) {
			return wrongType(path, tree, "an integer")
		}
		v.SetInt(n)
		return c.number(path, n)
	case reflect.Float64:
		n, ok := tree.(json.Number)
		f, err := n.Float64()
		if !ok || err != nil || math.IsInf(f, 0) {
			return wrongType(path, tree, "a number")
		}
		v.SetFloat(f)
		return nil
	}
	return fmt.Errorf("field %s has type %s, which a body can't fill", path, v.Type())
}

// boolean takes the strings that OpenStack's services take for booleans, too.
func boolean(tree any) (value, ok bool) {
	switch t := tree.(type) {
	case bool:
		return t, true
	case string:
		switch strings.ToLower(t) {
		case "true", "1", "yes", "on", "t", "y":
			return true, true
		case "false", "0", "no", "off", "f", "n":
			return false, true
		}
	case json.Number:
		return t == "1", t == "1" || t == "0"
	}
	return false, false
}

// integer takes digits in a string too, as OpenStack's services do.
func integer(tree any) (int64, bool) {
	switch t := tree.(type) {
	case json.Number:
		n, err := t.Int64()
		return n, err == nil
	case string:
		n, err := strconv.ParseInt(t, 10, 64)
		return n, err == nil
	}
	return 0, false
}

func wrongType(path string, tree any, want string) error {
	if path == "" {
		path = "body"
	}
	raw, err := json.Marshal(tree)
	if err != nil {
		raw = []byte("that")
	}
	return fault.Invalidf(path, "Invalid input for field %s: %s is not %s", path, shorten(string(raw)), want)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
