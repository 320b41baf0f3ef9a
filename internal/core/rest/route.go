package rest

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

// Service is one API: a prefix, a way to write errors, and a table of routes.
type Service struct {
	Type   string // as in the catalog, e.g. "compute"
	Prefix string // e.g. "/compute"
	Errors ErrorStyle
	Micro  *Micro // nil: no microversions
	Routes []Route
}

// Route is one endpoint, or one action of an endpoint.
type Route struct {
	Method string
	Path   string // below the service's prefix, as a pattern of net/http: "/v2.1/servers/{server_id}"
	Policy auth.Policy
	Audit  string // what the audit log calls it, e.g. "compute.server.create"; required unless it only reads
	Doc    string // one sentence
	Status int    // of success; default GET 200, POST 201, PUT 200, PATCH 200, DELETE 204
	// Action is the key of the body that chooses this row where rows share method and path: "os-start".
	Action       string
	Since, Until string // the microversions in which the route exists
	Do           Handler
}

func (r *Route) status() int {
	switch {
	case r.Status != 0:
		return r.Status
	case r.Method == http.MethodPost:
		return http.StatusCreated
	case r.Method == http.MethodDelete:
		return http.StatusNoContent
	}
	return http.StatusOK
}

var pathName = regexp.MustCompile(`\{(\w+)(?:\.\.\.)?\}`)

// pathNames are the names of a path's variable segments.
func pathNames(path string) []string {
	var names []string
	for _, m := range pathName.FindAllStringSubmatch(path, -1) {
		names = append(names, m[1])
	}
	return names
}

func (r *Route) reads() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// validate refuses a table that lacks what every route must have.
func (r *Route) validate() error {
	var errs []error
	if r.Policy.Name == "" {
		errs = append(errs, errors.New("no policy"))
	}
	if r.Audit == "" && !r.reads() {
		errs = append(errs, errors.New("no audit name"))
	}
	if r.Doc == "" {
		errs = append(errs, errors.New("no documentation"))
	}
	if r.Do.call == nil {
		errs = append(errs, errors.New("no function"))
	}
	if r.Do.err != nil {
		errs = append(errs, r.Do.err)
	}
	if _, err := parseSpan(r.Since, r.Until); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("route %s %s %s: %w", r.Method, r.Path, r.Action, err)
	}
	return nil
}
