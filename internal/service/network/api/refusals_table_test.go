package api_test

import "strings"

// valid is a body that a route would take, were the object there and the caller's.
func valid(collection, path string) string {
	for end, body := range map[string]string{
		"/tags": `{"tags":["x"]}`, "/tags/{tag}": "{}",
		"/add_router_interface": `{"subnet_id":"{subnet}"}`, "/remove_router_interface": `{"subnet_id":"{subnet}"}`,
		"_extraroutes":            `{"router":{"routes":[{"destination":"10.9.0.0/16","nexthop":"10.0.0.9"}]}}`,
		"_subports":               `{"sub_ports":[{"port_id":"{second}","segmentation_type":"vlan","segmentation_id":5}]}`,
		"_addresses":              `{"address_group":{"addresses":["192.0.2.0/25"]}}`,
		"_prefixes":               `{"prefixes":["10.65.0.0/16"]}`,
		"_subnets":                `{"network_id":"{network}"}`,
		"limit_rules":             `{"bandwidth_limit_rule":{"max_kbps":5}}`,
		"marking_rules":           `{"dscp_marking_rule":{"dscp_mark":10}}`,
		"minimum_bandwidth_rules": `{"minimum_bandwidth_rule":{"min_kbps":5}}`,
		"port_forwardings":        `{"port_forwarding":{"protocol":"tcp","internal_port_id":"{second}","internal_port":81,"external_port":81,"internal_ip_address":"10.0.0.3"}}`,
	} {
		if strings.HasSuffix(strings.TrimSuffix(path, "/{id}"), end) {
			return body
		}
	}
	names := map[string]string{
		"networks": "network", "subnets": "subnet", "ports": "port", "routers": "router", "security-groups": "security_group", "subnetpools": "subnetpool",
		"address-groups": "address_group", "address-scopes": "address_scope", "trunks": "trunk", "qos/policies": "policy", "network_segment_ranges": "network_segment_range",
	}
	switch collection {
	case "floatingips":
		return `{"floatingip":{"description":"x"}}`
	case "rbac-policies":
		return `{"rbac_policy":{"target_tenant":"four"}}`
	}
	return `{"` + names[collection] + `":{"name":"x"}}`
}

// refusals are what single routes must refuse, by method and path.
func refusals() map[string][]refusal {
	out := map[string][]refusal{}
	for _, part := range []map[string][]refusal{networkRefusals(), portRefusals(), routerRefusals(), groupRefusals(), poolRefusals(), adminRefusals()} {
		for route, rows := range part {
			out[route] = append(out[route], rows...)
		}
	}
	return out
}

