package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/service/identity"
)

type assignmentRow struct {
	bun.BaseModel `bun:"table:identity_assignments,alias:a"`

	ActorKind  string `bun:",pk"`
	ActorID    string `bun:",pk"`
	TargetKind string `bun:",pk"`
	TargetID   string `bun:",pk"`
	RoleID     string `bun:",pk"`
	Inherited  bool   `bun:",pk"`
}

// The closed sets of actor_kind and target_kind.
const (
	kindUser    = "user"
	kindGroup   = "group"
	kindProject = "project"
	kindDomain  = "domain"
	kindSystem  = "system"
)

func actorOf(a identity.Actor) (kind, id string) {
	if a.GroupID != "" {
		return kindGroup, a.GroupID
	}
	return kindUser, a.UserID
}

func targetOf(s identity.Scope) (kind, id string) {
	switch {
	case s.ProjectID != "":
		return kindProject, s.ProjectID
	case s.DomainID != "":
		return kindDomain, s.DomainID
	default:
		return kindSystem, ""
	}
}

func assignmentFrom(a identity.Assignment) *assignmentRow {
	row := &assignmentRow{RoleID: a.RoleID, Inherited: a.Inherited}
	row.ActorKind, row.ActorID = actorOf(a.Actor)
	row.TargetKind, row.TargetID = targetOf(a.Scope)
	return row
}

func (r assignmentRow) noun() identity.Assignment {
	a := identity.Assignment{RoleID: r.RoleID, Inherited: r.Inherited}
	if r.ActorKind == kindGroup {
		a.GroupID = r.ActorID
	} else {
		a.UserID = r.ActorID
	}
	switch r.TargetKind {
	case kindProject:
		a.ProjectID = r.TargetID
	case kindDomain:
		a.DomainID = r.TargetID
	default:
		a.System = true
	}
	return a
}

// Assign writes an assignment.
func (s *Store) Assign(ctx context.Context, a identity.Assignment) error {
	_, err := s.db.Q(ctx).NewInsert().Model(assignmentFrom(a)).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("assigning role %s: %w", a.RoleID, err)
	}
	return nil
}

// Unassign removes an assignment and tells whether there was one.
func (s *Store) Unassign(ctx context.Context, a identity.Assignment) (bool, error) {
	res, err := s.db.Q(ctx).NewDelete().Model(assignmentFrom(a)).WherePK().Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("removing role %s: %w", a.RoleID, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Assigned tells whether there is this assignment.
func (s *Store) Assigned(ctx context.Context, a identity.Assignment) (bool, error) {
	found, err := s.db.Q(ctx).NewSelect().Model(assignmentFrom(a)).WherePK().Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for role %s: %w", a.RoleID, err)
	}
	return found, nil
}

// ListAssignments reads assignments.
func (s *Store) ListAssignments(ctx context.Context, f identity.AssignmentFilter) ([]identity.Assignment, error) {
	var rows []assignmentRow
	q := equals(s.db.Q(ctx).NewSelect().Model(&rows), "role_id", f.RoleID)
	if f.Actor != (identity.Actor{}) {
		kind, id := actorOf(f.Actor)
		q = q.Where("a.actor_kind = ? AND a.actor_id = ?", kind, id)
	}
	if f.Scope != (identity.Scope{}) {
		kind, id := targetOf(f.Scope)
		q = q.Where("a.target_kind = ? AND a.target_id = ?", kind, id)
	}
	if f.InDomain != "" {
		q = q.Where("(a.target_kind = ? AND a.target_id = ?) OR (a.target_kind = ? AND a.target_id IN (SELECT id FROM identity_projects WHERE domain_id = ?))",
			kindDomain, f.InDomain, kindProject, f.InDomain)
	}
	if f.Inherited != nil {
		q = q.Where("a.inherited = ?", *f.Inherited)
	}
	if f.After != nil {
		last := assignmentFrom(*f.After)
		q = q.Where("(a.actor_id, a.actor_kind, a.target_kind, a.target_id, a.role_id, a.inherited) > (?, ?, ?, ?, ?, ?)",
			last.ActorID, last.ActorKind, last.TargetKind, last.TargetID, last.RoleID, last.Inherited)
	}
	if f.Limit > 0 {
		q = q.Limit(int64(f.Limit))
	}
	if err := q.Order("a.actor_id", "a.actor_kind", "a.target_kind", "a.target_id", "a.role_id", "a.inherited").Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing assignments: %w", err)
	}
	all := make([]identity.Assignment, len(rows))
	for i, row := range rows {
		all[i] = row.noun()
	}
	return all, nil
}

