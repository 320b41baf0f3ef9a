-- +goose Up
-- What has changed in a project, the latest first or since a time, without sorting all that it has.
CREATE INDEX compute_servers_changed ON compute_servers (project_id, updated_at, id);
