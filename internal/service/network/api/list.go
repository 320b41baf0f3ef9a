package api

import (
	"context"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// most is the length of a page where the request names none, and the ceiling where it names a longer one.
const most = 1000

// listIn is a list request. Every attribute of the objects may be a filter.
type listIn struct {
	rest.List
	rest.TagQuery

	Filters url.Values `query:"*" doc:"Any attribute of the objects, and the value that it must have; several times for one of several. Of ports also fixed_ips=ip_address=ADDRESS and fixed_ips=subnet_id=ID. With page_reverse=True the page before the marker is listed."`
}

type byID struct {
	ID     string   `path:"id"`
	Fields []string `query:"fields"`
}

// condition is the header by which a request says which revision of an object it means. Embed it.
type condition struct {
	IfMatch string `header:"If-Match"`
}

// revision is the one that the object must have; nil: any.
func (c condition) revision() (*int64, error) {
	if c.IfMatch == "" || c.IfMatch == "*" {
		return nil, nil
	}
	number, ok := strings.CutPrefix(c.IfMatch, "revision_number=")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return nil, fault.Invalidf("If-Match", "Invalid If-Match header: it is revision_number=N, with the revision that the object must have").WithCode("HTTPBadRequest")
	}
	return &n, nil
}

type deleteIn struct {
	condition
	ID string `path:"id"`
}

// with answers a request to delete with one of the service's functions.
func (in deleteIn) with(ctx context.Context, remove func(context.Context, *auth.Caller, string, *int64) error) (rest.None, error) {
	revision, err := in.revision()
	if err != nil {
		return rest.None{}, err
	}
	return rest.None{}, remove(ctx, auth.From(ctx), in.ID, revision)
}

// query turns a list request into the service's words; names are the wire's names of the attributes, and the service's.
func (l listIn) query(names map[string]string) (network.Query, error) {
	q := network.Query{Where: map[string][]string{}, Names: map[string]string{}, Tags: l.Wanted()}
	reverse := false
	for _, base := range []string{"id", "project_id", "description", "created_at", "updated_at"} {
		names[base] = base
	}
	names["tenant_id"], names["revision_number"] = "project_id", "revision"
	for name, values := range l.Filters {
		if rest.Paging(name) || rest.Tagging(name) {
			continue
		}
		switch name {
		case "page_reverse":
			reverse = strings.EqualFold(values[0], "true")
			continue
		case "fixed_ips":
			if err := fixedIPs(q.Where, values); err != nil {
				return q, err
			}
			continue
		case "changed_since":
			since, err := rest.Time(name, values[0])
			if err != nil {
				return q, err
			}
			q.Since = since
			continue
		case "created_at", "updated_at":
			for i, v := range values {
				at, err := rest.Time(name, v)
				if err != nil {
					return q, err
				}
				values[i] = at.Format(time.RFC3339)
			}
		}
		attribute, ok := names[name]
		if !ok {
			return q, fault.Invalidf(name, "[%q] is invalid attribute for filtering", name).WithCode("HTTPBadRequest")
		}
		q.Where[attribute], q.Names[attribute] = values, name
	}
	page, err := l.Page("created_at:asc", most)
	if err != nil {
		return q, err
	}
	for i, o := range page.Sort {
		attribute, ok := names[o.Key]
		if !ok {
			return q, fault.Invalidf("sort_key", "[%q] is invalid attribute for sort_keys; it may be %s", o.Key, strings.Join(slices.Sorted(maps.Keys(names)), ", ")).WithCode("HTTPBadRequest")
		}
		page.Sort[i].Key = attribute
	}
	page.Reverse = reverse
	q.Page = page
	return q, nil
}

