package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// policyRoutes keep policy documents and what they are for.
func (a *api) policyRoutes() []rest.Route {
	const policy = "/v3/policies/{policy_id}"
	routes := []rest.Route{
		get("/v3/policies", "Lists policies.", "list_policies", auth.SystemReader, rest.Do(a.listPolicies)),
		change(http.MethodPost, "/v3/policies", "Stores a policy.", "create_policy", "policy.create", rest.Do(a.createPolicy)),
		get(policy, "Shows a policy.", "get_policy", auth.SystemReader, rest.Do(a.showPolicy)),
		change(http.MethodPatch, policy, "Changes a policy.", "update_policy", "policy.update", rest.Do(a.updatePolicy)),
		change(http.MethodDelete, policy, "Deletes a policy and its associations.", "delete_policy", "policy.delete", rest.Do(a.deletePolicy)),
		get(policy+"/OS-ENDPOINT-POLICY/endpoints", "Lists the endpoints that a policy is for.", "list_endpoints_for_policy", auth.SystemReader, rest.Do(a.endpointsOfPolicy)),
		get("/v3/endpoints/{endpoint_id}/OS-ENDPOINT-POLICY/policy", "Shows the policy of an endpoint.", "get_policy_for_endpoint", auth.SystemReader, rest.Do(a.policyOfEndpoint)),
	}
	for _, target := range []struct{ path, what, name string }{
		{"endpoints/{endpoint_id}", "an endpoint", "endpoint"},
		{"services/{service_id}", "a service", "service"},
		{"services/{service_id}/regions/{region_id}", "a service in a region", "region_and_service"},
	} {
		path := policy + "/OS-ENDPOINT-POLICY/" + target.path
		routes = append(routes,
			silent(change(http.MethodPut, path, "Gives "+target.what+" a policy.", "create_policy_association_for_"+target.name, "policy.associate", rest.Do(a.associatePolicy))),
			silent(get(path, "Tells whether "+target.what+" has a policy.", "check_policy_association_for_"+target.name, auth.SystemReader, rest.Do(a.checkPolicyAssociation))),
			change(http.MethodDelete, path, "Takes a policy from "+target.what+".", "delete_policy_association_for_"+target.name, "policy.dissociate", rest.Do(a.dissociatePolicy)),
		)
	}
	return routes
}

type policyWire struct {
	ID    string         `json:"id"`
	Type  string         `json:"type"`
	Blob  string         `json:"blob"`
	Links selfLink       `json:"links"`
	Extra map[string]any `json:"*"`
}

type policyOut struct {
	Policy policyWire `json:"policy"`
}

type policiesOut struct {
	Policies []policyWire `json:"policies"`

	listEnd
}

type policyBody struct {
	Type  *string        `json:"type" check:"max=255"`
	Blob  *string        `json:"blob"`
	Extra map[string]any `json:"*"`
}

func policyOf(ctx context.Context, p identity.Policy) policyWire {
	return policyWire{p.ID, p.Type, p.Blob, self(ctx, "/policies/"+p.ID), p.Extra}
}

func (a *api) listPolicies(ctx context.Context, in struct {
	pageIn
	nameless
	Type string `query:"type"`
},
) (policiesOut, error) {
	all, err := a.core.ListPolicies(ctx, in.Type)
	if err != nil {
		return policiesOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, known(in.nameless, all), identity.Policy.Key)
	return policiesOut{wires(ctx, all, policyOf), at}, err
}

func (a *api) createPolicy(ctx context.Context, in struct {
	Policy policyBody `body:"policy"`
},
) (policyOut, error) {
	b := in.Policy
	if b.Blob == nil {
		return policyOut{}, required("policy.blob")
	}
	if b.Type == nil {
		return policyOut{}, required("policy.type")
	}
	p, err := a.core.CreatePolicy(ctx, identity.Policy{Type: *b.Type, Blob: *b.Blob, Extra: extras(b.Extra)})
	return policyOut{policyOf(ctx, p)}, err
}

type policyIn struct {
	ID string `path:"policy_id"`
}

func (a *api) showPolicy(ctx context.Context, in policyIn) (policyOut, error) {
	p, err := a.core.ShowPolicy(ctx, in.ID)
	return policyOut{policyOf(ctx, p)}, err
}

func (a *api) updatePolicy(ctx context.Context, in struct {
	policyIn
	Policy policyBody `body:"policy"`
},
) (policyOut, error) {
	b := in.Policy
	if err := something("policy", b); err != nil {
		return policyOut{}, err
	}
	if err := sameID("policy", in.ID, b.Extra); err != nil {
		return policyOut{}, err
	}
	p, err := a.core.UpdatePolicy(ctx, in.ID, identity.PolicyChange{Type: b.Type, Blob: b.Blob, Extra: extras(b.Extra)})
	return policyOut{policyOf(ctx, p)}, err
}

func (a *api) deletePolicy(ctx context.Context, in policyIn) (rest.None, error) {
	return rest.None{}, a.core.DeletePolicy(ctx, in.ID)
}

func (a *api) endpointsOfPolicy(ctx context.Context, in struct {
	policyIn
	pageIn
},
) (endpointsOut, error) {
	all, err := a.core.EndpointsOfPolicy(ctx, in.ID)
	if err != nil {
		return endpointsOut{}, err
	}
	all, at, err := part(ctx, in.pageIn, all, identity.CatalogEndpoint.Key)
	return endpointsOut{wires(ctx, all, endpointOf), at}, err
}

func (a *api) policyOfEndpoint(ctx context.Context, in endpointIn) (policyOut, error) {
	p, err := a.core.PolicyOfEndpoint(ctx, in.ID)
	return policyOut{policyOf(ctx, p)}, err
}

// associationIn names a policy and what it is for; the path has some of these.
type associationIn struct {
	PolicyID   string `path:"policy_id"`
	EndpointID string `path:"endpoint_id"`
	ServiceID  string `path:"service_id"`
	RegionID   string `path:"region_id"`
}

func (in associationIn) association() identity.PolicyAssociation {
	return identity.PolicyAssociation{
		PolicyTarget: identity.PolicyTarget{EndpointID: in.EndpointID, ServiceID: in.ServiceID, RegionID: in.RegionID}, PolicyID: in.PolicyID,
	}
}

func (a *api) associatePolicy(ctx context.Context, in associationIn) (rest.None, error) {
	return rest.None{}, a.core.AssociatePolicy(ctx, in.association())
}

func (a *api) checkPolicyAssociation(ctx context.Context, in associationIn) (rest.None, error) {
	return rest.None{}, a.core.CheckPolicyAssociation(ctx, in.association())
}

func (a *api) dissociatePolicy(ctx context.Context, in associationIn) (rest.None, error) {
	return rest.None{}, a.core.DissociatePolicy(ctx, in.association())
}
