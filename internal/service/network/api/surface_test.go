package api_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

func (c caller) change(path string, body object) object {
	c.t.Helper()
	status, out := c.call("PUT", path, "", body)
	require.Equal(c.t, 200, status, out)
	return out
}

func (c caller) show(path string) object {
	c.t.Helper()
	status, out := c.call("GET", path, "", nil)
	require.Equal(c.t, 200, status, out)
	return out
}

// Subnet pools of a scope do not overlap, their networks tell of it, and subnets join them.
func TestAddressScopesAndOnboarding(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		admin, one, two := caller{t, url, "admin"}, caller{t, url, "one"}, caller{t, url, "two"}
		scope := admin.make("address-scopes", "address_scope", object{"name": "routed", "ip_version": 4, "shared": true})
		require.Equal(t, true, two.show("address-scopes/" + scope["id"].(string))["shared"])
		pool := one.make("subnetpools", "subnetpool", object{"name": "p", "prefixes": []string{"10.64.0.0/16"}, "default_prefixlen": 24, "address_scope_id": scope["id"]})
		require.Equal(t, scope["id"], pool["address_scope_id"])
		n := one.make("networks", "network", object{"name": "n"})
		require.Nil(t, n["ipv4_address_scope"])
		one.make("subnets", "subnet", object{"network_id": n["id"], "ip_version": 4, "subnetpool_id": pool["id"]})
		require.Equal(t, scope["id"], one.show("networks/" + n["id"].(string))["ipv4_address_scope"])

		old := one.make("networks", "network", object{"name": "old"})
		sub := one.make("subnets", "subnet", object{"network_id": old["id"], "ip_version": 4, "cidr": "10.80.1.0/24"})
		grown := one.change("subnetpools/"+pool["id"].(string)+"/onboard_network_subnets", object{"network_id": old["id"]})
		require.ElementsMatch(t, []any{"10.64.0.0/16", "10.80.1.0/24"}, grown["prefixes"])
		require.Equal(t, pool["id"], one.show("subnets/" + sub["id"].(string))["subnetpool_id"])
		require.Equal(t, scope["id"], one.show("networks/" + old["id"].(string))["ipv4_address_scope"])
		one.change("subnetpools/"+pool["id"].(string)+"/add_prefixes", object{"prefixes": []string{"10.81.0.0/16"}})
		status, left := one.call("PUT", "subnetpools/"+pool["id"].(string)+"/remove_prefixes", "", object{"prefixes": []string{"10.81.0.0/16"}})
		require.Equal(t, 200, status, left)
		require.ElementsMatch(t, []any{"10.64.0.0/16", "10.80.1.0/24"}, left["prefixes"])

		status, e := admin.call("PUT", "address-scopes/"+scope["id"].(string), "", object{"address_scope": object{"shared": false}})
		require.Equal(t, 400, status, e)
		require.Equal(t, "AddressScopeUpdateError", e["type"])
		one.change("subnetpools/"+pool["id"].(string), object{"subnetpool": object{"address_scope_id": nil}})
		status, _ = admin.call("DELETE", "address-scopes/"+scope["id"].(string), "", nil)
		require.Equal(t, 204, status)
	})
}

// What the templates say is what new groups have; those that are there keep theirs.
func TestDefaultSecurityGroupRules(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		admin, one := caller{t, url, "admin"}, caller{t, url, "one"}
		require.Len(t, one.show("default-security-group-rules")["default_security_group_rules"], 4)
		before := one.make("security-groups", "security_group", object{"name": "before"})
		require.Len(t, before["security_group_rules"], 2)
		made := admin.make("default-security-group-rules", "default_security_group_rule", object{
			"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "used_in_default_sg": true,
		})
		require.Equal(t, true, made["used_in_non_default_sg"])
		after := one.make("security-groups", "security_group", object{"name": "after"})
		require.Len(t, after["security_group_rules"], 3)
		require.Len(t, one.show("security-groups/" + before["id"].(string))["security_group_rules"], 2)
		for _, r := range one.show("default-security-group-rules?direction=egress")["default_security_group_rules"].([]any) {
			status, _ := admin.call("DELETE", "default-security-group-rules/"+r.(object)["id"].(string), "", nil)
			require.Equal(t, 204, status)
		}
		require.Len(t, one.make("security-groups", "security_group", object{"name": "closed"})["security_group_rules"], 1)
	})
}

