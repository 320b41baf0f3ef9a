-- +goose Up
CREATE TABLE qos_policies (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    shared BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX qos_policies_project ON qos_policies (project_id);
CREATE UNIQUE INDEX qos_policies_default ON qos_policies (project_id) WHERE is_default;

CREATE TABLE qos_rules (
    id TEXT PRIMARY KEY,
    policy_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    direction TEXT NOT NULL,
    rate BIGINT NOT NULL,
    burst BIGINT NOT NULL,
    dscp BIGINT NOT NULL
);
CREATE UNIQUE INDEX qos_rules_kind ON qos_rules (policy_id, kind, direction);

ALTER TABLE networks ADD COLUMN qos_policy_id TEXT NOT NULL DEFAULT '';
ALTER TABLE ports ADD COLUMN qos_policy_id TEXT NOT NULL DEFAULT '';
ALTER TABLE floating_ips ADD COLUMN qos_policy_id TEXT NOT NULL DEFAULT '';
CREATE INDEX networks_qos ON networks (qos_policy_id) WHERE qos_policy_id <> '';
CREATE INDEX ports_qos ON ports (qos_policy_id) WHERE qos_policy_id <> '';
CREATE INDEX floating_ips_qos ON floating_ips (qos_policy_id) WHERE qos_policy_id <> '';
