package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	"github.com/aloft-cloud/aloft/internal/service/identity/api"
	"github.com/aloft-cloud/aloft/internal/service/identity/store"
)

const adminPassword = "correct horse"

// cloud is an identity service behind HTTP.
type cloud struct {
	t    *testing.T
	url  string // of /identity
	core *identity.Service
}

func newCloud(t *testing.T, tune ...func(*identity.Config)) *cloud {
	t.Helper()
	return newCloudOn(t, dbtest.SQLite(t, store.Migrations(), event.Migrations()), tune...)
}

func newCloudOn(t *testing.T, d *db.DB, tune ...func(*identity.Config)) *cloud {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	cfg := identity.Config{
		Region: "RegionOne", MasterKey: bytes.Repeat([]byte{'k'}, auth.KeySize), HashCost: identity.HashCost{Passes: 1, MemoryKiB: 8},
		Catalog: []identity.Endpoint{
			{Type: "identity", Name: "keystone", URL: server.URL + "/identity"},
			{Type: "compute", Name: "nova", URL: server.URL + "/compute/v2.1"},
			{Type: "volumev3", Name: "cinder", URL: server.URL + "/volume/v3/{project_id}"},
		},
	}
	for _, fn := range tune {
		fn(&cfg)
	}
	core, err := identity.New(cfg, d, store.New(d), event.New(d, nil, log), log)
	require.NoError(t, err)
	require.NoError(t, core.Load(t.Context()))
	require.NoError(t, core.EnsureBootstrap(t.Context(), adminPassword))
	handler, err = rest.New(rest.Options{Authenticate: core.Authenticate, IdentityURL: server.URL + "/identity", Log: log}, api.Service(core))
	require.NoError(t, err)
	return &cloud{t, server.URL + "/identity", core}
}

// client logs in as gophercloud does.
func (c *cloud) client(user, password string, scope *gophercloud.AuthScope) (*gophercloud.ServiceClient, error) {
	c.t.Helper()
	provider, err := openstack.AuthenticatedClient(c.t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: c.url, Username: user, Password: password, DomainID: "default", Scope: scope, AllowReauth: true,
	})
	if err != nil {
		return nil, err
	}
	return openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
}

func (c *cloud) admin() *gophercloud.ServiceClient {
	c.t.Helper()
	client, err := c.client("admin", adminPassword, &gophercloud.AuthScope{ProjectName: "admin", DomainID: "default"})
	require.NoError(c.t, err)
	return client
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// call sends a request; headers are pairs of name and value.
func (c *cloud) call(method, path, body string, headers ...string) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	require.NoError(c.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer func() { require.NoError(c.t, res.Body.Close()) }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	a := answer{status: res.StatusCode, header: res.Header, raw: string(raw)}
	if len(raw) > 0 {
		require.NoError(c.t, json.Unmarshal(raw, &a.body), "%s", raw)
	}
	return a
}

// at follows keys into the body.
func (a answer) at(keys ...string) any {
	var v any = a.body
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// token logs in by password and returns the token.
func (c *cloud) token(user, password, scope string) string {
	c.t.Helper()
	a := c.call(http.MethodPost, "/v3/auth/tokens", passwordBody(user, password, scope))
	require.Equal(c.t, http.StatusCreated, a.status, a.raw)
	return a.header.Get("X-Subject-Token")
}

func passwordBody(user, password, scope string) string {
	if scope != "" {
		scope = `,"scope":` + scope
	}
	return `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"` + user + `","domain":{"id":"default"},"password":"` + password + `"}}}` + scope + `}}`
}
