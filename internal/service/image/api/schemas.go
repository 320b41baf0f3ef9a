package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

// schema is a JSON schema, or a part of one.
type schema = map[string]any

type schemaIn struct {
	Name string `path:"name"`
}

func showSchema(_ context.Context, in schemaIn) (schema, error) {
	switch in.Name {
	case "image":
		return imageSchema(), nil
	case "images":
		return listSchema("images", "/v2/images", imageSchema()), nil
	case "member":
		return memberSchema(), nil
	case "members":
		return listSchema("members", "", memberSchema()), nil
	}
	return nil, fault.New(fault.NotFound, "there is no schema '%s': there are image, images, member and members", in.Name)
}

func imageSchema() schema {
	text, bytes, count, flag := kind("string", "null"), fixed("integer", "null"), kind("integer"), kind("boolean")
	return schema{
		"name": "image",
		"properties": schema{
			"id":               with(kind("string"), "pattern", "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"),
			"name":             with(text, "maxLength", 255),
			"status":           with(fixed("string"), "enum", []any{"queued", "saving", "active", "deactivated"}),
			"visibility":       with(kind("string"), "enum", []any{"public", "private", "shared", "community"}),
			"owner":            with(text, "maxLength", 255),
			"container_format": with(text, "enum", append(choices(image.ContainerFormats()), nil)),
			"disk_format":      with(text, "enum", append(choices(image.DiskFormats()), nil)),
			"size":             bytes, "virtual_size": bytes,
			"checksum": fixed("string", "null"), "os_hash_algo": fixed("string", "null"), "os_hash_value": fixed("string", "null"),
			"min_disk": count, "min_ram": count, "protected": flag, "os_hidden": flag,
			"tags":       with(kind("array"), "items", with(kind("string"), "maxLength", 255)),
			"created_at": fixed("string"), "updated_at": fixed("string"),
			"file": fixed("string"), "self": fixed("string"), "schema": fixed("string"),
		},
		"additionalProperties": kind("string"),
		"links": []any{
			schema{"rel": "self", "href": "{self}"},
			schema{"rel": "enclosure", "href": "{file}"},
			schema{"rel": "describedby", "href": "{schema}"},
		},
	}
}

func memberSchema() schema {
	return schema{
		"name": "member",
		"properties": schema{
			"image_id": kind("string"), "member_id": kind("string"),
			"status":     with(kind("string"), "enum", []any{"pending", "accepted", "rejected"}),
			"created_at": kind("string"), "updated_at": kind("string"), "schema": fixed("string"),
		},
	}
}

func listSchema(name, first string, item schema) schema {
	s := schema{
		"name":       name,
		"properties": schema{name: schema{"type": "array", "items": item}, "schema": kind("string")},
		"links":      []any{schema{"rel": "describedby", "href": "{schema}"}},
	}
	if first != "" {
		s["properties"] = schema{
			name: schema{"type": "array", "items": item}, "schema": kind("string"), "first": kind("string"), "next": kind("string"),
		}
		s["links"] = []any{
			schema{"rel": "first", "href": "{first}"}, schema{"rel": "next", "href": "{next}"}, schema{"rel": "describedby", "href": "{schema}"},
		}
	}
	return s
}

// kind is a value of one of some types.
func kind(types ...string) schema {
	if len(types) == 1 {
		return schema{"type": types[0]}
	}
	return schema{"type": choices(types)}
}

// fixed is a value that users can't set.
func fixed(types ...string) schema { return with(kind(types...), "readOnly", true) }

func with(s schema, key string, value any) schema {
	out := schema{key: value}
	for k, v := range s {
		out[k] = v
	}
	return out
}

func choices(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
