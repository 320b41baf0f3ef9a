package identity

import (
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// DomainOption is one option of a domain's configuration, as it is stored.
type DomainOption struct {
	Group, Name string
	Value       string // JSON; encrypted for a sensitive option
}

// DomainConfig is the configuration of a domain: groups of options. It never holds a sensitive one.
type DomainConfig map[string]map[string]any

// The groups of options that a domain may have.
const (
	GroupIdentity = "identity"
	GroupLDAP     = "ldap"
)

// DomainGroups are the groups of options that a domain may have.
func DomainGroups() []string { return []string{GroupIdentity, GroupLDAP} }

// defaultOptions are what a domain may configure, and what holds where it doesn't. The names and values are those of
// Keystone's configuration reference.
func defaultOptions() DomainConfig {
	return DomainConfig{
		GroupIdentity: {"driver": "sql", "list_limit": nil},
		GroupLDAP: {
			"url": "ldap://localhost", "user": nil, "suffix": "cn=example,cn=com", "query_scope": "one", "page_size": 0,
			"alias_dereferencing": "default", "debug_level": nil, "chase_referrals": nil,
			"randomize_urls": false, "connection_timeout": -1,
			"user_tree_dn": nil, "user_filter": nil, "user_objectclass": "inetOrgPerson", "user_id_attribute": "cn",
			"user_name_attribute": "sn", "user_description_attribute": "description", "user_mail_attribute": "mail",
			"user_pass_attribute": "userPassword", "user_enabled_attribute": "enabled", "user_enabled_invert": false,
			"user_enabled_mask": 0, "user_enabled_default": "True", "user_attribute_ignore": []string{"default_project_id"},
			"user_default_project_id_attribute": nil, "user_enabled_emulation": false, "user_enabled_emulation_dn": nil,
			"user_enabled_emulation_use_group_config": false, "user_additional_attribute_mapping": []string{},
			"group_tree_dn": nil, "group_filter": nil, "group_objectclass": "groupOfNames", "group_id_attribute": "cn",
			"group_name_attribute": "ou", "group_members_are_ids": false, "group_member_attribute": "member",
			"group_desc_attribute": "description", "group_attribute_ignore": []string{},
			"group_additional_attribute_mapping": []string{}, "group_ad_nesting": false,
			"tls_cacertfile": nil, "tls_cacertdir": nil, "use_tls": false, "tls_req_cert": "demand",
			"use_pool": true, "pool_size": 10, "pool_retry_max": 3, "pool_retry_delay": 0.1, "pool_connection_timeout": -1,
			"pool_connection_lifetime": 600, "use_auth_pool": true, "auth_pool_size": 100, "auth_pool_connection_lifetime": 60,
		},
	}
}

// sensitive tells whether an option can be written only.
func sensitive(group, option string) bool { return group == GroupLDAP && option == "password" }

// checkOption refuses what a domain can't configure.
func checkOption(group, option string) error {
	known, ok := defaultOptions()[group]
	if !ok {
		return fault.New(fault.Forbidden, "Invalid domain specific configuration: group %s is not supported for domain specific configurations: the groups are identity, ldap", group)
	}
	if _, ok := known[option]; !ok && option != "" && !sensitive(group, option) {
		return fault.New(fault.Forbidden, "Invalid domain specific configuration: option %s in group %s is not supported for domain specific configurations", option, group)
	}
	return nil
}

// checkConfig refuses a configuration with nothing in it, or with what a domain can't configure.
func checkConfig(c DomainConfig) error {
	options := 0
	for _, group := range slices.Sorted(maps.Keys(c)) {
		for _, option := range slices.Sorted(maps.Keys(c[group])) {
			if err := checkOption(group, option); err != nil {
				return err
			}
			options++
		}
		if err := checkOption(group, ""); err != nil {
			return err
		}
	}
	if options == 0 {
		return fault.New(fault.Forbidden, "Invalid domain specific configuration: no options specified")
	}
	return nil
}

// DefaultDomainConfig is what holds where a domain configures nothing: all of it, a group, or one option.
func DefaultDomainConfig(group, option string) (DomainConfig, error) {
	all := defaultOptions()
	if group == "" {
		return all, nil
	}
	if err := checkOption(group, option); err != nil {
		return nil, err
	}
	if option == "" {
		return DomainConfig{group: all[group]}, nil
	}
	value, shown := all[group][option]
	if !shown {
		return nil, fault.New(fault.Forbidden, "Option %s in group %s is sensitive: it can be set and never be read", option, group)
	}
	return DomainConfig{group: {option: value}}, nil
}
