-- +goose Up

-- What administrators add to the catalog. The installation's own region, services and endpoints are in no table, as
-- they are what there is; so region_id, parent_id and service_id may name one of those, and the service checks them.
CREATE TABLE identity_regions (
    id          TEXT PRIMARY KEY,
    parent_id   TEXT NOT NULL, -- '' : none
    description TEXT NOT NULL,
    extra       TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    revision    BIGINT NOT NULL
);

CREATE TABLE identity_services (
    id         TEXT PRIMARY KEY,
    type       TEXT NOT NULL,
    name       TEXT NOT NULL,
    enabled    BOOLEAN NOT NULL,
    extra      TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    revision   BIGINT NOT NULL
);

CREATE TABLE identity_endpoints (
    id         TEXT PRIMARY KEY,
    service_id TEXT NOT NULL,
    region_id  TEXT NOT NULL, -- '' : none
    interface  TEXT NOT NULL, -- public, internal, admin
    url        TEXT NOT NULL,
    enabled    BOOLEAN NOT NULL,
    extra      TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    revision   BIGINT NOT NULL
);
CREATE INDEX identity_endpoints_service ON identity_endpoints (service_id);

CREATE TABLE identity_endpoint_groups (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    filters     TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    revision    BIGINT NOT NULL
);

-- A project with a row in either of these sees no other endpoints. endpoint_id may be one of the installation's own.
CREATE TABLE identity_project_endpoints (
    project_id  TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    endpoint_id TEXT NOT NULL,
    PRIMARY KEY (project_id, endpoint_id)
);
CREATE INDEX identity_project_endpoints_endpoint ON identity_project_endpoints (endpoint_id);

CREATE TABLE identity_project_endpoint_groups (
    project_id TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    group_id   TEXT NOT NULL REFERENCES identity_endpoint_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, group_id)
);
CREATE INDEX identity_project_endpoint_groups_group ON identity_project_endpoint_groups (group_id);

CREATE TABLE identity_policies (
    id         TEXT PRIMARY KEY,
    type       TEXT NOT NULL,
    blob       TEXT NOT NULL,
    extra      TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    revision   BIGINT NOT NULL
);

-- A policy is for an endpoint, or a service, or a service in a region; what is not named is ''.
CREATE TABLE identity_policy_associations (
    endpoint_id TEXT NOT NULL,
    service_id  TEXT NOT NULL,
    region_id   TEXT NOT NULL,
    policy_id   TEXT NOT NULL REFERENCES identity_policies (id) ON DELETE CASCADE,
    PRIMARY KEY (endpoint_id, service_id, region_id)
);
CREATE INDEX identity_policy_associations_policy ON identity_policy_associations (policy_id);

CREATE TABLE identity_registered_limits (
    id            TEXT PRIMARY KEY,
    service_id    TEXT NOT NULL,
    region_id     TEXT NOT NULL, -- '' : every region
    resource_name TEXT NOT NULL,
    default_limit BIGINT NOT NULL, -- -1 : none
    description   TEXT NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    revision      BIGINT NOT NULL,
    UNIQUE (service_id, region_id, resource_name)
);

-- The limit of one project or domain. What it limits is a copy of its registered limit's, which can't change while
-- there is a limit.
CREATE TABLE identity_limits (
    id             TEXT PRIMARY KEY,
    registered_id  TEXT NOT NULL REFERENCES identity_registered_limits (id),
    owner_id       TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    on_domain      BOOLEAN NOT NULL,
    service_id     TEXT NOT NULL,
    region_id      TEXT NOT NULL,
    resource_name  TEXT NOT NULL,
    resource_limit BIGINT NOT NULL,
    description    TEXT NOT NULL,
    created_at     TIMESTAMP NOT NULL,
    revision       BIGINT NOT NULL,
    UNIQUE (owner_id, registered_id)
);
CREATE INDEX identity_limits_registered ON identity_limits (registered_id);

CREATE TABLE identity_providers (
    id                TEXT PRIMARY KEY,
    domain_id         TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    enabled           BOOLEAN NOT NULL,
    description       TEXT NOT NULL,
    remote_ids        TEXT NOT NULL,
    authorization_ttl BIGINT, -- minutes
    created_at        TIMESTAMP NOT NULL,
    revision          BIGINT NOT NULL
);

CREATE TABLE identity_protocols (
    id                  TEXT PRIMARY KEY, -- made from the provider's id and the name
    provider_id         TEXT NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    name                TEXT NOT NULL,
    mapping_id          TEXT NOT NULL,
    remote_id_attribute TEXT NOT NULL,
    created_at          TIMESTAMP NOT NULL,
    revision            BIGINT NOT NULL,
    UNIQUE (provider_id, name)
);

CREATE TABLE identity_mappings (
    id             TEXT PRIMARY KEY,
    rules          TEXT NOT NULL,
    schema_version TEXT NOT NULL,
    created_at     TIMESTAMP NOT NULL,
    revision       BIGINT NOT NULL
);

CREATE TABLE identity_service_providers (
    id                 TEXT PRIMARY KEY,
    auth_url           TEXT NOT NULL,
    sp_url             TEXT NOT NULL,
    description        TEXT NOT NULL,
    enabled            BOOLEAN NOT NULL,
    relay_state_prefix TEXT NOT NULL,
    created_at         TIMESTAMP NOT NULL,
    revision           BIGINT NOT NULL
);
