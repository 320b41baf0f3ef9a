-- +goose Up
-- Tokens by which hosts join. Of the secret only a hash is here.
CREATE TABLE join_tokens (
    id         TEXT PRIMARY KEY,
    hash       TEXT NOT NULL,
    uses       BIGINT NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    created_at TIMESTAMP NOT NULL
);
-- The hosts that have joined, each by the key that it joined with.
CREATE TABLE join_members (
    host_id   TEXT PRIMARY KEY,
    key       TEXT NOT NULL,
    token_id  TEXT NOT NULL,
    joined_at TIMESTAMP NOT NULL
);
