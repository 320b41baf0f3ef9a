package rest

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/query"
)

func TestFiltersByNameAndTag(t *testing.T) {
	type in struct {
		NameQuery
		TagQuery
	}
	h := Do(func(_ context.Context, _ in) (None, error) { return None{}, nil }) // plans the input
	require.NoError(t, h.err)
	q := NameQuery{Contains: "a%", IEndsWith: "Z"}
	require.Equal(t, []query.Match{{Text: "a%"}, {Where: query.AtEnd, Text: "Z", Fold: true}}, q.Matches())
	tags := TagQuery{Tags: []string{"a,b", "c"}, TagsAny: []string{""}, NotTagsAny: []string{"d"}}
	require.Equal(t, query.Tags{All: []string{"a", "b", "c"}, NotAny: []string{"d"}}, tags.Wanted())
	for _, name := range []string{"limit", "sort_key", "fields"} {
		require.True(t, Paging(name) && !Tagging(name), name)
	}
	require.True(t, Tagging("not-tags-any") && !Paging("not-tags-any"))
	require.False(t, Paging("name") || Tagging("name"))
}

func TestOrders(t *testing.T) {
	for name, c := range map[string]struct {
		in   List
		want string
	}{
		"fallback":              {List{}, "created_at desc, id asc"},
		"direction alone":       {List{SortDir: []string{"asc"}}, "created_at asc, id asc"},
		"directions alone":      {List{SortDir: []string{"ASC", "desc"}}, "created_at asc, id desc"},
		"keys":                  {List{SortKey: []string{"a", "b"}, SortDir: []string{"desc"}}, "a desc, b asc"},
		"one parameter":         {List{Sort: "a:desc,b"}, "a desc, b asc"},
		"both":                  {List{Sort: "a", SortKey: []string{"b"}}, "two ways"},
		"one, and a direction":  {List{Sort: "a", SortDir: []string{"asc"}}, "two ways"},
		"too many directions":   {List{SortKey: []string{"a"}, SortDir: []string{"asc", "asc"}}, "at most one for each"},
		"unknown direction":     {List{SortDir: []string{"up"}}, "asc or desc"},
		"unknown of one":        {List{Sort: "a:up"}, "asc or desc"},
		"directions of nothing": {List{SortDir: []string{"asc", "asc", "asc"}}, "at most one for each"},
	} {
		page, err := c.in.Page("created_at:desc,id:asc", 10)
		if err != nil {
			require.ErrorContains(t, err, c.want, name)
			continue
		}
		var got []string
		for _, o := range page.Sort {
			got = append(got, o.Key+map[bool]string{true: " desc", false: " asc"}[o.Desc])
		}
		require.Equal(t, c.want, strings.Join(got, ", "), name)
	}
}
