// Package api speaks Nova's v2.1 dialect for compute. Field names and shapes are those of Nova's API reference and its
// microversion history.
package api

import (
	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// The microversions that are spoken.
const (
	minVersion = "2.1"
	maxVersion = "2.96"
)

// api holds what the handlers need.
type api struct{ core *compute.Service }

// Service is the table of compute's endpoints.
func Service(core *compute.Service) rest.Service {
	a := &api{core}
	var routes []rest.Route
	for _, part := range [][]rest.Route{
		a.versionRoutes(), a.serverRoutes(), a.actionRoutes(), a.metadataRoutes(), a.tagRoutes(), a.partRoutes(),
		a.flavorRoutes(), a.keyPairRoutes(), a.hostRoutes(), a.quotaRoutes(), a.groupRoutes(), a.aggregateRoutes(),
	} {
		routes = append(routes, part...)
	}
	return rest.Service{
		Type: "compute", Prefix: "/compute", Errors: rest.NovaErrors,
		Micro: &rest.Micro{
			Service: "compute", Legacy: "X-OpenStack-Nova-API-Version", Min: minVersion, Max: maxVersion, Strict: "2.75",
		},
		Routes: routes,
	}
}

func reader(name string) auth.Policy { return auth.P("os_compute_api:"+name, auth.ProjectReader) }
func member(name string) auth.Policy { return auth.P("os_compute_api:"+name, auth.ProjectMember) }
func admin(name string) auth.Policy  { return auth.P("os_compute_api:"+name, auth.AdminOnly) }
func anyone(name string) auth.Policy { return auth.P("os_compute_api:"+name, auth.Anyone) }

func (a *api) versionRoutes() []rest.Route {
	return []rest.Route{
		{Method: "GET", Path: "", Policy: auth.NoToken("compute:versions"), Doc: "Lists the versions of the API.", Do: rest.Do(a.versions)},
		{Method: "GET", Path: "/v2.1", Policy: auth.NoToken("compute:version"), Doc: "Shows the version of the API.", Do: rest.Do(a.version)},
	}
}

func (a *api) serverRoutes() []rest.Route {
	return []rest.Route{
		{Method: "POST", Path: "/v2.1/servers", Status: 202, Policy: member("servers:create"), Audit: "compute.server.create", Doc: "Creates one or more servers.", Do: rest.Do(a.createServer)},
		{Method: "GET", Path: "/v2.1/servers", Policy: reader("servers:index"), Doc: "Lists servers.", Do: rest.Do(a.listServers)},
		{Method: "GET", Path: "/v2.1/servers/detail", Policy: reader("servers:detail"), Doc: "Lists servers with details.", Do: rest.Do(a.listServersDetail)},
		{Method: "GET", Path: "/v2.1/servers/{server_id}", Policy: reader("servers:show"), Doc: "Shows a server.", Do: rest.Do(a.showServer)},
		{Method: "PUT", Path: "/v2.1/servers/{server_id}", Policy: member("servers:update"), Audit: "compute.server.update", Doc: "Changes a server's name, description, host name or access addresses.", Do: rest.Do(a.updateServer)},
		{Method: "DELETE", Path: "/v2.1/servers/{server_id}", Policy: member("servers:delete"), Audit: "compute.server.delete", Doc: "Deletes a server.", Do: rest.Do(a.deleteServer)},
	}
}

func (a *api) actionRoutes() []rest.Route {
	const path = "/v2.1/servers/{server_id}/action"
	return []rest.Route{
		{Method: "POST", Path: path, Action: "os-start", Status: 202, Policy: member("servers:start"), Audit: "compute.server.start", Doc: "Starts a stopped server.", Do: rest.Do(a.startServer)},
		{Method: "POST", Path: path, Action: "os-stop", Status: 202, Policy: member("servers:stop"), Audit: "compute.server.stop", Doc: "Shuts a server down.", Do: rest.Do(a.stopServer)},
		{Method: "POST", Path: path, Action: "reboot", Status: 202, Policy: member("servers:reboot"), Audit: "compute.server.reboot", Doc: "Reboots a server, gracefully (SOFT) or at once (HARD).", Do: rest.Do(a.rebootServer)},
		{Method: "POST", Path: path, Action: "forceDelete", Status: 202, Policy: member("os-deferred-delete:force"), Audit: "compute.server.delete", Doc: "Deletes a server, as DELETE does.", Do: rest.Do(a.forceDelete)},
		{Method: "POST", Path: path, Action: "os-getConsoleOutput", Status: 200, Policy: member("os-console-output"), Audit: "compute.server.console_output", Doc: "Reads a server's serial console.", Do: rest.Do(a.consoleOutput)},
	}
}

func (a *api) metadataRoutes() []rest.Route {
	const all, one = "/v2.1/servers/{server_id}/metadata", "/v2.1/servers/{server_id}/metadata/{key}"
	return []rest.Route{
		{Method: "GET", Path: all, Policy: reader("server-metadata:index"), Doc: "Lists a server's metadata.", Do: rest.Do(a.listMetadata)},
		{Method: "POST", Path: all, Status: 200, Policy: member("server-metadata:create"), Audit: "compute.server.metadata.update", Doc: "Adds to a server's metadata.", Do: rest.Do(a.mergeMetadata)},
		{Method: "PUT", Path: all, Policy: member("server-metadata:update_all"), Audit: "compute.server.metadata.replace", Doc: "Replaces a server's metadata.", Do: rest.Do(a.replaceMetadata)},
		{Method: "GET", Path: one, Policy: reader("server-metadata:show"), Doc: "Shows an entry of a server's metadata.", Do: rest.Do(a.showMeta)},
		{Method: "PUT", Path: one, Policy: member("server-metadata:update"), Audit: "compute.server.metadata.set", Doc: "Sets an entry of a server's metadata.", Do: rest.Do(a.setMeta)},
		{Method: "DELETE", Path: one, Policy: member("server-metadata:delete"), Audit: "compute.server.metadata.delete", Doc: "Deletes an entry of a server's metadata.", Do: rest.Do(a.deleteMeta)},
	}
}

func (a *api) tagRoutes() []rest.Route {
	const all, one = "/v2.1/servers/{server_id}/tags", "/v2.1/servers/{server_id}/tags/{tag}"
	return []rest.Route{
		{Method: "GET", Path: all, Since: "2.26", Policy: reader("os-server-tags:index"), Doc: "Lists a server's tags.", Do: rest.Do(a.listTags)},
		{Method: "PUT", Path: all, Since: "2.26", Policy: member("os-server-tags:update_all"), Audit: "compute.server.tags.replace", Doc: "Replaces a server's tags.", Do: rest.Do(a.replaceTags)},
		{Method: "DELETE", Path: all, Since: "2.26", Policy: member("os-server-tags:delete_all"), Audit: "compute.server.tags.delete", Doc: "Deletes a server's tags.", Do: rest.Do(a.deleteTags)},
		{Method: "GET", Path: one, Since: "2.26", Status: 204, Policy: reader("os-server-tags:show"), Doc: "Tells whether a server has a tag.", Do: rest.Do(a.hasTag)},
		{Method: "PUT", Path: one, Since: "2.26", Status: 201, Policy: member("os-server-tags:update"), Audit: "compute.server.tag.add", Doc: "Adds a tag to a server.", Do: rest.Do(a.addTag)},
		{Method: "DELETE", Path: one, Since: "2.26", Policy: member("os-server-tags:delete"), Audit: "compute.server.tag.delete", Doc: "Deletes a server's tag.", Do: rest.Do(a.deleteTag)},
	}
}

func (a *api) partRoutes() []rest.Route {
	const server = "/v2.1/servers/{server_id}"
	return []rest.Route{
		{Method: "GET", Path: server + "/ips", Policy: reader("ips:index"), Doc: "Lists a server's addresses.", Do: rest.Do(a.listIPs)},
		{Method: "GET", Path: server + "/ips/{network}", Policy: reader("ips:show"), Doc: "Lists a server's addresses on one network.", Do: rest.Do(a.showIPs)},
		{Method: "GET", Path: server + "/os-interface", Policy: reader("os-attach-interfaces:list"), Doc: "Lists a server's ports.", Do: rest.Do(a.listInterfaces)},
		{Method: "GET", Path: server + "/os-interface/{port_id}", Policy: reader("os-attach-interfaces:show"), Doc: "Shows a server's port.", Do: rest.Do(a.showInterface)},
		{Method: "GET", Path: server + "/os-security-groups", Policy: reader("os-security-groups:list"), Doc: "Lists the security groups of a server's ports.", Do: rest.Do(a.listSecurityGroups)},
		{Method: "GET", Path: server + "/os-instance-actions", Policy: reader("os-instance-actions:list"), Doc: "Lists what was asked of a server.", Do: rest.Do(a.listActions)},
		{Method: "GET", Path: server + "/os-instance-actions/{request_id}", Policy: reader("os-instance-actions:show"), Doc: "Shows one thing that was asked of a server.", Do: rest.Do(a.showAction)},
	}
}

func (a *api) flavorRoutes() []rest.Route {
	const one = "/v2.1/flavors/{flavor_id}"
	return []rest.Route{
		{Method: "GET", Path: "/v2.1/flavors", Policy: anyone("flavors"), Doc: "Lists flavors.", Do: rest.Do(a.listFlavors)},
		{Method: "GET", Path: "/v2.1/flavors/detail", Policy: anyone("flavors"), Doc: "Lists flavors with details.", Do: rest.Do(a.listFlavorsDetail)},
		{Method: "GET", Path: one, Policy: anyone("flavors"), Doc: "Shows a flavor.", Do: rest.Do(a.showFlavor)},
		{Method: "POST", Path: "/v2.1/flavors", Status: 200, Policy: admin("os-flavor-manage:create"), Audit: "compute.flavor.create", Doc: "Creates a flavor.", Do: rest.Do(a.createFlavor)},
		{Method: "DELETE", Path: one, Status: 202, Policy: admin("os-flavor-manage:delete"), Audit: "compute.flavor.delete", Doc: "Deletes a flavor.", Do: rest.Do(a.deleteFlavor)},
		{Method: "GET", Path: one + "/os-extra_specs", Policy: reader("os-flavor-extra-specs:index"), Doc: "Lists a flavor's extra specs.", Do: rest.Do(a.listSpecs)},
		{Method: "GET", Path: one + "/os-extra_specs/{key}", Policy: reader("os-flavor-extra-specs:show"), Doc: "Shows an extra spec of a flavor.", Do: rest.Do(a.showSpec)},
		{Method: "POST", Path: one + "/os-extra_specs", Status: 200, Policy: admin("os-flavor-extra-specs:create"), Audit: "compute.flavor.spec.create", Doc: "Adds to a flavor's extra specs.", Do: rest.Do(a.createSpecs)},
		{Method: "PUT", Path: one + "/os-extra_specs/{key}", Policy: admin("os-flavor-extra-specs:update"), Audit: "compute.flavor.spec.update", Doc: "Sets an extra spec of a flavor.", Do: rest.Do(a.setSpec)},
		{Method: "DELETE", Path: one + "/os-extra_specs/{key}", Status: 200, Policy: admin("os-flavor-extra-specs:delete"), Audit: "compute.flavor.spec.delete", Doc: "Deletes an extra spec of a flavor.", Do: rest.Do(a.deleteSpec)},
		{Method: "GET", Path: one + "/os-flavor-access", Policy: admin("os-flavor-access"), Doc: "Lists the projects that may use a flavor which is not public.", Do: rest.Do(a.listAccess)},
	}
}

func (a *api) keyPairRoutes() []rest.Route {
	const all, one = "/v2.1/os-keypairs", "/v2.1/os-keypairs/{keypair_name}"
	return []rest.Route{
		{Method: "GET", Path: all, Policy: anyone("os-keypairs:index"), Doc: "Lists key pairs.", Do: rest.Do(a.listKeyPairs)},
		{Method: "POST", Path: all, Policy: anyone("os-keypairs:create"), Audit: "compute.keypair.create", Doc: "Creates a key pair, or takes a public key.", Do: rest.Do(a.createKeyPair)},
		{Method: "GET", Path: one, Policy: anyone("os-keypairs:show"), Doc: "Shows a key pair.", Do: rest.Do(a.showKeyPair)},
		{Method: "DELETE", Path: one, Until: "2.1", Status: 202, Policy: anyone("os-keypairs:delete"), Audit: "compute.keypair.delete", Doc: "Deletes a key pair.", Do: rest.Do(a.deleteKeyPair)},
		{Method: "DELETE", Path: one, Since: "2.2", Policy: anyone("os-keypairs:delete"), Audit: "compute.keypair.delete", Doc: "Deletes a key pair.", Do: rest.Do(a.deleteKeyPair)},
	}
}

func (a *api) hostRoutes() []rest.Route {
	return []rest.Route{
		{Method: "GET", Path: "/v2.1/os-hypervisors", Policy: admin("os-hypervisors:list"), Doc: "Lists hosts.", Do: rest.Do(a.listHypervisors)},
		{Method: "GET", Path: "/v2.1/os-hypervisors/detail", Policy: admin("os-hypervisors:list-detail"), Doc: "Lists hosts with details.", Do: rest.Do(a.listHypervisorsDetail)},
		{Method: "GET", Path: "/v2.1/os-hypervisors/{hypervisor_id}", Policy: admin("os-hypervisors:show"), Doc: "Shows a host.", Do: rest.Do(a.showHypervisor)},
		{Method: "GET", Path: "/v2.1/os-hypervisors/statistics", Until: "2.87", Policy: admin("os-hypervisors:statistics"), Doc: "Sums up all hosts.", Do: rest.Do(a.hypervisorStatistics)},
		{Method: "GET", Path: "/v2.1/os-hypervisors/{hypervisor_id}/uptime", Until: "2.87", Policy: admin("os-hypervisors:uptime"), Doc: "Shows a host, as os-hypervisors does.", Do: rest.Do(a.hypervisorUptime)},
		{Method: "GET", Path: "/v2.1/os-services", Policy: admin("os-services:list"), Doc: "Lists the agents of hosts.", Do: rest.Do(a.listServices)},
		{Method: "PUT", Path: "/v2.1/os-services/{service_id}", Since: "2.53", Policy: admin("os-services:update"), Audit: "compute.host.update", Doc: "Keeps new servers off a host, or lets them on it again.", Do: rest.Do(a.updateService)},
		{Method: "PUT", Path: "/v2.1/os-services/enable", Until: "2.52", Policy: admin("os-services:update"), Audit: "compute.host.update", Doc: "Lets new servers on a host again.", Do: rest.Do(a.enableService)},
		{Method: "PUT", Path: "/v2.1/os-services/disable", Until: "2.52", Policy: admin("os-services:update"), Audit: "compute.host.update", Doc: "Keeps new servers off a host.", Do: rest.Do(a.disableService)},
		{Method: "PUT", Path: "/v2.1/os-services/disable-log-reason", Until: "2.52", Policy: admin("os-services:update"), Audit: "compute.host.update", Doc: "Keeps new servers off a host, and says why.", Do: rest.Do(a.disableServiceWithReason)},
		{Method: "GET", Path: "/v2.1/os-availability-zone", Policy: anyone("os-availability-zone:list"), Doc: "Lists zones.", Do: rest.Do(a.listZones)},
		{Method: "GET", Path: "/v2.1/os-availability-zone/detail", Policy: admin("os-availability-zone:detail"), Doc: "Lists zones with their hosts.", Do: rest.Do(a.listZonesDetail)},
	}
}

func (a *api) groupRoutes() []rest.Route {
	const all, one = "/v2.1/os-server-groups", "/v2.1/os-server-groups/{server_group_id}"
	return []rest.Route{
		{Method: "GET", Path: all, Policy: reader("os-server-groups:index"), Doc: "Lists server groups.", Do: rest.Do(a.listGroups)},
		{Method: "POST", Path: all, Status: 200, Policy: member("os-server-groups:create"), Audit: "compute.server_group.create", Doc: "Creates a server group.", Do: rest.Do(a.createGroup)},
		{Method: "GET", Path: one, Policy: reader("os-server-groups:show"), Doc: "Shows a server group.", Do: rest.Do(a.showGroup)},
		{Method: "DELETE", Path: one, Policy: member("os-server-groups:delete"), Audit: "compute.server_group.delete", Doc: "Deletes a server group; its members stay.", Do: rest.Do(a.deleteGroup)},
	}
}

func (a *api) aggregateRoutes() []rest.Route {
	const all, one = "/v2.1/os-aggregates", "/v2.1/os-aggregates/{aggregate_id}"
	return []rest.Route{
		{Method: "GET", Path: all, Policy: admin("os-aggregates:index"), Doc: "Lists host aggregates.", Do: rest.Do(a.listAggregates)},
		{Method: "POST", Path: all, Status: 200, Policy: admin("os-aggregates:create"), Audit: "compute.aggregate.create", Doc: "Creates a host aggregate.", Do: rest.Do(a.createAggregate)},
		{Method: "GET", Path: one, Policy: admin("os-aggregates:show"), Doc: "Shows a host aggregate.", Do: rest.Do(a.showAggregate)},
		{Method: "PUT", Path: one, Policy: admin("os-aggregates:update"), Audit: "compute.aggregate.update", Doc: "Changes the name or the zone of a host aggregate.", Do: rest.Do(a.updateAggregate)},
		{Method: "DELETE", Path: one, Status: 200, Policy: admin("os-aggregates:delete"), Audit: "compute.aggregate.delete", Doc: "Deletes a host aggregate that has no hosts.", Do: rest.Do(a.deleteAggregate)},
		{Method: "POST", Path: one + "/action", Action: "add_host", Status: 200, Policy: admin("os-aggregates:add_host"), Audit: "compute.aggregate.add_host", Doc: "Puts a host into an aggregate.", Do: rest.Do(a.addAggregateHost)},
		{Method: "POST", Path: one + "/action", Action: "remove_host", Status: 200, Policy: admin("os-aggregates:remove_host"), Audit: "compute.aggregate.remove_host", Doc: "Takes a host out of an aggregate.", Do: rest.Do(a.removeAggregateHost)},
		{Method: "POST", Path: one + "/action", Action: "set_metadata", Status: 200, Policy: admin("os-aggregates:set_metadata"), Audit: "compute.aggregate.set_metadata", Doc: "Sets and deletes metadata of an aggregate.", Do: rest.Do(a.setAggregateMetadata)},
	}
}

func (a *api) quotaRoutes() []rest.Route {
	const one = "/v2.1/os-quota-sets/{project_id}"
	return []rest.Route{
		{Method: "GET", Path: "/v2.1/limits", Policy: anyone("limits"), Doc: "Shows the project's limits and what it uses of them.", Do: rest.Do(a.showLimits)},
		{Method: "GET", Path: one, Policy: reader("os-quota-sets:show"), Doc: "Shows a project's quota.", Do: rest.Do(a.showQuota)},
		{Method: "GET", Path: one + "/detail", Policy: reader("os-quota-sets:detail"), Doc: "Shows a project's quota and what it uses of it.", Do: rest.Do(a.showQuotaDetail)},
		{Method: "GET", Path: one + "/defaults", Policy: anyone("os-quota-sets:defaults"), Doc: "Shows the quota of projects that have none of their own.", Do: rest.Do(a.showQuotaDefaults)},
		{Method: "PUT", Path: one, Policy: admin("os-quota-sets:update"), Audit: "compute.quota.update", Doc: "Changes a project's quota.", Do: rest.Do(a.updateQuota)},
	}
}
