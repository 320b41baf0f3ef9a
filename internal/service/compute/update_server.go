package compute

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// ServerChanges are the properties of a server that its owner may change. nil leaves one as it is.
type ServerChanges struct {
	Name, Hostname         *string
	Description            **string
	AccessIPv4, AccessIPv6 *string
}

// UpdateServer changes properties of a server. The guest hears of a new host name from the metadata service.
func (s *Service) UpdateServer(ctx context.Context, caller *auth.Caller, id string, c ServerChanges) (Server, error) {
	return s.change(ctx, caller, id, "", func(sv *Server) error {
		set(&sv.Name, c.Name)
		set(&sv.Description, c.Description)
		set(&sv.AccessIPv4, c.AccessIPv4)
		set(&sv.AccessIPv6, c.AccessIPv6)
		if c.Hostname != nil && sv.Hostname != *c.Hostname {
			sv.Hostname = *c.Hostname
			sv.restate()
		}
		return nil
	})
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// restate makes the host hear of a change that needs no task.
func (s *Server) restate() { s.Generation++ }

// SetMetadata merges entries into a server's metadata, or replaces it by them.
func (s *Service) SetMetadata(ctx context.Context, caller *auth.Caller, id string, entries map[string]string, replace bool) (map[string]string, error) {
	sv, err := s.change(ctx, caller, id, "", func(sv *Server) error {
		merged := maps.Clone(entries)
		if !replace {
			merged = maps.Clone(sv.Metadata)
			maps.Copy(merged, entries)
		}
		if err := s.checkMetadata(merged); err != nil {
			return err
		}
		return sv.describe(merged)
	})
	return sv.Metadata, err
}

// DeleteMetadata removes an entry of a server's metadata.
func (s *Service) DeleteMetadata(ctx context.Context, caller *auth.Caller, id, key string) error {
	_, err := s.change(ctx, caller, id, "", func(sv *Server) error {
		if _, ok := sv.Metadata[key]; !ok {
			return fault.New(fault.NotFound, "Metadata item was not found: the server has no metadata %q", key)
		}
		left := maps.Clone(sv.Metadata)
		delete(left, key)
		return sv.describe(left)
	})
	return err
}

func (s *Server) describe(metadata map[string]string) error {
	if s.Task == Deleting {
		return s.refuse("update metadata", "task_state deleting")
	}
	if !maps.Equal(s.Metadata, metadata) {
		s.Metadata = metadata
		s.restate()
	}
	return nil
}

// checkMetadata holds metadata against what guests and Nova's clients can take.
func (s *Service) checkMetadata(m map[string]string) error {
	if most := s.settings.Quota.MetadataItems; most >= 0 && len(m) > most {
		return fault.New(fault.QuotaExceeded, "Maximum number of metadata items exceeds %d", most)
	}
	for k, v := range m {
		if k == "" || len(k) > 255 || len(v) > 255 {
			return fault.Invalidf("metadata", "Invalid metadata: the key %.40q and its value must be 1 to 255 and 0 to 255 bytes long", k)
		}
	}
	return nil
}

// maxTags is how many tags a server may have.
const maxTags = 50

// SetTags changes a server's tags by a function of the present ones.
func (s *Service) SetTags(ctx context.Context, caller *auth.Caller, id string, fn func(tags []string) ([]string, error)) ([]string, error) {
	sv, err := s.change(ctx, caller, id, "", func(sv *Server) error {
		tags, err := fn(slices.Clone(sv.Tags))
		if err != nil {
			return err
		}
		if tags, err = checkTags(tags); err != nil {
			return err
		}
		sv.Tags = tags
		return nil
	})
	return sv.Tags, err
}

// checkTags returns tags once each, in order.
func checkTags(tags []string) ([]string, error) {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > maxTags {
		return nil, fault.Invalidf("tags", "The number of tags exceeded the per-server limit %d", maxTags)
	}
	for _, t := range tags {
		if err := CheckTag(t); err != nil {
			return nil, err
		}
	}
	return tags, nil
}

// CheckTag refuses what can't be a tag.
func CheckTag(tag string) error {
	if tag == "" || utf8.RuneCountInString(tag) > 60 || strings.ContainsAny(tag, "/,") {
		return fault.Invalidf("tags", "Invalid tag %.70q: a tag has 1 to 60 characters, without slash and comma", tag)
	}
	return nil
}