func networkRefusals() map[string][]refusal {
	return map[string][]refusal{
		"POST networks": {
			{"one", "networks", `{"network":{"mtu":1}}`, 400, "InvalidInput", "mtu"},
			{"one", "networks", `{"network":{"mut":1500}}`, 400, "InvalidInput", "mut"},
			{"one", "networks", `{"network":{"shared":true}}`, 403, "PolicyNotAuthorized", "shared"},
			{"one", "networks", `{"network":{"qos_policy_id":"{nowhere}"}}`, 404, "QosPolicyNotFound", "{nowhere}"},
			{"one", "networks", `{"network":{"availability_zone_hints":["mars"]}}`, 404, "AvailabilityZoneNotFound", "mars"},
			{"admin", "networks", `{"network":{"provider:network_type":"flat","provider:physical_network":"outside"}}`, 409, "FlatNetworkInUse", "outside"},
			{"admin", "networks", `{"network":{"provider:network_type":"vlan","provider:physical_network":"dc","provider:segmentation_id":100}}`, 409, "VlanIdInUse", "100"},
			{"admin", "networks", `{"network":{"provider:network_type":"vlan","provider:physical_network":"dc","provider:segmentation_id":4095}}`, 400, "InvalidInput", "4094"},
			{"admin", "networks", `{"network":{"provider:network_type":"vlan","provider:physical_network":"dc"}}`, 503, "NoNetworkAvailable", "of 1 segments"},
			{"admin", "networks", `{"network":{"provider:network_type":"vxlan","provider:physical_network":"dc"}}`, 400, "InvalidInput", "physical_network"},
			{"admin", "networks", `{"network":{"provider:network_type":"gre"}}`, 400, "InvalidInput", "gre"},
			{"one", "networks", `{"network":{"vlan_transparent":"maybe"}}`, 400, "InvalidInput", "vlan_transparent"},
			{"one", "networks", `{"network":{"dns_domain":"example.org"}}`, 400, "InvalidInput", "dns_domain"},
		},
		"PUT networks/{id}": {
			{"one", "networks/{network}", `{"network":{"mtu":9999}}`, 400, "InvalidInput", "mtu"},
			{"one", "networks/{network}", `{"network":{"dns_domain":"b-.org."}}`, 400, "InvalidInput", "dns_domain"},
			{"one", "networks/{outside}", `{"network":{"name":"mine"}}`, 403, "PolicyNotAuthorized", "update_network"},
			{"admin", "networks/{outside}", `{"network":{"router:external":false}}`, 409, "ExternalNetworkInUse", "gateway ports"},
		},
		"DELETE networks/{id}": {
			{"one", "networks/{network}", "", 409, "NetworkInUse", "still in use"},
			{"one", "networks/{outside}", "", 403, "PolicyNotAuthorized", "delete_network"},
		},
		"POST subnets": {
			{"one", "subnets", `{"subnet":{"network_id":"{network}","ip_version":4,"cidr":"10.1.0.300/24"}}`, 400, "InvalidInput", "10.1.0.300/24"},
			{"one", "subnets", `{"subnet":{"network_id":"{network}","ip_version":4,"cidr":"10.1.0.5/24"}}`, 400, "InvalidInput", "10.1.0.0/24"},
			{"one", "subnets", `{"subnet":{"network_id":"{network}","ip_version":6,"cidr":"10.1.0.0/24"}}`, 400, "InvalidInput", "ip_version"},
			{"one", "subnets", `{"subnet":{"network_id":"{network}","ip_version":5,"cidr":"10.1.0.0/24"}}`, 400, "InvalidInput", "ip_version"},
			{"one", "subnets", `{"subnet":{"network_id":"{network}","ip_version":4,"cidr":"10.0.0.128/25"}}`, 400, "InvalidInput", "overlaps with another subnet"},
			{"one", "subnets", `{"subnet":{"network_id":"{network}","ip_version":4,"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.2.0.5","end":"10.2.0.9"}]}}`, 400, "OutOfBoundsAllocationPool", "10.1.0.0/24"},
			{"one", "subnets", `{"subnet":{"network_id":"{network}","ip_version":4,"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.9","end":"10.1.0.5"}]}}`, 400, "InvalidAllocationPool", "10.1.0.9"},
			{"one", "subnets", `{"subnet":{"network_id":"{network}","ip_version":4,"cidr":"10.1.0.0/24","gateway_ip":"10.2.0.1"}}`, 400, "InvalidInput", "gateway"},
			{"one", "subnets", `{"subnet":{"network_id":"{network}","ip_version":4,"cidr":"10.1.0.0/24","service_types":["fridge"]}}`, 400, "InvalidInput", "fridge"},
			{"one", "subnets", `{"subnet":{"network_id":"{foreign}","ip_version":4,"cidr":"10.1.0.0/24"}}`, 404, "NetworkNotFound", "{foreign}"},
			{"one", "subnets", `{"subnet":{"network_id":"{outside}","ip_version":4,"cidr":"10.1.0.0/24"}}`, 403, "PolicyNotAuthorized", "create_subnet"},
			{"one", "subnets", `{"subnet":{"network_id":"{cut}","ip_version":4,"subnetpool_id":"{pool}","prefixlen":23}}`, 409, "SubnetPoolQuotaExceeded", "512"},
			{"one", "subnets", `{"subnet":{"network_id":"{cut}","ip_version":4,"subnetpool_id":"{pool}","cidr":"10.65.0.0/24"}}`, 400, "InvalidInput", "10.64.0.0/16"},
			{"one", "subnets", `{"subnet":{"network_id":"{cut}","ip_version":4,"subnetpool_id":"{nowhere}"}}`, 404, "SubnetPoolNotFound", "{nowhere}"},
			{"one", "subnets", `{"subnet":{"network_id":"{other}","ip_version":4,"use_default_subnetpool":true}}`, 404, "NoDefaultSubnetpoolFound", "IPv4"},
		},
		"PUT subnets/{id}": {
			{"one", "subnets/{subnet}", `{"subnet":{"gateway_ip":"10.0.0.254"}}`, 409, "GatewayIpInUse", "{leg}"},
			{"one", "subnets/{subnet}", `{"subnet":{"allocation_pools":[{"start":"10.2.0.5","end":"10.2.0.9"}]}}`, 400, "OutOfBoundsAllocationPool", "10.0.0.0/24"},
			{"one", "subnets/{subnet}", `{"subnet":{"cidr":"10.2.0.0/24"}}`, 400, "InvalidInput", "cidr"},
		},
		"DELETE subnets/{id}": {{"one", "subnets/{subnet}", "", 409, "SubnetInUse", "ports"}},
		"GET network-ip-availabilities/{id}": {
			{"admin", "network-ip-availabilities/{nowhere}", "", 404, "NetworkNotFound", "{nowhere}"},
		},
	}
}

