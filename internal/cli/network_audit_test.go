package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const tracedPort = "30000000-0000-4000-8000-00000000000a"

// withOwn adds Aloft's own API to a cloud.
func withOwn(t *testing.T) *cloud {
	c := newCloud(t)
	c.answer("POST /identity/v3/auth/tokens", 201, `{"token":{"expires_at":"2099-01-01T00:00:00.000000Z","catalog":[`+
		c.service("compute", "/compute/v2.1")+","+c.service("network", "/network")+","+c.service("aloft", "/v1")+`]}}`)
	return c
}

func TestNetworkAudit(t *testing.T) {
	c := withOwn(t)
	c.answer("GET /v1/network/audit", 200, `{"audit":{"deviations":[{"kind":"missing","text":"ACL 1 of security_group 2 is missing"}],"repair":false}}`)
	code, out, errOut := aloft(t, "--os-cloud", "demo", "network", "audit")
	require.Equal(t, 1, code)
	require.Equal(t, "ACL 1 of security_group 2 is missing\n", out)
	require.Contains(t, errOut, "--repair")

	c.answer("POST /v1/network/audit", 202, `{"audit":{"deviations":[{"kind":"missing","text":"ACL 1 of security_group 2 is missing"}],"repair":true}}`)
	c.answer("GET /v1/network/audit", 200, `{"audit":{"deviations":[],"repair":false}}`)
	code, _, errOut = aloft(t, "--os-cloud", "demo", "network", "audit", "--repair")
	require.Zero(t, code, errOut)
	require.Contains(t, errOut, "mended")
}

func TestNetworkTrace(t *testing.T) {
	c := withOwn(t)
	c.answer("GET /network/v2.0/ports/"+tracedPort, 200, `{"port":{"id":"`+tracedPort+`"}}`)
	c.answer("GET /v1/ports/"+tracedPort+"/trace", 200, `{"trace":{"from":"10.0.0.4","to":"10.0.0.5:80","delivered":false,"steps":["it leaves","no rule lets it pass"],"verdict":"no rule lets it pass","missing":{"security_group_ids":["g"]}}}`)
	code, out, errOut := aloft(t, "--os-cloud", "demo", "network", "trace", "--from", tracedPort, "--to", "10.0.0.5:80")
	require.Equal(t, 1, code)
	require.Equal(t, " 1. it leaves\n 2. no rule lets it pass\n", out)
	require.Contains(t, errOut, "does not arrive")
}