// fixedIPs reads the filters "ip_address=10.0.0.5", "ip_address_substr=10.0" and "subnet_id=…".
func fixedIPs(where map[string][]string, values []string) error {
	for _, v := range values {
		key, value, ok := strings.Cut(v, "=")
		switch {
		case ok && key == "ip_address":
			if a, err := netip.ParseAddr(value); err == nil {
				value = a.String()
			}
			where["address"] = append(where["address"], value)
		case ok && key == "ip_address_substr":
			where["address_part"] = append(where["address_part"], value)
		case ok && key == "subnet_id":
			where["subnet_id"] = append(where["subnet_id"], value)
		default:
			return fault.Invalidf("fixed_ips", "Invalid input for fixed_ips: %q is none of ip_address=ADDRESS, ip_address_substr=PART and subnet_id=ID", v).WithCode("InvalidInput")
		}
	}
	return nil
}

// pages are the links to the pages around this one, as Neutron gives them: there are none to a list that was asked for
// whole, and is whole; and a page that was cut by a limit has one on each side on which it doesn't end the list.
func pages(ctx context.Context, l rest.List, p query.Page, n int, id func(i int) string) []link {
	full := n >= p.Limit
	if asked := l.Limit != nil && *l.Limit > 0; !asked && !full {
		return nil
	}
	first, last := "", ""
	if n > 0 {
		first, last = id(0), id(n-1)
	}
	var out []link
	if full || p.Reverse {
		out = append(out, link{"next", rest.PageURL(ctx, map[string]string{"marker": last, "page_reverse": ""})})
	}
	if full || !p.Reverse {
		out = append(out, link{"previous", rest.PageURL(ctx, map[string]string{"marker": first, "page_reverse": "True"})})
	}
	return out
}

// stampOut are the fields that all objects have.
type stampOut struct {
	TenantID  string   `json:"tenant_id"`
	ProjectID string   `json:"project_id"`
	CreatedAt string   `json:"created_at"`
	UpdatedAt string   `json:"updated_at"`
	Revision  int64    `json:"revision_number"`
	Tags      []string `json:"tags"`
}

func stamp(projectID string, s network.Stamp) stampOut {
	return stampOut{
		TenantID: projectID, ProjectID: projectID, CreatedAt: clock(s.CreatedAt), UpdatedAt: clock(s.UpdatedAt), Revision: s.Revision,
		Tags: s.Tags,
	}
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// owner are the two names under which a request may say for whom an object is.
type owner struct {
	TenantID  string `json:"tenant_id"`
	ProjectID string `json:"project_id"`
}

func (o owner) id() string {
	if o.ProjectID != "" {
		return o.ProjectID
	}
	return o.TenantID
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func address(a netip.Addr) *string {
	if !a.IsValid() {
		return nil
	}
	return text(a.String())
}

// parseAddr reads an address of a request; "" is none.
func parseAddr(field, s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, fault.Invalidf(field, "Invalid input for %s. Reason: '%s' is not a valid IP address.", field, s).WithCode("InvalidInput")
	}
	return a, nil
}

func parseAddrs(field string, list []string) ([]netip.Addr, error) {
	out := make([]netip.Addr, 0, len(list))
	for _, s := range list {
		a, err := parseAddr(field, s)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func parsePrefix(field, s string) (netip.Prefix, error) {
	if s == "" {
		return netip.Prefix{}, nil
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fault.Invalidf(field, "Invalid input for %s. Reason: '%s' is not a valid IP subnet.", field, s).WithCode("InvalidInput")
	}
	return p, nil
}

type routeWire struct {
	Destination string `json:"destination" check:"required"`
	NextHop     string `json:"nexthop" check:"required"`
}

func parseRoutes(field string, list []routeWire) ([]network.Route, error) {
	out := make([]network.Route, 0, len(list))
	for _, r := range list {
		p, err := parsePrefix(field, r.Destination)
		if err != nil {
			return nil, err
		}
		hop, err := parseAddr(field, r.NextHop)
		if err != nil {
			return nil, err
		}
		out = append(out, network.Route{Destination: p, NextHop: hop})
	}
	return out, nil
}

func routesOut(list []network.Route) []routeWire {
	var out []routeWire
	for _, r := range list {
		out = append(out, routeWire{r.Destination.String(), r.NextHop.String()})
	}
	return out
}

// given is the pointer that the service takes for a field that may be missing.
func given[T any](o rest.Opt[T]) *T {
	if !o.Set {
		return nil
	}
	return &o.Value // the zero value where it is null
}