func portRefusals() map[string][]refusal {
	return map[string][]refusal{
		"POST ports": {
			{"one", "ports", `{"port":{"network_id":"{network}","fixed_ips":[{"ip_address":"10.0.0.77"}]}}`, 409, "IpAddressInUse", "10.0.0.77"},
			{"one", "ports", `{"port":{"network_id":"{network}","mac_address":"FA:16:3e:00:00:11"}}`, 409, "MacAddressInUse", "fa:16:3e:00:00:11"},
			{"one", "ports", `{"port":{"network_id":"{network}","mac_address":"01:00:00:00:00:01"}}`, 400, "InvalidInput", "mac_address"},
			{"one", "ports", `{"port":{"network_id":"{small}"}}`, 409, "IpAddressGenerationFailure", "all 1 addresses"},
			{"one", "ports", `{"port":{"network_id":"{network}","fixed_ips":[{"ip_address":"10.3.0.1"}]}}`, 400, "InvalidIpForNetwork", "10.0.0.0/24"},
			{"one", "ports", `{"port":{"network_id":"{network}","fixed_ips":[{"subnet_id":"{subnet}","ip_address":"10.3.0.1"}]}}`, 400, "InvalidIpForSubnet", "10.0.0.0/24"},
			{"one", "ports", `{"port":{"network_id":"{network}","fixed_ips":[{"ip_address":"10.0.0.255"}]}}`, 400, "InvalidIpForSubnet", "10.0.0.255"},
			{"one", "ports", `{"port":{"network_id":"{six}","fixed_ips":[{"ip_address":"2001:db8::5"}]}}`, 400, "AllocationOnAutoAddressSubnet", "2001:db8::5"},
			{"one", "ports", `{"port":{"network_id":"{foreign}"}}`, 404, "NetworkNotFound", "{foreign}"},
			{"one", "ports", `{"port":{"network_id":"{outside}"}}`, 403, "PolicyNotAuthorized", "external"},
			{"one", "ports", `{"port":{"network_id":"{network}","security_groups":["{nowhere}"]}}`, 404, "SecurityGroupNotFound", "{nowhere}"},
			{"one", "ports", `{"port":{"network_id":"{network}","device_owner":"network:router_gateway"}}`, 400, "InvalidInput", "device_owner"},
			{"one", "ports", `{"port":{"network_id":"{network}","binding:host_id":"h"}}`, 403, "PolicyNotAuthorized", "host_id"},
			{"one", "ports", `{"port":{"network_id":"{network}","extra_dhcp_opts":[{"opt_name":"no-such","opt_value":"x"}]}}`, 400, "ExtraDhcpOptBadData", "no-such"},
			{"one", "ports", `{"port":{"network_id":"{network}","extra_dhcp_opts":[{"opt_name":"mtu","opt_value":"large"}]}}`, 400, "ExtraDhcpOptBadData", "mtu"},
			{"one", "ports", `{"port":{"network_id":"{network}","extra_dhcp_opts":[{"opt_name":"mtu","opt_value":"1400","ip_version":5}]}}`, 400, "InvalidInput", "[4, 6]"},
			{"one", "ports", `{"port":{"network_id":"{network}","extra_dhcp_opts":[{"opt_name":"bootfile-name","opt_value":"a\"; drop"}]}}`, 400, "ExtraDhcpOptBadData", "quotes"},
			{"one", "ports", `{"port":{"network_id":"{network}","allowed_address_pairs":[{"ip_address":"10.9.0.300"}]}}`, 400, "InvalidInput", "10.9.0.300"},
			{"one", "ports", `{"port":{"network_id":"{network}","tags":["a,b"]}}`, 400, "InvalidInput", "tags"},
			{"one", "ports", `{"port":{"network_id":"{network}","dns_name":"-web"}}`, 400, "InvalidInput", "must not start or end with a hyphen"},
			{"one", "ports", `{"port":{"network_id":"{network}","dns_name":"a..b"}}`, 400, "InvalidInput", "empty component"},
			{"one", "ports", `{"port":{"network_id":"{network}","dns_name":"web.5"}}`, 400, "InvalidInput", "TLD '5' must not be all numeric"},
			{"one", "ports", `{"port":{"network_id":"{network}","dns_domain":"example.org"}}`, 400, "InvalidInput", "'example.org' is not a FQDN"},
		},
		"PUT ports/{id}": {
			{"one", "ports/{port}", `{"port":{"fixed_ips":[{"ip_address":"10.0.0.78"}]}}`, 409, "PortInUse", "{floatingip}"},
			{"one", "ports/{second}", `{"port":{"mac_address":"fa:16:3e:00:00:11"}}`, 409, "MacAddressInUse", "fa:16:3e:00:00:11"},
			{"one", "ports/{second}", `{"port":{"fixed_ips":[{"ip_address":"10.0.0.77"}]}}`, 409, "IpAddressInUse", "10.0.0.77"},
			{"one", "ports/{port}", `{"port":{"port_security_enabled":false}}`, 409, "PortSecurityAndIPRequiredForSecurityGroups", "port security"},
			{"one", "ports/{port}", `{"port":{"network_id":"{other}"}}`, 400, "InvalidInput", "network_id"},
			{"one", "ports/{port}", `{"port":{"dns_name":"we_b"}}`, 400, "InvalidInput", "alphanumeric or a hyphen"},
			{"one", "ports/{port}", `{"port":{"dns_domain":"org"}}`, 400, "InvalidInput", "end it with a dot"},
		},
		"DELETE ports/{id}": {
			{"one", "ports/{leg}", "", 409, "ServicePortInUse", "{router}"},
			{"one", "ports/{parent}", "", 409, "PortInUseAsTrunkParent", "{trunk}"},
		},
		"POST floatingips": {
			{"one", "floatingips", `{"floatingip":{"floating_network_id":"{network}"}}`, 400, "BadRequest", "external"},
			{"one", "floatingips", `{"floatingip":{"floating_network_id":"{nowhere}"}}`, 404, "NetworkNotFound", "{nowhere}"},
			{"one", "floatingips", `{"floatingip":{"floating_network_id":"{outside}","port_id":"{nowhere}"}}`, 404, "PortNotFound", "{nowhere}"},
			{"one", "floatingips", `{"floatingip":{"floating_network_id":"{outside}","port_id":"{port}"}}`, 409, "FloatingIPPortAlreadyAssociated", "{port}"},
			{"one", "floatingips", `{"floatingip":{"floating_network_id":"{outside}","port_id":"{last}"}}`, 404, "ExternalGatewayForFloatingIPNotFound", "{outside}"},
			{"one", "floatingips", `{"floatingip":{"floating_network_id":"{outside}","dns_name":"www"}}`, 400, "BadRequest", "without a dns_domain"},
			{"one", "floatingips", `{"floatingip":{"floating_network_id":"{outside}","dns_domain":"example.org."}}`, 400, "BadRequest", "without a dns_name"},
			{"one", "floatingips", `{"floatingip":{"floating_network_id":"{outside}","dns_name":"www.","dns_domain":"example.org."}}`, 400, "InvalidInput", "relative domain name"},
			{"one", "floatingips", `{"floatingip":{"floating_network_id":"{outside}","dns_name":"www","dns_domain":"example.org"}}`, 400, "InvalidInput", "dns_domain"},
		},
		"PUT floatingips/{id}": {
			{"one", "floatingips/{floatingip}", `{"floatingip":{"port_id":"{nowhere}"}}`, 404, "PortNotFound", "{nowhere}"},
			{"one", "floatingips/{idle}", `{"floatingip":{"port_id":"{second}"}}`, 409, "FipInUseByPortForwarding", "{idle}"},
			{"one", "floatingips/{idle}", `{"floatingip":{"dns_name":"www"}}`, 400, "InvalidInput", "dns_name"},
		},
		"POST floatingips/{floatingip_id}/port_forwardings": {
			{"one", "floatingips/{idle}/port_forwardings", `{"port_forwarding":{"protocol":"tcp","internal_port_id":"{nowhere}","internal_port":81,"external_port":81,"internal_ip_address":"10.0.0.3"}}`, 404, "PortNotFound", "{nowhere}"},
			{"one", "floatingips/{idle}/port_forwardings", `{"port_forwarding":{"protocol":"gre","internal_port_id":"{second}","internal_port":81,"external_port":81}}`, 400, "InvalidInput", "protocol"},
		},
		"PUT floatingips/{floatingip_id}/port_forwardings/{id}": {
			{"one", "floatingips/{idle}/port_forwardings/{forwarding}", `{"port_forwarding":{"external_port":70000}}`, 400, "InvalidInput", "70000"},
		},
		"POST trunks": {
			{"one", "trunks", `{"trunk":{"port_id":"{parent}"}}`, 409, "PortInUseAsTrunkParent", "{trunk}"},
			{"one", "trunks", `{"trunk":{"port_id":"{nowhere}"}}`, 404, "PortNotFound", "{nowhere}"},
		},
		"PUT trunks/{id}/add_subports": {
			{"one", "trunks/{trunk}/add_subports", `{"sub_ports":[{"port_id":"{second}","segmentation_type":"vlan","segmentation_id":5000}]}`, 400, "InvalidInput", "5000"},
			{"one", "trunks/{trunk}/add_subports", `{"sub_ports":[{"port_id":"{parent}","segmentation_type":"vlan","segmentation_id":5}]}`, 409, "PortInUseAsTrunkParent", "{trunk}"},
		},
		"PUT trunks/{id}/remove_subports": {{"one", "trunks/{trunk}/remove_subports", `{"sub_ports":[{"port_id":"{second}"}]}`, 404, "SubPortNotFound", "{second}"}},
		"PUT trunks/{id}":                 {{"one", "trunks/{trunk}", `{"trunk":{"port_id":"{second}"}}`, 400, "InvalidInput", "port_id"}},
	}
}

