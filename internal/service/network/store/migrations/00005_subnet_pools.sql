-- +goose Up
CREATE TABLE subnet_pools (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    ip_version BIGINT NOT NULL,
    prefixes TEXT NOT NULL,
    default_length BIGINT NOT NULL,
    min_length BIGINT NOT NULL,
    max_length BIGINT NOT NULL,
    quota BIGINT,
    is_default BOOLEAN NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX subnet_pools_project ON subnet_pools (project_id);
CREATE UNIQUE INDEX subnet_pools_default ON subnet_pools (ip_version) WHERE is_default;
ALTER TABLE subnets ADD COLUMN pool_id TEXT NOT NULL DEFAULT '';
CREATE INDEX subnets_pool ON subnets (pool_id) WHERE pool_id <> '';
