package rest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/google/uuid"
)

// request is what the dialect knows of the request at hand.
type request struct {
	id, globalID string
	origin       string // "https://127.0.0.1:8443"
	base         string // origin and prefix of the service
	remote       string
	url          *url.URL
	version      Version
	agent        string // the client's program, as it says
	at           time.Time
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return &request{url: &url.URL{}}
	}
	return r
}

var requestIDPattern = regexp.MustCompile(`^req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func newRequest(r *http.Request) *request {
	req := &request{id: "req-" + uuid.NewString(), at: time.Now(), url: r.URL, agent: r.UserAgent(), origin: "https://" + r.Host}
	if r.TLS == nil {
		req.origin = "http://" + r.Host
	}
	if given := r.Header.Get("X-Openstack-Request-Id"); requestIDPattern.MatchString(given) {
		req.globalID = given
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	req.remote = host
	return req
}

// RequestID returns the id that the answer and the log carry.
func RequestID(ctx context.Context) string { return requestOf(ctx).id }

// BaseURL returns the root of the service as the caller reached it, e.g. "https://127.0.0.1:8443/compute".
func BaseURL(ctx context.Context) string { return requestOf(ctx).base }

// RemoteAddr returns the address of the caller, without the port.
func RemoteAddr(ctx context.Context) string { return requestOf(ctx).remote }
