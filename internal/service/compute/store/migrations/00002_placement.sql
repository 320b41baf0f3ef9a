-- +goose Up
ALTER TABLE compute_servers ADD COLUMN group_id TEXT NOT NULL DEFAULT '';
ALTER TABLE compute_servers ADD COLUMN hints TEXT NOT NULL DEFAULT '{}';
CREATE INDEX compute_servers_group ON compute_servers (group_id) WHERE group_id <> '';

ALTER TABLE compute_hosts ADD COLUMN maintenance BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE compute_quotas ADD COLUMN server_groups BIGINT NOT NULL DEFAULT 10;
ALTER TABLE compute_quotas ADD COLUMN group_members BIGINT NOT NULL DEFAULT 10;

CREATE TABLE compute_server_groups (
    id            TEXT PRIMARY KEY,
    project_id    TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    name          TEXT NOT NULL,
    policy        TEXT NOT NULL,
    max_per_host  BIGINT NOT NULL,
    revision      BIGINT NOT NULL,
    created_at    TIMESTAMP NOT NULL
);
CREATE INDEX compute_server_groups_project ON compute_server_groups (project_id, created_at);

CREATE TABLE compute_aggregates (
    number      BIGINT PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL UNIQUE,
    metadata    TEXT NOT NULL,
    revision    BIGINT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    updated_at  TIMESTAMP
);
CREATE TABLE compute_aggregate_hosts (
    aggregate  BIGINT NOT NULL,
    host_id    TEXT NOT NULL,
    PRIMARY KEY (aggregate, host_id)
);
CREATE INDEX compute_aggregate_hosts_host ON compute_aggregate_hosts (host_id);

-- What the last attempt to place a server saw.
CREATE TABLE compute_placements (
    server_id   TEXT PRIMARY KEY,
    project_id  TEXT NOT NULL,
    at          TIMESTAMP NOT NULL,
    host_name   TEXT NOT NULL,
    report      TEXT NOT NULL
);

-- What an operator has changed of the settings; one row.
CREATE TABLE compute_settings (
    name      TEXT PRIMARY KEY,
    value     TEXT NOT NULL,
    revision  BIGINT NOT NULL
);
