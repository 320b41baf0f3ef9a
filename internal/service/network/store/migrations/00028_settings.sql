-- +goose Up
-- What an operator has changed of the settings, as JSON by name.
CREATE TABLE network_settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    revision BIGINT NOT NULL
);
