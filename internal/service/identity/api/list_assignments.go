package api

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type assignmentWire struct {
	Role  ownedRef        `json:"role"`
	User  *ownedRef       `json:"user,omitempty"`
	Group *ownedRef       `json:"group,omitempty"`
	Scope scopeWire       `json:"scope"`
	Links assignmentLinks `json:"links"`
}

type scopeWire struct {
	Project     *ownedRef   `json:"project,omitempty"`
	Domain      *ownedRef   `json:"domain,omitempty"`
	System      *systemWire `json:"system,omitempty"`
	InheritedTo string      `json:"OS-INHERIT:inherited_to,omitempty"`
}

// assignmentLinks lead to what an assignment comes from.
type assignmentLinks struct {
	Assignment string `json:"assignment"`
	Membership string `json:"membership,omitempty"`
	PriorRole  string `json:"prior_role,omitempty"`
}

type assignmentsOut struct {
	Assignments []assignmentWire `json:"role_assignments"`

	listEnd
}

// toProjects is the one thing that can inherit an assignment.
const toProjects = "projects"

type listAssignmentsIn struct {
	pageIn
	UserID         string  `query:"user.id"`
	GroupID        string  `query:"group.id"`
	RoleID         string  `query:"role.id"`
	ProjectID      string  `query:"scope.project.id"`
	DomainID       string  `query:"scope.domain.id"`
	System         *string `query:"scope.system"`
	InheritedTo    *string `query:"scope.OS-INHERIT:inherited_to"`
	Effective      *string `query:"effective"`
	IncludeNames   *string `query:"include_names"`
	IncludeSubtree *string `query:"include_subtree"`
}

func (in listAssignmentsIn) query() (identity.AssignmentQuery, error) {
	q := identity.AssignmentQuery{
		AssignmentFilter: identity.AssignmentFilter{
			Actor:  identity.Actor{UserID: in.UserID, GroupID: in.GroupID},
			Scope:  identity.Scope{ProjectID: in.ProjectID, DomainID: in.DomainID, System: said(in.System)},
			RoleID: in.RoleID,
		},
		Effective: said(in.Effective), Subtree: said(in.IncludeSubtree),
	}
	page, err := rest.List{Limit: in.Limit}.Page("", maxPage)
	if err != nil {
		return q, err
	}
	q.Most = page.Limit
	if in.Marker != "" {
		if q.Behind, err = derivedFrom(in.Marker); err != nil {
			return q, err
		}
	}
	if in.InheritedTo == nil {
		return q, nil
	}
	if *in.InheritedTo != toProjects {
		return q, fault.Invalidf("scope.OS-INHERIT:inherited_to", "scope.OS-INHERIT:inherited_to must be projects, not %q", *in.InheritedTo)
	}
	yes := true
	q.Inherited = &yes
	return q, nil
}

func (a *api) listAssignments(ctx context.Context, in listAssignmentsIn) (assignmentsOut, error) {
	q, err := in.query()
	if err != nil {
		return assignmentsOut{}, err
	}
	found, err := a.core.ListAssignments(ctx, auth.From(ctx), q)
	if err != nil {
		return assignmentsOut{}, err
	}
	named := make([]identity.NamedAssignment, len(found))
	if said(in.IncludeNames) {
		plain := make([]identity.Assignment, len(found))
		for i := range found {
			plain[i] = found[i].Assignment
		}
		if named, err = a.core.NameAssignments(ctx, plain); err != nil {
			return assignmentsOut{}, err
		}
	}
	out := assignmentsOut{Assignments: make([]assignmentWire, len(found)), listEnd: links(ctx, q.Most, len(found), func() string { return markerOf(found[len(found)-1]) })}
	for i := range found {
		named[i].Assignment = found[i].Assignment
		out.Assignments[i] = assignmentOf(ctx, named[i], found[i].From)
	}
	return out, nil
}

// markerOf is the marker of an assignment, which has no id.
func markerOf(d identity.Derived) string {
	raw, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and booleans always encode
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func derivedFrom(marker string) (*identity.Derived, error) {
	d := &identity.Derived{}
	raw, err := base64.RawURLEncoding.DecodeString(marker)
	if err == nil {
		err = json.Unmarshal(raw, d)
	}
	if err != nil {
		return nil, fault.Invalidf("marker", "marker not found: give the one of the link to the next page")
	}
	return d, nil
}

func assignmentOf(ctx context.Context, a identity.NamedAssignment, from identity.Assignment) assignmentWire {
	w := assignmentWire{Role: owned(a.RoleID, a.Role)}
	w.Links.Assignment = v3(ctx) + grantPath(from)
	if from.GroupID != a.GroupID {
		w.Links.Membership = v3(ctx) + "/groups/" + from.GroupID + "/users/" + a.UserID
	}
	if from.RoleID != a.RoleID {
		w.Links.PriorRole = v3(ctx) + "/prior_roles/" + from.RoleID + "/implies/" + a.RoleID
	}
	actor, target := owned(a.UserID+a.GroupID, a.Actor), owned(a.ProjectID+a.DomainID, a.Target)
	if a.GroupID != "" {
		w.Group = &actor
	} else {
		w.User = &actor
	}
	switch {
	case a.ProjectID != "":
		w.Scope.Project = &target
	case a.DomainID != "":
		w.Scope.Domain = &target
	default:
		w.Scope.System = &systemWire{true}
	}
	if a.Inherited {
		w.Scope.InheritedTo = toProjects
	}
	return w
}

func owned(id string, n identity.Named) ownedRef {
	r := ownedRef{ID: id, Name: n.Name}
	if n.DomainID != "" {
		r.Domain = &ref{n.DomainID, n.DomainName}
	}
	return r
}
