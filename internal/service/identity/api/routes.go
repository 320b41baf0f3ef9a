// Package api is the Keystone dialect of the identity service, the Identity API v3.14.
package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// Prefix is where the service is on the installation's port.
const Prefix = "/identity"

type api struct{ core *identity.Service }

// Service is the table of the identity service.
func Service(core *identity.Service) rest.Service {
	a := &api{core}
	return rest.Service{
		Type: "identity", Prefix: Prefix, Errors: rest.KeystoneErrors,
		Routes: slices.Concat(a.discoveryRoutes(), a.tokenRoutes(), a.userRoutes(), a.groupRoutes(), a.projectRoutes(), a.domainRoutes(),
			a.roleRoutes(), a.implicationRoutes(), a.assignmentRoutes(), a.inheritRoutes(), a.tagRoutes(), a.domainConfigRoutes(), a.appCredRoutes(), a.credentialRoutes(), a.ec2Routes(), a.trustRoutes(), a.catalogRoutes(), a.endpointFilterRoutes(), a.policyRoutes(),
			a.limitRoutes(), a.federationRoutes(), a.revokeRoutes()),
	}
}

func get(path, doc, policy string, rule auth.Rule, do rest.Handler) rest.Route {
	return rest.Route{Method: http.MethodGet, Path: path, Doc: doc, Policy: auth.P("identity:"+policy, rule), Do: do}
}

func change(method, path, doc, policy, audit string, do rest.Handler) rest.Route {
	return rest.Route{Method: method, Path: path, Doc: doc, Policy: auth.P("identity:"+policy, auth.AdminOnly), Audit: "identity." + audit, Do: do}
}

// manage is a change that the admins and managers of a domain may make in there; the core knows what is.
func manage(r rest.Route) rest.Route {
	r.Policy.Rule = identity.Manager
	return r
}

// asked is a route whose core knows who may use it, as that depends on what it is about.
func asked(r rest.Route) rest.Route {
	r.Policy.Rule = auth.Anyone
	return r
}

// answers is a route that answers with another status.
func answers(status int, r rest.Route) rest.Route {
	r.Status = status
	return r
}

// timeFormat is how Keystone writes times: UTC with microseconds.
const timeFormat = "2006-01-02T15:04:05.000000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }

// stampOrNull is null on the wire where there is no time.
func stampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

// maxPage is the length of a page that names no limit, and the most that one may name.
const maxPage = 1000

type selfLink struct {
	Self string `json:"self"`
}

func self(ctx context.Context, path string) selfLink { return selfLink{v3(ctx) + path} }

// v3 is the root of the API as the caller reached it.
func v3(ctx context.Context) string { return rest.BaseURL(ctx) + "/v3" }

type listLinks struct {
	Next     *string `json:"next"`
	Self     string  `json:"self"`
	Previous *string `json:"previous"`
}

// listEnd is what follows the things of a list. It is truncated where it is full and the request named no shorter page:
// a client that knows of no pages must hear that there may be more. Embed it.
type listEnd struct {
	Links     listLinks `json:"links"`
	Truncated bool      `json:"truncated,omitempty"`
}

// links are the links of a list; a full page has a next one.
func links(ctx context.Context, limit, got int, last func() string) listEnd {
	l := whole(ctx)
	if limit > 0 && got == limit {
		next := rest.NextURL(ctx, last())
		l.Links.Next, l.Truncated = &next, limit == maxPage
	}
	return l
}

// whole are the links of a list that is short by its nature, and has one page.
func whole(ctx context.Context) listEnd {
	return listEnd{Links: listLinks{Self: rest.SelfURL(ctx)}}
}

// pageIn is the page that is asked for of a list whose order is fixed.
type pageIn struct {
	Limit  *int   `query:"limit" check:"nonneg"`
	Marker string `query:"marker"`
}

// nameless is embedded by the input of a list of things that have no name. Clients that find no such id ask for the
// name, and take what they get for it: nothing has it.
type nameless struct {
	Name *string `query:"name"`
}

// known is a list, or nothing if a name is asked for.
func known[Noun any](in nameless, all []Noun) []Noun {
	if in.Name != nil {
		return nil
	}
	return all
}

// part cuts the page out of a list that the core reads whole, as administrators make what is in it and it is short.
func part[Noun any](ctx context.Context, in pageIn, all []Noun, id func(Noun) string) ([]Noun, listEnd, error) {
	page, err := rest.List{Limit: in.Limit, Marker: in.Marker}.Page("", maxPage)
	if err != nil {
		return nil, listEnd{}, err
	}
	if in.Marker != "" {
		at := slices.IndexFunc(all, func(n Noun) bool { return id(n) == in.Marker })
		if at < 0 {
			return nil, listEnd{}, fault.Invalidf("marker", "marker [%s] not found", in.Marker)
		}
		all = all[at+1:]
	}
	if len(all) <= page.Limit {
		return all, whole(ctx), nil
	}
	all = all[:page.Limit]
	return all, links(ctx, page.Limit, len(all), func() string { return id(all[len(all)-1]) }), nil
}

// wires turns nouns into what is written of them.
func wires[Noun, Wire any](ctx context.Context, nouns []Noun, wire func(context.Context, Noun) Wire) []Wire {
	out := make([]Wire, len(nouns))
	for i, n := range nouns {
		out[i] = wire(ctx, n)
	}
	return out
}

// ref is an id with a name.
type ref struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// ownedRef is a name within a domain.
type ownedRef struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Domain *ref   `json:"domain,omitempty"`
}

// orNull is null on the wire where there is nothing.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// text is the change of a text field: null empties it, absent leaves it.
func text(o rest.Opt[string]) *string {
	if !o.Set {
		return nil
	}
	return &o.Value
}
