package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// Several objects of a kind come to be together or not at all, and the error says which of them is at fault.
func TestBulkCreate(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		admin, one := caller{t, url, "admin"}, caller{t, url, "one"}
		outside := admin.make("networks", "network", object{"name": "outside", "router:external": true})
		admin.make("subnets", "subnet", object{"network_id": outside["id"], "ip_version": 4, "cidr": "192.0.2.0/24"})
		n := one.make("networks", "network", object{"name": "n"})["id"]
		one.make("subnets", "subnet", object{"network_id": n, "ip_version": 4, "cidr": "10.0.0.0/24"})
		group := one.make("security-groups", "security_group", object{"name": "g"})["id"]
		for _, r := range []struct {
			path           string
			good, bad      object
			status         int
			kind, complain string
		}{
			{"networks", object{"name": "x"}, object{"mtu": 1}, 400, "InvalidInput", "mtu"},
			{"subnets", object{"network_id": n, "ip_version": 4, "cidr": "10.1.0.0/24"}, object{"network_id": n, "ip_version": 4, "cidr": "10.1.0.128/25"}, 400, "InvalidInput", "overlaps"},
			{"ports", object{"network_id": n, "fixed_ips": []object{{"ip_address": "10.0.0.77"}}}, object{"network_id": n, "fixed_ips": []object{{"ip_address": "10.0.0.77"}}}, 409, "IpAddressInUse", "10.0.0.77"},
			{"routers", object{"name": "r"}, object{"availability_zone_hints": []string{"mars"}}, 404, "AvailabilityZoneNotFound", "mars"},
			{"floatingips", object{"floating_network_id": outside["id"]}, object{"floating_network_id": n}, 400, "BadRequest", "external"},
			{"security-groups", object{"name": "s"}, object{"name": "default"}, 409, "SecurityGroupDefaultAlreadyExists", "default"},
			{"security-group-rules", object{"security_group_id": group, "direction": "ingress", "protocol": "tcp"}, object{"security_group_id": group, "direction": "ingress", "protocol": "tcp"}, 409, "SecurityGroupRuleExists", "exists"},
		} {
			names := strings.ReplaceAll(r.path, "-", "_")
			count := func() int {
				t.Helper()
				status, list := one.call("GET", r.path, "", nil)
				require.Equal(t, 200, status)
				return len(list[names].([]any))
			}
			before := count()
			status, e := one.call("POST", r.path, "", object{names: []object{r.good, r.bad}})
			require.Equal(t, r.status, status, "%s: %v", r.path, e)
			require.Equal(t, r.kind, e["type"])
			require.Contains(t, e["message"], names+"[1]: ", r.path)
			require.Contains(t, strings.ToLower(e["message"].(string)), strings.ToLower(r.complain))
			require.Equal(t, before, count(), "%s: one bad one fails all", r.path)
			status, made := one.call("POST", r.path, "", object{names: []object{r.good}})
			require.Equal(t, 201, status, made)
			require.Len(t, made[names], 1)
			require.Equal(t, before+1, count())
			for _, body := range []object{{names: []object{}}, {}, {names: []object{r.good}, strings.TrimSuffix(names, "s"): r.good}} {
				status, e = one.call("POST", r.path, "", body)
				require.Equal(t, 400, status, "%s %v: %v", r.path, body, e)
			}
		}
	})
}
