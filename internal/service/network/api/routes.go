// Package api speaks OpenStack's Networking API v2.0 for package network.
//
// Source: the Networking API v2.0 reference of OpenStack.
package api

import (
	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type api struct{ core *network.Service }

// Service is the table of the network routes.
func Service(core *network.Service) rest.Service {
	a := &api{core}
	s := rest.Service{Type: "network", Prefix: "/network", Errors: rest.NeutronErrors}
	for _, rows := range [][]rest.Route{
		a.discovery(),
		crud("networks", "network", rest.Do(a.listNetworks), rest.Do(a.createNetwork), rest.Do(a.showNetwork), rest.Do(a.changeNetwork), rest.Do(a.deleteNetwork)),
		crud("subnets", "subnet", rest.Do(a.listSubnets), rest.Do(a.createSubnet), rest.Do(a.showSubnet), rest.Do(a.changeSubnet), rest.Do(a.deleteSubnet)),
		crud("ports", "port", rest.Do(a.listPorts), rest.Do(a.createPort), rest.Do(a.showPort), rest.Do(a.changePort), rest.Do(a.deletePort)),
		crud("routers", "router", rest.Do(a.listRouters), rest.Do(a.createRouter), rest.Do(a.showRouter), rest.Do(a.changeRouter), rest.Do(a.deleteRouter)),
		a.interfaces(),
		crud("floatingips", "floatingip", rest.Do(a.listFloatingIPs), rest.Do(a.createFloatingIP), rest.Do(a.showFloatingIP), rest.Do(a.changeFloatingIP), rest.Do(a.deleteFloatingIP)),
		crud("security-groups", "security_group", rest.Do(a.listGroups), rest.Do(a.createGroup), rest.Do(a.showGroup), rest.Do(a.changeGroup), rest.Do(a.deleteGroup)),
		a.forwardings(),
		a.qosPolicies(),
		a.trunks(),
		a.extraRoutes(),
		a.availabilities(),
		a.topologies(),
		a.addressGroups(),
		a.poolPrefixes(),
		a.templates(),
		a.segmentRanges(),
		a.hostViews(),
		crud("address-scopes", "address_scope", rest.Do(a.listScopes), rest.Do(a.createScope), rest.Do(a.showScope), rest.Do(a.changeScope), rest.Do(a.deleteScope)),
		a.rules(),
		a.quotas(),
		a.tags(),
		crud("subnetpools", "subnetpool", rest.Do(a.listSubnetPools), rest.Do(a.createSubnetPool), rest.Do(a.showSubnetPool), rest.Do(a.changeSubnetPool), rest.Do(a.deleteSubnetPool)),
		crud("rbac-policies", "rbac_policy", rest.Do(a.listAccess), rest.Do(a.createAccess), rest.Do(a.showAccess), rest.Do(a.changeAccess), rest.Do(a.deleteAccess)),
	} {
		s.Routes = append(s.Routes, rows...)
	}
	return s
}

// crud are the five routes that every resource has.
func crud(path, name string, list, create, show, change, del rest.Handler) []rest.Route {
	all, single := "/v2.0/"+path, "/v2.0/"+path+"/{id}"
	reader, member := auth.ProjectReader, auth.ProjectMember
	return []rest.Route{
		{Method: "GET", Path: all, Policy: auth.P("get_"+name, reader), Doc: "Lists " + path + ".", Do: list},
		{Method: "POST", Path: all, Policy: auth.P("create_"+name, member), Audit: "network." + name + ".create", Doc: "Makes a " + name + ".", Do: create},
		{Method: "GET", Path: single, Policy: auth.P("get_"+name, reader), Doc: "Shows a " + name + ".", Do: show},
		{Method: "PUT", Path: single, Policy: auth.P("update_"+name, member), Audit: "network." + name + ".update", Doc: "Changes a " + name + ".", Do: change},
		{Method: "DELETE", Path: single, Policy: auth.P("delete_"+name, member), Audit: "network." + name + ".delete", Doc: "Deletes a " + name + ".", Do: del},
	}
}

func (a *api) interfaces() []rest.Route {
	return []rest.Route{
		{
			Method: "PUT", Path: "/v2.0/routers/{id}/add_router_interface", Policy: auth.P("add_router_interface", auth.ProjectMember),
			Audit: "network.router.add_interface", Doc: "Joins a router to a subnet.", Do: rest.Do(a.addInterface),
		},
		{
			Method: "PUT", Path: "/v2.0/routers/{id}/remove_router_interface", Policy: auth.P("remove_router_interface", auth.ProjectMember),
			Audit: "network.router.remove_interface", Doc: "Takes a router out of a subnet.", Do: rest.Do(a.removeInterface),
		},
	}
}

func (a *api) rules() []rest.Route {
	const all, single, name = "/v2.0/security-group-rules", "/v2.0/security-group-rules/{id}", "security_group_rule"
	return []rest.Route{
		{Method: "GET", Path: all, Policy: auth.P("get_"+name, auth.ProjectReader), Doc: "Lists rules of security groups.", Do: rest.Do(a.listRules)},
		{
			Method: "POST", Path: all, Policy: auth.P("create_"+name, auth.ProjectMember), Audit: "network.security_group_rule.create",
			Doc: "Adds a rule, or several, to security groups.", Do: rest.Do(a.createRules),
		},
		{Method: "GET", Path: single, Policy: auth.P("get_"+name, auth.ProjectReader), Doc: "Shows a rule of a security group.", Do: rest.Do(a.showRule)},
		{
			Method: "DELETE", Path: single, Policy: auth.P("delete_"+name, auth.ProjectMember), Audit: "network.security_group_rule.delete",
			Doc: "Deletes a rule of a security group.", Do: rest.Do(a.deleteRule),
		},
	}
}

func (a *api) quotas() []rest.Route {
	return []rest.Route{
		{Method: "GET", Path: "/v2.0/quotas/{id}", Policy: auth.P("get_quota", auth.ProjectReader), Doc: "Shows a project's quota.", Do: rest.Do(a.showQuota)},
		{Method: "GET", Path: "/v2.0/quotas", Policy: auth.P("get_quotas", auth.AdminOnly), Doc: "Lists the quotas of projects that are not the default.", Do: rest.Do(a.listQuotas)},
		{Method: "GET", Path: "/v2.0/quotas/tenant", Policy: auth.P("get_quota", auth.ProjectReader), Doc: "Tells whose quota a token is about.", Do: rest.Do(a.showTenant)},
		{
			Method: "PUT", Path: "/v2.0/quotas/{id}", Policy: auth.P("update_quota", auth.AdminOnly), Audit: "network.quota.update",
			Doc: "Changes a project's quota.", Do: rest.Do(a.changeQuota),
		},
		{
			Method: "DELETE", Path: "/v2.0/quotas/{id}", Policy: auth.P("delete_quota", auth.AdminOnly), Audit: "network.quota.delete",
			Doc: "Gives a project the default quota.", Do: rest.Do(a.resetQuota),
		},
		{
			Method: "GET", Path: "/v2.0/quotas/{id}/default", Policy: auth.P("get_quota", auth.ProjectReader),
			Doc: "Shows the quota that projects have by default.", Do: rest.Do(a.showDefaultQuota),
		},
		{
			Method: "GET", Path: "/v2.0/quotas/{id}/details.json", Policy: auth.P("get_quota", auth.ProjectReader),
			Doc: "Shows a project's quota and what is used of it.", Do: rest.Do(a.showQuotaDetails),
		},
		{
			Method: "GET", Path: "/v2.0/quotas/{id}/details", Policy: auth.P("get_quota", auth.ProjectReader),
			Doc: "Shows a project's quota and what is used of it.", Do: rest.Do(a.showQuotaDetails),
		},
	}
}
