package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) domainConfigRoutes() []rest.Route {
	const all, group, option = "/v3/domains/{domain_id}/config", "/v3/domains/{domain_id}/config/{group}", "/v3/domains/{domain_id}/config/{group}/{option}"
	const strict = "/v3/domains/{domain_id}/config/security_compliance"
	show, update, remove := "get_domain_config", "update_domain_config", "delete_domain_config"
	routes := []rest.Route{
		change(http.MethodPut, all, "Replaces the configuration of a domain.", "create_domain_config", "domain.configure", rest.Do(a.putConfig)),
		get(all, "Shows the configuration of a domain.", show, auth.Anyone, rest.Do(a.showConfig)),
		get(group, "Shows a group of the configuration of a domain.", show, auth.Anyone, rest.Do(a.showConfigGroup)),
		get(option, "Shows an option of a domain.", show, auth.Anyone, rest.Do(a.showConfigOption)),
		change(http.MethodPatch, all, "Changes the configuration of a domain.", update, "domain.configure", rest.Do(a.changeConfig)),
		change(http.MethodPatch, group, "Changes a group of the configuration of a domain.", update, "domain.configure", rest.Do(a.changeConfigGroup)),
		change(http.MethodPatch, option, "Changes an option of a domain.", update, "domain.configure", rest.Do(a.changeConfigOption)),
		change(http.MethodDelete, all, "Deletes the configuration of a domain.", remove, "domain.unconfigure", rest.Do(a.deleteConfig)),
		change(http.MethodDelete, group, "Deletes a group of the configuration of a domain.", remove, "domain.unconfigure", rest.Do(a.deleteConfigGroup)),
		change(http.MethodDelete, option, "Deletes an option of a domain.", remove, "domain.unconfigure", rest.Do(a.deleteConfigOption)),
		get(strict, "Shows the rules for passwords.", "get_security_compliance_domain_config", auth.Anyone, rest.Do(a.showCompliance)),
		get(strict+"/{option}", "Shows one of the rules for passwords.", "get_security_compliance_domain_config", auth.Anyone, rest.Do(a.showComplianceOption)),
		get("/v3/domains/config/default", "Shows what holds where a domain configures nothing.", "get_domain_config_default", auth.SystemReader,
			rest.Do(func(context.Context, struct{}) (configOut, error) { return defaultConfig("", "") })),
	}
	// The groups are written out, as "config/{group}/default" could also be a domain of the name config.
	for _, name := range identity.DomainGroups() {
		path := "/v3/domains/config/" + name
		routes = append(
			routes,
			get(path+"/default", "Shows what holds where a domain does not configure the group "+name+".", "get_domain_config_default", auth.SystemReader,
				rest.Do(func(context.Context, struct{}) (configOut, error) { return defaultConfig(name, "") })),
			get(path+"/{option}/default", "Shows what an option of the group "+name+" is where a domain does not set it.", "get_domain_config_default", auth.SystemReader,
				rest.Do(func(_ context.Context, in struct {
					Option string `path:"option"`
				},
				) (configOut, error) {
					return defaultConfig(name, in.Option)
				})),
		)
	}
	return routes
}

// The parts of the paths.
type (
	configGroupIn struct {
		domainIn
		Group string `path:"group"`
	}
	configOptionIn struct {
		configGroupIn
		Option string `path:"option"`
	}
)

// configOut is a configuration: groups of options, or one option.
type configOut struct {
	Config map[string]any `json:"config"`
}

func configOf(c identity.DomainConfig, err error) (configOut, error) {
	out := configOut{Config: map[string]any{}}
	for group, options := range c {
		out.Config[group] = options
	}
	return out, err
}

// optionOf is the one option of a configuration that holds one.
func optionOf(c identity.DomainConfig, err error) (configOut, error) {
	for _, options := range c {
		return configOut{options}, err
	}
	return configOut{}, err
}

