package rest

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// field is what a tagged struct field says of itself.
type field struct {
	index     []int
	name      string // in JSON
	typ       reflect.Type
	omitEmpty bool
	extra     bool // json:"*"
	span      span
	check     check
	quoted    string // "name": ready to write
}

// structPlan is the JSON side of a struct type.
type structPlan struct {
	fields []field
	byName map[string]int
	extra  int // index into fields; -1 if there is none
}

// plans keeps what reflection has found about a type; types are few and never change.
var plans sync.Map // reflect.Type → *structPlan

func planStruct(t reflect.Type) (*structPlan, error) {
	if p, ok := plans.Load(t); ok {
		return p.(*structPlan), nil
	}
	p := &structPlan{byName: map[string]int{}, extra: -1}
	if err := p.collect(t, nil); err != nil {
		return nil, fmt.Errorf("type %s: %w", t, err)
	}
	plans.Store(t, p)
	return p, nil
}

func (p *structPlan) collect(t reflect.Type, index []int) error {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int{}, index...), i)
		tag, tagged := f.Tag.Lookup("json")
		if f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct {
			if err := p.collect(f.Type, at); err != nil {
				return err
			}
			continue
		}
		if !f.IsExported() || !tagged || tag == "-" {
			continue
		}
		if err := p.add(f, tag, at); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

func (p *structPlan) add(f reflect.StructField, tag string, at []int) error {
	name, options, _ := strings.Cut(tag, ",")
	fl := field{index: at, name: name, typ: f.Type, omitEmpty: strings.Contains(options, "omitempty")}
	if name == "*" {
		if f.Type != reflect.TypeFor[map[string]any]() && f.Type != reflect.TypeFor[map[string]string]() {
			return fmt.Errorf("json:\"*\" goes on a map[string]any or map[string]string")
		}
		fl.extra = true
		p.extra = len(p.fields)
		p.fields = append(p.fields, fl)
		return nil
	}
	var err error
	if fl.span, err = parseSpan(f.Tag.Get("since"), f.Tag.Get("until")); err != nil {
		return err
	}
	if fl.check, err = parseCheck(f.Tag.Get("check")); err != nil {
		return err
	}
	fl.quoted = string(appendString(nil, name)) + ":"
	p.byName[name] = len(p.fields)
	p.fields = append(p.fields, fl)
	return nil
}