// heldBy selects the assignments of a user and of its groups.
func (s *Store) heldBy(ctx context.Context, userID string) *bun.SelectQuery {
	return s.db.Q(ctx).NewSelect().Model((*assignmentRow)(nil)).
		Where("a.actor_id IN (SELECT ? UNION ALL SELECT group_id FROM identity_group_members WHERE user_id = ?)", userID, userID).
		Where("a.actor_kind = CASE a.actor_id WHEN ? THEN ? ELSE ? END", userID, kindUser, kindGroup)
}

// Held reads the roles that a user holds on a scope, by itself or through groups.
func (s *Store) Held(ctx context.Context, userID string, on identity.Scope) ([]string, error) {
	kind, id := targetOf(on)
	var ids []string
	err := s.heldBy(ctx, userID).Distinct().Column("role_id").WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("NOT a.inherited AND a.target_kind = ? AND a.target_id = ?", kind, id)
		if kind == kindProject {
			q = q.WhereOr("a.inherited AND a.target_id IN (?)", bun.SafeQuery(above, id))
		}
		return q
	}).Order("role_id").Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("reading the roles of user %s: %w", userID, err)
	}
	return ids, nil
}

// above selects the parents of a project, up to its domain; below selects what is below those that a query selects.
const (
	above = `WITH RECURSIVE up (id, parent_id) AS (
		SELECT id, parent_id FROM identity_projects WHERE id = ?
		UNION SELECT parent.id, parent.parent_id FROM identity_projects parent JOIN up ON parent.id = up.parent_id
	) SELECT parent_id FROM up`
	below = `WITH RECURSIVE down (id) AS (
		SELECT id FROM identity_projects WHERE parent_id IN (?)
		UNION SELECT child.id FROM identity_projects child JOIN down ON child.parent_id = down.id
	) SELECT id FROM down`
)

// reached keeps the projects, or the domains, on which a user holds a role, assigned there or inherited.
func (s *Store) reached(ctx context.Context, q *bun.SelectQuery, userID string, domains bool) *bun.SelectQuery {
	held := s.heldBy(ctx, userID).Column("target_id").
		Where("CASE WHEN a.inherited THEN '' ELSE a.target_kind END = ?", kindOf(domains)) // so that engines look for the actor, who has few
	if domains {
		return q.Where("p.id IN (?)", held)
	}
	inherited := s.heldBy(ctx, userID).Column("target_id").Where("a.inherited")
	return q.Where("p.id IN (? UNION SELECT id FROM (?) AS inheriting)", held, bun.SafeQuery(below, inherited))
}

// UnassignActor removes all assignments of a user or group.
func (s *Store) UnassignActor(ctx context.Context, actor identity.Actor) error {
	kind, id := actorOf(actor)
	_, err := s.remove(ctx, "assignments", (*assignmentRow)(nil), "actor_kind = ? AND actor_id = ?", kind, id)
	return err
}

// UnassignScope removes all assignments on a project or domain.
func (s *Store) UnassignScope(ctx context.Context, on identity.Scope) error {
	kind, id := targetOf(on)
	_, err := s.remove(ctx, "assignments", (*assignmentRow)(nil), "target_kind = ? AND target_id = ?", kind, id)
	return err
}
