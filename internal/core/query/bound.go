package query

import (
	"time"

	"github.com/uptrace/bun"
)

// Operator compares a column with a value, as SQL writes it.
type Operator string

// Equal is the operator of filters that name none.
const Equal Operator = "="

// Operators are the names that filters have for operators. It is never changed.
var Operators = map[string]Operator{"eq": Equal, "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

// Bound is a limit on a time.
type Bound struct {
	Op Operator
	At time.Time
}

// Apply keeps the rows whose column is within the bound.
func (b Bound) Apply(q *bun.SelectQuery, column string) *bun.SelectQuery {
	return q.Where("?TableAlias.? ? ?", bun.Ident(column), bun.Safe(b.Op), b.At.UTC())
}
