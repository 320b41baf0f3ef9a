package compute

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// ordersAtOnce is how many orders are written in one transaction.
const ordersAtOnce = 256

// order is a verb that a user asks of a server, on its way into the database. It is refused on its own where the server
// is not there or can't take it now.
type order struct {
	scope           db.Scope
	userID, request string
	serverID        string
	verb            Verb
	action          string
	refusal         error
}

// order writes what is wanted of a server from now on. Orders that come at the same moment share one transaction.
func (s *Service) order(ctx context.Context, caller *auth.Caller, serverID string, v Verb, action string) error {
	o := &order{scope: caller.Scope(), userID: caller.UserID, request: rest.RequestID(ctx), serverID: serverID, verb: v, action: action}
	if err := s.orders.Do(ctx, o); err != nil {
		return err
	}
	return o.refusal
}

// takeOrders writes orders, all that are not refused or none.
func (s *Service) takeOrders(ctx context.Context, orders []*order) error {
	ids := make([]string, len(orders))
	for i, o := range orders {
		ids[i] = o.serverID
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		rows, err := s.store.ServersByID(ctx, ids)
		if err != nil {
			return err
		}
		outcomes, byID := make([]outcome, len(rows)), make(map[string]*outcome, len(rows))
		for i := range rows {
			outcomes[i].server = rows[i]
			byID[rows[i].ID] = &outcomes[i]
		}
		var actions []Action
		now := s.now()
		for _, o := range orders {
			out := byID[o.serverID]
			if o.refusal = o.give(out); o.refusal != nil {
				continue
			}
			out.changed = true
			out.server.UpdatedAt = now
			actions = append(actions, actionsOf(o.userID, o.request, o.action, out.server)...)
		}
		if len(actions) == 0 {
			return nil
		}
		for i := range outcomes {
			if out := &outcomes[i]; out.changed && out.server.Wanted == protocol.Absent && out.server.HostID == "" {
				out.verdict = verdict{changed: true, settled: true, gone: true} // nobody has to be told to remove it
				out.server.vanish(now)
				out.server.Carried = out.server.Generation
			}
		}
		if err := s.store.InsertActions(ctx, actions); err != nil {
			return err
		}
		return s.apply(ctx, outcomes)
	})
}

// give asks the verb of a server, if the user may and it can.
func (o *order) give(out *outcome) error {
	if out == nil || out.server.DeletedAt != nil || !o.scope.Sees(out.server.ProjectID) {
		return fault.Missing("server", o.serverID)
	}
	changed := out.server
	if err := changed.ask(o.verb); err != nil {
		return err
	}
	out.server = changed
	return nil
}
