-- +goose Up
-- Ports that have address pairs are few, and are looked for by network.
CREATE INDEX ports_paired ON ports (network_id) WHERE pairs <> '[]' AND pairs <> 'null';
