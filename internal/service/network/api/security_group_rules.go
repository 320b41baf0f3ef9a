package api

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type ruleOut struct {
	ID      string `json:"id"`
	GroupID string `json:"security_group_id"`
	matchOut
	Normalized *string `json:"normalized_cidr"`
	stampOut
}

// matchOut is what a rule, or a template of one, lets through.
type matchOut struct {
	Description   string  `json:"description"`
	Direction     string  `json:"direction"`
	EtherType     string  `json:"ethertype"`
	Protocol      *string `json:"protocol"`
	PortMin       *int    `json:"port_range_min"`
	PortMax       *int    `json:"port_range_max"`
	RemoteGroupID *string `json:"remote_group_id"`
	RemotePrefix  *string `json:"remote_ip_prefix"`
	RemoteSetID   *string `json:"remote_address_group_id"`
}

type rulesOut struct {
	Rules []ruleOut `json:"security_group_rules"`
	Links []link    `json:"security_group_rules_links,omitempty"`
}

type ruleShow struct {
	Rule ruleOut `json:"security_group_rule"`
}

type ruleIn struct {
	owner
	ruleFields

	GroupID string `json:"security_group_id" check:"required"`
}

// ruleFields are what a rule lets through.
type ruleFields struct {
	Description   rest.Opt[string] `json:"description" check:"max=255"`
	Direction     string           `json:"direction" check:"required,enum=ingress|egress"`
	EtherType     *string          `json:"ethertype"`
	Protocol      rest.Opt[any]    `json:"protocol"`
	PortMin       *int             `json:"port_range_min"`
	PortMax       *int             `json:"port_range_max"`
	RemoteGroupID *string          `json:"remote_group_id"`
	RemotePrefix  *string          `json:"remote_ip_prefix"`
	RemoteSetID   *string          `json:"remote_address_group_id"`
}

func newRuleOut(r network.Rule) ruleOut {
	match := newMatchOut(r)
	return ruleOut{ID: r.ID, GroupID: r.GroupID, matchOut: match, Normalized: match.RemotePrefix, stampOut: stamp(r.ProjectID, r.Stamp)}
}

func newMatchOut(r network.Rule) matchOut {
	out := matchOut{
		Description: r.Description, Direction: r.Direction, EtherType: "IPv4", Protocol: text(r.Protocol),
		PortMin: r.PortMin, PortMax: r.PortMax, RemoteGroupID: text(r.RemoteGroupID), RemoteSetID: text(r.AddressGroupID),
	}
	if r.V6 {
		out.EtherType = "IPv6"
	}
	if r.RemotePrefix.IsValid() {
		out.RemotePrefix = text(r.RemotePrefix.String())
	}
	return out
}

// ruleQuery reads the filters of rules and of their templates, and by those names some that only one of them has.
func (l listIn) ruleQuery(names map[string]string) (network.Query, error) {
	if v, ok := l.Filters["ethertype"]; ok {
		l.Filters["v6"] = []string{strconv.FormatBool(strings.EqualFold(v[0], "IPv6"))}
		delete(l.Filters, "ethertype")
	}
	maps.Copy(names, map[string]string{
		"direction": "direction", "v6": "v6", "protocol": "protocol", "remote_group_id": "remote_group_id", "remote_ip_prefix": "remote_prefix",
		"port_range_min": "port_min", "port_range_max": "port_max", "remote_address_group_id": "address_group_id",
	})
	return l.query(names)
}

func (a *api) listRules(ctx context.Context, in listIn) (rulesOut, error) {
	q, err := in.ruleQuery(map[string]string{"security_group_id": "group_id"})
	if err != nil {
		return rulesOut{}, err
	}
	list, err := a.core.Rules(ctx, auth.From(ctx), q)
	if err != nil {
		return rulesOut{}, err
	}
	var out rulesOut
	for _, r := range list {
		out.Rules = append(out.Rules, newRuleOut(r))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func (a *api) createRules(ctx context.Context, in struct {
	Rule  *ruleIn   `body:"security_group_rule"`
	Rules *[]ruleIn `body:"security_group_rules"`
},
) (made, error) {
	return create(ctx, a, "security_group_rule", "security_group_rules", in.Rule, in.Rules, a.newRule)
}

func (a *api) newRule(ctx context.Context, w ruleIn) (ruleOut, error) {
	spec, err := w.rule(w.GroupID)
	if err != nil {
		return ruleOut{}, err
	}
	list, err := a.core.CreateRules(ctx, auth.From(ctx), spec)
	if err != nil {
		return ruleOut{}, err
	}
	return newRuleOut(list[0]), nil
}

// rule reads a rule of a request. Protocols are names or numbers.
func (w ruleFields) rule(groupID string) (network.NewRule, error) {
	out := network.NewRule{
		GroupID: groupID, Description: w.Description.Value, Direction: w.Direction, PortMin: w.PortMin, PortMax: w.PortMax,
		RemoteGroupID: deref(w.RemoteGroupID), AddressGroupID: deref(w.RemoteSetID),
	}
	if w.Protocol.Set && !w.Protocol.Null {
		switch p := w.Protocol.Value.(type) {
		case string:
			out.Protocol = p
		case int64:
			out.Protocol = strconv.FormatInt(p, 10)
		default:
			return out, fault.Invalidf("protocol", "Invalid input for protocol: it is a name such as tcp, or a number").WithCode("InvalidInput")
		}
	}
	switch ether := deref(w.EtherType); {
	case ether == "" || strings.EqualFold(ether, "IPv4"):
	case strings.EqualFold(ether, "IPv6"):
		out.V6 = true
	default:
		return out, fault.Invalidf("ethertype", "Security group rule for ethertype '%s' not supported. Allowed values are ['IPv4', 'IPv6'].", ether).
			WithCode("SecurityGroupRuleInvalidEtherType")
	}
	var err error
	out.RemotePrefix, err = parsePrefix("remote_ip_prefix", deref(w.RemotePrefix))
	return out, err
}

func (a *api) showRule(ctx context.Context, in byID) (ruleShow, error) {
	r, err := a.core.ShowRule(ctx, auth.From(ctx), in.ID)
	return ruleShow{newRuleOut(r)}, err
}

func (a *api) deleteRule(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteRule)
}
