package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type policyOut struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Shared      bool         `json:"shared"`
	Default     bool         `json:"is_default"`
	Rules       []qosRuleOut `json:"rules"`
	stampOut
}

type policiesOut struct {
	Policies []policyOut `json:"policies"`
	Links    []link      `json:"policies_links,omitempty"`
}

type policyShow struct {
	Policy policyOut `json:"policy"`
}

type policyIn struct {
	owner

	Name        string           `json:"name" check:"required,max=255"`
	Description rest.Opt[string] `json:"description" check:"max=255"`
	Shared      *bool            `json:"shared"`
	Default     *bool            `json:"is_default"`
}

func (a *api) qosPolicies() []rest.Route {
	const all, single = "/v2.0/qos/policies", "/v2.0/qos/policies/{id}"
	reader, admin := auth.ProjectReader, auth.AdminOnly
	routes := []rest.Route{
		{Method: "GET", Path: all, Policy: auth.P("get_policy", reader), Doc: "Lists QoS policies.", Do: rest.Do(a.listPolicies)},
		{Method: "POST", Path: all, Policy: auth.P("create_policy", admin), Audit: "network.qos_policy.create", Doc: "Makes a QoS policy.", Do: rest.Do(a.createPolicy)},
		{Method: "GET", Path: single, Policy: auth.P("get_policy", reader), Doc: "Shows a QoS policy.", Do: rest.Do(a.showPolicy)},
		{Method: "PUT", Path: single, Policy: auth.P("update_policy", admin), Audit: "network.qos_policy.update", Doc: "Changes a QoS policy.", Do: rest.Do(a.changePolicy)},
		{Method: "DELETE", Path: single, Policy: auth.P("delete_policy", admin), Audit: "network.qos_policy.delete", Doc: "Deletes a QoS policy.", Do: rest.Do(a.deletePolicy)},
		{Method: "GET", Path: "/v2.0/qos/rule-types", Policy: auth.P("get_rule_type", reader), Doc: "Lists the kinds of QoS rules.", Do: rest.Do(a.listRuleTypes)},
		{Method: "GET", Path: "/v2.0/qos/rule-types/{id}", Policy: auth.P("get_rule_type_details", admin), Doc: "Shows what a kind of QoS rules takes.", Do: rest.Do(a.showRuleType)},
	}
	for _, kind := range []string{network.BandwidthLimit, network.DSCPMarking, network.MinimumBandwidth} {
		routes = append(routes, a.qosRules(kind)...)
	}
	return routes
}

func newPolicyOut(p network.QoSPolicy) policyOut {
	out := policyOut{
		ID: p.ID, Name: p.Name, Description: p.Description, Shared: p.Shared, Default: p.Default, stampOut: stamp(p.ProjectID, p.Stamp),
	}
	for _, r := range p.Rules {
		one := newQoSRuleOut(r)
		one.Type, one.PolicyID = r.Kind, r.PolicyID
		out.Rules = append(out.Rules, one)
	}
	return out
}

func (a *api) listPolicies(ctx context.Context, in listIn) (policiesOut, error) {
	q, err := in.query(map[string]string{"name": "name", "shared": "shared", "is_default": "default"})
	if err != nil {
		return policiesOut{}, err
	}
	list, err := a.core.QoSPolicies(ctx, auth.From(ctx), q)
	if err != nil {
		return policiesOut{}, err
	}
	var out policiesOut
	for _, p := range list {
		out.Policies = append(out.Policies, newPolicyOut(p))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createPolicy(ctx context.Context, in struct {
	Policy policyIn `body:"policy"`
},
) (policyShow, error) {
	w := in.Policy
	p, err := a.core.CreateQoSPolicy(ctx, auth.From(ctx), network.NewQoSPolicy{
		ProjectID: w.id(), Name: w.Name, Description: w.Description.Value, Shared: deref(w.Shared), Default: deref(w.Default),
	})
	return policyShow{newPolicyOut(p)}, err
}

func (a *api) showPolicy(ctx context.Context, in byID) (policyShow, error) {
	p, err := a.core.ShowQoSPolicy(ctx, auth.From(ctx), in.ID)
	return policyShow{newPolicyOut(p)}, err
}

func (a *api) changePolicy(ctx context.Context, in struct {
	condition
	ID     string `path:"id"`
	Policy struct {
		Name        *string          `json:"name" check:"max=255"`
		Description rest.Opt[string] `json:"description" check:"max=255"`
		Shared      *bool            `json:"shared"`
		Default     *bool            `json:"is_default"`
	} `body:"policy"`
},
) (policyShow, error) {
	revision, err := in.revision()
	if err != nil {
		return policyShow{}, err
	}
	w := in.Policy
	p, err := a.core.ChangeQoSPolicy(ctx, auth.From(ctx), in.ID, network.QoSPolicyChange{
		Revision: revision,
		Name:     w.Name, Description: given(w.Description), Shared: w.Shared, Default: w.Default,
	})
	return policyShow{newPolicyOut(p)}, err
}

func (a *api) deletePolicy(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteQoSPolicy)
}
