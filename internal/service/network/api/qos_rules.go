package api

import (
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// qosRuleOut is a rule of any kind; each has some of the fields.
type qosRuleOut struct {
	ID        string `json:"id"`
	PolicyID  string `json:"qos_policy_id,omitempty"`
	Type      string `json:"type,omitempty"`
	MaxKbps   *int   `json:"max_kbps,omitempty"`
	MaxBurst  *int   `json:"max_burst_kbps,omitempty"`
	MinKbps   *int   `json:"min_kbps,omitempty"`
	DSCP      *int   `json:"dscp_mark,omitempty"`
	Direction string `json:"direction,omitempty"`
}

// qosRuleShow has the one of its keys that the kind of the rule says.
type qosRuleShow struct {
	Limit *qosRuleOut `json:"bandwidth_limit_rule,omitempty"`
	Mark  *qosRuleOut `json:"dscp_marking_rule,omitempty"`
	Least *qosRuleOut `json:"minimum_bandwidth_rule,omitempty"`
}

type qosRulesOut struct {
	Limit *[]qosRuleOut `json:"bandwidth_limit_rules,omitempty"`
	Mark  *[]qosRuleOut `json:"dscp_marking_rules,omitempty"`
	Least *[]qosRuleOut `json:"minimum_bandwidth_rules,omitempty"`
}

type limitIn struct {
	MaxKbps   *int    `json:"max_kbps" check:"min=0,max=2147483647"`
	MaxBurst  *int    `json:"max_burst_kbps" check:"min=0,max=2147483647"`
	Direction *string `json:"direction"`
}

type markIn struct {
	DSCP *int `json:"dscp_mark"`
}

type leastIn struct {
	MinKbps   *int    `json:"min_kbps" check:"min=0,max=2147483647"`
	Direction *string `json:"direction"`
}

// qosRuleIn is a request about a rule: the body has the one key that the kind says.
type qosRuleIn struct {
	PolicyID string   `path:"policy_id"`
	Limit    *limitIn `body:"bandwidth_limit_rule"`
	Mark     *markIn  `body:"dscp_marking_rule"`
	Least    *leastIn `body:"minimum_bandwidth_rule"`
}

type qosRuleID struct {
	PolicyID string   `path:"policy_id"`
	ID       string   `path:"id"`
	Fields   []string `query:"fields"`
}

// qosRules are the routes of a kind of rules.
func (a *api) qosRules(kind string) []rest.Route {
	all := "/v2.0/qos/policies/{policy_id}/" + kind + "_rules"
	single, name, word := all+"/{id}", "policy_"+kind+"_rule", strings.ReplaceAll(kind, "_", " ")
	audit := "network.qos_" + kind + "_rule."
	reader, admin := auth.ProjectReader, auth.AdminOnly
	return []rest.Route{
		{Method: "GET", Path: all, Policy: auth.P("get_"+name, reader), Doc: "Lists the " + word + " rules of a QoS policy.", Do: rest.Do(a.listQoSRules(kind))},
		{Method: "POST", Path: all, Policy: auth.P("create_"+name, admin), Audit: audit + "create", Doc: "Adds a " + word + " rule to a QoS policy.", Do: rest.Do(a.createQoSRule(kind))},
		{Method: "GET", Path: single, Policy: auth.P("get_"+name, reader), Doc: "Shows a " + word + " rule.", Do: rest.Do(a.showQoSRule(kind))},
		{Method: "PUT", Path: single, Policy: auth.P("update_"+name, admin), Audit: audit + "update", Doc: "Changes a " + word + " rule.", Do: rest.Do(a.changeQoSRule(kind))},
		{Method: "DELETE", Path: single, Policy: auth.P("delete_"+name, admin), Audit: audit + "delete", Doc: "Deletes a " + word + " rule.", Do: rest.Do(a.deleteQoSRule(kind))},
	}
}

func newQoSRuleOut(r network.QoSRule) qosRuleOut {
	out := qosRuleOut{ID: r.ID}
	switch r.Kind {
	case network.DSCPMarking:
		out.DSCP = &r.DSCP
	case network.BandwidthLimit:
		out.MaxKbps, out.MaxBurst, out.Direction = &r.Rate, &r.Burst, r.Direction
	case network.MinimumBandwidth:
		out.MinKbps, out.Direction = &r.Rate, r.Direction
	}
	return out
}

func showQoS(r network.QoSRule) qosRuleShow {
	out := newQoSRuleOut(r)
	switch r.Kind {
	case network.DSCPMarking:
		return qosRuleShow{Mark: &out}
	case network.MinimumBandwidth:
		return qosRuleShow{Least: &out}
	}
	return qosRuleShow{Limit: &out}
}

// change reads what a request says of a rule of a kind.
func (in qosRuleIn) change(kind string) (network.QoSRuleChange, error) {
	switch {
	case kind == network.BandwidthLimit && in.Limit != nil:
		return network.QoSRuleChange{Rate: in.Limit.MaxKbps, Burst: in.Limit.MaxBurst, Direction: in.Limit.Direction}, nil
	case kind == network.DSCPMarking && in.Mark != nil:
		return network.QoSRuleChange{DSCP: in.Mark.DSCP}, nil
	case kind == network.MinimumBandwidth && in.Least != nil:
		return network.QoSRuleChange{Rate: in.Least.MinKbps, Direction: in.Least.Direction}, nil
	}
	return network.QoSRuleChange{}, fault.Invalidf(kind+"_rule", "Unable to find '%s_rule' in request body", kind).WithCode("HTTPBadRequest")
}

func (a *api) listQoSRules(kind string) func(context.Context, struct {
	PolicyID string `path:"policy_id"`
	listIn
}) (qosRulesOut, error) {
	return func(ctx context.Context, in struct {
		PolicyID string `path:"policy_id"`
		listIn
	},
	) (qosRulesOut, error) {
		p, err := a.core.ShowQoSPolicy(ctx, auth.From(ctx), in.PolicyID)
		if err != nil {
			return qosRulesOut{}, err
		}
		list := []qosRuleOut{}
		for _, r := range p.Rules {
			if r.Kind == kind {
				list = append(list, newQoSRuleOut(r))
			}
		}
		switch kind {
		case network.DSCPMarking:
			return qosRulesOut{Mark: &list}, nil
		case network.MinimumBandwidth:
			return qosRulesOut{Least: &list}, nil
		}
		return qosRulesOut{Limit: &list}, nil
	}
}

func (a *api) createQoSRule(kind string) func(context.Context, qosRuleIn) (qosRuleShow, error) {
	return func(ctx context.Context, in qosRuleIn) (qosRuleShow, error) {
		w, err := in.change(kind)
		if err != nil {
			return qosRuleShow{}, err
		}
		field := map[string]string{network.BandwidthLimit: "max_kbps", network.DSCPMarking: "dscp_mark", network.MinimumBandwidth: "min_kbps"}[kind]
		if w.Rate == nil && w.DSCP == nil {
			return qosRuleShow{}, fault.Invalidf(field, "Failed to parse request. Required attribute '%s' not specified", field).WithCode("HTTPBadRequest")
		}
		r := network.QoSRule{PolicyID: in.PolicyID, Kind: kind, Direction: network.Egress, Rate: deref(w.Rate), Burst: deref(w.Burst), DSCP: deref(w.DSCP)}
		if w.Direction != nil {
			r.Direction = *w.Direction
		}
		r, err = a.core.AddQoSRule(ctx, auth.From(ctx), r)
		return showQoS(r), err
	}
}

func (a *api) showQoSRule(kind string) func(context.Context, qosRuleID) (qosRuleShow, error) {
	return func(ctx context.Context, in qosRuleID) (qosRuleShow, error) {
		_, r, err := a.core.QoSRule(ctx, auth.From(ctx), in.PolicyID, kind, in.ID)
		return showQoS(r), err
	}
}

func (a *api) changeQoSRule(kind string) func(context.Context, struct {
	qosRuleIn
	ID string `path:"id"`
}) (qosRuleShow, error) {
	return func(ctx context.Context, in struct {
		qosRuleIn
		ID string `path:"id"`
	},
	) (qosRuleShow, error) {
		w, err := in.change(kind)
		if err != nil {
			return qosRuleShow{}, err
		}
		r, err := a.core.ChangeQoSRule(ctx, auth.From(ctx), in.PolicyID, kind, in.ID, w)
		return showQoS(r), err
	}
}

func (a *api) deleteQoSRule(kind string) func(context.Context, qosRuleID) (rest.None, error) {
	return func(ctx context.Context, in qosRuleID) (rest.None, error) {
		return rest.None{}, a.core.DeleteQoSRule(ctx, auth.From(ctx), in.PolicyID, kind, in.ID)
	}
}

type ruleTypeOut struct {
	Type    string          `json:"type"`
	Drivers []ruleDriverOut `json:"drivers,omitempty"`
}

type ruleDriverOut struct {
	Name       string             `json:"name"`
	Parameters []ruleParameterOut `json:"supported_parameters"`
}

type ruleParameterOut struct {
	Name   string `json:"parameter_name"`
	Type   string `json:"parameter_type"`
	Values any    `json:"parameter_values"`
}

type ruleTypesOut struct {
	Types []ruleTypeOut `json:"rule_types"`
}

type ruleTypeShow struct {
	Type ruleTypeOut `json:"rule_type"`
}

// ruleTypes are the kinds of rules, with what each takes.
func ruleTypes() []ruleTypeOut {
	amount := map[string]int{"start": 0, "end": 2147483647}
	both := []string{network.Egress, network.Ingress}
	one := func(kind string, parameters ...ruleParameterOut) ruleTypeOut {
		return ruleTypeOut{kind, []ruleDriverOut{{"ovn", parameters}}}
	}
	return []ruleTypeOut{
		one(network.BandwidthLimit, ruleParameterOut{"max_kbps", "range", amount}, ruleParameterOut{"max_burst_kbps", "range", amount}, ruleParameterOut{"direction", "choices", both}),
		one(network.DSCPMarking, ruleParameterOut{"dscp_mark", "choices", []int{0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 46, 48, 56}}),
		one(network.MinimumBandwidth, ruleParameterOut{"min_kbps", "range", amount}, ruleParameterOut{"direction", "choices", both}),
	}
}

func (a *api) listRuleTypes(_ context.Context, in listIn) (ruleTypesOut, error) {
	var out ruleTypesOut
	for _, t := range ruleTypes() {
		if wanted, ok := in.Filters["type"]; !ok || wanted[0] == t.Type {
			out.Types = append(out.Types, ruleTypeOut{Type: t.Type})
		}
	}
	return out, nil
}

func (a *api) showRuleType(_ context.Context, in byID) (ruleTypeShow, error) {
	for _, t := range ruleTypes() {
		if t.Type == in.ID {
			return ruleTypeShow{t}, nil
		}
	}
	return ruleTypeShow{}, fault.New(fault.NotFound, "QoS rule type %s could not be found.", in.ID).WithCode("QosRuleTypeNotFound")
}
