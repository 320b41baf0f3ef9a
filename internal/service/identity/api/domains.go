package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) domainRoutes() []rest.Route {
	return []rest.Route{
		get("/v3/domains", "Lists domains: all of them for readers of the system, and theirs for readers of a domain.", "list_domains", auth.Anyone, rest.Do(a.listDomains)),
		change(http.MethodPost, "/v3/domains", "Creates a domain.", "create_domain", "domain.create", rest.Do(a.createDomain)),
		get("/v3/domains/{domain_id}", "Shows a domain.", "get_domain", auth.Anyone, rest.Do(a.showDomain)),
		asked(change(http.MethodPatch, "/v3/domains/{domain_id}", "Changes a domain.", "update_domain", "domain.update", rest.Do(a.updateDomain))),
		asked(change(http.MethodDelete, "/v3/domains/{domain_id}", "Deletes a disabled domain and all that is in it.", "delete_domain", "domain.delete", rest.Do(a.deleteDomain))),
	}
}

type domainWire struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Enabled     bool           `json:"enabled"`
	Description string         `json:"description"`
	Tags        []string       `json:"tags"`
	Options     optionsWire    `json:"options"`
	Links       selfLink       `json:"links"`
	Extra       map[string]any `json:"*"`
}

func domainOf(ctx context.Context, d identity.Project) domainWire {
	return domainWire{
		ID: d.ID, Name: d.Name, Enabled: d.Enabled, Description: d.Description, Tags: d.Tags, Options: optionsWire(d.Options),
		Links: self(ctx, "/domains/"+d.ID), Extra: d.Extra,
	}
}

type domainOut struct {
	Domain domainWire `json:"domain"`
}

type domainsOut struct {
	Domains []domainWire `json:"domains"`

	listEnd
}

func domainList(ctx context.Context, page query.Page, domains []identity.Project) domainsOut {
	return domainsOut{
		wires(ctx, domains, domainOf),
		links(ctx, page.Limit, len(domains), func() string { return domains[len(domains)-1].ID }),
	}
}

type domainFields struct {
	Name        *string          `json:"name" check:"min=1,max=64"`
	Enabled     *bool            `json:"enabled"`
	Description rest.Opt[string] `json:"description"`
	Tags        *[]string        `json:"tags"`
	Options     *optionsBody     `json:"options"`
	Extra       map[string]any   `json:"*"`
}

type listDomainsIn struct {
	rest.List
	rest.NameQuery
	Enabled *bool `query:"enabled"`
}

func (a *api) listDomains(ctx context.Context, in listDomainsIn) (domainsOut, error) {
	page, err := in.Page("name", maxPage)
	if err != nil {
		return domainsOut{}, err
	}
	domains, err := a.core.ListDomains(ctx, identity.ProjectFilter{Name: in.Name, NameIs: in.Matches(), Enabled: in.Enabled}, page)
	return domainList(ctx, page, domains), err
}

func (a *api) createDomain(ctx context.Context, in struct {
	Domain domainFields `body:"domain"`
},
) (domainOut, error) {
	b := in.Domain
	if b.Name == nil {
		return domainOut{}, required("domain.name")
	}
	d := identity.Project{
		Name: *b.Name, IsDomain: true, Enabled: b.Enabled == nil || *b.Enabled, Description: b.Description.Value,
		Options: b.Options.or(), Extra: extras(b.Extra),
	}
	if b.Tags != nil {
		d.Tags = *b.Tags
	}
	d, err := a.core.CreateProject(ctx, d)
	return domainOut{domainOf(ctx, d)}, err
}

type domainIn struct {
	ID string `path:"domain_id"`
}

func (a *api) showDomain(ctx context.Context, in domainIn) (domainOut, error) {
	d, err := a.core.ShowDomain(ctx, auth.From(ctx), in.ID)
	return domainOut{domainOf(ctx, d)}, err
}

func (a *api) updateDomain(ctx context.Context, in struct {
	domainIn
	Domain domainFields `body:"domain"`
},
) (domainOut, error) {
	b := in.Domain
	if err := sameID("domain", in.ID, b.Extra); err != nil {
		return domainOut{}, err
	}
	d, err := a.core.UpdateDomain(ctx, in.ID, identity.ProjectChange{
		Name: b.Name, Description: text(b.Description), Enabled: b.Enabled, Tags: b.Tags, Options: b.Options.change(), Extra: extras(b.Extra),
	})
	return domainOut{domainOf(ctx, d)}, err
}

func (a *api) deleteDomain(ctx context.Context, in domainIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteDomain(ctx, in.ID)
}
