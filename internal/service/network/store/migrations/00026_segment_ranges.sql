-- +goose Up
-- Of no project: for all. first and last are both in the range.
CREATE TABLE segment_ranges (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    kind TEXT NOT NULL,
    physical TEXT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX segment_ranges_kind ON segment_ranges (kind, physical);
CREATE UNIQUE INDEX networks_overlay_segment ON networks (provider_kind, provider_segment) WHERE provider_physical = '' AND provider_segment <> 0;
ALTER TABLE networks ADD COLUMN vlan_transparent BOOLEAN NOT NULL DEFAULT FALSE;
