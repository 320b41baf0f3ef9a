-- +goose Up
-- The rules that new security groups have: out everything, and between the members of a default group too.
CREATE TABLE default_group_rules (
    id TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    direction TEXT NOT NULL,
    v6 BOOLEAN NOT NULL,
    protocol TEXT NOT NULL,
    port_min BIGINT,
    port_max BIGINT,
    remote_group_id TEXT NOT NULL,
    remote_prefix TEXT NOT NULL,
    address_group_id TEXT NOT NULL,
    in_default BOOLEAN NOT NULL,
    in_others BOOLEAN NOT NULL,
    signature TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX default_group_rules_same ON default_group_rules (signature);
INSERT INTO default_group_rules (id, description, direction, v6, protocol, remote_group_id, remote_prefix, address_group_id, in_default, in_others, signature, created_at, updated_at, revision)
VALUES
    ('b4a2f3c8-5d0e-4a8e-9f5e-0d6c2a7f1e01', 'Everything out', 'egress', FALSE, '', '', '', '', TRUE, TRUE, 'egress false  - -  ', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 1),
    ('b4a2f3c8-5d0e-4a8e-9f5e-0d6c2a7f1e02', 'Everything out', 'egress', TRUE, '', '', '', '', TRUE, TRUE, 'egress true  - -  ', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 1),
    ('b4a2f3c8-5d0e-4a8e-9f5e-0d6c2a7f1e03', 'Everything from members of the group', 'ingress', FALSE, '', 'PARENT', '', '', TRUE, FALSE, 'ingress false  - - PARENT ', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 1),
    ('b4a2f3c8-5d0e-4a8e-9f5e-0d6c2a7f1e04', 'Everything from members of the group', 'ingress', TRUE, '', 'PARENT', '', '', TRUE, FALSE, 'ingress true  - - PARENT ', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 1);
