package ovn

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/ovn-kubernetes/libovsdb/model"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

var _ network.Auditor = (*Engine)(nil)

// Audit implements network.Auditor.
func (e *Engine) Audit(_ context.Context, s network.State) ([]network.Deviation, error) {
	r, chassis, err := e.ready()
	if err != nil {
		return nil, err
	}
	c, err := diff(r, true, nil, Wanted(s, chassis))
	if err != nil {
		return nil, err
	}
	return deviations(r, c), nil
}

// deviations are changes, seen from what is there.
func deviations(v view, c *changes) []network.Deviation {
	var out []network.Deviation
	known := map[string]bool{} // rows that are told of as a whole
	for _, o := range c.insert {
		known[o.UUID] = true
		out = append(out, network.Deviation{Kind: network.Missing, Table: o.Table, Row: o.UUID, Unit: o.Unit})
	}
	for _, o := range c.extra {
		known[o.UUID] = true
		out = append(out, network.Deviation{Kind: network.Extra, Table: o.Table, Row: o.UUID, Unit: o.Unit})
	}
	for _, u := range c.update {
		if known[u.UUID] {
			continue
		}
		there := v.row(u.Table, u.UUID)
		for _, column := range u.columns {
			detail := fmt.Sprintf("%s is %s, not %s", column, valueText(there, column), valueText(u.Row, column))
			out = append(out, network.Deviation{Kind: network.Altered, Table: u.Table, Row: u.UUID, Unit: u.Unit, Detail: detail})
		}
	}
	for at, e := range c.edits {
		if known[at.uuid] {
			continue
		}
		var unit network.Unit
		if row := v.row(at.table, at.uuid); row != nil {
			unit = parseUnit(externalIDs(row)[keyUnit])
		}
		altered := func(format string, members []string) {
			for _, m := range members {
				if !known[m] {
					out = append(out, network.Deviation{
						Kind: network.Altered, Table: at.table, Row: at.uuid, Unit: unit, Detail: fmt.Sprintf(format, at.column, m),
					})
				}
			}
		}
		altered("%s lacks %s", e.add)
		altered("%s has %s, which does not belong there", e.remove)
	}
	slices.SortFunc(out, func(a, b network.Deviation) int {
		return cmp.Or(cmp.Compare(a.Unit.Kind, b.Unit.Kind), cmp.Compare(a.Unit.ID, b.Unit.ID), cmp.Compare(a.Table, b.Table),
			cmp.Compare(a.Row, b.Row), cmp.Compare(a.Detail, b.Detail))
	})
	return out
}

// valueText is a column of a row as people read it.
func valueText(row model.Model, column string) string {
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("ovsdb") != column {
			continue
		}
		f := v.Field(i)
		if f.Kind() == reflect.Pointer {
			if f.IsNil() {
				return "empty"
			}
			f = f.Elem()
		}
		return fmt.Sprintf("%v", f.Interface())
	}
	return "unknown"
}
