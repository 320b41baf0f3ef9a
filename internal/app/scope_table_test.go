package app

// The callers of the test of scopes, whose tokens are scoped to no project.
const (
	systemAdmin  = "an admin of the system"
	systemReader = "a reader of the system"
	domainAdmin  = "an admin of the domain"
	farAdmin     = "an admin of another domain"
)

// scopeAuthority is who may use which policies by a token that is scoped to no project; to the system's admin it is what
// they may not. Where a policy has routes for the system too, those are not for admins of a domain.
func scopeAuthority() map[string]string {
	const everyone = `
			discovery get_availability_zone get_extension get_service_provider identity:create_credential identity:delete_endpoint
			identity:delete_trust identity:ec2_delete_credential identity:ec2_get_credential identity:get_auth_catalog
			identity:get_auth_domains identity:get_auth_projects identity:get_auth_system identity:get_endpoint
			identity:get_limit_model identity:get_region identity:get_registered_limit identity:get_role_for_trust
			identity:get_trust identity:list_groups identity:list_limits identity:list_projects identity:list_regions
			identity:list_registered_limits identity:list_role_assignments identity:list_roles_for_trust identity:list_users
			identity:get_role identity:list_domains identity:list_roles
			identity:revoke_token identity:update_endpoint identity:validate_token os_compute_api:flavors
			os_compute_api:limits os_compute_api:os-availability-zone:list os_compute_api:os-keypairs:create
			os_compute_api:os-keypairs:delete os_compute_api:os-keypairs:index os_compute_api:os-keypairs:show
			os_compute_api:os-quota-sets:defaults
		`
	return map[string]string{
		systemAdmin: `
			identity:create_application_credential identity:create_trust
			identity:get_security_compliance_domain_config`,
		systemReader: everyone + `
			identity:check_endpoint_in_project identity:check_grant identity:check_implied_role
			identity:check_policy_association_for_endpoint identity:check_policy_association_for_region_and_service
			identity:check_policy_association_for_service identity:check_user_in_group identity:ec2_list_credentials
			identity:get_access_rule identity:get_application_credential identity:get_credential identity:get_domain
			identity:get_domain_config identity:get_domain_config_default identity:get_endpoint_group
			identity:get_endpoint_group_in_project identity:get_group identity:get_identity_provider
			identity:get_implied_role identity:get_limit identity:get_mapping identity:get_policy
			identity:get_policy_for_endpoint identity:get_project identity:get_project_tag identity:get_protocol
			identity:get_service identity:get_service_provider identity:get_user
			identity:list_access_rules identity:list_application_credentials identity:list_credentials
			identity:list_endpoint_groups identity:list_endpoint_groups_for_project identity:list_endpoints
			identity:list_endpoints_associated_with_endpoint_group identity:list_endpoints_for_policy
			identity:list_endpoints_for_project identity:list_grants identity:list_groups_for_user
			identity:list_identity_providers identity:list_implied_roles identity:list_mappings identity:list_policies
			identity:list_project_tags identity:list_projects_associated_with_endpoint_group
			identity:list_projects_for_endpoint identity:list_protocols identity:list_role_inference_rules
			identity:list_service_providers identity:list_services identity:list_trusts
			identity:list_user_projects identity:list_users_in_group`,
		domainAdmin: everyone + `
			identity:check_user_in_group identity:list_users_in_group
			identity:add_user_to_group identity:check_grant identity:create_grant identity:create_group
			identity:create_project identity:create_project_tag identity:create_user identity:delete_group
			identity:delete_project identity:delete_project_tag identity:delete_project_tags identity:delete_user
			identity:get_domain identity:get_group identity:get_project identity:get_project_tag identity:get_user
			identity:list_grants identity:list_groups_for_user identity:list_project_tags identity:list_user_projects
			identity:remove_user_from_group identity:revoke_grant identity:update_group identity:update_project
			identity:update_project_tags identity:update_user`,
		farAdmin: everyone,
	}
}
