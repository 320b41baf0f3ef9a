package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) implicationRoutes() []rest.Route {
	const all, one = "/v3/roles/{role_id}/implies", "/v3/roles/{role_id}/implies/{implied_role_id}"
	check := get(one, "Checks that a role implies another.", "check_implied_role", auth.SystemReader, rest.Do(a.checkImplication))
	check.Method = http.MethodHead
	return []rest.Route{
		get("/v3/role_inferences", "Lists the roles that imply others.", "list_role_inference_rules", auth.SystemReader, rest.Do(a.listInferences)),
		get(all, "Lists the roles that a role implies.", "list_implied_roles", auth.SystemReader, rest.Do(a.listImplied)),
		get(one, "Shows that a role implies another.", "get_implied_role", auth.SystemReader, rest.Do(a.showImplication)),
		answers(http.StatusNoContent, check),
		answers(http.StatusCreated, change(http.MethodPut, one, "Lets a role imply another.", "create_implied_role", "role.imply", rest.Do(a.imply))),
		change(http.MethodDelete, one, "Takes an implication away.", "delete_implied_role", "role.unimply", rest.Do(a.unimply)),
	}
}

type impliedIn struct {
	RoleID    string `path:"role_id"`
	ImpliedID string `path:"implied_role_id"`
}

func (in impliedIn) implication() identity.Implication {
	return identity.Implication{RoleID: in.RoleID, ImpliedID: in.ImpliedID}
}

// roleRef is a role as inferences show it.
type roleRef struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Links selfLink `json:"links"`
}

func roleRefOf(ctx context.Context, r identity.Role) roleRef {
	return roleRef{r.ID, r.Name, self(ctx, "/roles/"+r.ID)}
}

type inferenceOut struct {
	Inference struct {
		Prior   roleRef `json:"prior_role"`
		Implies roleRef `json:"implies"`
	} `json:"role_inference"`
	Links selfLink `json:"links"`
}

func inferenceOf(ctx context.Context, i identity.Inference, err error) (inferenceOut, error) {
	var out inferenceOut
	if err != nil {
		return out, err
	}
	out.Inference.Prior, out.Inference.Implies = roleRefOf(ctx, i.Prior), roleRefOf(ctx, i.Implies[0])
	out.Links = self(ctx, "/roles/"+i.Prior.ID+"/implies/"+i.Implies[0].ID)
	return out, nil
}

type rolesInference struct {
	Prior   roleRef   `json:"prior_role"`
	Implies []roleRef `json:"implies"`
}

func rolesInferenceOf(ctx context.Context, i identity.Inference) rolesInference {
	return rolesInference{roleRefOf(ctx, i.Prior), wires(ctx, i.Implies, roleRefOf)}
}

type inferencesOut struct {
	Inferences []rolesInference `json:"role_inferences"`
	Links      selfLink         `json:"links"`
}

type impliedOut struct {
	Inference rolesInference `json:"role_inference"`
	Links     selfLink       `json:"links"`
}

func (a *api) listInferences(ctx context.Context, _ struct{}) (inferencesOut, error) {
	all, err := a.core.ListImplications(ctx, "")
	return inferencesOut{wires(ctx, all, rolesInferenceOf), self(ctx, "/role_inferences")}, err
}

func (a *api) listImplied(ctx context.Context, in roleIn) (impliedOut, error) {
	found, err := a.core.ListImplications(ctx, in.ID)
	if err != nil {
		return impliedOut{}, err
	}
	return impliedOut{rolesInferenceOf(ctx, found[0]), self(ctx, "/roles/"+in.ID+"/implies")}, nil
}

func (a *api) showImplication(ctx context.Context, in impliedIn) (inferenceOut, error) {
	found, err := a.core.ShowImplication(ctx, in.implication())
	return inferenceOf(ctx, found, err)
}

func (a *api) checkImplication(ctx context.Context, in impliedIn) (rest.None, error) {
	_, err := a.core.ShowImplication(ctx, in.implication())
	return rest.None{}, err
}

func (a *api) imply(ctx context.Context, in impliedIn) (inferenceOut, error) {
	made, err := a.core.Imply(ctx, in.implication())
	return inferenceOf(ctx, made, err)
}

func (a *api) unimply(ctx context.Context, in impliedIn) (rest.None, error) {
	return rest.None{}, a.core.Unimply(ctx, in.implication())
}
