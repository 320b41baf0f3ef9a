package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// column is one thing that is printed of an item; its name is the key in JSON and, in capitals, the head in a table.
type column[T any] struct {
	name string
	of   func(T) any
}

// list prints items: a table, or an array of objects.
func list[T any](s *session, items []T, columns []column[T]) error {
	if s.format == "json" {
		objects := make([]map[string]any, 0, len(items))
		for _, item := range items {
			objects = append(objects, object(item, columns))
		}
		return s.json(objects)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	heads := make([]string, len(columns))
	for k, c := range columns {
		heads[k] = strings.ToUpper(strings.ReplaceAll(c.name, "_", " "))
	}
	fmt.Fprintln(w, strings.Join(heads, "\t"))
	for _, item := range items {
		cells := make([]string, len(columns))
		for k, c := range columns {
			cells[k] = cell(c.of(item))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// show prints one item: a line a field, or an object.
func show[T any](s *session, item T, columns []column[T]) error {
	if s.format == "json" {
		return s.json(object(item, columns))
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, c := range columns {
		fmt.Fprintf(w, "%s\t%s\n", strings.ReplaceAll(c.name, "_", " "), cell(c.of(item)))
	}
	return w.Flush()
}

func object[T any](item T, columns []column[T]) map[string]any {
	o := make(map[string]any, len(columns))
	for _, c := range columns {
		o[c.name] = c.of(item)
	}
	return o
}

func (s *session) json(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// cell is a value as text of one line.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case string:
		if v == "" {
			return "-"
		}
		return printable(v)
	case []string:
		return cell(strings.Join(v, ", "))
	case map[string]string:
		parts := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, k+"="+v[k])
		}
		return cell(parts)
	case time.Time:
		if v.IsZero() {
			return "-"
		}
		return v.UTC().Format(time.RFC3339)
	}
	return printable(fmt.Sprint(v))
}

// printable keeps what others have named from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