func routerRefusals() map[string][]refusal {
	return map[string][]refusal{
		"POST routers": {
			{"one", "routers", `{"router":{"external_gateway_info":{"network_id":"{network}"}}}`, 400, "BadRequest", "external"},
			{"one", "routers", `{"router":{"external_gateway_info":{"network_id":"{nowhere}"}}}`, 404, "NetworkNotFound", "{nowhere}"},
			{"one", "routers", `{"router":{"availability_zone_hints":["mars"]}}`, 404, "AvailabilityZoneNotFound", "mars"},
			{"one", "routers", `{"router":{"external_gateway_info":{"network_id":"{outside}","enable_snat":false}}}`, 403, "PolicyNotAuthorized", "enable_snat"},
			{"one", "routers", `{"router":{"ha":true}}`, 403, "PolicyNotAuthorized", "create_router:ha"},
			{"admin", "routers", `{"router":{"ha":false}}`, 400, "BadRequest", "ha=False"},
			{"admin", "routers", `{"router":{"distributed":false}}`, 400, "BadRequest", "distributed=False"},
		},
		"PUT routers/{id}": {
			{"one", "routers/{router}", `{"router":{"routes":[{"destination":"10.9.0.0/16","nexthop":"192.168.0.1"}]}}`, 400, "InvalidRoutes", "192.168.0.1"},
			{"one", "routers/{router}", `{"router":{"external_gateway_info":null}}`, 409, "RouterExternalGatewayInUseByFloatingIp", "floating"},
			{"one", "routers/{router}", `{"router":{"distributed":true}}`, 403, "PolicyNotAuthorized", "update_router:distributed"},
			{"admin", "routers/{router}", `{"router":{"ha":false}}`, 400, "BadRequest", "ha=False"},
		},
		"DELETE routers/{id}": {{"one", "routers/{router}", "", 409, "RouterInUse", "{leg}"}},
		"PUT routers/{id}/add_router_interface": {
			{"one", "routers/{router}/add_router_interface", `{"subnet_id":"{overlapping}"}`, 400, "BadRequest", "overlaps"},
			{"one", "routers/{router}/add_router_interface", `{"subnet_id":"{subnet}"}`, 400, "BadRequest", "already has a port"},
			{"one", "routers/{router}/add_router_interface", `{}`, 400, "BadRequest", "subnet_id or port_id"},
			{"one", "routers/{router}/add_router_interface", `{"port_id":"{leg}"}`, 409, "PortInUse", "{router}"},
			{"one", "routers/{router}/add_router_interface", `{"subnet_id":"{nowhere}"}`, 404, "SubnetNotFound", "{nowhere}"},
		},
		"PUT routers/{id}/remove_router_interface": {
			{"one", "routers/{router}/remove_router_interface", `{"subnet_id":"{subnet}"}`, 409, "RouterInterfaceInUseByFloatingIP", "{subnet}"},
			{"one", "routers/{router}/remove_router_interface", `{"subnet_id":"{overlapping}"}`, 404, "RouterInterfaceNotFoundForSubnet", "{overlapping}"},
		},
		"PUT routers/{id}/add_extraroutes": {
			{"one", "routers/{router}/add_extraroutes", `{"router":{"routes":[{"destination":"10.9.0.0/16","nexthop":"192.168.0.1"}]}}`, 400, "InvalidRoutes", "192.168.0.1"},
		},
		"PUT routers/{id}/remove_extraroutes": {
			{"one", "routers/{router}/remove_extraroutes", `{"router":{"routes":[{"destination":"bad","nexthop":"10.0.0.9"}]}}`, 400, "InvalidInput", "bad"},
		},
		"GET auto-allocated-topology/{id}":    {{"two", "auto-allocated-topology/one", "", 404, "ProjectNotFound", "one"}},
		"DELETE auto-allocated-topology/{id}": {{"two", "auto-allocated-topology/one", "", 404, "ProjectNotFound", "one"}},
		"GET availability_zones":              {{"one", "availability_zones?color=red", "", 400, "HTTPBadRequest", "color"}},
		"GET extensions/{alias}":              {{"one", "extensions/no-such", "", 404, "ExtensionNotFound", "no-such"}},
	}
}

