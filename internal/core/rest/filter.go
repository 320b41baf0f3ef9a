package rest

import (
	"encoding/csv"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// AnyOf reads a filter's value, or the alternatives of `in:a,"b,c"`.
func AnyOf(name, value string) ([]string, error) {
	list, ok := strings.CutPrefix(value, "in:")
	if !ok {
		return []string{value}, nil
	}
	values, err := csv.NewReader(strings.NewReader(list)).Read()
	if err != nil {
		return nil, fault.Invalidf(name, "Invalid filter value %s: %s; it is in:a,b with values in double quotes where they hold commas", shorten(value), err)
	}
	return values, nil
}

// NameQuery are the filters by name, exact and inexact, in Keystone's style. The inexact ones with an i don't tell upper
// from lower case. Embed it.
type NameQuery struct {
	Name        string `query:"name"`
	Contains    string `query:"name__contains"`
	IContains   string `query:"name__icontains"`
	StartsWith  string `query:"name__startswith"`
	IStartsWith string `query:"name__istartswith"`
	EndsWith    string `query:"name__endswith"`
	IEndsWith   string `query:"name__iendswith"`
}

// Matches are the inexact filters.
func (q NameQuery) Matches() []query.Match {
	return slices.DeleteFunc([]query.Match{
		{Where: query.Anywhere, Text: q.Contains},
		{Where: query.Anywhere, Text: q.IContains, Fold: true},
		{Where: query.AtStart, Text: q.StartsWith},
		{Where: query.AtStart, Text: q.IStartsWith, Fold: true},
		{Where: query.AtEnd, Text: q.EndsWith},
		{Where: query.AtEnd, Text: q.IEndsWith, Fold: true},
	}, func(m query.Match) bool { return m.Text == "" })
}

// TagQuery are the filters by tags of Keystone, Nova and Neutron, each a list with commas. Embed it.
type TagQuery struct {
	Tags       []string `query:"tags"`
	TagsAny    []string `query:"tags-any"`
	NotTags    []string `query:"not-tags"`
	NotTagsAny []string `query:"not-tags-any"`
}

// Wanted is what the filters say of an object's tags.
func (q TagQuery) Wanted() query.Tags {
	return query.Tags{All: tagList(q.Tags), Any: tagList(q.TagsAny), NotAll: tagList(q.NotTags), NotAny: tagList(q.NotTagsAny)}
}

// Tagging tells whether a query parameter is one of TagQuery's.
func Tagging(name string) bool {
	switch name {
	case "tags", "tags-any", "not-tags", "not-tags-any":
		return true
	}
	return false
}

func tagList(values []string) []string {
	var tags []string
	for _, v := range values {
		if v != "" {
			tags = append(tags, strings.Split(v, ",")...)
		}
	}
	return tags
}

// Bounds reads times with an operator each: "gte:2026-01-31T10:20:30Z"; without one it is eq.
func Bounds(name string, values []string) ([]query.Bound, error) {
	var out []query.Bound
	for _, v := range values {
		op, at := query.Equal, v
		if before, after, ok := strings.Cut(v, ":"); ok {
			if known, is := query.Operators[before]; is {
				op, at = known, after
			}
		}
		t, err := parseTime(at)
		if err != nil {
			return nil, fault.Invalidf(name, "Invalid %s '%s': it is a time like gte:2026-01-31T10:20:30Z, with one of eq, neq, lt, lte, gt, gte", name, shorten(v))
		}
		out = append(out, query.Bound{Op: op, At: t})
	}
	return out, nil
}

// Time reads a filter's time, as of changes-since: with or without its zone, its fraction and its time of day.
func Time(name, value string) (time.Time, error) {
	t, err := parseTime(value)
	if err != nil {
		return t, fault.Invalidf(name, "Invalid input for query parameter %s: %q is not a time such as 2026-01-31T12:00:00Z", name, shorten(value))
	}
	return t, nil
}

func parseTime(s string) (t time.Time, err error) {
	s = strings.Replace(s, " ", "+", strings.Count(s, "T")) // "…T12:00:00+01:00" whose plus was not escaped
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err = time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return t, err
}
