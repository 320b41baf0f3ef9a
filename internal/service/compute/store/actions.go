package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type actionRow struct {
	bun.BaseModel `bun:"table:compute_actions,alias:action"`

	ID         string     `bun:"id,pk"`
	ServerID   string     `bun:"server_id"`
	ProjectID  string     `bun:"project_id"`
	UserID     string     `bun:"user_id"`
	RequestID  string     `bun:"request_id"`
	Name       string     `bun:"name"`
	Message    string     `bun:"message"`
	StartedAt  time.Time  `bun:"started_at"`
	UpdatedAt  time.Time  `bun:"updated_at"`
	FinishedAt *time.Time `bun:"finished_at"`
}

func (r *actionRow) action() compute.Action {
	return compute.Action{
		ID: r.ID, ServerID: r.ServerID, ProjectID: r.ProjectID, UserID: r.UserID, RequestID: r.RequestID, Name: r.Name,
		Message: r.Message, StartedAt: r.StartedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), FinishedAt: utc(r.FinishedAt),
	}
}

var (
	insertAction = db.InsertText("compute_actions", []string{
		"id", "server_id", "project_id", "user_id", "request_id", "name", "message", "started_at", "updated_at", "finished_at",
	}, "")
	finishActions = db.UpdateText("compute_actions", []string{"finished_at", "updated_at", "message"}, "server_id IN (?) AND finished_at IS NULL")
)

// InsertActions implements compute.ActionStore.
func (s *Store) InsertActions(ctx context.Context, actions []compute.Action) error {
	rows := convert(actions, func(a *compute.Action) []any {
		return []any{a.ID, a.ServerID, a.ProjectID, a.UserID, a.RequestID, a.Name, a.Message, a.StartedAt, a.UpdatedAt, a.FinishedAt}
	})
	if _, err := s.db.WriteEach(ctx, insertAction, rows); err != nil {
		return fmt.Errorf("inserting %d actions: %w", len(rows), err)
	}
	return nil
}

// FinishActions implements compute.ActionStore.
func (s *Store) FinishActions(ctx context.Context, serverIDs []string, message string, at time.Time) error {
	if _, err := s.db.Write(ctx, finishActions, at, at, message, db.ListOf(serverIDs)); err != nil {
		return fmt.Errorf("finishing the actions of %d servers: %w", len(serverIDs), err)
	}
	return nil
}

// Actions implements compute.ActionStore.
func (s *Store) Actions(ctx context.Context, scope db.Scope, serverID string, f compute.ActionSearch) ([]compute.Action, error) {
	var rows []actionRow
	q := s.db.Select(ctx, scope, &rows).Where("action.server_id = ?", serverID)
	for op, at := range map[query.Operator]*time.Time{">=": f.Since, "<=": f.Before} {
		if at != nil {
			q = query.Bound{Op: op, At: *at}.Apply(q, "updated_at")
		}
	}
	marker, err := s.actionOf(ctx, scope, serverID, f.After)
	if err != nil {
		return nil, err
	}
	page := query.Page{Limit: f.Limit, Marker: marker, Sort: []query.Order{{Key: "started_at", Desc: true}}}
	if q, err = page.Apply(q, "compute_actions", map[string]string{"started_at": "started_at"}); err != nil {
		return nil, err
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing the actions of server %s: %w", serverID, err)
	}
	return convert(rows, (*actionRow).action), nil
}

// actionOf is the id of the action that a request was; empty for none.
func (s *Store) actionOf(ctx context.Context, scope db.Scope, serverID, requestID string) (string, error) {
	if requestID == "" {
		return "", nil
	}
	var found []actionRow
	err := s.db.Select(ctx, scope, &found).Where("action.server_id = ?", serverID).Where("action.request_id = ?", requestID).
		OrderExpr("action.started_at, action.id").Limit(1).Scan(ctx)
	if err != nil {
		return "", fmt.Errorf("looking for the marker: %w", err)
	}
	if len(found) == 0 {
		return "", fault.Invalidf("marker", "Marker %s could not be found.", requestID)
	}
	return found[0].ID, nil
}
