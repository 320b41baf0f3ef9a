package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlacement(t *testing.T) {
	c := newCloud(t)
	c.answer("POST /identity/v3/auth/tokens", 201, `{"token":{"expires_at":"2099-01-01T00:00:00.000000Z","catalog":[`+
		c.service("compute", "/compute/v2.1")+","+c.service("aloft", "/v1")+`]}}`)
	const answer = `{"placement":{"cpu_allocation_ratio":8,"ram_allocation_ratio":1,"disk_allocation_ratio":4,"reserved_host_memory_mb":512,"strategy":"pack"}}`
	c.answer("GET /v1/settings/placement", 200, answer)
	code, out, errOut := aloft(t, "--os-cloud", "demo", "placement", "show")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "pack")

	var asked map[string]any
	c.handle("PUT /v1/settings/placement", func(body map[string]any) (int, string) {
		asked = body
		return 200, answer
	})
	code, _, errOut = aloft(t, "--os-cloud", "demo", "placement", "set", "--cpu-ratio", "8", "--strategy", "pack")
	require.Zero(t, code, errOut)
	require.Equal(t, map[string]any{"placement": map[string]any{"cpu_allocation_ratio": 8.0, "strategy": "pack"}}, asked, "only what was given")

	c.answer("GET /compute/v2.1/os-hypervisors/detail", 200, `{"hypervisors":[{"id":"h1","hypervisor_hostname":"one","hypervisor_version":1,"service":{"id":"h1","host":"one"},"cpu_info":""}]}`)
	c.handle("PUT /v1/hosts/h1/maintenance", func(body map[string]any) (int, string) {
		asked = body
		return 200, `{"host":{}}`
	})
	code, _, errOut = aloft(t, "--os-cloud", "demo", "placement", "maintain", "one")
	require.Zero(t, code, errOut)
	require.Equal(t, map[string]any{"maintenance": true}, asked)
	code, _, errOut = aloft(t, "--os-cloud", "demo", "placement", "maintain", "--end", "h1")
	require.Zero(t, code, errOut)
	require.Equal(t, map[string]any{"maintenance": false}, asked)
	code, _, errOut = aloft(t, "--os-cloud", "demo", "placement", "maintain", "two")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, `there is no host with the name or id "two"`)
}
