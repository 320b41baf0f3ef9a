package query

import (
	"github.com/uptrace/bun"
)

// Match is what a text must be like. No character of it is a wildcard.
type Match struct {
	Where Where
	Text  string // empty: every text is like it
	Fold  bool   // upper and lower case are the same, in ASCII at least: of other letters the engines know more or less
}

// Where is the part of a text that a Match is about.
type Where int

// The parts of a text.
const (
	Anywhere Where = iota
	AtStart
	AtEnd
)

// Apply keeps the rows whose column is as the match says. It needs no LIKE, which engines understand differently: for
// one of them upper case is lower case.
func (m Match) Apply(q *bun.SelectQuery, column string) *bun.SelectQuery {
	if m.Text == "" {
		return q
	}
	value, text := bun.SafeQuery("?TableAlias.?", bun.Ident(column)), bun.SafeQuery("?", m.Text)
	if m.Fold {
		value, text = bun.SafeQuery("lower(?TableAlias.?)", bun.Ident(column)), bun.SafeQuery("lower(?)", m.Text)
	}
	switch m.Where {
	case AtStart:
		return q.Where("substr(?, 1, length(?)) = ?", value, text, text)
	case AtEnd:
		return q.Where("length(?) >= length(?) AND substr(?, length(?) - length(?) + 1) = ?", value, text, value, value, text, text)
	}
	return q.Where("replace(?, ?, '') <> ?", value, text, value)
}

// MatchAll keeps the rows whose column is as all matches say.
func MatchAll(q *bun.SelectQuery, column string, matches []Match) *bun.SelectQuery {
	for _, m := range matches {
		q = m.Apply(q, column)
	}
	return q
}
