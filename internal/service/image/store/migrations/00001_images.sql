-- +goose Up
CREATE TABLE images (
	id               TEXT PRIMARY KEY,
	project_id       TEXT NOT NULL,
	name             TEXT NOT NULL,
	status           TEXT NOT NULL,
	visibility       TEXT NOT NULL,
	container_format TEXT NOT NULL,
	disk_format      TEXT NOT NULL,
	size             BIGINT NOT NULL,
	virtual_size     BIGINT NOT NULL,
	md5              TEXT NOT NULL,
	sha512           TEXT NOT NULL,
	min_disk         BIGINT NOT NULL,
	min_ram          BIGINT NOT NULL,
	protected        BOOLEAN NOT NULL,
	hidden           BOOLEAN NOT NULL,
	upload           TEXT NOT NULL,
	lease_at         TIMESTAMP NOT NULL,
	created_at       TIMESTAMP NOT NULL,
	updated_at       TIMESTAMP NOT NULL,
	generation       BIGINT NOT NULL
);
CREATE INDEX images_project ON images (project_id, created_at, id);
CREATE INDEX images_visibility ON images (visibility, created_at, id);
CREATE INDEX images_upload ON images (upload) WHERE upload <> '';

CREATE TABLE image_tags (
	image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
	tag      TEXT NOT NULL,
	PRIMARY KEY (image_id, tag)
);

CREATE TABLE image_properties (
	image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
	name     TEXT NOT NULL,
	value    TEXT NOT NULL,
	PRIMARY KEY (image_id, name)
);

CREATE TABLE image_members (
	image_id   TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
	member     TEXT NOT NULL,
	status     TEXT NOT NULL,
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL,
	PRIMARY KEY (image_id, member)
);
CREATE INDEX image_members_member ON image_members (member, image_id);