// A network that names no segment has one of the ranges, of the project's own first, until they are used up.
func TestSegmentRanges(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		admin := caller{t, serve(t, d), "admin"}
		mine := admin.make("network_segment_ranges", "network_segment_range", object{
			"name": "one's", "network_type": "vlan", "physical_network": "dc", "minimum": 10, "maximum": 10, "shared": false, "project_id": "one",
		})
		all := admin.make("network_segment_ranges", "network_segment_range", object{"network_type": "vlan", "physical_network": "dc", "minimum": 20, "maximum": 21})
		vlan := func(project string) (int, object) {
			return admin.call("POST", "networks", "", object{"network": object{"project_id": project, "provider:network_type": "vlan", "provider:physical_network": "dc"}})
		}
		status, n := vlan("one")
		require.Equal(t, 201, status, n)
		require.EqualValues(t, 10, n["provider:segmentation_id"])
		got := map[any]bool{}
		for range 2 {
			status, n = vlan("two")
			require.Equal(t, 201, status, n)
			got[n["provider:segmentation_id"]] = true
		}
		require.Len(t, got, 2)
		status, e := vlan("two")
		require.Equal(t, 503, status, e)
		require.Contains(t, e["message"], "2 of 2 segments for vlan on physical network dc are used")
		require.Equal(t, object{"10": "one"}, admin.show("network_segment_ranges/" + mine["id"].(string))["used"])
		wider := admin.change("network_segment_ranges/"+all["id"].(string), object{"network_segment_range": object{"maximum": 25}})
		require.Equal(t, []any{22.0, 23.0, 24.0, 25.0}, wider["available"])

		overlay := admin.make("networks", "network", object{"provider:network_type": "vxlan"})
		require.NotNil(t, overlay["provider:segmentation_id"])
		require.Nil(t, admin.make("networks", "network", object{"name": "plain"})["provider:segmentation_id"])
		require.Equal(t, true, admin.make("networks", "network", object{"vlan_transparent": true})["vlan_transparent"])
		twice := object{"network": object{"provider:network_type": "vxlan", "provider:segmentation_id": overlay["provider:segmentation_id"]}}
		status, e = admin.call("POST", "networks", "", twice)
		require.Equal(t, 409, status, e)
		require.Equal(t, "TunnelIdInUse", e["type"])
	})
}

// Addresses come from the subnets for the port's device, and what DHCP says is the port's own.
func TestServiceTypesAndDHCPOptions(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		one := caller{t, serve(t, d), "one"}
		n := one.make("networks", "network", object{"name": "n"})["id"]
		plain := one.make("subnets", "subnet", object{"network_id": n, "ip_version": 4, "cidr": "10.0.0.0/24"})["id"]
		own := one.make("subnets", "subnet", object{"network_id": n, "ip_version": 4, "cidr": "10.1.0.0/24", "service_types": []string{"compute:nova"}})["id"]
		subnetOf := func(port object) any { return port["fixed_ips"].([]any)[0].(object)["subnet_id"] }
		require.Equal(t, plain, subnetOf(one.make("ports", "port", object{"network_id": n})))
		server := one.make("ports", "port", object{"network_id": n, "device_owner": "compute:nova", "tags": []string{"b", "a"}})
		require.Equal(t, own, subnetOf(server))
		require.Equal(t, []any{"a", "b"}, server["tags"])
		one.change("subnets/"+plain.(string), object{"subnet": object{"service_types": []string{"network:dhcp"}}})
		status, e := one.call("POST", "ports", "", object{"port": object{"network_id": n}})
		require.Equal(t, 409, status, e)
		require.Equal(t, "IpAddressGenerationFailureNoMatchingSubnet", e["type"])
		require.Equal(t, plain, subnetOf(one.make("ports", "port", object{"network_id": n, "fixed_ips": []object{{"subnet_id": plain}}})), "a subnet that is named will do")

		path := "ports/" + server["id"].(string)
		set := func(list ...object) any {
			return one.change(path, object{"port": object{"extra_dhcp_opts": list}})["extra_dhcp_opts"]
		}
		require.Len(t, set(object{"opt_name": "bootfile-name", "opt_value": "pxelinux.0"}, object{"opt_name": "mtu", "opt_value": "1300"}), 2)
		require.Equal(t, []any{
			object{"opt_name": "bootfile-name", "opt_value": "ipxe", "ip_version": 4.0}, object{"opt_name": "mtu", "opt_value": "1300", "ip_version": 4.0},
		}, set(object{"opt_name": "bootfile-name", "opt_value": "ipxe"}))
		require.Len(t, set(object{"opt_name": "mtu", "opt_value": nil}), 1)
		require.Len(t, one.show(path)["extra_dhcp_opts"], 1)

		before := one.show(path)["mac_address"]
		require.NotEqual(t, before, one.change(path, object{"port": object{"mac_address": nil}})["mac_address"], "null chooses a new one")
		address := server["fixed_ips"].([]any)[0].(object)["ip_address"].(string)
		require.Len(t, one.show("ports?fixed_ips=ip_address_substr=" + address[2:])["ports"], 1)
		require.Empty(t, one.show("ports?fixed_ips=ip_address_substr=%25")["ports"], "no pattern")
	})
}

