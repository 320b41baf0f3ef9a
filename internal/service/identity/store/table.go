package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// record is what the rows of every table begin with.
type record struct {
	ID        string `bun:",pk"`
	CreatedAt time.Time
	Revision  int64
}

// raise counts a change, and returns the revision before it.
func (r *record) raise() int64 {
	r.Revision++
	return r.Revision - 1
}

func recordFrom(m identity.Made) record {
	return record{ID: m.ID, CreatedAt: m.CreatedAt, Revision: m.Revision}
}

func (r *record) made() identity.Made {
	return identity.Made{ID: r.ID, CreatedAt: r.CreatedAt.UTC(), Revision: r.Revision}
}

// row is a pointer to a row that begins with a record.
type row[Row any] interface {
	*Row
	raise() int64
}

// table keeps nouns of one kind in a table of rows.
type table[Noun, Row any, P row[Row]] struct {
	s          *Store
	kind, name string // what messages call the noun; the table
	from       func(Noun) P
	noun       func(Row) Noun
	label      func(Noun) string // how messages call one noun
}

// Insert adds one.
func (t table[Noun, Row, P]) Insert(ctx context.Context, n Noun) error {
	return t.s.insert(ctx, t.kind, t.label(n), t.from(n))
}

// Update changes one.
func (t table[Noun, Row, P]) Update(ctx context.Context, n Noun) error {
	r := t.from(n)
	return t.s.update(ctx, t.kind, t.label(n), r, r.raise())
}

// Delete removes one.
func (t table[Noun, Row, P]) Delete(ctx context.Context, id string) error {
	return t.s.removeOne(ctx, t.kind, id, P(nil))
}

// Get reads one.
func (t table[Noun, Row, P]) Get(ctx context.Context, id string) (Noun, error) {
	r, err := get[Row](ctx, t.s, t.kind, id, "id = ?", id)
	return t.noun(r), err
}

// List reads those whose fields are as the filter says, in the order of their ids.
func (t table[Noun, Row, P]) List(ctx context.Context, is identity.Is) ([]Noun, error) {
	return t.Page(ctx, is, query.Page{})
}

// Page reads a page of those whose fields are as the filter says.
func (t table[Noun, Row, P]) Page(ctx context.Context, is identity.Is, page query.Page) ([]Noun, error) {
	return list(ctx, t.s, page, t.name, t.noun, func(q *bun.SelectQuery) *bun.SelectQuery {
		for column, value := range is {
			if value != "" {
				q = q.Where("?TableAlias.? = ?", bun.Ident(column), value)
			}
		}
		return q
	})
}

// pairs is a table of two columns, both its key: which of one kind are tied to which of another.
type pairs struct {
	s                 *Store
	kind, table       string
	leftCol, rightCol string
}

// Tie adds a pair; Conflict if it is there.
func (p pairs) Tie(ctx context.Context, left, right string) error {
	_, err := p.s.db.Q(ctx).NewRaw("INSERT INTO ? (?, ?) VALUES (?, ?)",
		bun.Ident(p.table), bun.Ident(p.leftCol), bun.Ident(p.rightCol), left, right).Exec(ctx)
	return written(err, p.kind, left+" - "+right)
}

// Untie removes a pair; NotFound if there is none.
func (p pairs) Untie(ctx context.Context, left, right string) error {
	res, err := p.s.db.Q(ctx).NewRaw("DELETE FROM ? WHERE ? = ? AND ? = ?",
		bun.Ident(p.table), bun.Ident(p.leftCol), left, bun.Ident(p.rightCol), right).Exec(ctx)
	if err != nil {
		return fmt.Errorf("deleting %s: %w", p.kind, err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = fault.New(fault.NotFound, "Could not find %s: %s is not tied to %s.", p.kind, right, left)
	}
	return err
}

// UntieRight removes all pairs of a right side.
func (p pairs) UntieRight(ctx context.Context, right string) error {
	_, err := p.s.db.Q(ctx).NewRaw("DELETE FROM ? WHERE ? = ?", bun.Ident(p.table), bun.Ident(p.rightCol), right).Exec(ctx)
	if err != nil {
		return fmt.Errorf("deleting %s: %w", p.kind, err)
	}
	return nil
}

// Ties reads the pairs of a left side and of a right side; an empty one stands for all.
func (p pairs) Ties(ctx context.Context, left, right string) ([]identity.Tie, error) {
	q := p.s.db.Q(ctx).NewSelect().TableExpr("? AS t", bun.Ident(p.table)).
		ColumnExpr(`t.? AS "left", t.? AS "right"`, bun.Ident(p.leftCol), bun.Ident(p.rightCol))
	for column, value := range map[string]string{p.leftCol: left, p.rightCol: right} {
		if value != "" {
			q = q.Where("t.? = ?", bun.Ident(column), value)
		}
	}
	var ties []identity.Tie
	if err := q.OrderExpr("1, 2").Scan(ctx, &ties); err != nil {
		return nil, fmt.Errorf("listing %s: %w", p.kind, err)
	}
	return ties, nil
}
