package api_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// names are the names of the networks that a list has.
func (c caller) names(query string) []string {
	c.t.Helper()
	status, list := c.call("GET", "networks?"+query, "", nil)
	require.Equal(c.t, 200, status, "%s: %v", query, list)
	out := []string{}
	for _, n := range list["networks"].([]any) {
		out = append(out, n.(object)["name"].(string))
	}
	return out
}

func TestListsByTime(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		one := caller{t, serve(t, d), "one"}
		made := one.make("networks", "network", object{"name": "n"})
		at, err := time.Parse(time.RFC3339, made["created_at"].(string))
		require.NoError(t, err)
		second := func(after time.Duration) string { return url.QueryEscape(at.Add(after).Format(time.RFC3339)) }
		for query, want := range map[string][]string{
			"created_at=" + second(0):                                      {"n"},
			"created_at=" + at.Format("2006-01-02T15:04:05"):               {"n"},
			"created_at=" + second(-time.Second):                           {},
			"created_at=" + second(-time.Hour) + "&name=n":                 {},
			"updated_at=" + second(time.Hour) + "&updated_at=" + second(0): {"n"},
			"changed_since=" + second(0):                                   {"n"},
			"changed_since=" + second(time.Hour):                           {},
		} {
			require.Equal(t, want, one.names(query), query)
		}
	})
}

func TestListsThatCanNotBe(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		one := caller{t, serve(t, d), "one"}
		one.make("networks", "network", object{"name": "n"})
		for query, want := range map[string]string{
			"created_at=foo":                "is not a time",
			"changed_since=foo":             "is not a time",
			"marker=nope":                   "marker [nope] not found",
			"marker=nope&limit=1":           "marker [nope] not found",
			"sort_key=colour":               "it may be admin_state_up",
			"sort_dir=up":                   "asc or desc",
			"sort_key=name&sort=name":       "two ways",
			"sort_key=id&sort_dir=asc,desc": "asc or desc",
			"limit=-1":                      "less than the minimum",
			"limit=1e3":                     "is not an integer",
			"limit=99999999999999999999":    "is not an integer",
			"colour=red":                    "invalid attribute for filtering",
			"page_reverse=True&marker=nope": "marker [nope] not found",
			"revision_number=x":             "Invalid input for revision_number",
			"admin_state_up=maybe":          "Invalid input for admin_state_up",
			"router:external=maybe":         "Invalid input for router:external",
			"shared=maybe":                  "Invalid input for shared",
			"name=%ff":                      "UTF-8",
			"%zz":                           "can't be read",
		} {
			status, e := one.call("GET", "networks?"+query, "", nil)
			require.Equal(t, 400, status, "%s: %v", query, e)
			require.Contains(t, e["message"], want, query)
		}
		require.Equal(t, []string{"n"}, one.names("limit=0&sort_dir=desc&sort_key=revision_number"))
		require.Equal(t, []string{"n"}, one.names("limit=100000&page_reverse=False"), "the ceiling is no error")
	})
}

// page is a page of networks: their names, and where its links lead.
func (c caller) page(path string) (names []string, to map[string]string) {
	c.t.Helper()
	status, body := c.call("GET", path, "", nil)
	require.Equal(c.t, 200, status, "%s: %v", path, body)
	to = map[string]string{}
	links, _ := body["networks_links"].([]any)
	for _, l := range links {
		_, path, ok := strings.Cut(l.(object)["href"].(string), "/v2.0/")
		require.True(c.t, ok, l)
		to[l.(object)["rel"].(string)] = path
	}
	for _, n := range body["networks"].([]any) {
		names = append(names, n.(object)["name"].(string))
	}
	return names, to
}

func TestListsBothWays(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		one := caller{t, serve(t, d), "one"}
		for _, name := range []string{"c", "a", "e", "b", "d"} {
			one.make("networks", "network", object{"name": name})
		}
		_, links := one.page("networks?sort_key=name&sort_dir=asc")
		require.Empty(t, links, "who asks for all, and gets them, needs no links")
		_, links = one.page("networks?limit=0")
		require.Empty(t, links, "no limit is none")
		for dir, want := range map[string][]string{"asc": {"a", "b", "c", "d", "e"}, "desc": {"e", "d", "c", "b", "a"}} {
			query := "networks?sort_key=name&limit=2&sort_dir=" + dir
			one.walk(query, "next", [][]string{want[:2], want[2:4], want[4:]})
			one.walk(query+"&page_reverse=True", "previous", [][]string{want[3:], want[1:3], want[:1]})
			one.walk("networks?sort_key=name&limit=1&sort_dir="+dir, "next", [][]string{want[:1], want[1:2], want[2:3], want[3:4], want[4:], nil})

			_, links := one.page(query)
			_, links = one.page(links["next"])
			back, links := one.page(links["previous"])
			require.Equal(t, want[:2], back, "back where one came from")
			again, _ := one.page(links["next"])
			require.Equal(t, want[2:4], again, "and there again")
			none, links := one.page(links["previous"])
			require.Empty(t, none, "before the first")
			require.NotContains(t, links, "previous")
			back, _ = one.page(links["next"])
			require.Equal(t, want[:2], back)
		}
	})
}

// walk follows one kind of link from page to page until a page has none.
func (c caller) walk(path, rel string, want [][]string) {
	c.t.Helper()
	for i, names := range want {
		got, links := c.page(path)
		require.Equal(c.t, names, got, path)
		if path = links[rel]; i < len(want)-1 {
			require.NotEmpty(c.t, path, "page %d of %v", i, want)
		}
	}
	require.Empty(c.t, path)
}
