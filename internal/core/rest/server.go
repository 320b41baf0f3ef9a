package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rate"
)

// Options are what the dialect needs from the outside.
type Options struct {
	// Authenticate turns a token into its caller; an Unauthenticated fault if it is not a valid one.
	Authenticate func(ctx context.Context, token string) (*auth.Caller, error)
	// IdentityURL is told to callers without a token.
	IdentityURL string
	// MaxWorking is how many requests are worked on at a time, MaxWaiting how many may wait for it; over that the
	// answer is 503. 0 means 256 and 25,000. MaxShare is how many of them one client may let wait, which is a user or,
	// without a token, an address; over that the answer is 429. 0 means nine tenths. Uploads and downloads don't count.
	MaxWorking, MaxWaiting, MaxShare int
	// ClientRate bounds the requests of one client, uploads and downloads too: so many a second, and ten times as many at
	// once; over that the answer is 429. 0 means no bound.
	ClientRate int
	// Policies override those of the routes; nil: none.
	Policies *auth.Overrides
	// Audit is told of each call that changes something, after its answer; nil: nobody. It may wait, but not for long.
	Audit func(ctx context.Context, c Call)
	// Origins are the web pages, as in "https://console.example.org", whose scripts may call the APIs; "*" is all.
	Origins []string
	// Patience is how long a client may be silent in the middle of its body or of the answer; 0 means 30 seconds.
	Patience time.Duration
	Metrics  prometheus.Registerer // nil: none
	Log      *slog.Logger
}

// New returns the handler of the services. It refuses a table with a route that lacks its policy, its audit name or its
// documentation, or whose types can't be decoded.
func New(opts Options, services ...Service) (http.Handler, error) {
	if opts.Patience == 0 {
		opts.Patience = 30 * time.Second
	}
	gate := newGate(opts.MaxWorking, opts.MaxWaiting, opts.MaxShare)
	var rates *rate.Limiter
	if opts.ClientRate > 0 {
		rates = rate.NewLimiter(opts.ClientRate)
	}
	bodies := newBudget()
	meter, err := newMeter(opts.Metrics)
	if err != nil {
		return nil, err
	}
	root := http.NewServeMux()
	for i := range services {
		s := &server{Service: &services[i], opts: opts, gate: gate, rates: rates, bodies: bodies, meter: meter}
		h, err := s.mux()
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", s.Type, err)
		}
		root.Handle(s.Prefix, h)
		root.Handle(s.Prefix+"/", h)
	}
	if err := opts.Policies.Unused(); err != nil {
		return nil, err
	}
	return crossOrigin(opts.Origins, root), nil
}

// server is one service at work.
type server struct {
	*Service
	opts   Options
	gate   *gate
	rates  *rate.Limiter
	bodies *budget
	meter  *meter
}

// mux groups the rows of the table by method and path.
func (s *server) mux() (http.Handler, error) {
	groups := map[string][]*Route{}
	var errs []error
	for i := range s.Routes {
		r := &s.Routes[i]
		if err := errors.Join(r.validate(), s.opts.Policies.Apply(&r.Policy, pathNames(r.Path))); err != nil {
			errs = append(errs, err)
			continue
		}
		key := r.Method + " " + s.Prefix + r.Path
		groups[key] = append(groups[key], r)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for key, rows := range groups {
		mux.HandleFunc(key, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, rows) })
	}
	return s.guard(mux), nil
}

// guard lets a path end in a slash, and answers in the service's dialect where no route matches.
func (s *server) guard(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if trimmed := strings.TrimRight(r.URL.Path, "/"); trimmed != r.URL.Path && trimmed != "" {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = trimmed, ""
		}
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := probe{header: http.Header{}}
		h.ServeHTTP(&probe, r)
		s.unmatched(w, r, &probe)
	})
}

// probe takes what the mux would have said.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }

func (s *server) unmatched(w http.ResponseWriter, r *http.Request, p *probe) {
	req := s.begin(w, r)
	err := fault.New(fault.NotFound, "The resource could not be found: the %s API has no path %s", s.Type, shorten(r.URL.Path))
	if p.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", p.header.Get("Allow"))
		err = fault.New(fault.MethodNotAllowed, "The method %s is not allowed for this resource: it takes %s", r.Method, p.header.Get("Allow"))
	}
	s.fail(w, r, req, err)
}

func (s *server) begin(w http.ResponseWriter, r *http.Request) *request {
	req := newRequest(r)
	req.base = req.origin + s.Prefix
	w.Header().Set("X-Openstack-Request-Id", req.id)
	if s.Type == "compute" {
		w.Header().Set("X-Compute-Request-Id", req.id)
	}
	return req
}

// serve answers one request, whose method and path match the rows.
func (s *server) serve(w http.ResponseWriter, r *http.Request, rows []*Route) {
	req := s.begin(w, r)
	ctx := context.WithValue(r.Context(), requestKey{}, req)
	rec := &recorder{ResponseWriter: w}
	route, caller, err := s.work(ctx, rec, r, req, rows)
	if err != nil {
		s.fail(rec, r, req, err)
	}
	if route == nil {
		route = rows[0]
	}
	s.meter.observe(s.Type, route, rec.status, time.Since(req.at))
	s.audit(ctx, req, route, caller, rec.status, err)
}