func defaultConfig(group, option string) (configOut, error) {
	c, err := identity.DefaultDomainConfig(group, option)
	if option != "" {
		return optionOf(c, err)
	}
	return configOf(c, err)
}

func (a *api) showConfig(ctx context.Context, in domainIn) (configOut, error) {
	return configOf(a.core.ShowDomainConfig(ctx, auth.From(ctx), in.ID, "", ""))
}

func (a *api) showConfigGroup(ctx context.Context, in configGroupIn) (configOut, error) {
	return configOf(a.core.ShowDomainConfig(ctx, auth.From(ctx), in.ID, in.Group, ""))
}

func (a *api) showConfigOption(ctx context.Context, in configOptionIn) (configOut, error) {
	return optionOf(a.core.ShowDomainConfig(ctx, auth.From(ctx), in.ID, in.Group, in.Option))
}

// putOut is 201 where a domain had no configuration.
type putOut struct {
	configOut
	status int
}

// HTTPStatus is the status of the answer.
func (o putOut) HTTPStatus() int { return o.status }

func (a *api) putConfig(ctx context.Context, in struct {
	domainIn
	Config map[string]map[string]any `body:"config"`
},
) (putOut, error) {
	now, created, err := a.core.PutDomainConfig(ctx, in.ID, in.Config)
	config, err := configOf(now, err)
	if created {
		return putOut{config, http.StatusCreated}, err
	}
	return putOut{config, http.StatusOK}, err
}

func (a *api) changeConfig(ctx context.Context, in struct {
	domainIn
	Config map[string]map[string]any `body:"config"`
},
) (configOut, error) {
	return configOf(a.core.ChangeDomainConfig(ctx, in.ID, "", "", in.Config))
}

func (a *api) changeConfigGroup(ctx context.Context, in struct {
	configGroupIn
	Config map[string]map[string]any `body:"config"`
},
) (configOut, error) {
	return configOf(a.core.ChangeDomainConfig(ctx, in.ID, in.Group, "", in.Config))
}

func (a *api) changeConfigOption(ctx context.Context, in struct {
	configOptionIn
	Config map[string]any `body:"config"`
},
) (configOut, error) {
	return configOf(a.core.ChangeDomainConfig(ctx, in.ID, in.Group, in.Option, identity.DomainConfig{in.Group: in.Config}))
}

func (a *api) deleteConfig(ctx context.Context, in domainIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteDomainConfig(ctx, in.ID, "", "")
}

func (a *api) deleteConfigGroup(ctx context.Context, in configGroupIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteDomainConfig(ctx, in.ID, in.Group, "")
}

func (a *api) deleteConfigOption(ctx context.Context, in configOptionIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteDomainConfig(ctx, in.ID, in.Group, in.Option)
}

// compliance is what clients may know of the rules for passwords, which are those of the installation.
func (a *api) compliance(domainID string) (map[string]any, error) {
	if domainID != identity.DefaultDomainID {
		return nil, fault.New(fault.Forbidden, "Invalid domain specific configuration: security_compliance is the same for all domains: ask for it at the domain %s", identity.DefaultDomainID)
	}
	regex, about := a.core.PasswordRegex()
	return map[string]any{"password_regex": orNull(regex), "password_regex_description": orNull(about)}, nil
}

func (a *api) showCompliance(_ context.Context, in domainIn) (configOut, error) {
	rules, err := a.compliance(in.ID)
	return configOut{map[string]any{"security_compliance": rules}}, err
}

func (a *api) showComplianceOption(_ context.Context, in struct {
	domainIn
	Option string `path:"option"`
},
) (configOut, error) {
	rules, err := a.compliance(in.ID)
	if err != nil {
		return configOut{}, err
	}
	rule, there := rules[in.Option]
	if !there {
		return configOut{}, fault.New(fault.Forbidden, "Invalid domain specific configuration: option %s of security_compliance is not shown; password_regex and password_regex_description are", in.Option)
	}
	return configOut{map[string]any{in.Option: rule}}, nil
}
