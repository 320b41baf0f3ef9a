package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/cli"
)

// cloud is as much of a cloud as the commands need: answers by method and path, and a log of what was asked.
type cloud struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]func(body map[string]any) (int, string)
	asked   []string
	dir     string
}

// newCloud starts a cloud and writes a clouds.yaml for it, in a folder that becomes the working directory.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{answers: map[string]func(map[string]any) (int, string){}, dir: t.TempDir()}
	c.Server = httptest.NewTLSServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	c.answer("POST /identity/v3/auth/tokens", 201, `{"token":{"expires_at":"2099-01-01T00:00:00.000000Z","catalog":[`+
		c.service("compute", "/compute/v2.1")+","+c.service("image", "/image")+","+c.service("network", "/network")+","+
		c.service("identity", "/identity/v3")+`]}}`)
	c.answer("GET /image", 300, `{"versions":[{"id":"v2.7","status":"CURRENT","links":[{"rel":"self","href":"`+c.URL+`/image/v2/"}]}]}`)
	c.answer("GET /network", 200, `{"versions":[{"id":"v2.0","status":"CURRENT","links":[{"rel":"self","href":"`+c.URL+`/network/v2.0/"}]}]}`)
	c.answer("GET /image/v2/images", 200, `{"images":[{"id":"10000000-0000-4000-8000-000000000001","name":"tiny","status":"active","size":9}]}`)

	for _, name := range []string{
		"OS_CLOUD", "OS_AUTH_URL", "OS_CLIENT_CONFIG_FILE", "OS_CACERT", "OS_REGION_NAME", "OS_INTERFACE", "XDG_CONFIG_HOME",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", c.dir)
	t.Chdir(c.dir)
	pem := filepath.Join(c.dir, "ca.pem")
	require.NoError(t, os.WriteFile(pem, encodePEM(c.Certificate().Raw), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "clouds.yaml"), []byte(fmt.Sprintf(`clouds:
  demo:
    region_name: RegionOne
    cacert: %s
    auth: {auth_url: %s/identity/v3/, username: u, password: p, project_name: demo, user_domain_name: Default, project_domain_name: Default}
`, pem, c.URL)), 0o600))
	return c
}

func (c *cloud) service(kind, path string) string {
	return fmt.Sprintf(`{"type":%q,"endpoints":[{"interface":"public","region":"RegionOne","region_id":"RegionOne","url":%q}]}`, kind, c.URL+path)
}

func (c *cloud) answer(what string, status int, body string) {
	c.handle(what, func(map[string]any) (int, string) { return status, body })
}

func (c *cloud) handle(what string, fn func(body map[string]any) (int, string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[what] = fn
}

func (c *cloud) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	var body map[string]any
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		_ = json.Unmarshal(raw, &body) // a patch is a list, which no answer looks at
	}
	what := r.Method + " " + strings.TrimSuffix(r.URL.Path, "/")
	c.mu.Lock()
	c.asked = append(c.asked, what)
	fn := c.answers[what]
	c.mu.Unlock()
	if fn == nil {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"itemNotFound":{"code":404,"message":"nothing at %s"}}`, what)
		return
	}
	status, text := fn(body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Subject-Token", "token")
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

func (c *cloud) was(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.asked, what)
}

// aloft runs a command line and returns its exit code and what it printed.
func aloft(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	root := cli.Root("test")
	var o, e bytes.Buffer
	root.SetOut(&o)
	root.SetErr(&e)
	root.SetArgs(args)
	code = cli.Run(t.Context(), root)
	return code, o.String(), e.String()
}
