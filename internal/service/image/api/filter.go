package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

type listIn struct {
	rest.List
	Query url.Values `query:"*" doc:"id, name, status, container_format, disk_format (each also as in:a,b), created_at, updated_at (as gte:TIME), owner, checksum, os_hash_value, visibility, member_status, size_min, size_max, os_hidden, protected, tag; any other is a property of the image."`
}

// filter reads the filters of a list. A parameter that is no field of images is the value of a property.
func filter(q url.Values) (image.Filter, error) {
	f := image.Filter{Properties: map[string]string{}}
	for name, values := range q {
		if rest.Paging(name) {
			continue
		}
		var err error
		switch name {
		case "tag":
			f.Tags = values
		case "id":
			f.IDs, err = rest.AnyOf(name, values[0])
		case "name":
			f.Names, err = rest.AnyOf(name, values[0])
		case "status":
			f.Statuses, err = rest.AnyOf(name, values[0])
		case "container_format":
			f.ContainerFormats, err = rest.AnyOf(name, values[0])
		case "disk_format":
			f.DiskFormats, err = rest.AnyOf(name, values[0])
		case "created_at":
			f.Created, err = rest.Bounds(name, values)
		case "updated_at":
			f.Updated, err = rest.Bounds(name, values)
		default:
			err = single(&f, name, values[0])
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

func single(f *image.Filter, name, value string) error {
	var err error
	switch name {
	case "owner":
		f.Owner = value
	case "checksum":
		f.MD5 = value
	case "os_hash_value":
		f.SHA512 = value
	case "visibility":
		f.Visibility = image.Visibility(value)
		err = oneOf(name, value, "public", "private", "shared", "community", "all")
	case "member_status":
		f.MemberStatus = image.MemberStatus(value)
		err = oneOf(name, value, "pending", "accepted", "rejected", "all")
	case "size_min":
		f.SizeMin, err = size(name, value)
	case "size_max":
		f.SizeMax, err = size(name, value)
	case "os_hidden":
		f.Hidden, err = boolean(name, value)
	case "protected":
		var b bool
		b, err = boolean(name, value)
		f.Protected = &b
	default:
		f.Properties[name] = value
	}
	return err
}

func oneOf(name, value string, known ...string) error {
	if !slices.Contains(known, value) {
		return fault.Invalidf(name, "Invalid %s value '%s': it is one of %s", name, value, strings.Join(known, ", "))
	}
	return nil
}

func size(name, value string) (*int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		return nil, fault.Invalidf(name, "%s must be a number of bytes, not '%s'", name, value)
	}
	return &n, nil
}

func boolean(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, fault.Invalidf(name, "Invalid value '%s' for '%s' filter. Valid values are case insensitive 'True' or 'False'.", value, name)
}
