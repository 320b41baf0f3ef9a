-- +goose Up
-- The control nodes. beat rises while a node lives; it is a counter and no time, so clocks need not agree.
CREATE TABLE reconcile_members (
    id   TEXT PRIMARY KEY,
    beat BIGINT NOT NULL
);
