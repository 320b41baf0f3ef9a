package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type accessRow struct {
	bun.BaseModel `bun:"table:rbac_policies,alias:rp"`

	ID         string `bun:"id,pk"`
	ProjectID  string `bun:"project_id"`
	ObjectType string `bun:"object_type"`
	ObjectID   string `bun:"object_id"`
	Action     string `bun:"action"`
	Target     string `bun:"target"`
	stampRow
}

func accessOf(p network.AccessPolicy) *accessRow {
	return &accessRow{
		ID: p.ID, ProjectID: p.ProjectID, ObjectType: p.ObjectType, ObjectID: p.ObjectID, Action: p.Action, Target: p.Target,
		stampRow: stampOf(p.Stamp),
	}
}

func (r accessRow) noun() network.AccessPolicy {
	return network.AccessPolicy{
		ID: r.ID, ProjectID: r.ProjectID, ObjectType: r.ObjectType, ObjectID: r.ObjectID, Action: r.Action, Target: r.Target,
		Stamp: r.stampRow.noun(),
	}
}

func accessAttributes() map[string]attribute {
	out := stamped(map[string]attribute{
		"object_type": text("object_type"), "object_id": text("object_id"), "action": text("action"), "target": text("target"),
	})
	delete(out, "description")
	return out
}

// AddAccess implements network.AccessStore.
func (s *Store) AddAccess(ctx context.Context, p network.AccessPolicy) (bool, error) {
	return s.insert(ctx, accessOf(p))
}

// Access implements network.AccessStore.
func (s *Store) Access(ctx context.Context, sc db.Scope, id string) (network.AccessPolicy, error) {
	list, err := s.Accesses(ctx, sc, network.ByID(id))
	return only(list, err, &fault.Error{
		Class: fault.NotFound, Code: "RbacPolicyNotFound", Object: "rbac_policy", ID: id,
		Message: fmt.Sprintf("RBAC policy with ID %s not found", id),
	})
}

// Accesses implements network.AccessStore.
func (s *Store) Accesses(ctx context.Context, sc db.Scope, q network.Query) ([]network.AccessPolicy, error) {
	var rows []accessRow
	if err := read(ctx, s.db.Select(ctx, sc, &rows), &rows, "rbac_policies", q, accessAttributes(), nil); err != nil {
		return nil, err
	}
	out := make([]network.AccessPolicy, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.noun())
	}
	return out, nil
}

// ChangeAccess implements network.AccessStore.
func (s *Store) ChangeAccess(ctx context.Context, p network.AccessPolicy) (bool, error) {
	err := s.change(ctx, accessOf(p), "rbac_policy", p.ID, p.Revision)
	if db.IsUnique(err) {
		return false, nil
	}
	return err == nil, err
}

// RemoveAccess implements network.AccessStore.
func (s *Store) RemoveAccess(ctx context.Context, id string) error {
	return s.remove(ctx, (*accessRow)(nil), "id", id)
}

// openTo is the condition that a row of objects of a type is open to a project by one of some actions. Without a
// project it is that the row is open to all.
func openTo(objectType, column, project string, actions ...string) schema.QueryWithArgs {
	targets := []string{network.Everybody}
	if project != "" {
		targets = append(targets, project)
	}
	return bun.SafeQuery("EXISTS (SELECT 1 FROM rbac_policies AS o WHERE o.object_type = ? AND o.object_id = ?TableAlias.? AND o.action IN (?) AND o.target IN (?))",
		objectType, bun.Ident(column), bun.List(actions), bun.List(targets))
}

// opened are the ids of the objects of a type that are open to a project by one of some actions.
func opened(objectType, project string, actions ...string) schema.QueryWithArgs {
	return bun.SafeQuery("SELECT object_id FROM rbac_policies WHERE object_type = ? AND target IN (?) AND action IN (?)",
		objectType, bun.List([]string{project, network.Everybody}), bun.List(actions))
}

// visible narrows a query on objects of a type to those that a scope owns or that are shared with it, and tells of each
// whether it is, in the column granted.
func visible(sc db.Scope, q *bun.SelectQuery, objectType string) *bun.SelectQuery {
	shared := openTo(objectType, "id", sc.ProjectID(), network.AccessAsShared)
	q = q.ColumnExpr("?TableColumns").ColumnExpr("? AS granted", shared)
	if sc.All() {
		return q
	}
	if sc.ProjectID() == "" {
		return q.Where("1 = 0")
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("?TableAlias.project_id = ?", sc.ProjectID()).
			WhereOr("?TableAlias.id IN (?)", opened(objectType, sc.ProjectID(), network.AccessAsShared))
	})
}

// sharing is the filter by whether an object is shared with a scope.
func sharing(sc db.Scope, objectType string) func(*bun.SelectQuery, []string) *bun.SelectQuery {
	return func(q *bun.SelectQuery, values []string) *bun.SelectQuery {
		var wanted []bool
		for _, v := range values {
			b, err := flag("").parse(v)
			if err != nil {
				return q.Err(fault.Invalidf("shared", "Invalid input for shared: %q cannot be such a value", v))
			}
			wanted = append(wanted, b.(bool))
		}
		return q.Where("(?) IN (?)", openTo(objectType, "id", sc.ProjectID(), network.AccessAsShared), bun.List(wanted))
	}
}

// openNetwork keeps the policies that open a network to everybody as the network itself says.
func (s *Store) openNetwork(ctx context.Context, n network.Network) error {
	for action, open := range map[string]bool{network.AccessAsShared: n.Shared, network.AccessAsExternal: n.External} {
		var err error
		switch {
		case open:
			err = s.openToAll(ctx, n, action)
		default:
			q := s.db.Q(ctx).NewDelete().Model((*accessRow)(nil)).Where("object_type = 'network'").Where("object_id = ?", n.ID).Where("action = ?", action)
			if action == network.AccessAsShared {
				q = q.Where("target = ?", network.Everybody) // single projects may still have it
			}
			_, err = q.Exec(ctx)
		}
		if err != nil {
			return fmt.Errorf("changing who may use network %s: %w", n.ID, err)
		}
	}
	return nil
}

// openToAll adds the policy that opens a network to everybody; one that leads outside may be for some only.
func (s *Store) openToAll(ctx context.Context, n network.Network, action string) error {
	if action == network.AccessAsExternal {
		there, err := s.db.Q(ctx).NewSelect().Model((*accessRow)(nil)).Where("object_type = 'network'").Where("object_id = ?", n.ID).
			Where("action = ?", action).Exists(ctx)
		if err != nil || there {
			return err
		}
	}
	_, err := s.insert(ctx, accessOf(network.AccessPolicy{
		ID: uuid.NewString(), ProjectID: n.ProjectID, ObjectType: "network", ObjectID: n.ID, Action: action,
		Target: network.Everybody, Stamp: network.Stamp{CreatedAt: n.UpdatedAt, UpdatedAt: n.UpdatedAt, Revision: 1},
	}))
	return err
}

// closeObject removes the policies of an object that goes.
func (s *Store) closeObject(ctx context.Context, objectType, id string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*accessRow)(nil)).Where("object_type = ?", objectType).Where("object_id = ?", id).Exec(ctx)
	if err != nil {
		return fmt.Errorf("removing the policies of %s %s: %w", objectType, id, err)
	}
	return nil
}