func groupRefusals() map[string][]refusal {
	return map[string][]refusal{
		"POST security-groups":        {{"one", "security-groups", `{"security_group":{"name":"default"}}`, 409, "SecurityGroupDefaultAlreadyExists", "default"}},
		"PUT security-groups/{id}":    {{"one", "security-groups/{group}", `{"security_group":{"name":"default"}}`, 409, "SecurityGroupDefaultAlreadyExists", "default"}, {"one", "security-groups/{group}", `{"security_group":{"stateful":false}}`, 409, "SecurityGroupInUse", "{port}"}},
		"DELETE security-groups/{id}": {{"one", "security-groups/{group}", "", 409, "SecurityGroupInUse", "{port}"}},
		"POST security-group-rules": {
			{"one", "security-group-rules", `{"security_group_rule":{"security_group_id":"{group}","direction":"ingress","protocol":"tcp"}}`, 409, "SecurityGroupRuleExists", "{rule}"},
			{"one", "security-group-rules", `{"security_group_rule":{"security_group_id":"{group}","direction":"ingress","protocol":300}}`, 400, "SecurityGroupRuleInvalidProtocol", "300"},
			{"one", "security-group-rules", `{"security_group_rule":{"security_group_id":"{group}","direction":"in"}}`, 400, "InvalidInput", "direction"},
			{"one", "security-group-rules", `{"security_group_rule":{"security_group_id":"{group}","direction":"ingress","protocol":"tcp","port_range_min":-16,"port_range_max":80}}`, 400, "SecurityGroupInvalidPortValue", "-16"},
			{"one", "security-group-rules", `{"security_group_rule":{"security_group_id":"{group}","direction":"ingress","protocol":"tcp","port_range_min":80,"port_range_max":79}}`, 400, "SecurityGroupInvalidPortRange", "port_range_min"},
			{"one", "security-group-rules", `{"security_group_rule":{"security_group_id":"{group}","direction":"ingress","protocol":"icmp","port_range_min":1,"port_range_max":256}}`, 400, "SecurityGroupInvalidIcmpValue", "invalid value for icmp code"},
			{"one", "security-group-rules", `{"security_group_rule":{"security_group_id":"{nowhere}","direction":"ingress"}}`, 404, "SecurityGroupNotFound", "{nowhere}"},
			{"two", "security-group-rules", `{"security_group_rule":{"security_group_id":"{group}","direction":"ingress"}}`, 404, "SecurityGroupNotFound", "{group}"},
			{"one", "security-group-rules", `{"security_group_rule":{"security_group_id":"{group}","direction":"ingress","remote_address_group_id":"{nowhere}"}}`, 404, "AddressGroupNotFound", "{nowhere}"},
		},
		"POST address-groups":                      {{"one", "address-groups", `{"address_group":{"addresses":["10.0.0.300"]}}`, 400, "InvalidInput", "10.0.0.300"}},
		"PUT address-groups/{id}":                  {{"one", "address-groups/{addresses}", `{"address_group":{"shared":true}}`, 400, "InvalidInput", "shared"}},
		"PUT address-groups/{id}/add_addresses":    {{"one", "address-groups/{addresses}/add_addresses", `{"address_group":{"addresses":["192.0.2.0/24"]}}`, 400, "AddressesAlreadyExist", "192.0.2.0/24"}},
		"PUT address-groups/{id}/remove_addresses": {{"one", "address-groups/{addresses}/remove_addresses", `{"address_group":{"addresses":["198.51.100.0/24"]}}`, 404, "AddressesNotFound", "198.51.100.0/24"}},
		"DELETE address-groups/{id}":               {{"one", "address-groups/{addresses}", "", 409, "AddressGroupInUse", "{group}"}},
		"POST default-security-group-rules":        {{"one", "default-security-group-rules", `{"default_security_group_rule":{"direction":"ingress"}}`, 403, "PolicyNotAuthorized", ""}, {"admin", "default-security-group-rules", `{"default_security_group_rule":{"direction":"egress"}}`, 409, "DefaultSecurityGroupRuleExists", "exists"}},
		"POST rbac-policies": {
			{"one", "rbac-policies", `{"rbac_policy":{"object_type":"fridge","object_id":"{network}","action":"access_as_shared","target_tenant":"three"}}`, 400, "InvalidInput", "fridge"},
			{"one", "rbac-policies", `{"rbac_policy":{"object_type":"network","object_id":"{other}","action":"access_as_shared","target_tenant":"three"}}`, 409, "DuplicateRbacPolicy", "exists"},
			{"one", "rbac-policies", `{"rbac_policy":{"object_type":"address_scope","object_id":"{scope}","action":"access_as_external","target_tenant":"three"}}`, 400, "InvalidInput", "action"},
			{"one", "rbac-policies", `{"rbac_policy":{"object_type":"network","object_id":"{network}","action":"access_as_shared","target_tenant":"*"}}`, 403, "PolicyNotAuthorized", "target_tenant"},
			{"two", "rbac-policies", `{"rbac_policy":{"object_type":"address_scope","object_id":"{scope}","action":"access_as_shared","target_tenant":"two"}}`, 404, "AddressScopeNotFound", "{scope}"},
			{"one", "rbac-policies", `{"rbac_policy":{"object_type":"qos_policy","object_id":"{policy}","action":"access_as_shared","target_tenant":"two"}}`, 403, "PolicyNotAuthorized", "rbac_policy"},
		},
		"PUT rbac-policies/{id}": {{"one", "rbac-policies/{access}", `{"rbac_policy":{"target_tenant":"*"}}`, 403, "PolicyNotAuthorized", "target_tenant"}},
	}
}

