-- +goose Up
-- What was made for a project that asked for a network that leads outside.
CREATE TABLE auto_topologies (
    project_id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL,
    router_id TEXT NOT NULL
);
CREATE INDEX auto_topologies_network ON auto_topologies (network_id);
