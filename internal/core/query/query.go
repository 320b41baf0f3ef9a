// Package query pages through lists by key, never by offset: the next page starts after the row that the caller saw
// last, so that rows which come and go meanwhile neither repeat nor hide others, and a deep page costs what the first
// one does.
package query

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Order is one key to sort by, in the words of the API.
type Order struct {
	Key  string
	Desc bool
}

// Page is which part of a list a caller asks for.
type Page struct {
	Limit   int     // the most rows; 0 leaves it to the service
	Marker  string  // the id of the last row that was seen; empty for the first page
	Sort    []Order // the first decides, and the id where all others are equal
	Reverse bool    // the rows before the marker, or the last ones of the list without one; Ordered puts them right
}

// id is the column that every paged table has, unique.
const id = "id"

// Apply sorts a query on a table, and cuts it to the page. columns are the keys that may be sorted by and the column of
// each, which must be NOT NULL, as engines disagree on where NULL belongs. An unknown key is Invalid.
func (p Page) Apply(q *bun.SelectQuery, table string, columns map[string]string) (*bun.SelectQuery, error) {
	keys, err := p.keys(columns)
	if err != nil {
		return nil, err
	}
	if p.Limit < 0 {
		return nil, fault.Invalidf("limit", "limit must not be negative, but is %d", p.Limit)
	}
	if p.Reverse {
		for i := range keys {
			keys[i].Desc = !keys[i].Desc
		}
	}
	if p.Marker != "" {
		q = p.after(q, table, keys)
	}
	for _, k := range keys {
		direction := "ASC"
		if k.Desc {
			direction = "DESC"
		}
		q = q.OrderExpr("?TableAlias.? ?", bun.Ident(k.Key), bun.Safe(direction))
	}
	if p.Limit > 0 {
		q = q.Limit(int64(p.Limit))
	}
	return q, nil
}

// Ordered puts the rows of a page into the list's order: what goes backwards is read from its end.
func Ordered[R any](p Page, rows []R) []R {
	if p.Reverse {
		slices.Reverse(rows)
	}
	return rows
}

// keys are the columns to sort by, each once, with the id last.
func (p Page) keys(columns map[string]string) ([]Order, error) {
	keys := make([]Order, 0, len(p.Sort)+1)
	for _, o := range p.Sort {
		column, known := columns[o.Key]
		if !known && o.Key == id {
			column, known = id, true
		}
		if !known {
			return nil, fault.Invalidf("sort_key", "cannot sort by %q; it must be one of %s", o.Key,
				strings.Join(slices.Sorted(maps.Keys(columns)), ", "))
		}
		if !slices.ContainsFunc(keys, func(k Order) bool { return k.Key == column }) {
			keys = append(keys, Order{Key: column, Desc: o.Desc})
		}
		if column == id {
			return keys, nil // nothing behind it can matter
		}
	}
	last := len(keys) > 0 && keys[len(keys)-1].Desc
	return append(keys, Order{Key: id, Desc: last}), nil
}

// after keeps the rows behind the marker's. Where all keys go one way, one comparison of rows says so, which engines
// answer from an index.
func (p Page) after(q *bun.SelectQuery, table string, keys []Order) *bun.SelectQuery {
	mixed := slices.ContainsFunc(keys, func(k Order) bool { return k.Desc != keys[0].Desc })
	if !mixed {
		return q.Where("(?) ? (SELECT ? FROM ? WHERE id = ?)", qualified(keys), beyond(keys[0]), bare(keys), bun.Ident(table), p.Marker)
	}
	marker := func(k Order) schema.QueryWithArgs {
		return bun.SafeQuery("(SELECT ? FROM ? WHERE id = ?)", bun.Ident(k.Key), bun.Ident(table), p.Marker)
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for i, k := range keys {
			q = q.WhereGroup(" OR ", func(q *bun.SelectQuery) *bun.SelectQuery {
				for _, before := range keys[:i] {
					q = q.Where("?TableAlias.? = ?", bun.Ident(before.Key), marker(before))
				}
				return q.Where("?TableAlias.? ? ?", bun.Ident(k.Key), beyond(k), marker(k))
			})
		}
		return q
	})
}

func beyond(k Order) bun.Safe {
	if k.Desc {
		return "<"
	}
	return ">"
}

func qualified(keys []Order) schema.QueryWithArgs { return list("?TableAlias.?", keys) }

func bare(keys []Order) schema.QueryWithArgs { return list("?", keys) }

func list(each string, keys []Order) schema.QueryWithArgs {
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = bun.Ident(k.Key)
	}
	return bun.SafeQuery(strings.Repeat(each+", ", len(keys)-1)+each, args...)
}

// Selector begins queries: a database, a transaction, or another query of theirs.
type Selector interface{ NewSelect() *bun.SelectQuery }

// CheckMarker tells a caller that its marker is no row (any more). An empty page with a marker is either the end of the
// list or this; asking only then keeps the other pages at one query.
func (p Page) CheckMarker(ctx context.Context, q Selector, table string) error {
	if p.Marker == "" {
		return nil
	}
	found, err := q.NewSelect().TableExpr("?", bun.Ident(table)).Where("id = ?", p.Marker).Exists(ctx)
	if err != nil {
		return fmt.Errorf("looking for the marker: %w", err)
	}
	if !found {
		return fault.Invalidf("marker", "marker [%s] not found", p.Marker)
	}
	return nil
}
