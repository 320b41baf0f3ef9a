-- +goose Up
-- What a host's links to physical networks carry, and what of that is guaranteed to the servers that are placed on it.
ALTER TABLE compute_hosts ADD COLUMN bandwidth TEXT NOT NULL DEFAULT '';
CREATE TABLE compute_bandwidth (
    server_id TEXT NOT NULL,
    physical TEXT NOT NULL,
    host_id TEXT NOT NULL,
    egress BIGINT NOT NULL,
    ingress BIGINT NOT NULL,
    PRIMARY KEY (server_id, physical)
);
CREATE INDEX compute_bandwidth_host ON compute_bandwidth (host_id, physical);
