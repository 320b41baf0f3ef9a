package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// Tags of every resource are written and read, one by one and together, by the owner only, and lists are narrowed by them.
func TestTags(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		admin, one, two := caller{t, url, "admin"}, caller{t, url, "one"}, caller{t, url, "two"}
		outside := admin.make("networks", "network", object{"name": "outside", "router:external": true})
		admin.make("subnets", "subnet", object{"network_id": outside["id"], "ip_version": 4, "cidr": "192.0.2.0/24"})
		inside := one.make("networks", "network", object{"name": "inside"})
		group := one.make("security-groups", "security_group", object{"name": "g"})
		made := map[string]object{
			"networks": inside, "security-groups": group,
			"subnets":              one.make("subnets", "subnet", object{"network_id": inside["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}),
			"ports":                one.make("ports", "port", object{"network_id": inside["id"]}),
			"subnetpools":          one.make("subnetpools", "subnetpool", object{"prefixes": []string{"10.0.0.0/8"}}),
			"routers":              one.make("routers", "router", object{"name": "r"}),
			"floatingips":          one.make("floatingips", "floatingip", object{"floating_network_id": outside["id"]}),
			"security-group-rules": one.make("security-group-rules", "security_group_rule", object{"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}),
		}
		for path, o := range made {
			at := path + "/" + o["id"].(string)
			expect := func(c caller, method, below string, body any, want int) object {
				t.Helper()
				status, got := c.call(method, at+below, "", body)
				require.Equal(t, want, status, "%s %s%s: %v", method, at, below, got)
				return got
			}
			require.Empty(t, o["tags"])
			expect(one, "PUT", "/tags/red", object{}, 201)
			expect(one, "PUT", "/tags/red", object{}, 201)
			expect(one, "GET", "/tags/red", nil, 204)
			require.Equal(t, "TagNotFound", expect(one, "GET", "/tags/blue", nil, 404)["type"])
			require.Equal(t, []any{"red"}, expect(one, "GET", "/tags", nil, 200)["tags"])
			expect(two, "GET", "/tags", nil, 404)
			expect(two, "PUT", "/tags/red", object{}, 404)
			require.Equal(t, []any{"blue", "green"}, expect(one, "PUT", "/tags", object{"tags": []string{"green", "blue", "green"}}, 200)["tags"])
			expect(one, "PUT", "/tags", object{"tags": []string{"a,b"}}, 400)
			expect(one, "PUT", "/tags", object{"tags": []string{strings.Repeat("x", 256)}}, 400)
			expect(one, "DELETE", "/tags/red", nil, 404)
			shown := expect(one, "GET", "", nil, 200)
			require.Equal(t, []any{"blue", "green"}, shown["tags"], path)
			require.Greater(t, revision(shown), revision(o))
			count := func(query string) int {
				t.Helper()
				status, list := one.call("GET", path+query, "", nil)
				require.Equal(t, 200, status, list)
				return len(list[strings.ReplaceAll(path, "-", "_")].([]any))
			}
			all := count("")
			require.Equal(t, 1, count("?tags=blue,green"))
			require.Equal(t, 0, count("?tags=blue,red"))
			require.Equal(t, 1, count("?tags-any=blue,red"))
			require.Equal(t, all-1, count("?not-tags=blue,green"))
			require.Equal(t, all, count("?not-tags=blue,red"))
			require.Equal(t, all-1, count("?not-tags-any=blue,red"))
			expect(one, "DELETE", "/tags/blue", nil, 204)
			expect(one, "DELETE", "/tags", nil, 204)
			require.Equal(t, 0, count("?tags-any=green"))
		}
		status, e := one.call("PUT", "networks/"+outside["id"].(string)+"/tags/mine", "", object{})
		require.Equal(t, 403, status, e)
		status, _ = one.call("GET", "networks/nowhere/tags", "", nil)
		require.Equal(t, 404, status)
	})
}
