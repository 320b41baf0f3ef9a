package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHostSettings(t *testing.T) {
	c := withOwn(t)
	const host = `{"id":"h1","name":"one","state":"failed","bridge_mappings":[{"physical_network":"dc","bridge":"br-dc","device":"eth9"}],"encap_address":null,` +
		`"current":{"bridge_mappings":[],"encap_address":"10.0.0.11","error":"physical network dc: the device eth9 is not there"}}`
	c.answer("GET /v1/settings/network/hosts", 200, `{"hosts":[`+host+`,{"id":"h2","name":"two","state":"pending","bridge_mappings":null,"encap_address":null,"current":null}]}`)
	code, out, errOut := aloft(t, "--os-cloud", "demo", "host", "list")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "the device eth9 is not there")
	require.Contains(t, out, "pending")

	c.answer("GET /compute/v2.1/os-hypervisors/detail", 200, `{"hypervisors":[{"id":"h1","hypervisor_hostname":"one","hypervisor_version":1,"service":{"id":"h1","host":"one"},"cpu_info":""}]}`)
	c.answer("GET /v1/settings/network/hosts/h1", 200, `{"host":`+host+`}`)
	code, out, errOut = aloft(t, "--os-cloud", "demo", "host", "settings", "one")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "dc:br-dc:eth9")

	var asked map[string]any
	c.handle("PUT /v1/settings/network/hosts/h1", func(body map[string]any) (int, string) {
		asked = body
		return 200, `{"host":` + host + `}`
	})
	code, _, errOut = aloft(t, "--os-cloud", "demo", "host", "settings", "one", "--bridge-mappings", "dc:br-dc:eth9,lab:br-lab", "--reset", "encap-address")
	require.Zero(t, code, errOut)
	require.Equal(t, map[string]any{"host": map[string]any{"encap_address": nil, "bridge_mappings": []any{
		map[string]any{"physical_network": "dc", "bridge": "br-dc", "device": "eth9"}, map[string]any{"physical_network": "lab", "bridge": "br-lab"},
	}}}, asked)

	code, _, errOut = aloft(t, "--os-cloud", "demo", "host", "settings", "one", "--bridge-mappings", "dc")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "PHYSICAL_NETWORK:BRIDGE:DEVICE")
}
