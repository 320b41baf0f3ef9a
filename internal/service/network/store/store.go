// Package store keeps the network service's rows. Nobody else touches its tables.
package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	corequery "github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the steps to the tables of this package.
func Migrations() db.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is in the program
	}
	return db.Migrations{Name: "network", FS: sub}
}

// Store implements network.Store.
type Store struct{ db *db.DB }

var _ network.Store = (*Store)(nil)

// New returns the store in a database.
func New(d *db.DB) *Store { return &Store{d} }

// doc is a value that is kept as JSON in a TEXT column.
type doc[T any] struct{ V T }

// Value implements driver.Valuer.
func (d doc[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(d.V)
	return string(b), err
}

// Scan implements sql.Scanner.
func (d *doc[T]) Scan(src any) error {
	switch s := src.(type) {
	case string:
		return json.Unmarshal([]byte(s), &d.V)
	case []byte:
		return json.Unmarshal(s, &d.V)
	}
	return fmt.Errorf("a JSON column holds a %T", src)
}

// stampRow is the part that all objects' rows share.
type stampRow struct {
	CreatedAt time.Time `bun:"created_at"`
	UpdatedAt time.Time `bun:"updated_at"`
	Revision  int64     `bun:"revision"`
}

func (r stampRow) noun() network.Stamp {
	return network.Stamp{CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Revision: r.Revision}
}

func stampOf(s network.Stamp) stampRow {
	return stampRow{CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, Revision: s.Revision}
}

// taggedRow is the part of the rows of objects that may have tags.
type taggedRow struct {
	stampRow

	Tags doc[[]string] `bun:"tags"`
}

func (r taggedRow) noun() network.Stamp {
	out := r.stampRow.noun()
	if len(r.Tags.V) > 0 {
		out.Tags = r.Tags.V
	}
	return out
}

func taggedOf(s network.Stamp) taggedRow {
	list := s.Tags
	if list == nil {
		list = []string{}
	}
	return taggedRow{stampOf(s), doc[[]string]{list}}
}

// attribute is a column that lists can be filtered by.
type attribute struct {
	column string
	parse  func(string) (any, error)
	sparse bool // its index leaves out the rows in which it is empty
}

func text(column string) attribute {
	return attribute{column: column, parse: func(s string) (any, error) { return s, nil }}
}

// sparse is a text that most rows do not have, and whose index has only those that do.
func sparse(column string) attribute {
	a := text(column)
	a.sparse = true
	return a
}

func flag(column string) attribute {
	return attribute{column: column, parse: func(s string) (any, error) { return strconv.ParseBool(strings.ToLower(s)) }}
}

func number(column string) attribute {
	return attribute{column: column, parse: func(s string) (any, error) { return strconv.ParseInt(s, 10, 64) }}
}

// moment is a time of a second, in the format of RFC 3339.
func moment(column string) attribute {
	return attribute{column: column, parse: func(s string) (any, error) { return time.Parse(time.RFC3339, s) }}
}

// stamped adds the attributes that all objects have.
func stamped(more map[string]attribute) map[string]attribute {
	for _, name := range []string{"id", "project_id", "description"} {
		more[name] = text(name)
	}
	more["created_at"], more["updated_at"] = moment("created_at"), moment("updated_at")
	more["revision"] = number("revision")
	return more
}

// tags is the column of tags.
const tags = "tags"

// tagged adds the attributes of objects that may have tags.
func tagged(more map[string]attribute) map[string]attribute {
	more[tags] = text(tags)
	return stamped(more)
}

// filter narrows a query to the rows that have one of the values of each attribute. special are the attributes that
// are not plain columns.
func filter(q *bun.SelectQuery, query network.Query, attributes map[string]attribute, special map[string]func(q *bun.SelectQuery, values []string) *bun.SelectQuery) (*bun.SelectQuery, error) {
	for name, values := range query.Where {
		if len(values) == 0 {
			return q.Where("1 = 0"), nil
		}
		if f, ok := special[name]; ok {
			q = f(q, values)
			continue
		}
		a, ok := attributes[name]
		if !ok {
			return nil, fault.Invalidf(name, "cannot filter by %q", name)
		}
		parsed := make([]any, 0, len(values))
		for _, v := range values {
			p, err := a.parse(v)
			if err != nil {
				called := cmp.Or(query.Names[name], name)
				return nil, fault.Invalidf(called, "Invalid input for %s: %q cannot be such a value", called, v)
			}
			parsed = append(parsed, p)
		}
		if _, is := parsed[0].(time.Time); is {
			q = within(q, a.column, parsed)
			continue
		}
		q = q.Where("?TableAlias.? IN (?)", bun.Ident(a.column), bun.List(parsed))
		if a.sparse && !slices.Contains(values, "") { // SQLite takes such an index only where it is told
			q = q.Where("?TableAlias.? <> ''", bun.Ident(a.column))
		}
	}
	if !query.Since.IsZero() {
		if _, ok := attributes["updated_at"]; !ok {
			return nil, fault.Invalidf("changed_since", `["changed_since"] is invalid attribute for filtering: this resource has no times`).WithCode("HTTPBadRequest")
		}
		q = corequery.Bound{Op: corequery.Operators["gte"], At: query.Since}.Apply(q, "updated_at")
	}
	if _, ok := attributes[tags]; !ok && len(query.Tags.All)+len(query.Tags.Any)+len(query.Tags.NotAll)+len(query.Tags.NotAny) > 0 {
		return nil, fault.Invalidf(tags, "[%q] is invalid attribute for filtering", tags).WithCode("HTTPBadRequest")
	}
	return query.Tags.Apply(q, corequery.TagsInJSON(tags)), nil
}

// within keeps the rows whose column is in one of some seconds.
func within(q *bun.SelectQuery, column string, seconds []any) *bun.SelectQuery {
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, v := range seconds {
			from, _ := v.(time.Time)
			q = q.WhereOr("?TableAlias.? >= ? AND ?TableAlias.? < ?", bun.Ident(column), from.UTC(), bun.Ident(column), from.UTC().Add(time.Second))
		}
		return q
	})
}

