-- +goose Up
CREATE TABLE address_groups (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    addresses TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX address_groups_project ON address_groups (project_id);
ALTER TABLE security_group_rules ADD COLUMN address_group_id TEXT NOT NULL DEFAULT '';
CREATE INDEX security_group_rules_addresses ON security_group_rules (address_group_id) WHERE address_group_id <> '';