// work does all that may fail before the answer is written, and writes it.
func (s *server) work(ctx context.Context, w http.ResponseWriter, r *http.Request, req *request, rows []*Route) (route *Route, caller *auth.Caller, err error) {
	defer func() {
		p := recover()
		if cause, ok := p.(error); ok && errors.Is(cause, http.ErrAbortHandler) {
			panic(p) // the server ends the connection, which is how the client learns that its download is not whole
		}
		if p != nil {
			err = fault.Wrap(fault.Internal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "an unexpected error happened; the log has it under this request's id")
		}
	}()
	if s.Micro != nil {
		req.version, err = s.Micro.negotiate(r.Header)
		s.Micro.announce(w.Header(), req.version)
		if err != nil {
			return nil, nil, err
		}
	}
	if ctx, caller, err = s.authenticate(ctx, r, rows); err != nil {
		return nil, caller, err
	}
	client := clientOf(caller, req)
	if wait := s.rates.Take(client, req.at); wait > 0 {
		return nil, caller, &fault.Error{Class: fault.RateLimited, RetryAfter: wait, Message: fmt.Sprintf("you send more than %d requests a second: wait as long as Retry-After says", s.opts.ClientRate)}
	}
	// The body is read before the gate, so that slow clients hold no place of those who work, and so that the server
	// hears of a client that goes away while it waits.
	raw, release, err := s.receive(w, r, rows)
	defer release()
	if err != nil {
		return nil, caller, err
	}
	if rows[0].Do.in.raw == nil {
		leave, err := s.gate.enter(ctx, client)
		if err != nil {
			return nil, caller, err
		}
		defer leave()
	}
	body, err := parseBody(raw, r.Header.Get("Content-Type"))
	if err != nil {
		return nil, caller, err
	}
	if route, err = choose(rows, body, req.version); err != nil {
		return nil, caller, err
	}
	if !route.Policy.Allows(caller, r.PathValue) {
		return route, caller, fault.New(fault.Forbidden, "Policy doesn't allow %s to be performed: it needs another role or another scope", route.Policy.Name)
	}
	if route.reads() && route.Policy.NeedsToken() && s.Micro.refuses(req.version) {
		if err := route.Do.in.unexpected(r); err != nil {
			return route, caller, err
		}
	}
	in := route.Do.newIn()
	if err = route.Do.in.fill(in, r, body, req.version); err != nil {
		return route, caller, err
	}
	out, err := route.Do.call(ctx, in)
	if err != nil {
		return route, caller, err
	}
	return route, caller, s.write(w, r, req, route, out)
}

// clientOf tells those apart who share the server: users by their tokens, and others by their addresses.
func clientOf(caller *auth.Caller, req *request) string {
	if caller != nil {
		return "user " + caller.UserID
	}
	return "address " + req.remote
}

func (s *server) authenticate(ctx context.Context, r *http.Request, rows []*Route) (context.Context, *auth.Caller, error) {
	token := r.Header.Get("X-Auth-Token")
	needed := rows[0].Policy.NeedsToken()
	if token == "" && needed {
		return ctx, nil, fault.New(fault.Unauthenticated, "The request you have made requires authentication: send a token in X-Auth-Token")
	}
	if token == "" || !needed {
		return ctx, nil, nil
	}
	caller, err := s.opts.Authenticate(ctx, token)
	if err != nil {
		return ctx, nil, err
	}
	s.opts.Policies.Judge(caller)
	if !caller.May(s.Type, r.Method, strings.TrimPrefix(r.URL.Path, s.Prefix), r.URL.Path) {
		return ctx, caller, fault.New(fault.Unauthenticated, "The token is not good for %s %s: the access rules of its application credential do not permit it", r.Method, shorten(r.URL.Path))
	}
	return auth.With(ctx, caller), caller, nil
}

func needsBody(rows []*Route) bool {
	for _, r := range rows {
		if r.Action != "" || len(r.Do.in.body) > 0 || r.Do.in.whole != nil {
			return true
		}
	}
	return false
}

// choose finds the row for the action in the body and the version of the request.
func choose(rows []*Route, body any, version Version) (*Route, error) {
	var known []string
	object, _ := body.(map[string]any)
	for _, r := range rows {
		if r.Action != "" {
			known = append(known, r.Action)
		}
		_, named := object[r.Action]
		if r.Action != "" && !named {
			continue
		}
		if exists, err := parseSpan(r.Since, r.Until); err != nil || !exists.has(version) {
			continue
		}
		if r.Action != "" && len(object) != 1 {
			return nil, fault.Invalidf("body", "the body must name exactly one action; it has %d keys", len(object))
		}
		return r, nil
	}
	if known == nil {
		return nil, fault.New(fault.NotFound, "The resource could not be found in version %s of the API", version)
	}
	slices.Sort(known)
	return nil, fault.Invalidf("body", "There is no such action: the body must be an object with one key of %s", strings.Join(slices.Compact(known), ", "))
}
