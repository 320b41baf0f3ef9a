-- +goose Up

-- A domain is a project with is_domain, as in Keystone: it has no domain and no parent of its own, and both are then ''.
CREATE TABLE identity_projects (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    domain_id   TEXT NOT NULL,
    parent_id   TEXT NOT NULL,
    is_domain   BOOLEAN NOT NULL,
    enabled     BOOLEAN NOT NULL,
    description TEXT NOT NULL,
    tags        TEXT NOT NULL,
    options     TEXT NOT NULL,
    extra       TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    revision    BIGINT NOT NULL,
    UNIQUE (domain_id, name)
);
CREATE INDEX identity_projects_name ON identity_projects (name, id);
CREATE INDEX identity_projects_parent ON identity_projects (parent_id);

CREATE TABLE identity_users (
    id                  TEXT PRIMARY KEY,
    name                TEXT NOT NULL,
    domain_id           TEXT NOT NULL,
    default_project_id  TEXT NOT NULL,
    enabled             BOOLEAN NOT NULL,
    description         TEXT NOT NULL,
    extra               TEXT NOT NULL,
    password_hash       TEXT NOT NULL, -- '' : no password, cannot log in with one
    password_changed_at TIMESTAMP NOT NULL,
    created_at          TIMESTAMP NOT NULL,
    revision            BIGINT NOT NULL,
    UNIQUE (domain_id, name)
);
CREATE INDEX identity_users_name ON identity_users (name, id);

CREATE TABLE identity_groups (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    domain_id   TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    revision    BIGINT NOT NULL,
    UNIQUE (domain_id, name)
);

CREATE TABLE identity_group_members (
    group_id TEXT NOT NULL REFERENCES identity_groups (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX identity_group_members_user ON identity_group_members (user_id);

-- A role without a domain is global; its domain_id is ''.
CREATE TABLE identity_roles (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    domain_id   TEXT NOT NULL,
    description TEXT NOT NULL,
    options     TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    revision    BIGINT NOT NULL,
    UNIQUE (domain_id, name)
);

-- Who has the role role_id has the role implied_id, too.
CREATE TABLE identity_implied_roles (
    role_id    TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    implied_id TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, implied_id)
);

CREATE TABLE identity_assignments (
    actor_kind  TEXT NOT NULL, -- user, group
    actor_id    TEXT NOT NULL,
    target_kind TEXT NOT NULL, -- project, domain, system
    target_id   TEXT NOT NULL, -- '' for system
    role_id     TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    PRIMARY KEY (actor_id, actor_kind, target_kind, target_id, role_id)
);
CREATE INDEX identity_assignments_target ON identity_assignments (target_kind, target_id);

-- Secrets are encrypted with the installation's master key.
CREATE TABLE identity_token_keys (
    id         BIGINT PRIMARY KEY,
    secret     TEXT NOT NULL,
    signs_from TIMESTAMP NOT NULL
);

-- Tokens that match all fields which are set and were issued until issued_before are no longer valid.
CREATE TABLE identity_revocations (
    id            TEXT PRIMARY KEY,
    audit_id      TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    project_id    TEXT NOT NULL,
    domain_id     TEXT NOT NULL,
    role_id       TEXT NOT NULL,
    system        BOOLEAN NOT NULL,
    issued_before TIMESTAMP NOT NULL,
    expires_at    TIMESTAMP NOT NULL
);
CREATE INDEX identity_revocations_issued_before ON identity_revocations (issued_before);
CREATE INDEX identity_revocations_expires_at ON identity_revocations (expires_at);
