-- +goose Up
CREATE TABLE trunks (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up BOOLEAN NOT NULL,
    port_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX trunks_project ON trunks (project_id);
CREATE UNIQUE INDEX trunks_parent ON trunks (port_id);

CREATE TABLE trunk_ports (
    port_id TEXT PRIMARY KEY,
    trunk_id TEXT NOT NULL,
    vlan BIGINT NOT NULL
);
CREATE UNIQUE INDEX trunk_ports_vlan ON trunk_ports (trunk_id, vlan);
