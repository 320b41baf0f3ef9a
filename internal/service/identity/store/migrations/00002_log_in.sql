-- +goose Up

ALTER TABLE identity_users ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE identity_users ADD COLUMN password_expires_at TIMESTAMP; -- NULL: never
ALTER TABLE identity_users ADD COLUMN last_active_at TIMESTAMP;      -- NULL: never logged in since this is kept

ALTER TABLE identity_revocations ADD COLUMN delegation_id TEXT NOT NULL DEFAULT '';

-- The passwords that a user had, where the rules ask that new ones differ.
CREATE TABLE identity_old_passwords (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    hash        TEXT NOT NULL,
    replaced_at TIMESTAMP NOT NULL
);
CREATE INDEX identity_old_passwords_user ON identity_old_passwords (user_id, replaced_at);

-- Log-ins that failed since the last that did not. They are counted for users who do not exist, too, so that the time
-- that an answer takes does not tell who exists; there, who is a digest of the name.
CREATE TABLE identity_log_in_failures (
    who      TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at  TIMESTAMP NOT NULL
);
CREATE INDEX identity_log_in_failures_last_at ON identity_log_in_failures (last_at);

CREATE TABLE identity_app_creds (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    user_id      TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    project_id   TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    description  TEXT NOT NULL,
    roles        TEXT NOT NULL,
    unrestricted BOOLEAN NOT NULL,
    secret_hash  TEXT NOT NULL,
    expires_at   TIMESTAMP,
    created_at   TIMESTAMP NOT NULL,
    UNIQUE (user_id, name)
);
CREATE INDEX identity_app_creds_project ON identity_app_creds (project_id);

CREATE TABLE identity_access_rules (
    id      TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    method  TEXT NOT NULL,
    path    TEXT NOT NULL,
    UNIQUE (user_id, service, method, path)
);

CREATE TABLE identity_app_cred_rules (
    app_cred_id    TEXT NOT NULL REFERENCES identity_app_creds (id) ON DELETE CASCADE,
    access_rule_id TEXT NOT NULL REFERENCES identity_access_rules (id),
    PRIMARY KEY (app_cred_id, access_rule_id)
);
CREATE INDEX identity_app_cred_rules_rule ON identity_app_cred_rules (access_rule_id);

-- The blob is encrypted with the installation's master key.
CREATE TABLE identity_credentials (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL, -- '' : none
    type       TEXT NOT NULL,
    blob       TEXT NOT NULL,
    extra      TEXT NOT NULL,
    used_step  BIGINT NOT NULL, -- of time, the last whose passcode was used; for type totp
    created_at TIMESTAMP NOT NULL,
    revision   BIGINT NOT NULL
);
CREATE INDEX identity_credentials_user ON identity_credentials (user_id, type);
CREATE INDEX identity_credentials_project ON identity_credentials (project_id);

CREATE TABLE identity_trusts (
    id                   TEXT PRIMARY KEY,
    trustor_id           TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    trustee_id           TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    project_id           TEXT REFERENCES identity_projects (id) ON DELETE CASCADE, -- NULL: none
    impersonation        BOOLEAN NOT NULL,
    roles                TEXT NOT NULL,
    expires_at           TIMESTAMP,
    remaining_uses       BIGINT, -- NULL: any number
    redelegation_count   BIGINT NOT NULL,
    redelegated_trust_id TEXT REFERENCES identity_trusts (id) ON DELETE CASCADE,
    created_at           TIMESTAMP NOT NULL
);
CREATE INDEX identity_trusts_trustor ON identity_trusts (trustor_id);
CREATE INDEX identity_trusts_trustee ON identity_trusts (trustee_id);
CREATE INDEX identity_trusts_project ON identity_trusts (project_id);
CREATE INDEX identity_trusts_redelegated ON identity_trusts (redelegated_trust_id);