// read runs a list request.
func read[R any](ctx context.Context, q *bun.SelectQuery, rows *[]R, table string, query network.Query, attributes map[string]attribute, special map[string]func(q *bun.SelectQuery, values []string) *bun.SelectQuery) error {
	q, err := narrow(q, table, query, attributes, special)
	if err != nil {
		return err
	}
	if err := q.Scan(ctx, rows); err != nil {
		return fmt.Errorf("reading %s: %w", table, err)
	}
	*rows = corequery.Ordered(query.Page, *rows)
	if len(*rows) == 0 {
		return query.Page.CheckMarker(ctx, q, table)
	}
	return nil
}

// narrow makes a query one for what a list request asks for.
func narrow(q *bun.SelectQuery, table string, query network.Query, attributes map[string]attribute, special map[string]func(q *bun.SelectQuery, values []string) *bun.SelectQuery) (*bun.SelectQuery, error) {
	q, err := filter(q, query, attributes, special)
	if err != nil {
		return nil, err
	}
	columns := map[string]string{}
	for name, a := range attributes {
		columns[name] = a.column
	}
	return query.Page.Apply(q, table, columns)
}

// only is the single result of a read by id.
func only[N any](list []N, err error, missing *fault.Error) (N, error) {
	var none N
	if err != nil {
		return none, err
	}
	if len(list) == 0 {
		return none, missing
	}
	return list[0], nil
}

// missing says, in Neutron's words, that an object is not there, or not the caller's.
func missing(object, id, code string) *fault.Error {
	return &fault.Error{
		Class: fault.NotFound, Code: code, Object: object, ID: id,
		Message: fmt.Sprintf("%s%s %s could not be found.", strings.ToUpper(object[:1]), object[1:], id),
	}
}

// insert adds a row, and tells whether it did: not if a unique key is taken.
func (s *Store) insert(ctx context.Context, row any) (bool, error) {
	res, err := s.db.Q(ctx).NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("adding a row: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("counting added rows: %w", err)
	}
	return n > 0, nil
}

// change writes a row whose revision is one above that in the table.
func (s *Store) change(ctx context.Context, row any, object, id string, revision int64) error {
	res, err := s.db.Q(ctx).NewUpdate().Model(row).WherePK().Where("revision = ?", revision-1).Exec(ctx)
	if err != nil {
		err = fmt.Errorf("changing a %s: %w", object, err)
	}
	return db.MustChange(res, err, stale(object, id))
}

func stale(object, id string) error {
	return fault.Conflictf(object, id, "the %s %s was changed by another request at the same time; read it and try again", object, id).
		WithCode("RevisionNumberConstraintFailed")
}

// remove deletes rows by one column.
func (s *Store) remove(ctx context.Context, row any, column string, values ...string) error {
	if len(values) == 0 {
		return nil
	}
	_, err := s.db.Q(ctx).NewDelete().Model(row).Where("? IN (?)", bun.Ident(column), bun.List(values)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("deleting rows: %w", err)
	}
	return nil
}

// Count implements network.Store.
func (s *Store) Count(ctx context.Context, resource, projectID string) (int, error) {
	models := map[string]any{
		"network": (*networkRow)(nil), "subnet": (*subnetRow)(nil), "port": (*portRow)(nil), "router": (*routerRow)(nil),
		"floatingip": (*floatingRow)(nil), "security_group": (*groupRow)(nil), "security_group_rule": (*ruleRow)(nil),
		"rbac_policy": (*accessRow)(nil), "subnetpool": (*poolRow)(nil),
		"address_group": (*addressGroupRow)(nil),
	}
	model, ok := models[resource]
	if !ok {
		return 0, fmt.Errorf("there is no table of %s", resource)
	}
	n, err := s.db.Select(ctx, db.InProject(projectID), model).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting %s: %w", resource, err)
	}
	return int(n), nil
}

// addr and prefix read what this package has written; "" is the invalid one.
func addr(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}

func prefix(s string) netip.Prefix {
	p, _ := netip.ParsePrefix(s)
	return p
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}
