-- +goose Up
-- What happened, and the outbox of what is still to be told to the other control nodes. The id is a time: see ids.go.
CREATE TABLE events (
    id         BIGINT PRIMARY KEY,
    at         TIMESTAMP NOT NULL,
    type       TEXT NOT NULL,
    object     TEXT NOT NULL,
    object_id  TEXT NOT NULL,
    project_id TEXT NOT NULL,
    data       TEXT NOT NULL,
    published  BOOLEAN NOT NULL
);
CREATE INDEX events_unpublished ON events (id) WHERE NOT published;
