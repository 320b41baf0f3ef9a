package rest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

type thing struct {
	ID     string         `json:"id"`
	Name   string         `json:"name"`
	Old    string         `json:"old,omitempty" until:"2.46"`
	New    []string       `json:"new" since:"2.47"`
	Parent *string        `json:"parent"`
	Extra  map[string]any `json:"*"`
}

type newThing struct {
	Name  string            `json:"name" check:"required,min=1,max=10"`
	Size  int               `json:"size" check:"min=1,max=100"`
	Kind  string            `json:"kind" check:"enum=big|small"`
	Net   string            `json:"net" check:"cidr"`
	Tags  []string          `json:"tags" check:"max=2" since:"2.52"`
	Desc  Opt[string]       `json:"description"`
	Meta  map[string]string `json:"metadata"`
	Bools bool              `json:"flag"`
}

type createIn struct {
	Parent string    `path:"parent"`
	Thing  newThing  `body:"thing"`
	Hints  *newHints `body:"os:hints"`
}

type newHints struct {
	Group string `json:"group" check:"uuid"`
}

type createOut struct {
	Location string `header:"Location"`
	Thing    thing  `json:"thing"`
}

type listOut struct {
	Things []thing `json:"things"`
	Links  []link  `json:"things_links,omitempty"`
	Self   string  `json:"self,omitempty" since:"2.60"`
}

type link struct {
	Href string `json:"href"`
}

func testService() Service {
	allow := auth.P("test:all", auth.Anyone)
	action := func(name string) Route {
		return Route{
			Method: "POST", Path: "/v1/{parent}/things/{id}/action", Action: name, Policy: allow, Audit: "test.thing." + name, Doc: "Acts.", Status: 202,
			Do: Do(func(context.Context, struct {
				ID string `path:"id"`
			},
			) (None, error) {
				return None{}, nil
			}),
		}
	}
	return Service{
		Type: "compute", Prefix: "/compute", Errors: NovaErrors,
		Micro: &Micro{Service: "compute", Legacy: "X-OpenStack-Nova-API-Version", Min: "2.1", Max: "2.60", Strict: "2.55"},
		Routes: []Route{
			{Method: "GET", Path: "", Policy: auth.NoToken("test:root"), Doc: "Tells the versions.", Do: Do(func(ctx context.Context, _ struct{}) (thing, error) {
				return thing{ID: BaseURL(ctx)}, nil
			})},
			{Method: "GET", Path: "/v1/{parent}/things", Policy: allow, Doc: "Lists.", Do: Do(func(ctx context.Context, in struct {
				List
				Parent string `path:"parent"`
			},
			) (listOut, error) {
				p, err := in.Page("created_at:desc", 100)
				if err != nil {
					return listOut{}, err
				}
				return listOut{Things: []thing{{ID: "1", Name: p.Sort[0].Key}}, Links: []link{{NextURL(ctx, "1")}}, Self: SelfURL(ctx)}, nil
			})},
			{Method: "POST", Path: "/v1/{parent}/things", Policy: allow, Audit: "test.thing.create", Doc: "Makes.", Status: 202, Do: Do(func(_ context.Context, in createIn) (createOut, error) {
				return createOut{Location: "/x", Thing: thing{ID: in.Parent, Name: in.Thing.Name, Old: "o", Extra: map[string]any{"size": in.Thing.Size, "null": in.Thing.Desc.Null}}}, nil
			})},
			action("start"), action("stop"),
			{Method: "GET", Path: "/v1/panic", Policy: allow, Doc: "Panics.", Do: Do(func(context.Context, struct{}) (None, error) { panic("boom") })},
			{Method: "GET", Path: "/v1/admin", Policy: auth.P("test:admin", auth.AdminOnly), Doc: "For admins.", Do: Do(func(context.Context, struct{}) (None, error) { return None{}, nil })},
			{Method: "GET", Path: "/v1/late", Since: "2.50", Policy: allow, Doc: "Came late.", Do: Do(func(context.Context, struct{}) (None, error) { return None{}, nil })},
		},
	}
}

func newTestServer(t testing.TB) http.Handler {
	t.Helper()
	h, err := New(Options{
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Authenticate: func(_ context.Context, token string) (*auth.Caller, error) {
			if token != "good" {
				return nil, fault.New(fault.Unauthenticated, "The token is not valid")
			}
			return &auth.Caller{UserID: "u", ProjectID: "p", Roles: []string{"member"}}, nil
		},
	}, testService())
	require.NoError(t, err)
	return h
}

