package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// ShowDomainConfig reads the configuration of a domain: all of it, a group, or one option.
func (s *Service) ShowDomainConfig(ctx context.Context, c *auth.Caller, domainID, group, option string) (DomainConfig, error) {
	if !readsAll(c) {
		return nil, refused("identity:get_domain_config")
	}
	if _, err := s.domain(ctx, domainID); err != nil {
		return nil, err
	}
	if group != "" {
		if err := checkOption(group, option); err != nil {
			return nil, err
		}
	}
	all, err := s.domainConfig(ctx, domainID)
	if err != nil {
		return nil, err
	}
	return pick(all, domainID, group, option)
}

// pick takes a group or an option out of a configuration; NotFound where it isn't there.
func pick(all DomainConfig, domainID, group, option string) (DomainConfig, error) {
	missing := func(what string) error {
		return fault.New(fault.NotFound, "Could not find %s in domain configuration for domain %s", what, domainID)
	}
	switch {
	case len(all) == 0:
		return nil, fault.New(fault.NotFound, "Could not find any configuration for domain %s", domainID)
	case group == "":
		return all, nil
	case all[group] == nil:
		return nil, missing("group " + group)
	case option == "":
		return DomainConfig{group: all[group]}, nil
	}
	value, there := all[group][option]
	if !there {
		return nil, missing("option " + option + " in group " + group)
	}
	return DomainConfig{group: {option: value}}, nil
}

// domainConfig reads all options that may be read.
func (s *Service) domainConfig(ctx context.Context, domainID string) (DomainConfig, error) {
	stored, err := s.store.Configs.DomainOptions(ctx, domainID)
	if err != nil {
		return nil, err
	}
	all := DomainConfig{}
	for _, o := range stored {
		if all[o.Group] == nil {
			all[o.Group] = map[string]any{}
		}
		if sensitive(o.Group, o.Name) {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(o.Value), &value); err != nil {
			return nil, fmt.Errorf("reading option %s of domain %s: %w", o.Name, domainID, err)
		}
		all[o.Group][o.Name] = value
	}
	return all, nil
}

// PutDomainConfig replaces the configuration of a domain, and tells whether there was none.
func (s *Service) PutDomainConfig(ctx context.Context, domainID string, config DomainConfig) (now DomainConfig, created bool, err error) {
	if err := checkConfig(config); err != nil {
		return nil, false, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.domain(ctx, domainID); err != nil {
			return err
		}
		before, err := s.store.Configs.DeleteDomainOptions(ctx, domainID, "", "")
		if err != nil {
			return err
		}
		created = before == 0
		now, err = s.writeConfig(ctx, domainID, config)
		return err
	})
	return now, created, err
}

// ChangeDomainConfig changes options of a domain: any, those of a group that it has, or one option that it has. It
// returns the whole configuration.
func (s *Service) ChangeDomainConfig(ctx context.Context, domainID, group, option string, config DomainConfig) (now DomainConfig, err error) {
	if err := checkConfig(config); err != nil {
		return nil, err
	}
	if err := onlyOf(config, group, option); err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.domain(ctx, domainID); err != nil {
			return err
		}
		if group != "" {
			if err := s.configured(ctx, domainID, group, option); err != nil {
				return err
			}
		}
		now, err = s.writeConfig(ctx, domainID, config)
		return err
	})
	return now, err
}

// onlyOf refuses a body that speaks of more than its path does.
func onlyOf(config DomainConfig, group, option string) error {
	if group == "" {
		return nil
	}
	for g, options := range config {
		if g != group {
			return fault.New(fault.Forbidden, "Invalid domain specific configuration: the path is about group %s and the body about group %s", group, g)
		}
		for o := range options {
			if option != "" && o != option {
				return fault.New(fault.Forbidden, "Invalid domain specific configuration: the path is about option %s and the body about option %s", option, o)
			}
		}
	}
	return nil
}

// configured is NotFound unless a domain has the group or the option, readable or not.
func (s *Service) configured(ctx context.Context, domainID, group, option string) error {
	stored, err := s.store.Configs.DomainOptions(ctx, domainID)
	if err != nil {
		return err
	}
	all := DomainConfig{}
	for _, o := range stored {
		if all[o.Group] == nil {
			all[o.Group] = map[string]any{}
		}
		all[o.Group][o.Name] = true
	}
	_, err = pick(all, domainID, group, option)
	return err
}

// writeConfig adds options or replaces them, and returns all that there are then.
func (s *Service) writeConfig(ctx context.Context, domainID string, config DomainConfig) (DomainConfig, error) {
	var options []DomainOption
	for group, values := range config {
		for name, value := range values {
			raw, err := json.Marshal(value)
			if err != nil {
				return nil, fmt.Errorf("encoding option %s: %w", name, err)
			}
			o := DomainOption{Group: group, Name: name, Value: string(raw)}
			if sensitive(group, name) {
				o.Value = s.sealOption(domainID, o)
			}
			options = append(options, o)
		}
	}
	if err := s.store.Configs.PutDomainOptions(ctx, domainID, options); err != nil {
		return nil, err
	}
	if err := s.tell(ctx, "domain", "configured", domainID, "", about{DomainID: domainID, By: by(ctx)}); err != nil {
		return nil, err
	}
	return s.domainConfig(ctx, domainID)
}

// sealOption encrypts a sensitive option, bound to where it belongs.
func (s *Service) sealOption(domainID string, o DomainOption) string {
	nonce := make([]byte, s.keys.master.NonceSize())
	_, _ = rand.Read(nonce) // never fails (its documentation)
	place := domainID + "/" + o.Group + "/" + o.Name
	return base64.RawStdEncoding.EncodeToString(s.keys.master.Seal(nonce, nonce, []byte(o.Value), []byte(place)))
}

// DeleteDomainConfig removes the configuration of a domain, a group of it or one option.
func (s *Service) DeleteDomainConfig(ctx context.Context, domainID, group, option string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.domain(ctx, domainID); err != nil {
			return err
		}
		if group != "" {
			if err := checkOption(group, option); err != nil {
				return err
			}
			if err := s.configured(ctx, domainID, group, option); err != nil {
				return err
			}
		}
		if _, err := s.store.Configs.DeleteDomainOptions(ctx, domainID, group, option); err != nil {
			return err
		}
		return s.tell(ctx, "domain", "configured", domainID, "", about{DomainID: domainID, By: by(ctx)})
	})
}

// PasswordRegex is the regular expression that passwords must match, and what it says in words; both may be empty. Of
// several it makes one, by looking ahead for each.
func (s *Service) PasswordRegex() (regex, about string) {
	rules := s.guard.Password
	if len(rules.Patterns) == 1 {
		return rules.Patterns[0], rules.Description
	}
	for _, p := range rules.Patterns {
		regex += "(?=.*(?:" + p + "))"
	}
	return regex, rules.Description
}
