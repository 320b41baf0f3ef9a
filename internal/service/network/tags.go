package network

import (
	"context"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The limits of tags.
const (
	mostTags   = 50
	longestTag = 255
)

// Tags are an object's tags. resource is a quota's word for what it is: "network", "security_group" ….
func (s *Service) Tags(ctx context.Context, c *auth.Caller, resource, id string) ([]string, error) {
	_, st, err := s.tagged(ctx, c, resource, id)
	return st.Tags, err
}

// ChangeTags changes an object's tags.
func (s *Service) ChangeTags(ctx context.Context, c *auth.Caller, resource, id string, change func([]string) ([]string, error)) ([]string, error) {
	return tx(ctx, s, func(ctx context.Context) ([]string, error) {
		projectID, st, err := s.tagged(ctx, c, resource, id)
		if err != nil {
			return nil, err
		}
		if err := mine(c, projectID, "update_"+resource+"s_tags"); err != nil {
			return nil, err
		}
		tags, err := change(slices.Clone(st.Tags))
		if err != nil {
			return nil, err
		}
		if tags, err = checkTags(tags); err != nil || slices.Equal(tags, st.Tags) {
			return tags, err
		}
		st.Tags = tags
		st.touch()
		if err := s.store.SetTags(ctx, resource, id, st); err != nil {
			return nil, err
		}
		return tags, s.note(ctx, resource, id, projectID, "updated")
	})
}

// tagged finds an object that the caller sees: whose it is, and its stamp. Of address groups only policies ask.
func (s *Service) tagged(ctx context.Context, c *auth.Caller, resource, id string) (projectID string, st Stamp, err error) {
	sc := c.Scope()
	switch resource {
	case "network":
		n, err := s.store.Network(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "subnet":
		n, err := s.store.Subnet(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "port":
		n, err := s.store.Port(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "router":
		n, err := s.store.Router(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "floatingip":
		n, err := s.store.FloatingIP(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "subnetpool":
		n, err := s.store.SubnetPool(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "security_group":
		n, err := s.store.Group(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "trunk":
		n, err := s.store.Trunk(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "network_segment_range":
		if !c.Admin() {
			break
		}
		n, err := s.store.SegmentRange(ctx, id)
		return n.ProjectID, n.Stamp, err
	case "address_scope":
		n, err := s.store.AddressScope(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "policy", "qos_policy":
		n, err := s.store.Policy(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "address_group":
		n, err := s.store.AddressGroup(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	case "security_group_rule":
		n, err := s.store.Rule(ctx, sc, id)
		return n.ProjectID, n.Stamp, err
	}
	return "", st, fault.New(fault.NotFound, "there are no tags on a %s", resource).WithCode("TagResourceNotFound")
}

// checkTags checks tags, and puts them into their one form: each once, in order.
func checkTags(tags []string) ([]string, error) {
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > mostTags {
		return nil, invalid("tags", "Invalid input for tags: %d are more than the limit of %d", len(tags), mostTags)
	}
	for _, t := range tags {
		switch {
		case t == "":
			return nil, invalid("tags", "Invalid input for tags: a tag is not empty")
		case len(t) > longestTag:
			return nil, invalid("tags", "Invalid input for tags: a tag has at most %d bytes, and one has %d", longestTag, len(t))
		case strings.Contains(t, ","):
			return nil, invalid("tags", "Invalid input for tags: %q has a comma, which separates tags in filters", t)
		}
	}
	return tags, nil
}
