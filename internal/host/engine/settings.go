package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// column is a column of keys and values in the one row of a table of settings.
type column struct{ socket, database, table, name string }

func (c column) String() string {
	return strings.Join([]string{c.socket, c.database, c.table, c.name}, "|")
}

func parseColumn(s string) (column, error) {
	f := strings.Split(s, "|")
	if len(f) != 4 {
		return column{}, fmt.Errorf("%q is not a column", s)
	}
	return column{f[0], f[1], f[2], f[3]}, nil
}

func (e *Engines) switchIDs() column {
	return column{ovsSocket, "Open_vSwitch", "Open_vSwitch", "external_ids"}
}

func (e *Engines) northOptions() column {
	return column{ovnNorthSocket, "OVN_Northbound", "NB_Global", "options"}
}

// ensureSettings makes keys have values, after noting in the journal what they were.
func (e *Engines) ensureSettings(ctx context.Context, c column, want map[string]string) error {
	have, err := c.read(ctx)
	if err != nil {
		return err
	}
	missing := map[string]string{}
	for k, v := range want {
		if now, ok := have[k]; !ok || now != v {
			missing[k] = v
		}
	}
	if len(missing) == 0 {
		return nil
	}
	err = e.journal.change(func(b *before) {
		if b.Maps == nil {
			b.Maps = map[string]map[string]*string{}
		}
		noted := b.Maps[c.String()]
		if noted == nil {
			noted = map[string]*string{}
			b.Maps[c.String()] = noted
		}
		for k := range missing {
			if _, ok := noted[k]; ok {
				continue
			}
			noted[k] = nil
			if now, ok := have[k]; ok {
				noted[k] = &now
			}
		}
	})
	if err != nil {
		return err
	}
	return c.write(ctx, missing, nil)
}

// putBack gives keys the values that they had.
func (c column) putBack(ctx context.Context, was map[string]*string) error {
	set, remove := map[string]string{}, []string{}
	for k, v := range was {
		if v == nil {
			remove = append(remove, k)
		} else {
			set[k] = *v
		}
	}
	return c.write(ctx, set, remove)
}

// read returns the keys and values; it makes the row if the database is new.
func (c column) read(ctx context.Context) (map[string]string, error) {
	rows, err := transact(ctx, c.socket, c.database, map[string]any{
		"op": "select", "table": c.table, "where": []any{}, "columns": []string{c.name},
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		_, err := transact(ctx, c.socket, c.database, map[string]any{"op": "insert", "table": c.table, "row": map[string]any{}})
		return map[string]string{}, err
	}
	var cell [2]json.RawMessage // ["map", [[key, value], …]]
	var pairs [][2]string
	if err := json.Unmarshal(rows[0][c.name], &cell); err != nil {
		return nil, fmt.Errorf("read %s: %w", c, err)
	}
	if err := json.Unmarshal(cell[1], &pairs); err != nil {
		return nil, fmt.Errorf("read %s: %w", c, err)
	}
	values := make(map[string]string, len(pairs))
	for _, p := range pairs {
		values[p[0]] = p[1]
	}
	return values, nil
}

// write replaces the values of keys and removes others.
func (c column) write(ctx context.Context, set map[string]string, remove []string) error {
	gone := slices.AppendSeq(slices.Clone(remove), maps.Keys(set))
	pairs := [][2]string{}
	for k, v := range set {
		pairs = append(pairs, [2]string{k, v})
	}
	if len(gone) == 0 {
		return nil
	}
	_, err := transact(ctx, c.socket, c.database, map[string]any{
		"op": "mutate", "table": c.table, "where": []any{}, "mutations": []any{
			[]any{c.name, "delete", []any{"set", gone}},
			[]any{c.name, "insert", []any{"map", pairs}},
		},
	})
	return err
}

// transact does one operation in an OVSDB database and returns its rows, if it has any.
func transact(ctx context.Context, socket, database string, operation map[string]any) ([]map[string]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var results []struct {
		Rows    []map[string]json.RawMessage `json:"rows"`
		Error   string                       `json:"error"`
		Details string                       `json:"details"`
	}
	if err := call(ctx, socket, "transact", []any{database, operation}, &results); err != nil {
		return nil, err
	}
	for _, r := range results {
		if r.Error != "" {
			return nil, fmt.Errorf("%s %s in %s: %s: %s", operation["op"], operation["table"], database, r.Error, r.Details)
		}
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("%s answers nothing to a transaction", socket)
	}
	return results[0].Rows, nil
}
