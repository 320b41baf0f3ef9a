package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNetworkSettings(t *testing.T) {
	c := withOwn(t)
	const answer = `{"network":{"underlay_mtu":9000,"overlay_mtu":8942,"physical_mtu":1500,"dns_forwarders":["9.9.9.9"]}}`
	c.answer("GET /v1/settings/network", 200, answer)
	code, out, errOut := aloft(t, "--os-cloud", "demo", "network", "settings")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "8942")

	var asked map[string]any
	c.handle("PUT /v1/settings/network", func(body map[string]any) (int, string) {
		asked = body
		return 200, answer
	})
	code, _, errOut = aloft(t, "--os-cloud", "demo", "network", "settings", "--underlay-mtu", "9000", "--dns-forwarders", "9.9.9.9,1.1.1.1", "--reset", "physical-mtu")
	require.Zero(t, code, errOut)
	require.Equal(t, map[string]any{"network": map[string]any{
		"underlay_mtu": 9000.0, "dns_forwarders": []any{"9.9.9.9", "1.1.1.1"}, "physical_mtu": nil,
	}}, asked, "only what was given")

	c.answer("PUT /v1/settings/network", 400, `{"error":{"code":400,"message":"Unknown field shoe_size"}}`)
	code, _, errOut = aloft(t, "--os-cloud", "demo", "network", "settings", "--reset", "shoe-size")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "shoe_size")
}
