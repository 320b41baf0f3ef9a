package rest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// recorder remembers the status that was sent.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what is below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// write sends the output of a handler. An error before the first byte becomes an error answer; later ones end the
// connection, as nothing else tells the client.
func (s *server) write(w http.ResponseWriter, r *http.Request, req *request, route *Route, out any) error {
	status := route.status()
	switch o := out.(type) {
	case *None:
		w.WriteHeader(status)
		return nil
	case *Stream:
		return s.stream(w, r, o, status)
	}
	if o, ok := out.(interface{ HTTPStatus() int }); ok {
		status = o.HTTPStatus()
	}
	v := reflect.ValueOf(out).Elem()
	setHeaders(w.Header(), v)
	if status == http.StatusOK && unchanged(r, w.Header().Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	e := encoder{version: req.version}
	if len(route.Do.in.query) > 0 {
		e.only = r.URL.Query()["fields"]
	}
	body, err := e.append(make([]byte, 0, 1024), v)
	if err != nil {
		return err
	}
	s.send(w, r, req, status, body)
	return nil
}

// send writes a JSON body, compressed if that is worth it and the client can read it.
func (s *server) send(w http.ResponseWriter, r *http.Request, req *request, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	if packed := compress(w.Header(), r, body); packed != nil {
		defer packed.release()
		body = packed.Bytes()
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	s.patience(w).toWrite()
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(body); err != nil {
		s.opts.Log.Debug("the client went before the answer", "request", req.id, "error", err)
	}
}

func (s *server) stream(w http.ResponseWriter, r *http.Request, o *Stream, status int) error {
	if o.Status != 0 {
		status = o.Status
	}
	for name, values := range o.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", o.ContentType)
	if o.Length >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(o.Length, 10))
	}
	if o.Body != nil {
		defer o.Body.Close()
	}
	if status == http.StatusOK && unchanged(r, w.Header().Get("ETag")) {
		w.Header().Del("Content-Length")
		status, o.Body = http.StatusNotModified, nil
	}
	w.WriteHeader(status)
	if o.Body == nil || r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(s.patience(w), o.Body); err != nil {
		s.opts.Log.Warn("a download broke off", "path", r.URL.Path, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// setHeaders sends the output's fields that are tagged header.
func setHeaders(h http.Header, v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	t := v.Type()
	for i := range t.NumField() {
		if name, ok := t.Field(i).Tag.Lookup("header"); ok && v.Field(i).String() != "" {
			h.Set(name, v.Field(i).String())
		}
	}
}

// fail writes an error in the dialect of the service.
func (s *server) fail(w http.ResponseWriter, r *http.Request, req *request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		s.opts.Log.Debug("the client went away", "request", req.id)
		return
	}
	e := fault.Of(err)
	status := s.Errors.status(e.Class)
	if status >= http.StatusInternalServerError {
		s.opts.Log.Error("a request failed", "request", req.id, "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
	}
	style := s.Errors
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Keystone uri="`+s.opts.IdentityURL+`"`)
		style = KeystoneErrors // as the token middleware of every OpenStack service answers
	}
	if e.RetryAfter > 0 || status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.RetryAfter.Seconds())))))
	}
	body, encErr := encoder{}.append(nil, reflect.ValueOf(style.body(status, e)))
	if encErr != nil {
		s.opts.Log.Error("an error could not be written", "request", req.id, "error", encErr)
	}
	s.send(w, r, req, status, body)
}

// Call is what the audit is told of a call: who did what, from where, and how it ended.
type Call struct {
	At                        time.Time
	Request, GlobalRequest    string
	Action                    string // the route's audit name
	Method, Path, From, Agent string
	Caller                    *auth.Caller // nil where the call needs no token, or had none that is valid
	Status                    int          // 0: the client went before the answer
	Reason                    string       // of a refusal or failure
}

// audit logs each call that changes something, and tells the audit of it.
func (s *server) audit(ctx context.Context, req *request, route *Route, caller *auth.Caller, status int, err error) {
	if route.reads() {
		return
	}
	attrs := []slog.Attr{
		slog.String("action", route.Audit), slog.Int("status", status), slog.String("request", req.id),
		slog.String("path", req.url.Path), slog.String("from", req.remote),
	}
	if req.globalID != "" {
		attrs = append(attrs, slog.String("global_request", req.globalID))
	}
	if caller != nil {
		attrs = append(attrs, slog.String("user", caller.UserID), slog.String("project", caller.ProjectID))
	}
	if err != nil {
		attrs = append(attrs, slog.String("why", fault.Of(err).Message))
	}
	s.opts.Log.LogAttrs(ctx, slog.LevelInfo, "audit", attrs...)
	if s.opts.Audit == nil {
		return
	}
	c := Call{
		At: req.at, Request: req.id, GlobalRequest: req.globalID, Action: route.Audit, Method: route.Method, Path: req.url.Path,
		From: req.remote, Agent: req.agent, Caller: caller, Status: status,
	}
	if err != nil {
		c.Reason = fault.Of(err).Message
	}
	s.opts.Audit(ctx, c)
}
