package api

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

type action struct {
	Action    string        `json:"action"`
	Server    string        `json:"instance_uuid"`
	Message   *string       `json:"message"`
	ProjectID string        `json:"project_id"`
	RequestID string        `json:"request_id"`
	StartTime *string       `json:"start_time"`
	UpdatedAt *string       `json:"updated_at" since:"2.58"`
	UserID    string        `json:"user_id"`
	Events    []actionEvent `json:"events,omitempty"`
}

type actionEvent struct {
	Event      string  `json:"event"`
	StartTime  *string `json:"start_time"`
	FinishTime *string `json:"finish_time"`
	Result     *string `json:"result"`
	Traceback  *string `json:"traceback"`
	HostID     string  `json:"hostId" since:"2.62"`
	Details    *string `json:"details" since:"2.84"`
}

type actionsOut struct {
	Actions []action `json:"instanceActions"`
	Links   []link   `json:"links,omitempty" since:"2.58"`
}

type listActionsIn struct {
	serverIn
	Limit  *int       `query:"limit" check:"nonneg"`
	Marker string     `query:"marker"`
	Since  string     `query:"changes-since"`
	Before string     `query:"changes-before"`
	Given  url.Values `query:"*" doc:"limit, marker (the request id of the action that was seen last) and changes-since from 2.58 on, changes-before from 2.66 on; before, all actions are listed."`
}

// search is which actions are asked for. Before 2.58 that is all of them, and nobody could say otherwise.
func (in listActionsIn) search(ctx context.Context) (compute.ActionSearch, error) {
	var f compute.ActionSearch
	if !at(ctx, "2.58") {
		return f, nil
	}
	for _, name := range slices.Sorted(maps.Keys(in.Given)) {
		switch {
		case name == "limit", name == "marker", name == "changes-since", name == "changes-before" && at(ctx, "2.66"):
		default:
			return f, fault.Invalidf(name, "Invalid input for query parameters: Additional properties are not allowed ('%s' was unexpected)", name)
		}
	}
	page, err := rest.List{Limit: in.Limit}.Page("", maxPage)
	if err != nil {
		return f, err
	}
	f.Limit, f.After = page.Limit, in.Marker
	for _, bound := range []struct {
		name, value string
		to          **time.Time
	}{{"changes-since", in.Since, &f.Since}, {"changes-before", in.Before, &f.Before}} {
		if bound.value == "" {
			continue
		}
		t, err := rest.Time(bound.name, bound.value)
		if err != nil {
			return f, err
		}
		*bound.to = &t
	}
	if f.Since != nil && f.Before != nil && f.Since.After(*f.Before) {
		return f, fault.Invalidf("changes-since", "The value of changes-since must be less than or equal to changes-before.")
	}
	return f, nil
}

type actionIn struct {
	serverIn
	RequestID string `path:"request_id"`
}

type actionOut struct {
	Action action `json:"instanceAction"`
}

func actionView(x *compute.Action) action {
	return action{
		Action: x.Name, Server: x.ServerID, Message: optional(x.Message), ProjectID: x.ProjectID, RequestID: x.RequestID,
		StartTime: micros(&x.StartedAt), UpdatedAt: micros(&x.UpdatedAt), UserID: x.UserID,
	}
}

func (a *api) listActions(ctx context.Context, in listActionsIn) (actionsOut, error) {
	f, err := in.search(ctx)
	if err != nil {
		return actionsOut{}, err
	}
	actions, err := a.core.Actions(ctx, auth.From(ctx), in.ID, f)
	if err != nil {
		return actionsOut{}, instance(err)
	}
	var out actionsOut
	for i := range actions {
		out.Actions = append(out.Actions, actionView(&actions[i]))
	}
	if f.Limit > 0 {
		out.Links = nextLink(ctx, len(actions), f.Limit, func() string { return actions[len(actions)-1].RequestID })
	}
	return out, nil
}

// showAction shows an action with the one event that it consists of.
func (a *api) showAction(ctx context.Context, in actionIn) (actionOut, error) {
	actions, err := a.core.Actions(ctx, auth.From(ctx), in.ID, compute.ActionSearch{})
	if err != nil {
		return actionOut{}, instance(err)
	}
	for i := range actions {
		x := &actions[i]
		if x.RequestID != in.RequestID {
			continue
		}
		out := actionView(x)
		e := actionEvent{Event: "compute_" + x.Name + "_instance", StartTime: out.StartTime, FinishTime: micros(x.FinishedAt), Details: out.Message}
		switch {
		case x.FinishedAt == nil:
		case x.Message == "":
			e.Result = optional("Success")
		default:
			e.Result = optional("Error")
		}
		out.Events = []actionEvent{e}
		return actionOut{out}, nil
	}
	return actionOut{}, fault.New(fault.NotFound, "Action for request_id %s on instance %s not found", in.RequestID, in.ID)
}
