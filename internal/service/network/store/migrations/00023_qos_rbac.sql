-- +goose Up
-- Who may use a QoS policy is said by access policies, as of all other objects.
INSERT INTO rbac_policies (id, project_id, object_type, object_id, action, target, created_at, updated_at, revision)
SELECT substr(id, 1, 14) || '8' || substr(id, 16), project_id, 'qos_policy', id, 'access_as_shared', '*', created_at, created_at, 1
FROM qos_policies WHERE shared;
ALTER TABLE qos_policies DROP COLUMN shared;