// A subnet whose addresses configure themselves goes while devices have them, and they lose these.
func TestAutoAddressesGoWithTheirSubnet(t *testing.T) {
	one := caller{t, serve(t, dbtest.SQLite(t, sets()...)), "one"}
	n := one.make("networks", "network", object{"name": "n"})["id"]
	sub := one.make("subnets", "subnet", object{"network_id": n, "ip_version": 6, "cidr": "2001:db8::/64", "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"})["id"]
	p := one.make("ports", "port", object{"network_id": n})
	require.Len(t, p["fixed_ips"], 1)
	status, e := one.call("DELETE", "subnets/"+sub.(string), "", nil)
	require.Equal(t, 204, status, e)
	require.Empty(t, one.show("ports/" + p["id"].(string))["fixed_ips"])
}

// QoS policies are shared with single projects, and not taken from those that use them.
func TestQoSPoliciesAreShared(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		url := serve(t, d)
		admin, one, two := caller{t, url, "admin"}, caller{t, url, "one"}, caller{t, url, "two"}
		id := admin.make("qos/policies", "policy", object{"name": "q"})["id"].(string)
		access := admin.make("rbac-policies", "rbac_policy", object{"object_type": "qos_policy", "object_id": id, "action": "access_as_shared", "target_tenant": "one"})
		require.Equal(t, true, one.show("qos/policies/" + id)["shared"])
		status, _ := two.call("GET", "qos/policies/"+id, "", nil)
		require.Equal(t, 404, status)
		n := one.make("networks", "network", object{"name": "n", "qos_policy_id": id})
		status, e := admin.call("DELETE", "rbac-policies/"+access["id"].(string), "", nil)
		require.Equal(t, 409, status, e)
		require.Contains(t, e["message"], n["id"])
		admin.change("qos/policies/"+id, object{"policy": object{"shared": true}})
		two.show("qos/policies/" + id)
		status, e = admin.call("DELETE", "rbac-policies/"+access["id"].(string), "", nil)
		require.Equal(t, 204, status, e)
	})
}

// Of many who ask for the last address of a network at the same time exactly one has it; the others hear how many are taken.
func TestTheLastAddressHasOneWinnerOnTheWire(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		one := caller{t, serve(t, d), "one"}
		n := one.make("networks", "network", object{"name": "n"})["id"]
		one.make("subnets", "subnet", object{"network_id": n, "ip_version": 4, "cidr": "10.7.0.0/30", "enable_dhcp": false})
		var wg sync.WaitGroup
		answers := make(chan string, 8)
		for range 8 {
			wg.Go(func() {
				status, e := one.call("POST", "ports", "", object{"port": object{"network_id": n}})
				answers <- fmt.Sprint(status, " ", e["type"])
			})
		}
		wg.Wait()
		close(answers)
		counts := map[string]int{}
		for a := range answers {
			counts[a]++
		}
		require.Equal(t, map[string]int{"201 <nil>": 1, "409 IpAddressGenerationFailure": 7}, counts)
	})
}

// What only an admin may see of the hosts, others see none of; there are none here.
func TestAgentsZonesAndProviders(t *testing.T) {
	url := serve(t, dbtest.SQLite(t, sets()...))
	admin, one := caller{t, url, "admin"}, caller{t, url, "one"}
	require.Empty(t, one.show("agents")["agents"])
	require.Empty(t, admin.show("agents?host=x")["agents"])
	require.Len(t, one.show("availability_zones")["availability_zones"], 2)
	require.Len(t, one.show("availability_zones?resource=router&state=available")["availability_zones"], 1)
	require.Empty(t, one.show("availability_zones?name=mars")["availability_zones"])
	require.Len(t, one.show("service-providers")["service_providers"], 1)
}

