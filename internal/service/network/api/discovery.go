package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

type versionOut struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Links  []link `json:"links"`
}

type versionsOut struct {
	Versions []versionOut `json:"versions"`
}

type resourceOut struct {
	Name       string `json:"name"`
	Collection string `json:"collection"`
	Links      []link `json:"links"`
}

type resourcesOut struct {
	Resources []resourceOut `json:"resources"`
}

type extension struct {
	Alias       string `json:"alias"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Updated     string `json:"updated"`
	Links       []link `json:"links"`
}

func (a *api) discovery() []rest.Route {
	return []rest.Route{
		{Method: "GET", Path: "", Policy: auth.NoToken("get_versions"), Doc: "Lists the versions of the API.", Do: rest.Do(a.versions)},
		{Method: "GET", Path: "/v2.0", Policy: auth.NoToken("get_resources"), Doc: "Lists the resources of the API.", Do: rest.Do(a.resources)},
		{Method: "GET", Path: "/v2.0/extensions", Policy: auth.P("get_extension", auth.Anyone), Doc: "Lists the extensions that there are.", Do: rest.Do(a.listExtensions)},
		{Method: "GET", Path: "/v2.0/extensions/{alias}", Policy: auth.P("get_extension", auth.Anyone), Doc: "Shows an extension.", Do: rest.Do(a.showExtension)},
	}
}

func (a *api) versions(ctx context.Context, _ struct{}) (versionsOut, error) {
	return versionsOut{[]versionOut{{"v2.0", "CURRENT", []link{{"self", rest.BaseURL(ctx) + "/v2.0/"}}}}}, nil
}

func (a *api) resources(ctx context.Context, _ struct{}) (resourcesOut, error) {
	var out resourcesOut
	for _, r := range [][2]string{
		{"network", "networks"},
		{"subnet", "subnets"},
		{"port", "ports"},
		{"router", "routers"},
		{"floatingip", "floatingips"},
		{"security_group", "security-groups"},
		{"security_group_rule", "security-group-rules"},
		{"quota", "quotas"},
		{"rbac_policy", "rbac-policies"},
		{"subnetpool", "subnetpools"},
		{"address_group", "address-groups"},
		{"address_scope", "address-scopes"},
		{"agent", "agents"},
		{"default_security_group_rule", "default-security-group-rules"},
		{"network_segment_range", "network_segment_ranges"},
		{"extension", "extensions"},
	} {
		out.Resources = append(out.Resources, resourceOut{r[0], r[1], []link{{"self", rest.BaseURL(ctx) + "/v2.0/" + r[1]}}})
	}
	return out, nil
}

// extensions are those whose behaviour is there; clients test for the aliases.
func extensions() []extension {
	const updated = "2026-01-01T00:00:00-00:00"
	var out []extension
	for _, e := range [][3]string{
		{"address-scope", "Address scope", "Subnet pools between which routers translate"},
		{"agent", "agent", "What does the network's work on the hosts"},
		{"address-group", "Address group", "Addresses that rules of security groups name as a whole"},
		{"allowed-address-pairs", "Allowed Address Pairs", "Addresses that a port may use besides its own"},
		{"auto-allocated-topology", "Auto Allocated Topology Services", "A network that leads outside, made as a whole"},
		{"availability_zone", "Availability Zone", "The availability zones of the cloud"},
		{"availability_zone_filter", "Availability Zone Filter Extension", "Availability zones by name, resource and state"},
		{"binding", "Port Binding", "The host on which a port's device runs"},
		{"dns-domain-ports", "dns_domain for ports", "Domains of single ports' names"},
		{"dns-integration", "DNS Integration", "Names of ports that resolve inside their network"},
		{"empty-string-filtering", "Empty String Filtering Extension", "Lists of what has no value of a field"},
		{"ext-gw-mode", "Neutron L3 Configurable external gateway mode", "SNAT of a router's gateway, on or off"},
		{"external-net", "Neutron external network", "Networks that lead outside"},
		{"extraroute", "Neutron Extra Route", "Static routes of routers"},
		{"extraroute-atomic", "Atomically add/remove extra routes", "Routes of routers, added and removed one by one"},
		{"extra_dhcp_opt", "Neutron Extra DHCP options", "What DHCP says to single ports"},
		{"filter-validation", "Filter parameters validation", "Unknown filters are refused"},
		{"floating-ip-port-forwarding", "Floating IP Port Forwarding", "Single ports of floating IPs that lead to ports"},
		{"floating-ip-port-forwarding-description", "Floating IP Port Forwarding support description", "Descriptions of port forwardings"},
		{"floating-ip-port-forwarding-port-ranges", "Floating IP Port Forwarding support port ranges", "Ranges of ports in port forwardings"},
		{"fip-port-details", "Floating IP Port Details Extension", "The ports that floating IPs lead to"},
		{"ip-substring-filtering", "IP address substring filtering", "Ports by a part of an address"},
		{"l3-ha", "HA Router extension", "Routers whose gateways stand in for one another"},
		{"network-segment-range", "Neutron Network Segment Range", "The segments from which those of new networks are chosen"},
		{"port-mac-address-regenerate", "Neutron Port MAC address regenerate", "A new MAC address for a port"},
		{"rbac-address-scope", "Add address_scope type to RBAC", "Address scopes that some other projects may use"},
		{"security-groups-default-rules", "Default rules for security groups", "The rules that new security groups have"},
		{"security-groups-normalized-cidr", "Normalized CIDR field for security group rules", "The network of a rule's remote prefix"},
		{"security-groups-shared-filtering", "Security group filtering on the shared field", "Lists of the security groups that are shared"},
		{"service-type", "Neutron Service Type Management", "What provides the services of networks"},
		{"subnet_onboard", "Subnet Onboard", "Subnets that become ones of a pool"},
		{"subnet-service-types", "Subnet service types", "Subnets for the ports of some devices"},
		{"subnetpool-prefix-ops", "Subnet Pool Prefix Operations", "Prefixes of subnet pools, added and removed one by one"},
		{"tag-ports-during-bulk-creation", "Tag Ports During Bulk Creation", "Tags of ports that are being made"},
		{"vlan-transparent", "Vlantransparent", "Networks in which frames with tags of their own pass"},
		{"net-mtu", "Network MTU", "The MTU of networks"},
		{"net-mtu-writable", "Network MTU (writable)", "The MTU of networks may be changed"},
		{"network-ip-availability", "Network IP Availability", "How many addresses networks have, and how many are used"},
		{"network_availability_zone", "Network Availability Zone", "The availability zones of networks"},
		{"pagination", "Pagination support", "Lists in pages"},
		{"port-security", "Port Security", "Ports that may use only their own addresses"},
		{"project-id", "project_id field enabled", "project_id beside tenant_id"},
		{"provider", "Provider Network", "Networks on the segments of physical networks"},
		{"qos", "Quality of Service", "QoS policies of networks and ports"},
		{"qos-bw-limit-direction", "Direction for QoS bandwidth limit rule", "Bandwidth limits of either direction"},
		{"port-resource-request", "Port Resource Request", "What a port asks of its host's links"},
		{"qos-bw-minimum-ingress", "Ingress direction for QoS minimum bandwidth rule", "Minimum bandwidths of either direction"},
		{"qos-default", "QoS default policy", "A policy that a project's new networks have"},
		{"qos-fip", "Floating IP QoS", "QoS policies of floating IPs"},
		{"qos-port-network-policy", "QoS port network policy", "The QoS policy that a port has of its network"},
		{"qos-rule-type-details", "Details of QoS rule types", "What the kinds of QoS rules take"},
		{"quotas", "Quota management support", "The quota of projects"},
		{"quota_details", "Quota details management support", "What is used of a quota"},
		{"rbac-policies", "RBAC Policies", "Networks and QoS policies that some other projects may use"},
		{"rbac-address-group", "Add address_group type to RBAC", "Address groups that some other projects may use"},
		{"rbac-subnetpool", "Add subnetpool type to network RBAC", "Subnet pools that some other projects may use"},
		{"rbac-security-groups", "Add security_group type to network RBAC", "Security groups that some other projects may use"},
		{"revision-if-match", "If-Match constraints based on revision_number", "Changes of what nobody else has changed meanwhile"},
		{"router", "Neutron L3 Router", "Routers and floating IPs"},
		{"router_availability_zone", "Router Availability Zone", "The availability zones of routers"},
		{"security-group", "security-group", "Security groups and their rules"},
		{"security-groups-remote-address-group", "Remote address group id field for security group rules", "Rules for the addresses of an address group"},
		{"sorting", "Sorting support", "Lists in the order of any field"},
		{"standard-attr-description", "standard-attr-description", "Descriptions of all objects"},
		{"standard-attr-revisions", "Resource revision numbers", "How often an object was changed"},
		{"standard-attr-tag", "Tag support for resources with standard attribute: networks, subnets, ports, routers and others", "Tags on objects, and lists by them"},
		{"standard-attr-timestamp", "Resource timestamps", "When an object was made and changed"},
		{"default-subnetpools", "Default Subnetpools", "The subnet pool for those who name none"},
		{"subnet_allocation", "Subnet Allocation", "Subnets that are cut of pools"},
		{"stateful-security-group", "Stateful security group", "Security groups without connection tracking"},
		{"trunk", "Trunk Extension", "Ports that carry others by VLANs"},
		{"trunk-details", "Trunk port details", "What a parent port carries"},
	} {
		out = append(out, extension{Alias: e[0], Name: e[1], Description: e[2], Updated: updated})
	}
	return out
}

type extensionsOut struct {
	Extensions []extension `json:"extensions"`
}

type extensionOut struct {
	Extension extension `json:"extension"`
}

func (a *api) listExtensions(context.Context, struct{}) (extensionsOut, error) {
	return extensionsOut{extensions()}, nil
}

func (a *api) showExtension(_ context.Context, in struct {
	Alias string `path:"alias"`
},
) (extensionOut, error) {
	for _, e := range extensions() {
		if e.Alias == in.Alias {
			return extensionOut{e}, nil
		}
	}
	return extensionOut{}, fault.New(fault.NotFound, "Extension with alias %s does not exist", in.Alias).WithCode("ExtensionNotFound")
}
