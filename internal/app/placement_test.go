package app

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlacementIsTunedAndExplained(t *testing.T) {
	p := newPlane(t)
	answer := func(method, path, body string) map[string]any {
		t.Helper()
		w := p.call(method, path, body, p.admin)
		require.Equal(t, 200, w.Code, "%s", w.Body)
		var out map[string]map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
		for _, v := range out {
			return v
		}
		return nil
	}
	want := obj{"cpu_allocation_ratio": 16.0, "ram_allocation_ratio": 1.0, "disk_allocation_ratio": 4.0, "reserved_host_memory_mb": 512.0, "strategy": "spread"}
	require.Equal(t, want, answer("GET", "/v1/settings/placement", ""))
	want["cpu_allocation_ratio"], want["strategy"] = 8.0, "pack"
	require.Equal(t, want, answer("PUT", "/v1/settings/placement", `{"placement":{"cpu_allocation_ratio":8,"strategy":"pack"}}`))
	require.Equal(t, want, answer("GET", "/v1/settings/placement", ""))
	w := p.call("PUT", "/v1/settings/placement", `{"placement":{"ram_allocation_ratio":0}}`, p.admin)
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), "ram_allocation_ratio must be greater than 0")

	require.Equal(t, 404, p.call("GET", "/v1/servers/nothing/placement", "", p.admin).Code)
	require.Equal(t, 404, p.call("PUT", "/v1/hosts/nothing/maintenance", `{"maintenance":true}`, p.admin).Code)
}
