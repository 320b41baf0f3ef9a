package ovn

import (
	"reflect"
	"slices"

	"github.com/ovn-kubernetes/libovsdb/model"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// view is what the database holds.
type view interface {
	// row is a row by its UUID; nil if there is none.
	row(table, uuid string) model.Model
	// owned are our rows of a table: those of some units, or all.
	owned(table string, full bool, units []network.Unit) (map[string]model.Model, error)
}

// list is a list of another row's.
type list struct{ table, column, uuid string }

// edit is what has to change in a list.
type edit struct{ add, remove []string }

// changes are what makes the database hold what is wanted.
type changes struct {
	insert []Object
	update []update
	remove []list // rows of root tables; the others go with their places
	edits  map[list]*edit
	extra  []Object // rows that are removed, of root tables or not
}

type update struct {
	Object
	columns []string
}

func (c *changes) empty() bool {
	return len(c.insert) == 0 && len(c.update) == 0 && len(c.remove) == 0 && len(c.edits) == 0
}

func (c *changes) edit(at list) *edit {
	if c.edits[at] == nil {
		c.edits[at] = &edit{}
	}
	return c.edits[at]
}

// diff compares what is wanted of some units, or of all, with what is there.
func diff(v view, full bool, units []network.Unit, wanted []Object) (*changes, error) {
	d := &differ{view: v, want: map[list]Object{}, lists: map[list]map[string]bool{}, out: &changes{edits: map[list]*edit{}}}
	for _, o := range wanted {
		d.want[list{table: o.Table, uuid: o.UUID}] = o
	}
	for _, o := range wanted {
		if d.want[list{table: o.Table, uuid: o.UUID}].Row == o.Row {
			d.compare(o)
		}
	}
	for table := range models() {
		rows, err := v.owned(table, full, units)
		if err != nil {
			return nil, err
		}
		for uuid, row := range rows {
			if _, stays := d.want[list{table: table, uuid: uuid}]; !stays {
				d.drop(table, uuid, row)
			}
			if full {
				d.strays(table, uuid, row)
			}
		}
	}
	if len(d.missing) > 0 {
		return nil, &network.Incomplete{Units: d.missing}
	}
	return d.out, nil
}

type differ struct {
	view    view
	want    map[list]Object
	lists   map[list]map[string]bool // the lists that were looked at
	missing []network.Unit
	out     *changes
}

// compare adds a row, or mends its columns and the lists that it is in.
func (d *differ) compare(o Object) {
	there := d.view.row(o.Table, o.UUID)
	var before []Place
	if there == nil {
		d.out.insert = append(d.out.insert, o)
	} else {
		if columns := differing(there, o.Row); len(columns) > 0 {
			d.out.update = append(d.out.update, update{o, columns})
		}
		before = parsePlaces(externalIDs(there)[keyIn])
	}
	for _, p := range o.In {
		at := list{p.Table, p.Column, p.UUID}
		if !d.exists(p) {
			if !slices.Contains(d.missing, p.Unit) {
				d.missing = append(d.missing, p.Unit)
			}
			continue
		}
		if !d.members(at)[o.UUID] {
			e := d.out.edit(at)
			e.add = append(e.add, o.UUID)
		}
	}
	for _, p := range before {
		at := list{p.Table, p.Column, p.UUID}
		if !slices.Contains(o.In, p) && d.members(at)[o.UUID] {
			e := d.out.edit(at)
			e.remove = append(e.remove, o.UUID)
		}
	}
}

// exists tells whether the row that has a list is there or will be.
func (d *differ) exists(p Place) bool {
	_, wanted := d.want[list{table: p.Table, uuid: p.UUID}]
	return wanted || d.view.row(p.Table, p.UUID) != nil
}

// members are the members of a list in the database.
func (d *differ) members(at list) map[string]bool {
	if m, ok := d.lists[at]; ok {
		return m
	}
	m := map[string]bool{}
	if row := d.view.row(at.table, at.uuid); row != nil {
		for _, uuid := range memberLists(row)[at.column] {
			m[uuid] = true
		}
	}
	d.lists[at] = m
	return m
}

// drop removes a row of ours that is not wanted.
func (d *differ) drop(table, uuid string, row model.Model) {
	d.out.extra = append(d.out.extra, Object{Table: table, UUID: uuid, Unit: parseUnit(externalIDs(row)[keyUnit]), Row: row})
	if root(table) {
		d.out.remove = append(d.out.remove, list{table: table, uuid: uuid})
	}
	if leg, ok := row.(*LogicalRouterPort); ok && leg.HAChassisGroup != nil {
		// A row that only lost its place still holds what it refers to until the transaction ends.
		d.out.update = append(d.out.update, update{Object{Table: table, UUID: uuid, Row: &LogicalRouterPort{}}, []string{"ha_chassis_group"}})
	}
	for _, p := range parsePlaces(externalIDs(row)[keyIn]) {
		at := list{p.Table, p.Column, p.UUID}
		if d.members(at)[uuid] {
			e := d.out.edit(at)
			e.remove = append(e.remove, uuid)
		}
	}
}

// strays takes rows of ours out of lists of ours that they do not belong in.
func (d *differ) strays(table, uuid string, row model.Model) {
	for column, members := range memberLists(row) {
		at := list{table, column, uuid}
		for _, m := range members {
			o, ours := d.want[list{table: memberTable(table, column), uuid: m}]
			if ours && !slices.ContainsFunc(o.In, func(p Place) bool { return p.Table == table && p.Column == column && p.UUID == uuid }) {
				e := d.out.edit(at)
				if !slices.Contains(e.remove, m) {
					e.remove = append(e.remove, m)
				}
			}
		}
	}
}

// memberTable is the table whose rows are in a list.
func memberTable(table, column string) string {
	switch table + "." + column {
	case "Logical_Switch.ports", "Port_Group.ports":
		return tablePort
	case "Logical_Switch.dns_records":
		return tableDNS
	case "Logical_Switch.qos_rules":
		return tableQoS
	case "Port_Group.acls":
		return tableACL
	case "Logical_Router.ports":
		return tableLeg
	case "Logical_Router.static_routes":
		return tableRoute
	case "Logical_Router.nat":
		return tableNAT
	case "Logical_Router.load_balancer":
		return tableBalancer
	}
	return tableHAChassis
}

// differing are the columns in which a row is not as wanted.
func differing(there, want model.Model) []string {
	a, b := reflect.ValueOf(there).Elem(), reflect.ValueOf(want).Elem()
	var out []string
	for i := range a.NumField() {
		f := a.Type().Field(i)
		column := f.Tag.Get("ovsdb")
		if column == "_uuid" || f.Tag.Get("aloft") != "" {
			continue
		}
		if !same(a.Field(i), b.Field(i)) {
			out = append(out, column)
		}
	}
	return out
}

// same compares two columns. Lists are sets, and what is empty is as good as what is not there.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Slice:
		x, y := slices.Clone(a.Interface().([]string)), slices.Clone(b.Interface().([]string))
		slices.Sort(x)
		slices.Sort(y)
		return slices.Equal(x, y)
	case reflect.Map:
		return a.Len() == b.Len() && (a.Len() == 0 || reflect.DeepEqual(a.Interface(), b.Interface()))
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// memberLists are the lists that a row has of others.
func memberLists(row model.Model) map[string][]string {
	v := reflect.ValueOf(row).Elem()
	out := map[string][]string{}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Tag.Get("aloft") == "member" {
			out[f.Tag.Get("ovsdb")] = v.Field(i).Interface().([]string)
		}
	}
	return out
}

func externalIDs(row model.Model) map[string]string {
	return reflect.ValueOf(row).Elem().FieldByName("ExternalIDs").Interface().(map[string]string)
}
