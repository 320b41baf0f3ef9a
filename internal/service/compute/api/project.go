package api

import (
	"net/http"
	"strings"
)

// StripProject lets clients name their project in the path, as /compute/v2.1/{project_id}/servers: Nova has taken both
// forms since 2.18. The patterns of net/http can't hold both, so the project is taken out before they are asked. Which
// project a request acts in is said by its token alone.
func StripProject(next http.Handler) http.Handler {
	const root = "/compute/v2.1/"
	known := map[string]bool{}
	for _, r := range Service(nil).Routes {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/v2.1/"), "/")
		known[first] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ours := strings.CutPrefix(r.URL.Path, root)
		project, path, more := strings.Cut(rest, "/")
		first, _, _ := strings.Cut(path, "/")
		if ours && more && !known[project] && known[first] {
			stripped := r.Clone(r.Context())
			stripped.URL.Path, stripped.URL.RawPath = root+path, ""
			r = stripped
		}
		next.ServeHTTP(w, r)
	})
}