func poolRefusals() map[string][]refusal {
	return map[string][]refusal{
		"POST subnetpools": {
			{"one", "subnetpools", `{"subnetpool":{"name":"p","prefixes":[]}}`, 400, "EmptySubnetPoolPrefixList", "prefix"},
			{"one", "subnetpools", `{"subnetpool":{"name":"p","prefixes":["10.66.0.0/16","2001:db8::/48"]}}`, 400, "PrefixVersionMismatch", "IPv6"},
			{"one", "subnetpools", `{"subnetpool":{"name":"p","prefixes":["10.66.0.0/16"],"default_prefixlen":4}}`, 400, "IllegalSubnetPoolPrefixBounds", "default_prefixlen"},
			{"one", "subnetpools", `{"subnetpool":{"name":"p","prefixes":["10.66.0.0/16"],"is_default":true}}`, 403, "PolicyNotAuthorized", "is_default"},
			{"one", "subnetpools", `{"subnetpool":{"name":"p","prefixes":["10.64.128.0/17"],"address_scope_id":"{scope}"}}`, 409, "AddressScopePrefixConflict", "{pool}"},
			{"one", "subnetpools", `{"subnetpool":{"name":"p","prefixes":["2001:db8::/48"],"address_scope_id":"{scope}"}}`, 400, "IllegalSubnetPoolIpVersionAssociationToAddressScope", "{scope}"},
			{"two", "subnetpools", `{"subnetpool":{"name":"p","prefixes":["10.66.0.0/16"],"address_scope_id":"{scope}"}}`, 404, "AddressScopeNotFound", "{scope}"},
		},
		"PUT subnetpools/{id}":              {{"one", "subnetpools/{pool}", `{"subnetpool":{"prefixes":["10.64.0.0/17"]}}`, 400, "IllegalSubnetPoolUpdate", "10.64.0.0/16"}},
		"DELETE subnetpools/{id}":           {{"one", "subnetpools/{pool}", "", 400, "SubnetPoolDeleteError", "{cut4}"}},
		"PUT subnetpools/{id}/add_prefixes": {{"one", "subnetpools/{pool}/add_prefixes", `{"prefixes":["10.70.0.5/16"]}`, 400, "InvalidInput", "10.70.0.0/16"}},
		"PUT subnetpools/{id}/remove_prefixes": {
			{"one", "subnetpools/{pool}/remove_prefixes", `{"prefixes":["10.99.0.0/16"]}`, 400, "IllegalSubnetPoolPrefixRemoval", "10.99.0.0/16"},
			{"one", "subnetpools/{pool}/remove_prefixes", `{"prefixes":["10.64.0.0/16"]}`, 409, "IllegalSubnetPoolPrefixRemoval", "{cut4}"},
		},
		"PUT subnetpools/{id}/onboard_network_subnets": {
			{"one", "subnetpools/{pool}/onboard_network_subnets", `{"network_id":"{nowhere}"}`, 404, "NetworkNotFound", "{nowhere}"},
			{"one", "subnetpools/{pool}/onboard_network_subnets", `{"network_id":"{cut}"}`, 409, "NetworkSubnetPoolAffinityError", "{cut4}"},
			{"one", "subnetpools/{pool}/onboard_network_subnets", `{"network_id":"{six}"}`, 400, "BadRequest", "IPv4"},
			{"one", "subnetpools/{pool}/onboard_network_subnets", `{"network_id":"{outside}"}`, 403, "PolicyNotAuthorized", "onboard"},
		},
		"POST address-scopes": {
			{"one", "address-scopes", `{"address_scope":{"name":"s","ip_version":5}}`, 400, "InvalidInput", "ip_version"},
			{"one", "address-scopes", `{"address_scope":{"name":"s","ip_version":4,"shared":true}}`, 403, "PolicyNotAuthorized", "shared"},
		},
		"PUT address-scopes/{id}":    {{"one", "address-scopes/{scope}", `{"address_scope":{"shared":true}}`, 403, "PolicyNotAuthorized", "shared"}},
		"DELETE address-scopes/{id}": {{"one", "address-scopes/{scope}", "", 409, "AddressScopeInUse", "{pool}"}},
	}
}

