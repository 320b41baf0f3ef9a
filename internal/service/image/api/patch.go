package api

import (
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

type patchIn struct {
	ID  string     `path:"image_id"`
	Ops []patchOne `body:"."`
}

// patchOne is one operation of a JSON patch (RFC 6902), of the kinds that the API takes.
type patchOne struct {
	Op    string `json:"op" check:"required,enum=add|replace|remove"`
	Path  string `json:"path" check:"required"`
	Value any    `json:"value"`
}

func (a *api) patchImage(ctx context.Context, in patchIn) (imageWire, error) {
	i, err := a.core.Update(ctx, auth.From(ctx), in.ID, func(i *image.Image) error {
		for _, op := range in.Ops {
			if err := op.apply(i); err != nil {
				return err
			}
		}
		return nil
	})
	return toWire(i), err
}

func (p patchOne) apply(i *image.Image) error {
	name, ok := strings.CutPrefix(p.Path, "/")
	if !ok || name == "" || strings.Contains(name, "/") {
		return fault.Invalidf("path", "Invalid JSON pointer for this resource: '%s'; it is / and the name of one field", p.Path)
	}
	name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	if err := writable(name); err != nil {
		return err
	}
	if base(name) {
		if p.Op == "remove" {
			return fault.New(fault.Forbidden, "Property %s may not be removed.", name)
		}
		return set(i, name, p.Value)
	}
	if _, there := i.Properties[name]; !there && p.Op != "add" {
		return fault.Conflictf("image", i.ID, "Property %s does not exist.", name)
	}
	if p.Op == "remove" {
		delete(i.Properties, name)
		return nil
	}
	value, ok := p.Value.(string)
	if !ok {
		return wrong(name, "a string")
	}
	if i.Properties == nil {
		i.Properties = map[string]string{}
	}
	i.Properties[name] = value
	return nil
}

// base tells whether a name is a field that every image has and that users may set.
func base(name string) bool {
	switch name {
	case "name", "visibility", "owner", "container_format", "disk_format", "min_disk", "min_ram", "protected", "os_hidden", "tags":
		return true
	}
	return false
}

// writable refuses the fields that are not the user's.
func writable(name string) error {
	switch name {
	case "id", "status", "checksum", "size", "virtual_size", "created_at", "updated_at", "self", "file", "schema",
		"os_hash_algo", "os_hash_value", "direct_url":
		return fault.New(fault.Forbidden, "Attribute '%s' is read-only.", name)
	case "deleted", "deleted_at", "locations", "stores":
		return fault.New(fault.Forbidden, "Attribute '%s' is reserved.", name)
	}
	return nil
}

func set(i *image.Image, name string, value any) error {
	switch name {
	case "name":
		return setText(&i.Name, name, value)
	case "owner":
		return setText(&i.ProjectID, name, value)
	case "container_format":
		return setText(&i.ContainerFormat, name, value)
	case "disk_format":
		return setText(&i.DiskFormat, name, value)
	case "visibility":
		return setText((*string)(&i.Visibility), name, value)
	case "min_disk":
		return setNumber(&i.MinDiskGiB, name, value)
	case "min_ram":
		return setNumber(&i.MinRAMMiB, name, value)
	case "protected":
		return setBool(&i.Protected, name, value)
	case "os_hidden":
		return setBool(&i.Hidden, name, value)
	}
	return setTags(i, value)
}

func setText(to *string, name string, value any) error {
	text, ok := value.(string)
	if !ok && value != nil {
		return wrong(name, "a string")
	}
	*to = text
	return nil
}

func setNumber(to *int, name string, value any) error {
	n, ok := value.(int64)
	if !ok || n > 1<<31-1 || n < 0 {
		return wrong(name, "a whole number that is not negative")
	}
	*to = int(n)
	return nil
}

func setBool(to *bool, name string, value any) error {
	b, ok := value.(bool)
	if !ok {
		return wrong(name, "true or false")
	}
	*to = b
	return nil
}

func setTags(i *image.Image, value any) error {
	list, ok := value.([]any)
	if !ok {
		return wrong("tags", "a list of strings")
	}
	tags := make([]string, 0, len(list))
	for _, v := range list {
		tag, ok := v.(string)
		if !ok {
			return wrong("tags", "a list of strings")
		}
		tags = append(tags, tag)
	}
	i.Tags = tags
	return nil
}

func wrong(name, want string) error {
	return fault.Invalidf(name, "Invalid value for %s: it must be %s", name, want)
}
