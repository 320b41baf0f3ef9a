-- +goose Up
ALTER TABLE subnets ADD COLUMN service_types TEXT NOT NULL DEFAULT '[]';
