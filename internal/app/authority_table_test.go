package app

import "strings"

// least is who may use a policy's routes at the least, by a token that is scoped to a project.
type least string

const (
	open     least = "open"     // no token is asked for
	anyone   least = "anyone"   // any token, even without a scope
	reader   least = "reader"   // on the project, and so on
	member   least = "member"   // …
	manager  least = "manager"  // …
	admin    least = "admin"    // on any project
	elsewise least = "elsewise" // nobody by a role on a project: it takes another scope or another kind of token
)

// authority is the expected answer of every policy. A route whose policy is not here fails the test.
func authority() map[string]least {
	all := map[string]least{}
	for _, part := range []map[least]string{identityAuthority(), computeAuthority(), networkAuthority(), networkTagsAuthority(), imageAuthority(), aloftAuthority()} {
		for who, policies := range part {
			for policy := range strings.FieldsSeq(policies) {
				all[policy] = who
			}
		}
	}
	return all
}

// identityAuthority is who may use the identity routes.
func identityAuthority() map[least]string {
	return map[least]string{
		open: `
			identity:versions identity:authenticate identity:change_password`,
		anyone: `
			identity:validate_token identity:revoke_token identity:get_auth_projects identity:get_auth_domains
			identity:get_auth_system identity:get_endpoint identity:update_endpoint identity:delete_endpoint
			identity:list_regions identity:get_region
			identity:get_limit_model identity:get_registered_limit identity:list_limits identity:list_registered_limits
			identity:get_security_compliance_domain_config identity:list_credentials identity:create_credential
			identity:ec2_get_credential identity:ec2_delete_credential identity:get_trust identity:delete_trust
			identity:list_roles_for_trust identity:get_role_for_trust identity:list_registered_limits
			identity:get_registered_limit identity:get_limit_model identity:list_limits`,
		reader: `
			identity:get_auth_catalog identity:get_project identity:get_domain
			identity:list_project_tags identity:get_project_tag`,
		manager: `
			identity:get_role`,
		admin: `
			identity:list_users identity:create_user identity:get_user identity:update_user identity:delete_user
			identity:list_user_projects identity:list_groups_for_user identity:list_groups identity:create_group
			identity:get_group identity:update_group identity:delete_group identity:list_users_in_group
			identity:check_user_in_group identity:add_user_to_group identity:remove_user_from_group identity:list_projects
			identity:create_project identity:update_project identity:delete_project identity:list_domains
			identity:create_domain identity:update_domain identity:delete_domain identity:list_roles identity:create_role
			identity:update_role identity:delete_role identity:list_role_assignments
			identity:list_grants identity:check_grant identity:create_grant identity:revoke_grant identity:list_services
			identity:get_service identity:list_endpoints
			identity:add_endpoint_group_to_project identity:add_endpoint_to_project identity:check_endpoint_in_project
			identity:check_policy_association_for_endpoint identity:check_policy_association_for_region_and_service
			identity:check_policy_association_for_service identity:create_endpoint identity:create_endpoint_group
			identity:create_identity_provider identity:create_limits identity:create_mapping identity:create_policy
			identity:create_policy_association_for_endpoint identity:create_policy_association_for_region_and_service
			identity:create_policy_association_for_service identity:create_protocol identity:create_region
			identity:create_registered_limits identity:create_service identity:create_service_provider
			identity:delete_endpoint_group identity:delete_identity_provider
			identity:delete_limit identity:delete_mapping identity:delete_policy
			identity:delete_policy_association_for_endpoint identity:delete_policy_association_for_region_and_service
			identity:delete_policy_association_for_service identity:delete_protocol identity:delete_region
			identity:delete_registered_limit identity:delete_service identity:delete_service_provider
			identity:get_endpoint_group identity:get_endpoint_group_in_project identity:get_identity_provider
			identity:get_mapping identity:get_policy identity:get_policy_for_endpoint identity:get_protocol
			identity:get_service_provider identity:list_endpoint_groups identity:list_endpoint_groups_for_project
			identity:list_endpoints_associated_with_endpoint_group identity:list_endpoints_for_policy
			identity:list_endpoints_for_project identity:list_identity_providers identity:list_mappings
			identity:list_policies identity:list_projects_associated_with_endpoint_group
			identity:list_projects_for_endpoint identity:list_protocols identity:list_revoke_events
			identity:list_service_providers identity:remove_endpoint_from_project
			identity:remove_endpoint_group_from_project identity:update_endpoint_group
			identity:update_identity_provider identity:update_limit identity:update_mapping identity:update_policy
			identity:update_protocol identity:update_region identity:update_registered_limit identity:update_service
			identity:update_service_provider
			identity:list_role_inference_rules identity:list_implied_roles identity:get_implied_role
			identity:check_implied_role identity:create_implied_role identity:delete_implied_role
			identity:update_project_tags identity:delete_project_tags identity:create_project_tag
			identity:delete_project_tag identity:create_domain_config identity:get_domain_config
			identity:update_domain_config identity:delete_domain_config identity:get_domain_config_default
			identity:list_application_credentials identity:get_application_credential
			identity:delete_application_credential identity:list_access_rules identity:get_access_rule
			identity:delete_access_rule identity:get_credential identity:update_credential identity:delete_credential
			identity:ec2_list_credentials identity:ec2_create_credential identity:ec2tokens_validate
			identity:s3tokens_validate identity:list_trusts identity:create_service identity:update_service
			identity:delete_service identity:create_endpoint
			identity:create_region identity:update_region identity:delete_region identity:list_endpoint_groups
			identity:create_endpoint_group identity:get_endpoint_group identity:update_endpoint_group
			identity:delete_endpoint_group identity:list_endpoints_associated_with_endpoint_group
			identity:list_projects_associated_with_endpoint_group identity:add_endpoint_group_to_project
			identity:get_endpoint_group_in_project identity:remove_endpoint_group_from_project
			identity:list_endpoint_groups_for_project identity:list_projects_for_endpoint
			identity:list_endpoints_for_project identity:add_endpoint_to_project identity:check_endpoint_in_project
			identity:remove_endpoint_from_project identity:list_policies identity:create_policy identity:get_policy
			identity:update_policy identity:delete_policy identity:list_endpoints_for_policy
			identity:get_policy_for_endpoint identity:create_policy_association_for_endpoint
			identity:check_policy_association_for_endpoint identity:delete_policy_association_for_endpoint
			identity:create_policy_association_for_service identity:check_policy_association_for_service
			identity:delete_policy_association_for_service identity:create_policy_association_for_region_and_service
			identity:check_policy_association_for_region_and_service
			identity:delete_policy_association_for_region_and_service identity:create_registered_limits
			identity:update_registered_limit identity:delete_registered_limit identity:create_limits identity:get_limit
			identity:update_limit identity:delete_limit identity:list_identity_providers identity:create_identity_provider
			identity:get_identity_provider identity:update_identity_provider identity:delete_identity_provider
			identity:list_protocols identity:create_protocol identity:get_protocol identity:update_protocol
			identity:delete_protocol identity:list_mappings identity:create_mapping identity:get_mapping
			identity:update_mapping identity:delete_mapping identity:list_service_providers
			identity:create_service_provider identity:get_service_provider identity:update_service_provider
			identity:delete_service_provider identity:list_revoke_events`,
		elsewise: `
			identity:create_application_credential identity:create_trust`,
	}
}

