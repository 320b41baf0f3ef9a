package query

import (
	"encoding/json"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Tags selects objects by their tags: by all of its fields that are set.
type Tags struct {
	All, Any       []string // has all of them; has one of them
	NotAll, NotAny []string // lacks one of them; has none of them
}

// Holds is the condition that a row has a tag.
type Holds func(tag string) schema.QueryWithArgs

// Apply keeps the rows whose tags are as the filter says.
func (t Tags) Apply(q *bun.SelectQuery, has Holds) *bun.SelectQuery {
	for _, tag := range t.All {
		q = q.Where("?", has(tag))
	}
	for _, tag := range t.NotAny {
		q = q.Where("NOT (?)", has(tag))
	}
	return orElse(orElse(q, t.Any, "?", has), t.NotAll, "NOT (?)", has)
}

// orElse keeps the rows for which the condition is true with one of the tags.
func orElse(q *bun.SelectQuery, tags []string, condition string, has Holds) *bun.SelectQuery {
	if len(tags) == 0 {
		return q
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, tag := range tags {
			q = q.WhereOr(condition, has(tag))
		}
		return q
	})
}

// TagsInJSON are the tags in a column that holds a list in JSON. As no tag has a comma, and a quote within one is
// escaped, a tag's text can be nowhere in it but where the tag is.
func TagsInJSON(column string) Holds {
	return func(tag string) schema.QueryWithArgs {
		text, err := json.Marshal(tag)
		if err != nil { // a string always encodes
			text = nil
		}
		c := bun.Ident(column)
		return bun.SafeQuery("replace(?TableAlias.?, ?, '') <> ?TableAlias.? OR replace(?TableAlias.?, ?, '') <> ?TableAlias.?",
			c, "["+string(text), c, c, ","+string(text), c)
	}
}

// TagsInTable are the tags in a table of their own, whose column owner is the id of what has the tag.
func TagsInTable(table, owner, column string) Holds {
	return func(tag string) schema.QueryWithArgs {
		return bun.SafeQuery("EXISTS (SELECT 1 FROM ? AS t WHERE t.? = ?TableAlias.id AND t.? = ?)",
			bun.Ident(table), bun.Ident(owner), bun.Ident(column), tag)
	}
}
