package api

import (
	"context"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type ruleOut struct {
	ID            string  `json:"id"`
	GroupID       string  `json:"security_group_id"`
	Description   string  `json:"description"`
	Direction     string  `json:"direction"`
	EtherType     string  `json:"ethertype"`
	Protocol      *string `json:"protocol"`
	PortMin       *int    `json:"port_range_min"`
	PortMax       *int    `json:"port_range_max"`
	RemoteGroupID *string `json:"remote_group_id"`
	RemotePrefix  *string `json:"remote_ip_prefix"`
	Normalized    *string `json:"normalized_cidr"`
	RemoteSetID   *string `json:"remote_address_group_id"`
	stampOut
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
	out := ruleOut{
		ID: r.ID, GroupID: r.GroupID, Description: r.Description, Direction: r.Direction, EtherType: "IPv4", Protocol: text(r.Protocol),
		PortMin: r.PortMin, PortMax: r.PortMax, RemoteGroupID: text(r.RemoteGroupID), RemoteSetID: text(r.AddressGroupID), stampOut: stamp(r.ProjectID, r.Stamp),
	}
	if r.V6 {
		out.EtherType = "IPv6"
	}
	if r.RemotePrefix.IsValid() {
		out.RemotePrefix = text(r.RemotePrefix.String())
		out.Normalized = out.RemotePrefix
	}
	return out
}

func (a *api) listRules(ctx context.Context, in listIn) (rulesOut, error) {
	if v, ok := in.Filters["ethertype"]; ok {
		in.Filters["v6"] = []string{"false"}
		if strings.EqualFold(v[0], "IPv6") {
			in.Filters["v6"] = []string{"true"}
		}
		delete(in.Filters, "ethertype")
	}
	q, err := in.query(map[string]string{
		"security_group_id": "group_id", "direction": "direction", "v6": "v6", "protocol": "protocol", "remote_group_id": "remote_group_id",
		"remote_ip_prefix": "remote_prefix", "port_range_min": "port_min", "port_range_max": "port_max",
		"remote_address_group_id": "address_group_id",
	})
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
