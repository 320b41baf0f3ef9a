-- +goose Up
-- Each call that changed something, or tried to. The id rises with time.
CREATE TABLE audit_records (
    id                TEXT PRIMARY KEY,
    at                TIMESTAMP NOT NULL,
    action            TEXT NOT NULL,
    outcome           TEXT NOT NULL,
    status            BIGINT NOT NULL,
    reason            TEXT NOT NULL,
    method            TEXT NOT NULL,
    path              TEXT NOT NULL,
    address           TEXT NOT NULL,
    agent             TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    user_name         TEXT NOT NULL,
    user_domain_id    TEXT NOT NULL,
    project_id        TEXT NOT NULL,
    domain_id         TEXT NOT NULL,
    token_id          TEXT NOT NULL,
    request_id        TEXT NOT NULL,
    global_request_id TEXT NOT NULL
);
CREATE INDEX audit_records_at ON audit_records (at, id);
CREATE INDEX audit_records_user ON audit_records (user_id, at, id);
CREATE INDEX audit_records_project ON audit_records (project_id, at, id);
CREATE INDEX audit_records_action ON audit_records (action, at, id);