func call(t testing.TB, h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Auth-Token", "good")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestBodiesAreCheckedByName(t *testing.T) {
	h := newTestServer(t)
	for _, c := range []struct{ name, body, version, want string }{
		{"empty", ``, "", "needs a JSON body"},
		{"broken", `{"thing":`, "", "not valid JSON at byte"},
		{"trailing", `{"thing":{}} x`, "", "more after the JSON value"},
		{"no envelope", `{}`, "", "thing is a required field"},
		{"other key", `{"thing":{"name":"a"},"x":1}`, "", "no field x in the body"},
		{"missing", `{"thing":{}}`, "", "thing.name is a required field"},
		{"empty name", `{"thing":{"name":""}}`, "", "needs at least 1"},
		{"long name", `{"thing":{"name":"12345678901"}}`, "", "at most 10"},
		{"unknown", `{"thing":{"name":"a","colour":1}}`, "", "no field thing.colour"},
		{"wrong type", `{"thing":{"name":1}}`, "", "thing.name: 1 is not a string"},
		{"fraction", `{"thing":{"name":"a","size":1.5}}`, "", "is not an integer"},
		{"giant", `{"thing":{"name":"a","size":1e999}}`, "", "is not an integer"},
		{"too small", `{"thing":{"name":"a","size":0}}`, "", "less than the minimum"},
		{"enum", `{"thing":{"name":"a","kind":"huge"}}`, "", "not one of big, small"},
		{"cidr", `{"thing":{"name":"a","net":"10.0.0.0"}}`, "", "CIDR notation"},
		{"uuid", `{"thing":{"name":"a"},"os:hints":{"group":"x"}}`, "", "not a UUID"},
		{"too new a field", `{"thing":{"name":"a","tags":[]}}`, "2.51", "does not exist in version 2.51"},
		{"too many", `{"thing":{"name":"a","tags":["a","b","c"]}}`, "2.52", "at most 2"},
		{"metadata", `{"thing":{"name":"a","metadata":{"k":1}}}`, "", "thing.metadata.k: 1 is not a string"},
		{"not UTF-8", "{\"thing\":{\"name\":\"\xff\"}}", "", "not valid UTF-8"},
		{"NUL", `{"thing":{"name":"a","metadata":{"k":["\u0000"]}}}`, "", "the character NUL"},
		{"no NUL", `{"thing":{"name":"\\u0000"},"x":1}`, "", "no field x"},
		{"null", `{"thing":{"name":null}}`, "", "null is not a string"},
		{"depth", `{"thing":` + strings.Repeat(`[`, 50) + strings.Repeat(`]`, 50) + `}`, "", "is not an object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			if c.version != "" {
				headers = []string{"OpenStack-API-Version", "compute " + c.version}
			}
			w := call(t, h, "POST", "/compute/v1/p/things", c.body, headers...)
			require.Equal(t, 400, w.Code, w.Body.String())
			var e map[string]struct{ Message string }
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &e))
			require.Contains(t, e["badRequest"].Message, c.want)
		})
	}
}

func TestCreate(t *testing.T) {
	h := newTestServer(t)
	w := call(t, h, "POST", "/compute/v1/mum/things", `{"thing":{"name":"é\"a","size":"7","description":null,"flag":"true"}}`, "X-OpenStack-Nova-API-Version", "2.47")
	require.Equal(t, 202, w.Code, w.Body.String())
	require.Equal(t, "/x", w.Header().Get("Location"))
	require.Equal(t, "compute 2.47", w.Header().Get("OpenStack-API-Version"))
	require.JSONEq(t, `{"thing":{"id":"mum","name":"é\"a","new":[],"parent":null,"size":7,"null":true}}`, w.Body.String())
	w = call(t, h, "POST", "/compute/v1/mum/things", `{"thing":{"name":"a","size":7}}`)
	require.JSONEq(t, `{"thing":{"id":"mum","name":"a","old":"o","parent":null,"size":7,"null":false}}`, w.Body.String())
}

func TestListsPageAndProject(t *testing.T) {
	h := newTestServer(t)
	w := call(t, h, "GET", "/compute/v1/p/things?limit=1&fields=id", "")
	require.Equal(t, 200, w.Code, w.Body.String())
	require.JSONEq(t, `{"things":[{"id":"1"}],"things_links":[{"href":"http://example.com/compute/v1/p/things?fields=id&limit=1&marker=1"}]}`, w.Body.String())
	w = call(t, h, "GET", "/compute/v1/a%20b/things/?sort=name:desc&fields=id&marker=%C3%A9", "", "OpenStack-API-Version", "compute 2.60")
	require.JSONEq(t, `{"things":[{"id":"1"}],"things_links":[{"href":"http://example.com/compute/v1/a%20b/things?fields=id&marker=1&sort=name%3Adesc"}],
		"self":"http://example.com/compute/v1/a%20b/things?sort=name:desc&fields=id&marker=%C3%A9"}`, w.Body.String())
	require.Equal(t, 400, call(t, h, "GET", "/compute/v1/p/things?limit=-1", "").Code)
	require.Equal(t, 400, call(t, h, "GET", "/compute/v1/p/things?limit=x", "").Code)
	require.Equal(t, 400, call(t, h, "GET", "/compute/v1/p/things?sort_key=name&sort_dir=up", "").Code)
}