// Only an admin sees and says how routers are made up, and it is the same for all.
func TestHowRoutersAreMadeUp(t *testing.T) {
	url := serve(t, dbtest.SQLite(t, sets()...))
	admin, one := caller{t, url, "admin"}, caller{t, url, "one"}
	r := one.make("routers", "router", object{"name": "r"})
	require.NotContains(t, r, "ha")
	require.NotContains(t, r, "distributed")
	path := "routers/" + r["id"].(string)
	require.Equal(t, true, admin.show(path)["ha"])
	require.Equal(t, true, admin.change(path, object{"router": object{"ha": true, "distributed": true, "name": "x"}})["distributed"])
	require.Equal(t, true, admin.make("routers", "router", object{"ha": true})["ha"])
}

// A filter without a value finds what has none.
func TestEmptyFilters(t *testing.T) {
	dbtest.Each(t, sets(), func(t *testing.T, d *db.DB) {
		one := caller{t, serve(t, d), "one"}
		plain, named := one.make("networks", "network", object{}), one.make("networks", "network", object{"name": "n", "description": "d"})
		for _, path := range []string{"networks?name=", "networks?description="} {
			list := one.show(path)["networks"].([]any)
			require.Len(t, list, 1, path)
			require.Equal(t, plain["id"], list[0].(object)["id"])
		}
		free := one.make("ports", "port", object{"network_id": named["id"]})
		one.make("ports", "port", object{"network_id": named["id"], "device_id": "server", "device_owner": "compute:nova", "name": "p"})
		for _, path := range []string{"ports?device_id=", "ports?device_owner=", "ports?name="} {
			list := one.show(path)["ports"].([]any)
			require.Len(t, list, 1, path)
			require.Equal(t, free["id"], list[0].(object)["id"])
		}
	})
}

// Ports tell of the policy that they have of their network.
func TestPortsHaveTheirNetworksPolicy(t *testing.T) {
	url := serve(t, dbtest.SQLite(t, sets()...))
	admin, one := caller{t, url, "admin"}, caller{t, url, "one"}
	q := admin.make("qos/policies", "policy", object{"name": "q", "shared": true})["id"]
	n := one.make("networks", "network", object{"qos_policy_id": q})
	p := one.make("ports", "port", object{"network_id": n["id"]})
	require.Nil(t, p["qos_policy_id"])
	require.Equal(t, q, p["qos_network_policy_id"])
	one.change("networks/"+n["id"].(string), object{"network": object{"qos_policy_id": nil}})
	require.Nil(t, one.show("ports/" + p["id"].(string))["qos_network_policy_id"])
}

// An admin sees what a port asks of its host's links; a minimum bandwidth may be of either direction.
func TestResourceRequests(t *testing.T) {
	url := serve(t, dbtest.SQLite(t, sets()...))
	admin, one := caller{t, url, "admin"}, caller{t, url, "one"}
	q := admin.make("qos/policies", "policy", object{"name": "q", "shared": true})["id"].(string)
	rules := "qos/policies/" + q + "/minimum_bandwidth_rules"
	admin.make(rules, "minimum_bandwidth_rule", object{"min_kbps": 500})
	require.Equal(t, "ingress", admin.make(rules, "minimum_bandwidth_rule", object{"min_kbps": 200, "direction": "ingress"})["direction"])
	dc := admin.make("networks", "network", object{"provider:network_type": "flat", "provider:physical_network": "dc-1", "shared": true})
	p := one.make("ports", "port", object{"network_id": dc["id"], "qos_policy_id": q})
	require.NotContains(t, p, "resource_request")
	require.Equal(t, object{
		"resources": object{"NET_BW_EGR_KILOBIT_PER_SEC": 500.0, "NET_BW_IGR_KILOBIT_PER_SEC": 200.0},
		"required":  []any{"CUSTOM_PHYSNET_DC_1", "CUSTOM_VNIC_TYPE_NORMAL"},
	}, admin.show("ports/" + p["id"].(string))["resource_request"])
	overlay := one.make("networks", "network", object{})
	p = one.make("ports", "port", object{"network_id": overlay["id"], "qos_policy_id": q})
	p = admin.show("ports/" + p["id"].(string))
	require.Contains(t, p, "resource_request")
	require.Nil(t, p["resource_request"], "an overlay has no link of its own")
}
