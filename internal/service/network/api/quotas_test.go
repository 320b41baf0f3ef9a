package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// An admin sets, lists and resets quotas; a project sees its own, and what it uses of it.
func TestQuotas(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		admin, one := caller{t, url, "admin"}, caller{t, url, "one"}
		expect := func(c caller, method, path string, body any, want int) object {
			t.Helper()
			status, got := c.call(method, path, "", body)
			require.Equal(t, want, status, "%s %s: %v", method, path, got)
			return got
		}
		usual := expect(one, "GET", "quotas/one", nil, 200)
		require.Equal(t, usual, expect(one, "GET", "quotas/one/default", nil, 200))
		require.Empty(t, expect(admin, "GET", "quotas", nil, 200)["quotas"])
		require.Equal(t, "TenantQuotaNotFound", expect(admin, "DELETE", "quotas/one", nil, 404)["type"])
		set := expect(admin, "PUT", "quotas/one", object{"quota": object{"network": 1, "port": 0}}, 200)
		require.EqualValues(t, 1, set["network"])
		require.Equal(t, usual["router"], set["router"])
		require.Equal(t, set, expect(one, "GET", "quotas/one", nil, 200))
		require.Equal(t, usual, expect(one, "GET", "quotas/one/default", nil, 200))
		listed := expect(admin, "GET", "quotas", nil, 200)["quotas"].([]any)
		require.Len(t, listed, 1)
		require.Equal(t, "one", listed[0].(object)["project_id"])
		require.EqualValues(t, 0, listed[0].(object)["port"])

		n := one.make("networks", "network", object{})
		status, e := one.call("POST", "networks", "", object{"network": object{}})
		require.Equal(t, 409, status)
		require.Equal(t, "OverQuota", e["type"])
		status, e = one.call("POST", "ports", "", object{"port": object{"network_id": n["id"]}})
		require.Equal(t, 409, status)
		require.Equal(t, "OverQuota", e["type"])
		details := expect(one, "GET", "quotas/one/details.json", nil, 200)
		require.Equal(t, object{"limit": 1.0, "used": 1.0, "reserved": 0.0}, details["network"])
		expect(admin, "PUT", "quotas/one", object{"quota": object{"network": 0}}, 200) // below what there is

		expect(admin, "PUT", "quotas/one", object{"quota": object{"unicorn": 1}}, 400)
		expect(admin, "PUT", "quotas/one", object{"quota": object{"network": -2}}, 400)
		expect(admin, "PUT", "quotas/one", object{"quota": object{"network": "many"}}, 400)
		expect(one, "PUT", "quotas/one", object{"quota": object{"network": 5}}, 403)
		expect(one, "DELETE", "quotas/one", nil, 403)
		expect(one, "GET", "quotas", nil, 403)
		expect(one, "GET", "quotas/two", nil, 404)
		require.Equal(t, "one", expect(one, "GET", "quotas/tenant", nil, 200)["project_id"])
		expect(admin, "DELETE", "quotas/one", nil, 204)
		require.Equal(t, usual, expect(one, "GET", "quotas/one", nil, 200))
	})
}
