-- +goose Up
-- Those that DHCP says to one port, as JSON; null: none.
ALTER TABLE ports ADD COLUMN dhcp_options TEXT NOT NULL DEFAULT 'null';
CREATE INDEX ports_dhcp_options ON ports (network_id) WHERE dhcp_options <> 'null';
