-- +goose Up
CREATE TABLE port_forwardings (
    id TEXT PRIMARY KEY,
    floating_ip_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    description TEXT NOT NULL,
    protocol TEXT NOT NULL,
    port_id TEXT NOT NULL,
    address TEXT NOT NULL,
    internal_first BIGINT NOT NULL,
    internal_last BIGINT NOT NULL,
    external_first BIGINT NOT NULL,
    external_last BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX port_forwardings_floating_ip ON port_forwardings (floating_ip_id);
CREATE INDEX port_forwardings_port ON port_forwardings (port_id);
