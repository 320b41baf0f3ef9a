package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// templates are the routes of the rules that new security groups have.
func (a *api) templates() []rest.Route {
	const all, single, name = "/v2.0/default-security-group-rules", "/v2.0/default-security-group-rules/{id}", "default_security_group_rule"
	return []rest.Route{
		{Method: "GET", Path: all, Policy: auth.P("get_"+name, auth.ProjectReader), Doc: "Lists the rules that new security groups have.", Do: rest.Do(a.listTemplates)},
		{Method: "POST", Path: all, Policy: auth.P("create_"+name, auth.AdminOnly), Audit: "network." + name + ".create", Doc: "Adds a rule to those that new security groups have.", Do: rest.Do(a.createTemplates)},
		{Method: "GET", Path: single, Policy: auth.P("get_"+name, auth.ProjectReader), Doc: "Shows a rule that new security groups have.", Do: rest.Do(a.showTemplate)},
		{Method: "DELETE", Path: single, Policy: auth.P("delete_"+name, auth.AdminOnly), Audit: "network." + name + ".delete", Doc: "Takes a rule from those that new security groups have.", Do: rest.Do(a.deleteTemplate)},
	}
}

type templateOut struct {
	ID string `json:"id"`
	matchOut
	InDefault bool   `json:"used_in_default_sg"`
	InOthers  bool   `json:"used_in_non_default_sg"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
	Revision  int64  `json:"revision_number"`
}

type templatesOut struct {
	Rules []templateOut `json:"default_security_group_rules"`
	Links []link        `json:"default_security_group_rules_links,omitempty"`
}

type templateShow struct {
	Rule templateOut `json:"default_security_group_rule"`
}

type templateIn struct {
	ruleFields

	InDefault *bool `json:"used_in_default_sg"`
	InOthers  *bool `json:"used_in_non_default_sg"`
}

func newTemplateOut(t network.RuleTemplate) templateOut {
	return templateOut{
		ID: t.ID, matchOut: newMatchOut(t.Rule), InDefault: t.InDefault, InOthers: t.InOthers,
		CreatedAt: clock(t.CreatedAt), UpdatedAt: clock(t.UpdatedAt), Revision: t.Revision,
	}
}

func (a *api) listTemplates(ctx context.Context, in listIn) (templatesOut, error) {
	q, err := in.ruleQuery(map[string]string{"used_in_default_sg": "in_default", "used_in_non_default_sg": "in_others"})
	if err != nil {
		return templatesOut{}, err
	}
	list, err := a.core.RuleTemplates(ctx, q)
	if err != nil {
		return templatesOut{}, err
	}
	var out templatesOut
	for _, t := range list {
		out.Rules = append(out.Rules, newTemplateOut(t))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createTemplates(ctx context.Context, in struct {
	Rule  *templateIn   `body:"default_security_group_rule"`
	Rules *[]templateIn `body:"default_security_group_rules"`
},
) (made, error) {
	return create(ctx, a, "default_security_group_rule", "default_security_group_rules", in.Rule, in.Rules, a.newTemplate)
}

func (a *api) newTemplate(ctx context.Context, w templateIn) (templateOut, error) {
	spec, err := w.rule("")
	if err != nil {
		return templateOut{}, err
	}
	inOthers := w.InOthers == nil || *w.InOthers
	t, err := a.core.CreateRuleTemplate(ctx, auth.From(ctx), spec, deref(w.InDefault), inOthers)
	return newTemplateOut(t), err
}

func (a *api) showTemplate(ctx context.Context, in byID) (templateShow, error) {
	t, err := a.core.ShowRuleTemplate(ctx, in.ID)
	return templateShow{newTemplateOut(t)}, err
}

func (a *api) deleteTemplate(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteRuleTemplate)
}
