-- +goose Up

-- Lists begin at once: what they select first, then what they are sorted by.
DROP INDEX identity_projects_name;
CREATE INDEX identity_projects_kind_name ON identity_projects (is_domain, name, id);
CREATE INDEX identity_projects_domain_name ON identity_projects (domain_id, is_domain, name, id);
DROP INDEX identity_projects_parent;
CREATE INDEX identity_projects_parent ON identity_projects (parent_id, name, id);
CREATE INDEX identity_users_domain_name ON identity_users (domain_id, name, id);
CREATE INDEX identity_users_default_project ON identity_users (default_project_id);
CREATE INDEX identity_groups_name ON identity_groups (name, id);
CREATE INDEX identity_groups_domain_name ON identity_groups (domain_id, name, id);
CREATE INDEX identity_roles_domain_name ON identity_roles (domain_id, name, id);
CREATE INDEX identity_roles_name ON identity_roles (name, id);

DROP INDEX identity_assignments_target;
CREATE INDEX identity_assignments_target ON identity_assignments (target_kind, target_id, actor_id, actor_kind, role_id, inherited);
CREATE INDEX identity_assignments_role ON identity_assignments (role_id, actor_id, actor_kind, target_kind, target_id, inherited);

CREATE INDEX identity_limits_service ON identity_limits (service_id, id);
CREATE INDEX identity_limits_resource ON identity_limits (resource_name, id);
