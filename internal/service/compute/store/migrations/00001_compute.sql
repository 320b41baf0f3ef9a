-- +goose Up
CREATE TABLE compute_servers (
    id              TEXT PRIMARY KEY,
    project_id      TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    name            TEXT NOT NULL,
    description     TEXT,
    hostname        TEXT NOT NULL,
    state           TEXT NOT NULL,
    task            TEXT NOT NULL,
    power           TEXT NOT NULL,
    step            TEXT NOT NULL,
    wanted          TEXT NOT NULL,
    generation      BIGINT NOT NULL,
    carried         BIGINT NOT NULL,
    revision        BIGINT NOT NULL,
    boot            BIGINT NOT NULL,
    hard_boot       BOOLEAN NOT NULL,
    host_id         TEXT NOT NULL,
    host_name       TEXT NOT NULL,
    zone            TEXT NOT NULL,
    pinned_zone     TEXT NOT NULL,
    pinned_host     TEXT NOT NULL,
    tried           TEXT NOT NULL,
    vcpus           BIGINT NOT NULL,
    memory_mib      BIGINT NOT NULL,
    disk_gib        BIGINT NOT NULL,
    flavor_id       TEXT NOT NULL,
    flavor          TEXT NOT NULL,
    image_id        TEXT NOT NULL,
    image           TEXT NOT NULL,
    key_name        TEXT NOT NULL,
    public_keys     TEXT NOT NULL,
    metadata        TEXT NOT NULL,
    tags            TEXT NOT NULL,
    user_data       TEXT NOT NULL,
    access_ipv4     TEXT NOT NULL,
    access_ipv6     TEXT NOT NULL,
    launch_index    BIGINT NOT NULL,
    reservation_id  TEXT NOT NULL,
    fault           TEXT,
    created_at      TIMESTAMP NOT NULL,
    updated_at      TIMESTAMP NOT NULL,
    placed_at       TIMESTAMP,
    launched_at     TIMESTAMP,
    deleted_at      TIMESTAMP
);
-- The lists of a project, and of all projects, in their default order.
CREATE INDEX compute_servers_project ON compute_servers (project_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX compute_servers_created ON compute_servers (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX compute_servers_name ON compute_servers (name) WHERE deleted_at IS NULL;
CREATE INDEX compute_servers_updated ON compute_servers (updated_at);
-- What a host should run; what waits for a host; which hosts are behind.
CREATE INDEX compute_servers_host ON compute_servers (host_id) WHERE host_id <> '';
CREATE INDEX compute_servers_unplaced ON compute_servers (created_at) WHERE task = 'scheduling';
CREATE INDEX compute_servers_behind ON compute_servers (host_id) WHERE host_id <> '' AND carried < generation;

CREATE TABLE compute_hosts (
    id               TEXT PRIMARY KEY,
    number           BIGINT NOT NULL UNIQUE,
    name             TEXT NOT NULL,
    version          BIGINT NOT NULL,
    arch             TEXT NOT NULL,
    hypervisor       TEXT NOT NULL,
    acceleration     TEXT NOT NULL,
    hypervisor_info  TEXT NOT NULL,
    address          TEXT NOT NULL,
    boot_id          TEXT NOT NULL,
    vcpus            BIGINT NOT NULL,
    memory_mib       BIGINT NOT NULL,
    disk_gib         BIGINT NOT NULL,
    zone             TEXT NOT NULL,
    disabled         BOOLEAN NOT NULL,
    disabled_reason  TEXT NOT NULL,
    used_vcpus       BIGINT NOT NULL,
    used_memory_mib  BIGINT NOT NULL,
    used_disk_gib    BIGINT NOT NULL,
    servers          BIGINT NOT NULL,
    revision         BIGINT NOT NULL,
    created_at       TIMESTAMP NOT NULL,
    seen_at          TIMESTAMP NOT NULL
);

CREATE TABLE compute_flavors (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    description  TEXT,
    vcpus        BIGINT NOT NULL,
    memory_mib   BIGINT NOT NULL,
    disk_gib     BIGINT NOT NULL,
    ephemeral    BIGINT NOT NULL,
    swap_mib     BIGINT NOT NULL,
    specs        TEXT NOT NULL,
    public       BOOLEAN NOT NULL,
    disabled     BOOLEAN NOT NULL,
    rxtx_factor  DOUBLE PRECISION NOT NULL,
    created_at   TIMESTAMP NOT NULL
);
INSERT INTO compute_flavors (id, name, vcpus, memory_mib, disk_gib, ephemeral, swap_mib, specs, public, disabled, rxtx_factor, created_at) VALUES
    ('42', 'm1.nano',   1,   128,   1, 0, 0, '{}', TRUE, FALSE, 1, CURRENT_TIMESTAMP),
    ('1',  'm1.tiny',   1,   512,   1, 0, 0, '{}', TRUE, FALSE, 1, CURRENT_TIMESTAMP),
    ('2',  'm1.small',  1,  2048,  20, 0, 0, '{}', TRUE, FALSE, 1, CURRENT_TIMESTAMP),
    ('3',  'm1.medium', 2,  4096,  40, 0, 0, '{}', TRUE, FALSE, 1, CURRENT_TIMESTAMP),
    ('4',  'm1.large',  4,  8192,  80, 0, 0, '{}', TRUE, FALSE, 1, CURRENT_TIMESTAMP),
    ('5',  'm1.xlarge', 8, 16384, 160, 0, 0, '{}', TRUE, FALSE, 1, CURRENT_TIMESTAMP);

CREATE TABLE compute_keypairs (
    user_id      TEXT NOT NULL,
    name         TEXT NOT NULL,
    public_key   TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    PRIMARY KEY (user_id, name)
);

CREATE TABLE compute_quotas (
    project_id      TEXT PRIMARY KEY,
    servers         BIGINT NOT NULL,
    vcpus           BIGINT NOT NULL,
    memory_mib      BIGINT NOT NULL,
    key_pairs       BIGINT NOT NULL,
    metadata_items  BIGINT NOT NULL
);

CREATE TABLE compute_usage (
    project_id  TEXT PRIMARY KEY,
    servers     BIGINT NOT NULL,
    vcpus       BIGINT NOT NULL,
    memory_mib  BIGINT NOT NULL
);

CREATE TABLE compute_actions (
    id           TEXT PRIMARY KEY,
    server_id    TEXT NOT NULL,
    project_id   TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    request_id   TEXT NOT NULL,
    name         TEXT NOT NULL,
    message      TEXT NOT NULL,
    started_at   TIMESTAMP NOT NULL,
    updated_at   TIMESTAMP NOT NULL,
    finished_at  TIMESTAMP
);
CREATE INDEX compute_actions_server ON compute_actions (server_id, started_at);
CREATE INDEX compute_actions_open ON compute_actions (server_id) WHERE finished_at IS NULL;
