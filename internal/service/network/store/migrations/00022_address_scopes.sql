-- +goose Up
CREATE TABLE address_scopes (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    ip_version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX address_scopes_project ON address_scopes (project_id);
ALTER TABLE subnet_pools ADD COLUMN scope_id TEXT NOT NULL DEFAULT '';
CREATE INDEX subnet_pools_scope ON subnet_pools (scope_id) WHERE scope_id <> '';
