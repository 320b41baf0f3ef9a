package ovn

import (
	"context"
	"fmt"
	"reflect"

	"github.com/ovn-kubernetes/libovsdb/cache"
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/mapper"
	"github.com/ovn-kubernetes/libovsdb/model"
	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// errLost says that there is no connection just now.
var errLost = fmt.Errorf("there is no connection to OVN's northbound database: %w", network.ErrNotReady)

// errNoChassis says that the southbound database was never read.
var errNoChassis = fmt.Errorf("the hosts in OVN's southbound database are not known yet: %w", network.ErrNotReady)

// replica is what one connection knows of the northbound database. It is a view.
type replica struct {
	client client.Client
	cache  *cache.TableCache
}

// nbModel describes the northbound database; rows are found by their unit.
func nbModel() (model.ClientDBModel, error) {
	m, err := model.NewClientDBModel("OVN_Northbound", models())
	if err != nil {
		return m, fmt.Errorf("describing the northbound database: %w", err)
	}
	indexes := map[string][]model.ClientIndex{}
	for table := range models() {
		indexes[table] = []model.ClientIndex{{Columns: []model.ColumnKey{{Column: "external_ids", Key: keyUnit}}}}
	}
	m.SetIndexes(indexes)
	return m, nil
}

func (r *replica) row(table, uuid string) model.Model {
	t := r.cache.Table(table)
	if t == nil {
		return nil
	}
	return t.Row(uuid)
}

func (r *replica) owned(table string, full bool, units []network.Unit) (map[string]model.Model, error) {
	t := r.cache.Table(table)
	if t == nil {
		return nil, errLost
	}
	if full {
		out := map[string]model.Model{}
		for uuid, row := range t.RowsShallow() {
			if externalIDs(row)[keyUnit] != "" {
				out[uuid] = row
			}
		}
		return out, nil
	}
	var like []model.Model
	for _, u := range units {
		m := reflect.New(reflect.TypeOf(models()[table]).Elem())
		m.Elem().FieldByName("ExternalIDs").Set(reflect.ValueOf(map[string]string{keyUnit: unitText(u)}))
		like = append(like, m.Interface())
	}
	rows, err := t.RowsByModels(like)
	if err != nil {
		return nil, fmt.Errorf("finding rows of %s: %w", table, err)
	}
	return rows, nil
}

// apply carries changes out in one transaction.
func (r *replica) apply(ctx context.Context, c *changes) error {
	ops, err := r.operations(c)
	if err != nil {
		return err
	}
	results, err := r.client.Transact(ctx, ops...)
	if err != nil {
		return fmt.Errorf("writing to the northbound database: %w", err)
	}
	if _, err := ovsdb.CheckOperationResults(results, ops); err != nil {
		return fmt.Errorf("the northbound database refused a change: %w", err)
	}
	return nil
}

func (r *replica) operations(c *changes) ([]ovsdb.Operation, error) {
	var ops []ovsdb.Operation
	for _, o := range c.insert {
		row, err := r.encode(o.Row, nil)
		if err != nil {
			return nil, err
		}
		ops = append(ops, ovsdb.Operation{Op: ovsdb.OperationInsert, Table: o.Table, UUID: o.UUID, Row: row})
	}
	for _, u := range c.update {
		row, err := r.encode(u.Row, u.columns)
		if err != nil {
			return nil, err
		}
		ops = append(ops, ovsdb.Operation{Op: ovsdb.OperationUpdate, Table: u.Table, Where: is(u.UUID), Row: row})
	}
	for at, e := range c.edits {
		var m []ovsdb.Mutation
		for mutator, members := range map[ovsdb.Mutator][]string{ovsdb.MutateOperationInsert: e.add, ovsdb.MutateOperationDelete: e.remove} {
			if len(members) == 0 {
				continue
			}
			set := ovsdb.OvsSet{}
			for _, uuid := range members {
				set.GoSet = append(set.GoSet, ovsdb.UUID{GoUUID: uuid})
			}
			m = append(m, ovsdb.Mutation{Column: at.column, Mutator: mutator, Value: set})
		}
		ops = append(ops, ovsdb.Operation{Op: ovsdb.OperationMutate, Table: at.table, Where: is(at.uuid), Mutations: m})
	}
	for _, at := range c.remove {
		ops = append(ops, ovsdb.Operation{Op: ovsdb.OperationDelete, Table: at.table, Where: is(at.uuid)})
	}
	return ops, nil
}

func is(uuid string) []ovsdb.Condition {
	return []ovsdb.Condition{ovsdb.NewCondition("_uuid", ovsdb.ConditionEqual, ovsdb.UUID{GoUUID: uuid})}
}

// encode writes some columns of a row as OVSDB has them, or all that are not empty.
func (r *replica) encode(row model.Model, columns []string) (ovsdb.Row, error) {
	dbm := r.cache.DatabaseModel()
	info, err := dbm.NewModelInfo(row)
	if err != nil {
		return nil, fmt.Errorf("describing a row: %w", err)
	}
	var fields []any
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		for _, c := range columns {
			if v.Type().Field(i).Tag.Get("ovsdb") == c {
				fields = append(fields, v.Field(i).Addr().Interface())
			}
		}
	}
	return r.newRow(dbm.Mapper, info, fields)
}

func (r *replica) newRow(m mapper.Mapper, info *mapper.Info, fields []any) (ovsdb.Row, error) {
	out, err := m.NewRow(info, fields...)
	if err != nil {
		return nil, fmt.Errorf("encoding a row: %w", err)
	}
	delete(out, "_uuid")
	return out, nil
}