func TestVersionsAndRoutes(t *testing.T) {
	h := newTestServer(t)
	for _, c := range []struct {
		method, path, body string
		headers            []string
		want               int
	}{
		{"GET", "/compute", "", []string{"X-Auth-Token", ""}, 200},
		{"GET", "/compute/", "", []string{"X-Auth-Token", ""}, 200},
		{"GET", "/compute/v1/p/things", "", []string{"X-Auth-Token", ""}, 401},
		{"GET", "/compute/v1/p/things", "", []string{"X-Auth-Token", "bad"}, 401},
		{"GET", "/compute/nowhere", "", nil, 404},
		{"PUT", "/compute/v1/p/things", "", nil, 405},
		{"GET", "/compute/v1/late", "", nil, 404},
		{"GET", "/compute/v1/late", "", []string{"OpenStack-API-Version", "compute latest"}, 200},
		{"GET", "/compute/v1/late", "", []string{"OpenStack-API-Version", "compute 2.61"}, 406},
		{"GET", "/compute/v1/late", "", []string{"OpenStack-API-Version", "compute 2.x"}, 400},
		{"GET", "/compute/v1/late", "", []string{"OpenStack-API-Version", "volume 9.9, compute 2.50"}, 200},
		{"GET", "/compute/v1/p/things?colour=red", "", []string{"OpenStack-API-Version", "compute 2.54"}, 200},
		{"GET", "/compute/v1/p/things?colour=red", "", []string{"OpenStack-API-Version", "compute 2.55"}, 400},
		{"GET", "/compute/v1/p/things?limit=1", "", []string{"OpenStack-API-Version", "compute 2.55"}, 200},
		{"GET", "/compute?colour=red", "", []string{"OpenStack-API-Version", "compute 2.55", "X-Auth-Token", ""}, 200},
		{"GET", "/compute/v1/admin", "", nil, 403},
		{"GET", "/compute/v1/panic", "", nil, 500},
		{"POST", "/compute/v1/p/things/1/action", `{"start":null}`, nil, 202},
		{"POST", "/compute/v1/p/things/1/action", `{"stop":{}}`, nil, 202},
		{"POST", "/compute/v1/p/things/1/action", `{"stop":{},"start":{}}`, nil, 400},
		{"POST", "/compute/v1/p/things/1/action", `{"explode":{}}`, nil, 400},
		{"POST", "/compute/v1/p/things/1/action", `[]`, nil, 400},
		{"POST", "/compute/v1/p/things", strings.Repeat(" ", maxBody+1), nil, 413},
		{"POST", "/compute/v1/p/things", "a", []string{"Content-Type", "text/plain"}, 415},
	} {
		w := call(t, h, c.method, c.path, c.body, c.headers...)
		require.Equal(t, c.want, w.Code, "%s %s %v: %s", c.method, c.path, c.headers, w.Body)
		require.Regexp(t, requestIDPattern, w.Header().Get("X-Openstack-Request-Id"))
		if c.want == 405 {
			require.Equal(t, "GET, HEAD, POST", w.Header().Get("Allow"))
		}
	}
}

func TestNewRefusesRoutesThatLackWhatTheyNeed(t *testing.T) {
	_, err := New(Options{}, Service{Type: "x", Prefix: "/x", Routes: []Route{{Method: "POST", Path: "/a"}}})
	require.ErrorContains(t, err, "no policy")
	require.ErrorContains(t, err, "no audit name")
	require.ErrorContains(t, err, "no documentation")
	require.ErrorContains(t, err, "no function")
	type bad struct{ Lost string }
	_, err = New(Options{}, Service{Type: "x", Prefix: "/x", Routes: []Route{{
		Method: "GET", Path: "/a", Doc: "d", Policy: auth.NoToken("p"),
		Do: Do(func(context.Context, bad) (None, error) { return None{}, nil }),
	}}})
	require.ErrorContains(t, err, "says not where it comes from")
}

// FuzzBody feeds a route with anything: a mistake of the caller is a 4xx, never a 500.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"thing":{"name":"a"}}`, `{"thing":null}`, `[]`, `{"thing":{"name":"a","metadata":{"a":{}}}}`, `{"thing":{"size":1e400}}`} {
		f.Add(seed)
	}
	h := newTestServer(f)
	f.Fuzz(func(t *testing.T, body string) {
		require.Less(t, call(t, h, "POST", "/compute/v1/p/things", body).Code, 500)
		require.Less(t, call(t, h, "POST", "/compute/v1/p/things/1/action", body).Code, 500)
	})
}
