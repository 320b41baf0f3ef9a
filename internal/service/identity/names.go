package identity

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Named is a name with the domain that it is in; the domain is empty for domains and global roles.
type Named struct{ ID, Name, DomainID, DomainName string }

// NamedAssignment is an assignment with the names of what it is about.
type NamedAssignment struct {
	Assignment
	Role, Actor, Target Named
}

// NameAssignments adds names. What was deleted meanwhile keeps its id and has no name.
func (s *Service) NameAssignments(ctx context.Context, all []Assignment) ([]NamedAssignment, error) {
	n := namer{s, map[string]Named{}}
	out := make([]NamedAssignment, len(all))
	for i, a := range all {
		out[i].Assignment = a
		for _, part := range []struct {
			to   *Named
			kind string
			id   string
		}{
			{&out[i].Role, "role", a.RoleID},
			{&out[i].Actor, "user", a.UserID},
			{&out[i].Actor, "group", a.GroupID},
			{&out[i].Target, "project", a.ProjectID + a.DomainID},
		} {
			if part.id == "" {
				continue
			}
			name, err := n.name(ctx, part.kind, part.id)
			if err != nil {
				return nil, err
			}
			*part.to = name
		}
	}
	return out, nil
}

// namer looks each thing up once.
type namer struct {
	s     *Service
	known map[string]Named
}

func (n namer) name(ctx context.Context, kind, id string) (Named, error) {
	if found, ok := n.known[kind+id]; ok {
		return found, nil
	}
	found, err := n.read(ctx, kind, id)
	if fault.Is(err, fault.NotFound) {
		found, err = Named{}, nil
	}
	if err == nil && found.DomainID != "" {
		var home Named
		home, err = n.name(ctx, "project", found.DomainID)
		found.DomainName = home.Name
	}
	found.ID = id
	n.known[kind+id] = found
	return found, err
}

func (n namer) read(ctx context.Context, kind, id string) (Named, error) {
	switch kind {
	case "role":
		r, err := n.s.store.Roles.Role(ctx, id)
		return Named{Name: r.Name, DomainID: r.DomainID}, err
	case "user":
		u, err := n.s.store.Users.User(ctx, id)
		return Named{Name: u.Name, DomainID: u.DomainID}, err
	case "group":
		g, err := n.s.store.Groups.Group(ctx, id)
		return Named{Name: g.Name, DomainID: g.DomainID}, err
	default:
		p, err := n.s.store.Projects.Project(ctx, id)
		return Named{Name: p.Name, DomainID: p.DomainID}, err
	}
}
