-- +goose Up
-- What projects may have where that is not the default.
CREATE TABLE network_quotas (
    project_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    most BIGINT NOT NULL,
    PRIMARY KEY (project_id, resource)
);
