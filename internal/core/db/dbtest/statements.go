package dbtest

import (
	"context"
	"sync/atomic"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// Statements counts what is asked of a database.
type Statements struct{ n atomic.Int64 }

// Count begins to count the statements of a database, before anybody uses it.
func Count(d *db.DB) *Statements {
	s := &Statements{}
	d.Observe(s)
	return s
}

// Of runs fn and returns how many statements it took; nobody else may use the database meanwhile.
func (s *Statements) Of(fn func()) int {
	before := s.n.Load()
	fn()
	return int(s.n.Load() - before)
}

// BeforeQuery implements bun.QueryHook.
func (s *Statements) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

// AfterQuery implements bun.QueryHook.
func (s *Statements) AfterQuery(context.Context, *bun.QueryEvent) { s.n.Add(1) }
