package rest

import (
	"cmp"
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// List is the paging, sorting and projection of a list request, in the styles of all services. Embed it.
type List struct {
	Limit   *int     `query:"limit" check:"nonneg"`
	Marker  string   `query:"marker"`
	SortKey []string `query:"sort_key"`
	SortDir []string `query:"sort_dir"`
	Sort    string   `query:"sort"` // "name:asc,created_at:desc"
	Fields  []string `query:"fields"`
}

// Paging tells whether a query parameter is one of List's, and no filter.
func Paging(name string) bool {
	switch name {
	case "limit", "marker", "sort_key", "sort_dir", "sort", "fields":
		return true
	}
	return false
}

// Page returns the page that is asked for. Without a sort key it is sorted by the fallback, e.g. "created_at:desc";
// most is the page's length where the request names none, and the ceiling where it names a longer one.
func (l List) Page(fallback string, most int) (query.Page, error) {
	p := query.Page{Limit: most, Marker: l.Marker}
	if l.Limit != nil && *l.Limit > 0 && *l.Limit < most {
		p.Limit = *l.Limit
	}
	var err error
	p.Sort, err = l.orders(fallback)
	return p, err
}

// orders reads both styles of sorting. Directions without keys are of the fallback's.
func (l List) orders(fallback string) ([]query.Order, error) {
	if l.Sort != "" && len(l.SortKey)+len(l.SortDir) > 0 {
		return nil, fault.Invalidf("sort", "sort and sort_key or sort_dir are two ways to say the same: give one of them")
	}
	keys, dirs := l.SortKey, l.SortDir
	if len(keys) == 0 {
		keys = nil
		for part := range strings.SplitSeq(cmp.Or(l.Sort, fallback), ",") {
			key, dir, _ := strings.Cut(part, ":")
			if key == "" {
				continue
			}
			if keys = append(keys, key); len(l.SortDir) < len(keys) {
				dirs = append(dirs, dir)
			}
		}
	}
	if len(dirs) > len(keys) {
		return nil, fault.Invalidf("sort_dir", "there are %d sort_dir for %d sort_key: give at most one for each", len(dirs), len(keys))
	}
	var out []query.Order
	for i, key := range keys {
		dir := ""
		if i < len(dirs) {
			dir = dirs[i]
		}
		o, err := order(key, dir)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func order(key, dir string) (query.Order, error) {
	switch strings.ToLower(dir) {
	case "", "asc":
		return query.Order{Key: key}, nil
	case "desc":
		return query.Order{Key: key, Desc: true}, nil
	}
	return query.Order{}, fault.Invalidf("sort_dir", "%q is not a sort direction: it is asc or desc", shorten(dir))
}

// SelfURL returns the URL of the request at hand, with its query string as it was asked.
func SelfURL(ctx context.Context) string {
	req := requestOf(ctx)
	self := req.origin + req.url.EscapedPath()
	if req.url.RawQuery != "" {
		self += "?" + req.url.RawQuery
	}
	return self
}

// NextURL returns the URL of the list request at hand, with another marker.
func NextURL(ctx context.Context, marker string) string {
	return PageURL(ctx, map[string]string{"marker": marker})
}

// FirstURL returns the URL of the list request at hand, without a marker.
func FirstURL(ctx context.Context) string { return NextURL(ctx, "") }

// PageURL returns the URL of the list request at hand, with other values of some parameters; those without one go.
func PageURL(ctx context.Context, set map[string]string) string {
	req := requestOf(ctx)
	q := req.url.Query()
	for name, value := range set {
		q.Del(name)
		if value != "" {
			q.Set(name, value)
		}
	}
	page := req.origin + req.url.EscapedPath()
	if len(q) > 0 {
		page += "?" + q.Encode()
	}
	return page
}
