-- +goose Up
-- How hosts are to be joined to networks, and how they are. mappings and joined are JSON, null where there is nothing.
CREATE TABLE network_hosts (
    host_id TEXT PRIMARY KEY,
    generation BIGINT NOT NULL,
    mappings TEXT NOT NULL,
    encap TEXT NOT NULL,
    joined TEXT NOT NULL
);
