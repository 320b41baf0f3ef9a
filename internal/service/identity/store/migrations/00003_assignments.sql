-- +goose Up

-- An inherited assignment holds on all projects below its target, and not on the target itself.
CREATE TABLE identity_assignments_new (
    actor_kind  TEXT NOT NULL, -- user, group
    actor_id    TEXT NOT NULL,
    target_kind TEXT NOT NULL, -- project, domain, system
    target_id   TEXT NOT NULL, -- '' for system
    role_id     TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    inherited   BOOLEAN NOT NULL,
    PRIMARY KEY (actor_id, actor_kind, target_kind, target_id, role_id, inherited)
);
INSERT INTO identity_assignments_new (actor_kind, actor_id, target_kind, target_id, role_id, inherited)
    SELECT actor_kind, actor_id, target_kind, target_id, role_id, FALSE FROM identity_assignments;
DROP TABLE identity_assignments;
ALTER TABLE identity_assignments_new RENAME TO identity_assignments;
CREATE INDEX identity_assignments_target ON identity_assignments (target_kind, target_id);

-- What clients have added, as projects and users have it.
ALTER TABLE identity_groups ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';
ALTER TABLE identity_roles ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';

-- How a domain finds its users and groups. value is JSON; a sensitive one is encrypted with the master key.
CREATE TABLE identity_domain_options (
    domain_id TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    section   TEXT NOT NULL,
    name      TEXT NOT NULL,
    value     TEXT NOT NULL,
    PRIMARY KEY (domain_id, section, name)
);
