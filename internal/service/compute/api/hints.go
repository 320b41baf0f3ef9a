package api

import (
	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// hints reads what a request asks of the server's host, under either of the two names. Hints that nobody knows mean
// nothing, as in Nova.
func hints(in *createServerIn, n *compute.NewServer) error {
	for _, given := range []*map[string]any{in.Hints, in.OldHints} {
		if given == nil {
			continue
		}
		for name, value := range *given {
			ids, err := hinted(name, value)
			if err != nil {
				return err
			}
			switch name {
			case "group":
				n.GroupID = ids[0]
			case "same_host":
				n.Hints.SameHost = ids
			case "different_host":
				n.Hints.DifferentHost = ids
			}
		}
	}
	return nil
}

// hinted reads the ids of a hint: one, or for servers a list.
func hinted(name string, value any) ([]string, error) {
	field := "os:scheduler_hints." + name
	var list []any
	switch name {
	case "build_near_host_ip", "cidr", "query", "target_cell":
		return nil, fault.Invalidf(field, "the scheduler hint %s is not offered: use a server group, same_host, different_host or an availability_zone", name)
	case "group":
		list = []any{value}
	case "same_host", "different_host":
		var many bool
		if list, many = value.([]any); !many {
			list = []any{value}
		}
	default:
		return nil, nil
	}
	var ids []string
	for _, item := range list {
		id, ok := item.(string)
		if _, err := uuid.Parse(id); !ok || err != nil {
			return nil, fault.Invalidf(field, "Invalid input for field %s: %v is not a UUID", field, item)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
