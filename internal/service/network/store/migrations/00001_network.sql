-- +goose Up
CREATE TABLE networks (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up BOOLEAN NOT NULL,
    shared BOOLEAN NOT NULL,
    external BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    port_security BOOLEAN NOT NULL,
    mtu BIGINT NOT NULL,
    provider_kind TEXT NOT NULL,
    provider_physical TEXT NOT NULL,
    provider_segment BIGINT NOT NULL,
    dns_domain TEXT NOT NULL,
    zone_hints TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX networks_project ON networks (project_id);
CREATE INDEX networks_open ON networks (id) WHERE shared OR external;
CREATE UNIQUE INDEX networks_segment ON networks (provider_physical, provider_segment) WHERE provider_physical <> '';

CREATE TABLE subnets (
    id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    ip_version BIGINT NOT NULL,
    cidr TEXT NOT NULL,
    gateway TEXT NOT NULL,
    dhcp BOOLEAN NOT NULL,
    pools TEXT NOT NULL,
    dns_servers TEXT NOT NULL,
    routes TEXT NOT NULL,
    ra_mode TEXT NOT NULL,
    address_mode TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX subnets_network ON subnets (network_id);
CREATE INDEX subnets_project ON subnets (project_id);

CREATE TABLE ports (
    id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    mac TEXT NOT NULL,
    device_id TEXT NOT NULL,
    device_owner TEXT NOT NULL,
    host_id TEXT NOT NULL,
    port_security BOOLEAN NOT NULL,
    pairs TEXT NOT NULL,
    dns_name TEXT NOT NULL,
    for_device BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX ports_mac ON ports (network_id, mac);
CREATE INDEX ports_project ON ports (project_id);
CREATE INDEX ports_device ON ports (device_id) WHERE device_id <> '';
CREATE INDEX ports_owner ON ports (network_id, device_owner);
-- A network has one metadata port.
CREATE UNIQUE INDEX ports_metadata ON ports (network_id) WHERE device_owner = 'network:distributed';

CREATE TABLE port_addresses (
    subnet_id TEXT NOT NULL,
    address TEXT NOT NULL,
    port_id TEXT NOT NULL,
    network_id TEXT NOT NULL,
    place BIGINT NOT NULL,
    PRIMARY KEY (subnet_id, address)
);
CREATE INDEX port_addresses_port ON port_addresses (port_id);
CREATE INDEX port_addresses_address ON port_addresses (address);

CREATE TABLE port_groups (
    port_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    PRIMARY KEY (port_id, group_id)
);
CREATE INDEX port_groups_group ON port_groups (group_id);

CREATE TABLE routers (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up BOOLEAN NOT NULL,
    gateway_network_id TEXT NOT NULL,
    gateway_port_id TEXT NOT NULL,
    snat BOOLEAN NOT NULL,
    routes TEXT NOT NULL,
    zone_hints TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX routers_project ON routers (project_id);
CREATE INDEX routers_gateway ON routers (gateway_network_id) WHERE gateway_network_id <> '';

CREATE TABLE floating_ips (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    description TEXT NOT NULL,
    network_id TEXT NOT NULL,
    address TEXT NOT NULL,
    external_port_id TEXT NOT NULL,
    port_id TEXT,
    fixed_address TEXT,
    router_id TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX floating_ips_target ON floating_ips (port_id, fixed_address);
CREATE UNIQUE INDEX floating_ips_address ON floating_ips (network_id, address);
CREATE INDEX floating_ips_project ON floating_ips (project_id);
CREATE INDEX floating_ips_router ON floating_ips (router_id) WHERE router_id <> '';

CREATE TABLE security_groups (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    stateful BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX security_groups_project ON security_groups (project_id);
CREATE UNIQUE INDEX security_groups_default ON security_groups (project_id) WHERE is_default;

CREATE TABLE security_group_rules (
    id TEXT PRIMARY KEY,
    group_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    description TEXT NOT NULL,
    direction TEXT NOT NULL,
    v6 BOOLEAN NOT NULL,
    protocol TEXT NOT NULL,
    port_min BIGINT,
    port_max BIGINT,
    remote_group_id TEXT NOT NULL,
    remote_prefix TEXT NOT NULL,
    -- What makes two rules the same.
    signature TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX security_group_rules_same ON security_group_rules (group_id, signature);
CREATE INDEX security_group_rules_project ON security_group_rules (project_id);
CREATE INDEX security_group_rules_remote ON security_group_rules (remote_group_id) WHERE remote_group_id <> '';