// computeAuthority is who may use the compute routes.
func computeAuthority() map[least]string {
	return map[least]string{
		open: `
			compute:versions compute:version`,
		anyone: `
			os_compute_api:flavors os_compute_api:os-keypairs:index os_compute_api:os-keypairs:create
			os_compute_api:os-keypairs:show os_compute_api:os-keypairs:delete os_compute_api:os-availability-zone:list
			os_compute_api:limits os_compute_api:os-quota-sets:defaults`,
		reader: `
			os_compute_api:servers:index os_compute_api:servers:detail os_compute_api:servers:show
			os_compute_api:server-metadata:index os_compute_api:server-metadata:show os_compute_api:os-server-tags:index
			os_compute_api:os-server-tags:show os_compute_api:ips:index os_compute_api:ips:show
			os_compute_api:os-attach-interfaces:list os_compute_api:os-attach-interfaces:show
			os_compute_api:os-security-groups:list os_compute_api:os-instance-actions:list
			os_compute_api:os-instance-actions:show os_compute_api:os-flavor-extra-specs:index
			os_compute_api:os-flavor-extra-specs:show os_compute_api:os-quota-sets:show
			os_compute_api:os-quota-sets:detail os_compute_api:os-server-groups:index os_compute_api:os-server-groups:show`,
		member: `
			os_compute_api:servers:create os_compute_api:servers:update os_compute_api:servers:delete
			os_compute_api:servers:start os_compute_api:servers:stop os_compute_api:servers:reboot
			os_compute_api:os-deferred-delete:force os_compute_api:os-console-output os_compute_api:server-metadata:create
			os_compute_api:server-metadata:update_all os_compute_api:server-metadata:update
			os_compute_api:server-metadata:delete os_compute_api:os-server-tags:update_all
			os_compute_api:os-server-tags:delete_all os_compute_api:os-server-tags:update
			os_compute_api:os-server-tags:delete os_compute_api:os-server-groups:create
			os_compute_api:os-server-groups:delete`,
		admin: `
			os_compute_api:os-flavor-manage:create os_compute_api:os-flavor-manage:delete os_compute_api:os-flavor-access
			os_compute_api:os-hypervisors:list os_compute_api:os-hypervisors:list-detail
			os_compute_api:os-hypervisors:show os_compute_api:os-hypervisors:statistics
			os_compute_api:os-hypervisors:uptime os_compute_api:os-aggregates:index os_compute_api:os-aggregates:create
			os_compute_api:os-aggregates:show os_compute_api:os-aggregates:update os_compute_api:os-aggregates:delete
			os_compute_api:os-aggregates:add_host os_compute_api:os-aggregates:remove_host
			os_compute_api:os-aggregates:set_metadata os_compute_api:os-flavor-extra-specs:create
			os_compute_api:os-flavor-extra-specs:update os_compute_api:os-flavor-extra-specs:delete
			os_compute_api:os-services:list
			os_compute_api:os-services:update os_compute_api:os-availability-zone:detail
			os_compute_api:os-quota-sets:update`,
	}
}

