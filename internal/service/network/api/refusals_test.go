package api_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/service/network/api"
)

// nowhere is the id of nothing.
const nowhere = "00000000-0000-4000-8000-00000000dead"

// refusal is a request that must be refused, with the status and the error's type, and what the message must name.
type refusal struct {
	as, path, body string // in the latter two {name} is the id of one of the world's objects
	status         int
	kind, names    string
}

// wired is a world of objects of the projects "one" and "admin", by name.
type wired struct {
	t               *testing.T
	admin, one, two caller
	id              map[string]string
	places          *regexp.Regexp
}

// TestEveryRouteRefuses walks the route table: each route refuses, in Neutron's codes, an id of nothing and one of another
// project's where it takes an id, an unknown filter where it lists, and what the table of refusals has for it. A route that
// changes something and has no row there fails the test.
func TestEveryRouteRefuses(t *testing.T) {
	d := dbtest.SQLite(t, sets()...)
	url := serve(t, d)
	w := newWired(t, url)
	table := refusals()
	for _, r := range api.Service(nil).Routes {
		name := r.Method + " " + strings.TrimPrefix(r.Path, "/v2.0/")
		rows := append(table[name], w.general(r.Method, strings.TrimPrefix(r.Path, "/v2.0/"))...)
		delete(table, name)
		if r.Path == "" || r.Path == "/v2.0" {
			continue // they take nothing that could be wrong
		}
		if !harmless()[name] {
			assert.NotEmpty(t, rows, "%s has no negative test: add a row to refusals()", name)
			assert.True(t, r.Method == "GET" || len(rows) > 0 && rows[0].body != "" || r.Method == "DELETE", "%s has no negative test of its body: add a row to refusals()", name)
		}
		for _, row := range rows {
			w.refused(r.Method, row)
		}
	}
	require.Empty(t, table, "these rows are of no route")
}

// harmless are the routes that anyone may ask, and that take nothing.
func harmless() map[string]bool {
	return map[string]bool{
		"GET extensions": true, "GET quotas/tenant": true, "GET availability_zones": true, "GET service-providers": true,
		"GET quotas": true, "GET qos/rule-types": true, "GET auto-allocated-topology": true,
	}
}

func (w *wired) fill(text string) string {
	return w.places.ReplaceAllStringFunc(text, func(m string) string {
		id, ok := w.id[m[1:len(m)-1]]
		require.True(w.t, ok, "the world has no %s", m)
		return id
	})
}

func (w *wired) refused(method string, row refusal) {
	w.t.Helper()
	as := map[string]caller{"admin": w.admin, "one": w.one, "two": w.two}[row.as]
	status, e := as.send(method, w.fill(row.path), w.fill(row.body))
	what := fmt.Sprintf("%s %s %s as %s: %v", method, row.path, row.body, row.as, e)
	assert.Equal(w.t, row.status, status, what)
	assert.Equal(w.t, row.kind, e["type"], what)
	assert.Contains(w.t, strings.ToLower(fmt.Sprint(e["message"])), strings.ToLower(w.fill(row.names)), what)
}

// general are the refusals that follow from a route's path.
func (w *wired) general(method, path string) []refusal {
	single := regexp.MustCompile(`^([a-z_/-]+)/\{([a-z_]*id)\}`)
	part := single.FindStringSubmatch(path)
	if part == nil {
		if method == "GET" && !harmless()["GET "+path] && path != "extensions/{alias}" {
			return []refusal{{"admin", path + "?no_such_field=1", "", 400, "HTTPBadRequest", "no_such_field"}}
		}
		return nil
	}
	mine, ok := owners()[part[1]]
	if !ok {
		return nil
	}
	fill := func(id string) string {
		return strings.NewReplacer("{"+part[2]+"}", id, "{tag}", "red", "{id}", nowhere).Replace(path)
	}
	body := ""
	if method == "PUT" || method == "POST" {
		body = valid(part[1], path)
	}
	if strings.HasSuffix(path, "port_forwardings/{id}") {
		mine.kind = "PortForwardingNotFound"
	}
	out := []refusal{{"admin", fill(nowhere), body, 404, mine.kind, ""}}
	if mine.object != "" {
		out = append(out, refusal{"two", fill("{" + mine.object + "}"), body, 404, mine.kind, ""})
	}
	return out
}

// owned is how the objects of a path are called: one of project "one"'s, and the error where there is none.
type owned struct{ object, kind string }

func owners() map[string]owned {
	return map[string]owned{
		"networks": {"network", "NetworkNotFound"}, "subnets": {"subnet", "SubnetNotFound"},
		"ports": {"port", "PortNotFound"}, "routers": {"router", "RouterNotFound"},
		"floatingips": {"floatingip", "FloatingIPNotFound"}, "security-groups": {"group", "SecurityGroupNotFound"},
		"security-group-rules": {"rule", "SecurityGroupRuleNotFound"}, "subnetpools": {"pool", "SubnetPoolNotFound"},
		"address-groups": {"addresses", "AddressGroupNotFound"}, "address-scopes": {"scope", "AddressScopeNotFound"},
		"rbac-policies": {"access", "RbacPolicyNotFound"}, "trunks": {"trunk", "TrunkNotFound"},
		"qos/policies": {"", "QosPolicyNotFound"}, "policies": {"", "QosPolicyNotFound"},
		"agents":                       {"", "AgentNotFound"},
		"default-security-group-rules": {"", "DefaultSecurityGroupRuleNotFound"},
		"network_segment_ranges":       {"", "NetworkSegmentRangeNotFound"},
	}
}

