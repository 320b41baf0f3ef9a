package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestCallsAreAudited(t *testing.T) {
	p := newPlane(t)
	project := p.make(p.admin, "POST", "/identity/v3/projects", obj{"project": obj{"name": "first", "domain_id": "default"}}, "project", "id")
	owner, _ := p.user("member", "default", project, "member")
	p.make(owner, "POST", "/network/v2.0/networks", obj{"network": obj{"name": "n"}})
	require.Equal(t, 403, p.call("POST", "/identity/v3/projects", `{"project":{"name":"x"}}`, owner).Code)
	require.NoError(t, p.control.audit.Flush(t.Context()))
	w := p.call("GET", "/v1/audit?user_id="+p.ids["user member"]+"&since="+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "", p.admin)
	require.Equal(t, 200, w.Code, "%s", w.Body)
	var out struct {
		Audit []struct {
			Action, Outcome, Address string
			Status                   int
			ProjectID                string `json:"project_id"`
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
	require.Len(t, out.Audit, 2)
	require.Equal(t, "identity.project.create", out.Audit[0].Action)
	require.Equal(t, "refused", out.Audit[0].Outcome)
	require.Equal(t, "network.network.create", out.Audit[1].Action)
	require.Equal(t, 201, out.Audit[1].Status)
	require.Equal(t, project, out.Audit[1].ProjectID)
	require.Equal(t, "192.0.2.1", out.Audit[1].Address)
}

func TestPolicyFile(t *testing.T) {
	p := newPlane(t)
	project := p.make(p.admin, "POST", "/identity/v3/projects", obj{"project": obj{"name": "first", "domain_id": "default"}}, "project", "id")
	token, _ := p.user("reader", "default", project, "reader")
	require.Equal(t, 403, p.call("GET", "/v1/audit", "", token).Code)
	write := func(text string) {
		p.control.cfg.PolicyFile = filepath.Join(t.TempDir(), "policy.yaml")
		require.NoError(t, os.WriteFile(p.control.cfg.PolicyFile, []byte(text), 0o600))
	}
	write("\"aloft:audit:list\": \"role:reader\"\n\"get_network\": \"!\"\n")
	var err error
	p.control.metrics = prometheus.NewRegistry()
	p.control.handler, err = p.control.routes()
	require.NoError(t, err)
	require.Equal(t, 200, p.call("GET", "/v1/audit", "", token).Code)
	require.Equal(t, 403, p.call("GET", "/network/v2.0/networks", "", p.admin).Code)
	write("# all wrong\nget_network: role\nnosuch: role:x\n\"identity:authenticate\": \"@\"\n")
	p.control.metrics = prometheus.NewRegistry()
	_, err = p.control.routes()
	require.ErrorContains(t, err, "policy.yaml:2: the rule of get_network")
	write("nosuch: role:x\n\"identity:authenticate\": \"@\"\n")
	p.control.metrics = prometheus.NewRegistry()
	_, err = p.control.routes()
	require.ErrorContains(t, err, "policy.yaml:2: identity:authenticate")
}
