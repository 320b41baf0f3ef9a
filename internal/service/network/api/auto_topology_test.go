package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// A project gets a network that leads outside at once and as a whole, once, and is told what keeps it from that.
func TestAutoAllocatedTopology(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		s := &sharing{t: t}
		admin, one, two := caller{t, url, "admin"}, caller{t, url, "one"}, caller{t, url, "two"}
		const mine = "auto-allocated-topology/one"
		get := func(want int) object {
			t.Helper()
			return s.expect(one, "GET", mine, nil, want)
		}
		require.Contains(t, get(409)["message"], "No default router:external network")
		outside := admin.make("networks", "network", object{"router:external": true, "is_default": true})
		admin.make("subnets", "subnet", object{"network_id": outside["id"], "ip_version": 4, "cidr": "172.24.4.0/24"})
		require.Contains(t, s.expect(one, "GET", mine+"?fields=dry-run", nil, 409)["message"], "No default subnetpools")
		admin.make("subnetpools", "subnetpool", object{"prefixes": []string{"10.0.0.0/16"}, "default_prefixlen": 24, "is_default": true})
		admin.make("subnetpools", "subnetpool", object{"prefixes": []string{"fd00::/48"}, "is_default": true})
		require.Equal(t, "dry-run=pass", s.expect(one, "GET", mine+"?fields=dry-run", nil, 200)["id"])
		require.Empty(t, one.names("name=auto_allocated_network"), "a dry run makes nothing")

		s.expect(admin, "PUT", "quotas/one", object{"quota": object{"subnet": 1}}, 200)
		require.Equal(t, "OverQuota", get(409)["type"])
		require.Empty(t, one.names("name=auto_allocated_network"), "all of it, or nothing")
		s.expect(admin, "DELETE", "quotas/one", nil, 204)

		made := get(200)
		require.Equal(t, "one", made["project_id"])
		require.Equal(t, made, s.expect(one, "GET", "auto-allocated-topology/None", nil, 200))
		require.Equal(t, made, s.expect(admin, "GET", mine, nil, 200))
		require.Len(t, s.expect(one, "GET", "subnets?network_id="+made["id"].(string), nil, 200)["subnets"], 2)
		routers := s.expect(one, "GET", "routers?name=auto_allocated_router", nil, 200)["routers"].([]any)
		require.Len(t, routers, 1)
		require.Equal(t, outside["id"], routers[0].(object)["external_gateway_info"].(object)["network_id"])
		s.expect(two, "GET", mine, nil, 404)
		s.expect(two, "DELETE", mine, nil, 404)
		require.NotEqual(t, made["id"], s.expect(two, "GET", "auto-allocated-topology/two", nil, 200)["id"])

		port := one.make("ports", "port", object{"network_id": made["id"]})
		require.Equal(t, "NetworkInUse", s.expect(one, "DELETE", mine, nil, 409)["type"])
		require.Equal(t, made, get(200), "what is in use stays as it is")
		s.expect(one, "DELETE", "ports/"+port["id"].(string), nil, 204)
		s.expect(one, "DELETE", mine, nil, 204)
		s.expect(one, "DELETE", mine, nil, 204)
		require.Empty(t, one.names("name=auto_allocated_network"))
		require.Empty(t, s.expect(one, "GET", "routers", nil, 200)["routers"])
		require.NotEqual(t, made["id"], get(200)["id"])
	})
}

// An admin sees how many addresses networks have, and how many are used; nobody else does.
func TestNetworkIPAvailability(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		s := &sharing{t: t}
		admin, one := caller{t, url, "admin"}, caller{t, url, "one"}
		n := one.make("networks", "network", object{"name": "inside"})
		one.make("networks", "network", object{"name": "empty"})
		four := one.make("subnets", "subnet", object{"network_id": n["id"], "ip_version": 4, "cidr": "10.0.0.0/24", "enable_dhcp": false})
		one.make("subnets", "subnet", object{"network_id": n["id"], "ip_version": 6, "cidr": "fd00::/64", "enable_dhcp": false})
		one.make("ports", "port", object{"network_id": n["id"], "fixed_ips": []object{{"subnet_id": four["id"]}}})
		one.make("ports", "port", object{"network_id": n["id"]})
		list := func(query string) []any {
			t.Helper()
			return s.expect(admin, "GET", "network-ip-availabilities"+query, nil, 200)["network_ip_availabilities"].([]any)
		}
		require.Len(t, list(""), 2)
		got := list("?network_name=inside&ip_version=4")
		require.Len(t, got, 1)
		only := got[0].(object)
		require.EqualValues(t, 253, only["total_ips"])
		require.EqualValues(t, 2, only["used_ips"])
		require.Equal(t, []any{object{
			"subnet_id": four["id"], "subnet_name": "", "cidr": "10.0.0.0/24", "ip_version": 4.0, "total_ips": 253.0, "used_ips": 2.0,
		}}, only["subnet_ip_availability"])
		require.Empty(t, list("?tenant_id=two"))
		require.Len(t, list("?project_id=one"), 2)
		whole := s.expect(admin, "GET", "network-ip-availabilities/"+n["id"].(string), nil, 200)
		require.EqualValues(t, 3, whole["used_ips"])
		require.Greater(t, whole["total_ips"], float64(1<<63), "a /64 has more addresses than a word holds")
		require.Len(t, whole["subnet_ip_availability"], 2)
		s.expect(admin, "GET", "network-ip-availabilities?ip_version=5", nil, 400)
		s.expect(admin, "GET", "network-ip-availabilities?colour=blue", nil, 400)
		s.expect(admin, "GET", "network-ip-availabilities/nowhere", nil, 404)
		s.expect(one, "GET", "network-ip-availabilities", nil, 403)
	})
}