// networkAuthority is who may use the network routes.
func networkAuthority() map[least]string {
	return map[least]string{
		open: `
			get_versions get_resources`,
		anyone: `
			get_extension get_availability_zone get_service_provider`,
		reader: `
			get_network get_subnet get_port get_router get_floatingip get_security_group get_security_group_rule get_quota
			get_floatingip_port_forwarding get_policy get_rule_type get_policy_bandwidth_limit_rule
			get_policy_dscp_marking_rule get_policy_minimum_bandwidth_rule get_trunk get_subports`,
		member: `
			create_network update_network delete_network create_subnet update_subnet delete_subnet create_port update_port
			delete_port create_router update_router delete_router add_router_interface remove_router_interface
			create_floatingip update_floatingip delete_floatingip create_security_group update_security_group
			delete_security_group create_security_group_rule delete_security_group_rule
			create_floatingip_port_forwarding update_floatingip_port_forwarding delete_floatingip_port_forwarding
			create_trunk update_trunk delete_trunk add_subports remove_subports
			add_extraroutes remove_extraroutes get_auto_allocated_topology delete_auto_allocated_topology`,
		admin: `
			create_policy update_policy delete_policy get_rule_type_details get_network_ip_availability
			create_policy_bandwidth_limit_rule update_policy_bandwidth_limit_rule delete_policy_bandwidth_limit_rule
			create_policy_dscp_marking_rule update_policy_dscp_marking_rule delete_policy_dscp_marking_rule
			create_policy_minimum_bandwidth_rule update_policy_minimum_bandwidth_rule
			delete_policy_minimum_bandwidth_rule`,
	}
}

// networkTagsAuthority is who may use the routes of tags, access policies and subnet pools, and set quotas.
func networkTagsAuthority() map[least]string {
	return map[least]string{
		reader: `
			get_networks_tags get_subnets_tags get_ports_tags get_routers_tags get_floatingips_tags get_security_groups_tags
			get_address_group get_trunks_tags get_policies_tags
			get_security_group_rules_tags get_rbac_policy get_subnetpool get_subnetpools_tags
			get_address_scope get_default_security_group_rule get_network_segment_ranges_tags get_agents`,
		member: `
			update_networks_tags update_subnets_tags update_ports_tags update_routers_tags update_floatingips_tags
			update_security_groups_tags update_security_group_rules_tags
			delete_networks_tags delete_subnets_tags delete_ports_tags delete_routers_tags delete_floatingips_tags
			delete_security_groups_tags delete_security_group_rules_tags
			update_trunks_tags delete_trunks_tags update_policies_tags delete_policies_tags
			create_address_group update_address_group delete_address_group
			create_rbac_policy update_rbac_policy delete_rbac_policy
			create_subnetpool update_subnetpool delete_subnetpool update_subnetpools_tags delete_subnetpools_tags
			add_prefixes remove_prefixes onboard_network_subnets
			create_address_scope update_address_scope delete_address_scope
			update_network_segment_ranges_tags delete_network_segment_ranges_tags`,
		admin: `
			get_quotas update_quota delete_quota get_agent
			create_default_security_group_rule delete_default_security_group_rule
			get_network_segment_range create_network_segment_range update_network_segment_range
			delete_network_segment_range`,
	}
}

// imageAuthority is who may use the image routes.
func imageAuthority() map[least]string {
	return map[least]string{
		open: `
			versions`,
		anyone: `
			discovery`,
		reader: `
			get_images get_image download_image get_members get_member`,
		member: `
			add_image modify_image delete_image upload_image add_member modify_member delete_member`,
		admin: `
			deactivate reactivate`,
	}
}

// aloftAuthority is who may use Aloft's own routes.
func aloftAuthority() map[least]string {
	return map[least]string{
		admin: `
			aloft:audit:list aloft:settings:show aloft:settings:update aloft:host:maintain
			aloft:network:audit aloft:network:repair
			aloft:join_token:create aloft:join_token:list aloft:join_token:delete`,
		open: `
			aloft:join`,
		reader: `
			aloft:server:placement aloft:port:trace`,
	}
}
