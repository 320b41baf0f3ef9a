package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync"
)

// encoder writes Go values as JSON for one version of the API. Where the caller asked for some fields only, the objects
// that have an id lose the others.
type encoder struct {
	version Version
	only    []string
}

var marshalerType = reflect.TypeFor[json.Marshaler]()

func (e encoder) append(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Type().Implements(marshalerType) {
		return e.foreign(dst, v)
	}
	switch v.Kind() {
	case reflect.String:
		return appendString(dst, v.String()), nil
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		return e.append(dst, v.Elem())
	case reflect.Struct:
		return e.object(dst, v)
	case reflect.Slice:
		return e.list(dst, v)
	case reflect.Map:
		return e.mapping(dst, v)
	}
	return e.foreign(dst, v)
}

func (e encoder) foreign(dst []byte, v reflect.Value) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.Interface()); err != nil {
		return nil, fmt.Errorf("encoding %s: %w", v.Type(), err)
	}
	return append(dst, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), nil
}

func (e encoder) object(dst []byte, v reflect.Value) ([]byte, error) {
	plan, err := planStruct(v.Type())
	if err != nil {
		return nil, err
	}
	dst = append(dst, '{')
	start := len(dst)
	_, named := plan.byName["id"]
	for i := range plan.fields {
		f := &plan.fields[i]
		fv := v.FieldByIndex(f.index)
		if !f.span.has(e.version) || (f.omitEmpty && empty(fv)) {
			continue
		}
		if named && e.only != nil && !slices.Contains(e.only, f.name) {
			continue
		}
		if f.extra {
			if dst, err = e.entries(dst, fv, start, plan); err != nil {
				return nil, err
			}
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, f.quoted...)
		if dst, err = e.append(dst, fv); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// entries writes a map's entries into the object that began at start; the struct's own fields win over them.
func (e encoder) entries(dst []byte, m reflect.Value, start int, plan *structPlan) ([]byte, error) {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return bytes.Compare([]byte(a.String()), []byte(b.String())) })
	var err error
	for _, k := range keys {
		if plan != nil {
			if _, taken := plan.byName[k.String()]; taken {
				continue
			}
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, k.String()), ':')
		if dst, err = e.append(dst, m.MapIndex(k)); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (e encoder) list(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return e.foreign(dst, v)
	}
	if v.Len() < 2*alone {
		dst, err := e.items(append(dst, '['), v, 0, v.Len())
		return append(dst, ']'), err
	}
	var mu sync.Mutex
	var failed error
	parts := map[int][]byte{}
	InParts(v.Len(), func(from, to int) {
		part, err := e.items(nil, v, from, to)
		mu.Lock()
		defer mu.Unlock()
		parts[from], failed = part, errors.Join(failed, err)
	})
	inOrder := make([][]byte, 0, len(parts))
	for _, from := range slices.Sorted(maps.Keys(parts)) {
		inOrder = append(inOrder, parts[from])
	}
	return append(append(append(dst, '['), bytes.Join(inOrder, []byte{','})...), ']'), failed
}

// items writes some items of a list.
func (e encoder) items(dst []byte, v reflect.Value, from, to int) ([]byte, error) {
	var err error
	for i := from; i < to; i++ {
		if i > from {
			dst = append(dst, ',')
		}
		if dst, err = e.append(dst, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (e encoder) mapping(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Type().Key().Kind() != reflect.String {
		return e.foreign(dst, v)
	}
	dst = append(dst, '{')
	dst, err := e.entries(dst, v, len(dst), nil)
	if err != nil {
		return nil, err
	}
	return append(dst, '}'), nil
}

func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	}
	return v.IsZero()
}

// appendString writes a JSON string; what is not plain ASCII goes the long way.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return appendEscaped(dst, s)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always encodes
		return append(dst, `""`...)
	}
	return append(dst, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