func adminRefusals() map[string][]refusal {
	return map[string][]refusal{
		"POST qos/policies":                                       {{"one", "qos/policies", `{"policy":{"name":"q"}}`, 403, "PolicyNotAuthorized", ""}},
		"PUT qos/policies/{id}":                                   {{"admin", "qos/policies/{policy}", `{"policy":{"shared":false}}`, 409, "RbacPolicyInUse", "{second}"}},
		"DELETE qos/policies/{id}":                                {{"admin", "qos/policies/{policy}", "", 409, "QosPolicyInUse", "{second}"}},
		"POST qos/policies/{policy_id}/bandwidth_limit_rules":     {{"admin", "qos/policies/{policy}/bandwidth_limit_rules", `{"bandwidth_limit_rule":{"max_kbps":5}}`, 409, "QoSRulesConflict", "{limit}"}},
		"PUT qos/policies/{policy_id}/bandwidth_limit_rules/{id}": {{"admin", "qos/policies/{policy}/bandwidth_limit_rules/{limit}", `{"bandwidth_limit_rule":{"direction":"up"}}`, 400, "InvalidInput", "direction"}},
		"POST qos/policies/{policy_id}/dscp_marking_rules":        {{"admin", "qos/policies/{policy}/dscp_marking_rules", `{"dscp_marking_rule":{"dscp_mark":3}}`, 400, "InvalidInput", "dscp"}},
		"POST qos/policies/{policy_id}/minimum_bandwidth_rules":   {{"one", "qos/policies/{policy}/minimum_bandwidth_rules", `{"minimum_bandwidth_rule":{"min_kbps":3}}`, 403, "PolicyNotAuthorized", ""}},
		"GET qos/rule-types/{id}":                                 {{"admin", "qos/rule-types/no-such", "", 404, "QosRuleTypeNotFound", "no-such"}},
		"GET quotas/{id}":                                         {{"two", "quotas/one", "", 404, "TenantQuotaNotFound", "one"}},
		"GET quotas/{id}/default":                                 {{"two", "quotas/one/default", "", 404, "TenantQuotaNotFound", "one"}},
		"GET quotas/{id}/details":                                 {{"two", "quotas/one/details", "", 404, "TenantQuotaNotFound", "one"}},
		"GET quotas/{id}/details.json":                            {{"two", "quotas/one/details.json", "", 404, "TenantQuotaNotFound", "one"}},
		"PUT quotas/{id}":                                         {{"admin", "quotas/one", `{"quota":{"fridge":5}}`, 400, "HTTPBadRequest", "fridge"}, {"admin", "quotas/one", `{"quota":{"network":-2}}`, 400, "InvalidInput", "-2"}, {"one", "quotas/one", `{"quota":{"network":500}}`, 403, "PolicyNotAuthorized", ""}},
		"DELETE quotas/{id}":                                      {{"admin", "quotas/one", "", 404, "TenantQuotaNotFound", "one"}},
		"POST network_segment_ranges": {
			{"one", "network_segment_ranges", `{"network_segment_range":{"network_type":"vlan","physical_network":"dc","minimum":1,"maximum":5}}`, 403, "PolicyNotAuthorized", ""},
			{"admin", "network_segment_ranges", `{"network_segment_range":{"network_type":"vlan","physical_network":"dc","minimum":90,"maximum":110}}`, 409, "NetworkSegmentRangeOverlaps", "{range}"},
			{"admin", "network_segment_ranges", `{"network_segment_range":{"network_type":"vlan","physical_network":"dc","minimum":4000,"maximum":5000}}`, 400, "InvalidInput", "4094"},
			{"admin", "network_segment_ranges", `{"network_segment_range":{"network_type":"vlan","minimum":1,"maximum":5}}`, 400, "InvalidInput", "physical_network"},
			{"admin", "network_segment_ranges", `{"network_segment_range":{"network_type":"vxlan","physical_network":"dc","minimum":1,"maximum":5}}`, 400, "InvalidInput", "physical_network"},
			{"admin", "network_segment_ranges", `{"network_segment_range":{"network_type":"vxlan","shared":false,"minimum":1,"maximum":5}}`, 400, "InvalidInput", "project_id"},
		},
		"PUT network_segment_ranges/{id}":    {{"admin", "network_segment_ranges/{range}", `{"network_segment_range":{"minimum":101,"maximum":105}}`, 409, "NetworkSegmentRangeReferencedByProject", "100"}},
		"DELETE network_segment_ranges/{id}": {{"admin", "network_segment_ranges/{range}", "", 409, "NetworkSegmentRangeReferencedByProject", "100"}},
	}
}
