package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServerExplain(t *testing.T) {
	c := newCloud(t)
	c.answer("GET /compute/v2.1/servers/"+serverA, 200, `{"server":`+server(serverA, "web", "ERROR", "")+`}`)
	code, _, errOut := aloft(t, "--os-cloud", "demo", "server", "explain", serverA)
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "this cloud offers no aloft service")

	c.answer("POST /identity/v3/auth/tokens", 201, `{"token":{"expires_at":"2099-01-01T00:00:00.000000Z","catalog":[`+
		c.service("compute", "/compute/v2.1")+","+c.service("aloft", "/v1")+`]}}`)
	c.answer("GET /v1/servers/"+serverA+"/placement", 200, `{"placement":{"server_id":"`+serverA+`","at":"2026-01-02T03:04:05Z","outcome":"refused",
		"message":"No valid host","hosts":40,"eligible":0,"reasons":[
		{"reason":"lack memory","text":"31 lack memory (largest free 1.5 GiB)","hosts":31,"names":["a","b"]},
		{"reason":"are lost","text":"8 are lost","hosts":8},{"reason":"are disabled","text":"1 is disabled","hosts":1,"names":["c"]}]}}`)
	code, out, errOut := aloft(t, "--os-cloud", "demo", "server", "explain", serverA)
	require.Zero(t, code, errOut)
	require.Equal(t, `web was refused at 2026-01-02T03:04:05Z: 0 of 40 hosts came into question
  31 lack memory (largest free 1.5 GiB): a, b and 29 more
  8 are lost
  1 is disabled: c
`, out)
	code, out, errOut = aloft(t, "--os-cloud", "demo", "server", "explain", serverA, "-o", "json")
	require.Zero(t, code, errOut)
	require.Contains(t, out, `"eligible": 0`)
}
