package rest

import (
	"net/http"
	"slices"
	"strings"
)

// What scripts of other origins may send and read.
var (
	sharedMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	sharedHeaders = strings.Join([]string{
		"Content-Type", "Content-Range", "If-Match", "If-None-Match", "OpenStack-API-Version", "Range", "X-Auth-Token",
		"X-Openstack-Nova-API-Version", "X-Openstack-Request-Id", "X-Subject-Token",
	}, ", ")
	sharedAnswers = strings.Join([]string{
		"Content-Range", "ETag", "Location", "OpenStack-API-Version", "Retry-After", "X-Openstack-Nova-API-Version",
		"X-Openstack-Request-Id", "X-Subject-Token",
	}, ", ")
)

// preflightAge is how long, in seconds, a browser may remember the answer to its question.
const preflightAge = "3600"

// crossOrigin lets scripts of the given origins call the APIs (CORS, in the Fetch standard). Tokens travel in a header
// that scripts set, never in cookies, so credentials are never allowed and "*" is safe to give.
func crossOrigin(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	all := slices.Contains(origins, "*")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		origin := r.Header.Get("Origin")
		h.Add("Vary", "Origin")
		known := origin != "" && (all || slices.Contains(origins, origin))
		if known {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", sharedAnswers)
		}
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		if known {
			h.Set("Access-Control-Allow-Methods", sharedMethods)
			h.Set("Access-Control-Allow-Headers", sharedHeaders)
			h.Set("Access-Control-Max-Age", preflightAge)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