func newWired(t *testing.T, url string) *wired {
	w := &wired{
		t: t, admin: caller{t, url, "admin"}, one: caller{t, url, "one"}, two: caller{t, url, "two"},
		id: map[string]string{"nowhere": nowhere}, places: regexp.MustCompile(`\{[a-z0-9]+\}`),
	}
	keep := func(name string, made object) { w.id[name] = made["id"].(string) }
	keep("outside", w.admin.make("networks", "network", object{"name": "outside", "router:external": true, "provider:network_type": "flat", "provider:physical_network": "outside"}))
	keep("outside4", w.admin.make("subnets", "subnet", object{"network_id": w.id["outside"], "ip_version": 4, "cidr": "172.24.4.0/24"}))
	keep("foreign", w.admin.make("networks", "network", object{"name": "the admin's own"}))
	keep("network", w.one.make("networks", "network", object{"name": "n"}))
	keep("subnet", w.one.make("subnets", "subnet", object{"network_id": w.id["network"], "ip_version": 4, "cidr": "10.0.0.0/24"}))
	keep("other", w.one.make("networks", "network", object{"name": "o"}))
	keep("overlapping", w.one.make("subnets", "subnet", object{"network_id": w.id["other"], "ip_version": 4, "cidr": "10.0.0.0/25"}))
	keep("small", w.one.make("networks", "network", object{"name": "s"}))
	keep("tiny", w.one.make("subnets", "subnet", object{"network_id": w.id["small"], "ip_version": 4, "cidr": "10.7.0.0/30", "enable_dhcp": false}))
	keep("last", w.one.make("ports", "port", object{"network_id": w.id["small"]}))
	keep("six", w.one.make("networks", "network", object{"name": "6"}))
	keep("six6", w.one.make("subnets", "subnet", object{"network_id": w.id["six"], "ip_version": 6, "cidr": "2001:db8::/64", "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}))
	keep("group", w.one.make("security-groups", "security_group", object{"name": "g"}))
	keep("rule", w.one.make("security-group-rules", "security_group_rule", object{"security_group_id": w.id["group"], "direction": "ingress", "protocol": "tcp"}))
	keep("port", w.one.make("ports", "port", object{
		"network_id": w.id["network"], "mac_address": "fa:16:3e:00:00:11", "fixed_ips": []object{{"ip_address": "10.0.0.77"}}, "security_groups": []string{w.id["group"]},
	}))
	keep("second", w.one.make("ports", "port", object{"network_id": w.id["network"]}))
	keep("router", w.one.make("routers", "router", object{"external_gateway_info": object{"network_id": w.id["outside"]}}))
	status, added := w.one.call("PUT", "routers/"+w.id["router"]+"/add_router_interface", "", object{"subnet_id": w.id["subnet"]})
	require.Equal(t, 200, status, added)
	w.id["leg"] = added["port_id"].(string)
	keep("floatingip", w.one.make("floatingips", "floatingip", object{"floating_network_id": w.id["outside"], "port_id": w.id["port"]}))
	keep("idle", w.one.make("floatingips", "floatingip", object{"floating_network_id": w.id["outside"]}))
	keep("forwarding", w.one.make("floatingips/"+w.id["idle"]+"/port_forwardings", "port_forwarding", object{
		"protocol": "tcp", "internal_port_id": w.id["second"], "internal_port": 80, "external_port": 8080,
		"internal_ip_address": w.address("second"),
	}))
	keep("scope", w.one.make("address-scopes", "address_scope", object{"name": "s", "ip_version": 4}))
	keep("pool", w.one.make("subnetpools", "subnetpool", object{"name": "p", "prefixes": []string{"10.64.0.0/16"}, "default_prefixlen": 24, "address_scope_id": w.id["scope"], "default_quota": 512}))
	keep("cut", w.one.make("networks", "network", object{"name": "cut"}))
	keep("cut4", w.one.make("subnets", "subnet", object{"network_id": w.id["cut"], "ip_version": 4, "subnetpool_id": w.id["pool"]}))
	keep("addresses", w.one.make("address-groups", "address_group", object{"name": "a", "addresses": []string{"192.0.2.0/24"}}))
	w.one.make("security-group-rules", "security_group_rule", object{"security_group_id": w.id["group"], "direction": "egress", "remote_address_group_id": w.id["addresses"]})
	keep("access", w.one.make("rbac-policies", "rbac_policy", object{"object_type": "network", "object_id": w.id["other"], "action": "access_as_shared", "target_tenant": "three"}))
	keep("parent", w.one.make("ports", "port", object{"network_id": w.id["network"]}))
	keep("trunk", w.one.make("trunks", "trunk", object{"port_id": w.id["parent"]}))
	keep("policy", w.admin.make("qos/policies", "policy", object{"name": "q", "shared": true}))
	keep("limit", w.admin.make("qos/policies/"+w.id["policy"]+"/bandwidth_limit_rules", "bandwidth_limit_rule", object{"max_kbps": 1000}))
	status, changed := w.one.call("PUT", "ports/"+w.id["second"], "", object{"port": object{"qos_policy_id": w.id["policy"]}})
	require.Equal(t, 200, status, changed)
	keep("range", w.admin.make("network_segment_ranges", "network_segment_range", object{"network_type": "vlan", "physical_network": "dc", "minimum": 100, "maximum": 100}))
	w.admin.make("networks", "network", object{"provider:network_type": "vlan", "provider:physical_network": "dc"})
	return w
}

func (w *wired) address(port string) string {
	_, p := w.one.call("GET", "ports/"+w.id[port], "", nil)
	return p["fixed_ips"].([]any)[0].(object)["ip_address"].(string)
}
