-- +goose Up
-- Who may use an object besides its owner: target is a project, or * for all.
CREATE TABLE rbac_policies (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX rbac_policies_same ON rbac_policies (object_type, object_id, action, target);
CREATE INDEX rbac_policies_target ON rbac_policies (target, object_type);
CREATE INDEX rbac_policies_project ON rbac_policies (project_id);
-- The ids are the networks' with other version digits: unique, and still UUIDs.
INSERT INTO rbac_policies (id, project_id, object_type, object_id, action, target, created_at, updated_at, revision)
SELECT substr(id, 1, 14) || '8' || substr(id, 16), project_id, 'network', id, 'access_as_shared', '*', created_at, created_at, 1
FROM networks WHERE shared;
INSERT INTO rbac_policies (id, project_id, object_type, object_id, action, target, created_at, updated_at, revision)
SELECT substr(id, 1, 14) || '5' || substr(id, 16), project_id, 'network', id, 'access_as_external', '*', created_at, created_at, 1
FROM networks WHERE external;
