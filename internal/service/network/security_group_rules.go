package network

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// NewRule is what a rule is made of.
type NewRule struct {
	GroupID, Description string
	Direction            string
	V6                   bool
	Protocol             string // a name or a number; empty or "any": all
	PortMin, PortMax     *int
	RemoteGroupID        string
	AddressGroupID       string
	RemotePrefix         netip.Prefix
}

// ProtocolNumber is the number of an IP protocol that rules may name.
func ProtocolNumber(name string) (int, bool) {
	numbers := map[string]int{
		"ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "icmp": 1, "icmpv6": 58, "igmp": 2, "ipip": 4, "ospf": 89,
		"pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
		"ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43,
	}
	if n, ok := numbers[name]; ok {
		return n, true
	}
	n, err := strconv.Atoi(name)
	return n, err == nil && n >= 0 && n <= 255
}

// CreateRules adds rules to groups of the caller's.
func (s *Service) CreateRules(ctx context.Context, c *auth.Caller, in ...NewRule) ([]Rule, error) {
	return tx(ctx, s, func(ctx context.Context) ([]Rule, error) {
		var out []Rule
		for _, one := range in {
			r, err := s.createRule(ctx, c, one)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
		return out, nil
	})
}

func (s *Service) createRule(ctx context.Context, c *auth.Caller, in NewRule) (Rule, error) {
	g, err := s.store.Group(ctx, c.Scope(), in.GroupID)
	if err != nil {
		return Rule{}, err
	}
	if err := mine(c, g.ProjectID, "create_security_group_rule"); err != nil {
		return Rule{}, err
	}
	r := Rule{
		ID: uuid.NewString(), GroupID: g.ID, ProjectID: g.ProjectID, Description: in.Description, Direction: in.Direction, V6: in.V6,
		Protocol: strings.ToLower(in.Protocol), PortMin: in.PortMin, PortMax: in.PortMax, RemoteGroupID: in.RemoteGroupID,
		RemotePrefix: in.RemotePrefix, AddressGroupID: in.AddressGroupID, Stamp: born(),
	}
	if err := checkRule(&r); err != nil {
		return r, err
	}
	if r.RemoteGroupID != "" {
		if _, err := s.store.Group(ctx, c.Scope(), r.RemoteGroupID); err != nil {
			return r, err
		}
	}
	if r.AddressGroupID != "" {
		if _, err := s.store.AddressGroup(ctx, c.Scope(), r.AddressGroupID); err != nil {
			return r, err
		}
	}
	if err := s.room(ctx, "security_group_rule", g.ProjectID, 1); err != nil {
		return r, err
	}
	there, err := s.store.AddRules(ctx, r)
	if err != nil {
		return r, err
	}
	if len(there) > 0 {
		return r, fault.Conflictf("security group rule", there[0].ID, "Security group rule already exists. Rule id is %s.", there[0].ID).
			WithCode("SecurityGroupRuleExists")
	}
	g.touch()
	if err := s.store.ChangeGroup(ctx, g); err != nil {
		return r, err
	}
	return r, s.note(ctx, "security_group_rule", r.ID, r.ProjectID, "created", Unit{KindGroup, g.ID})
}

// checkRule checks a rule and writes it in its one form.
func checkRule(r *Rule) error {
	if r.Protocol == "any" {
		r.Protocol = ""
	}
	if _, ok := ProtocolNumber(r.Protocol); r.Protocol != "" && !ok {
		return fault.Invalidf("protocol", "Security group rule protocol %s not supported. Only names such as tcp, udp, icmp, and integer representations [0 to 255] are supported.", r.Protocol).
			WithCode("SecurityGroupRuleInvalidProtocol")
	}
	if r.V6 && r.Protocol == "icmp" {
		r.Protocol = "ipv6-icmp" // what icmp means in an IPv6 rule
	}
	if r.RemoteGroupID != "" && r.RemotePrefix.IsValid() {
		return fault.Invalidf("remote_ip_prefix", "Only remote_ip_prefix or remote_group_id may be provided, not both.").WithCode("SecurityGroupRemoteGroupAndRemoteIpPrefix")
	}
	if r.AddressGroupID != "" && (r.RemoteGroupID != "" || r.RemotePrefix.IsValid()) {
		return fault.Invalidf("remote_address_group_id", "Only one of remote_ip_prefix, remote_group_id or remote_address_group_id may be provided.").
			WithCode("SecurityGroupMultipleRemoteEntites")
	}
	if p := r.RemotePrefix; p.IsValid() {
		if p.Addr().Is6() != r.V6 {
			return fault.Invalidf("remote_ip_prefix", "Conflicting value ethertype %s for CIDR %s", etherName(r.V6), p).WithCode("SecurityGroupRuleParameterConflict")
		}
		r.RemotePrefix = p.Masked()
	}
	return checkPorts(*r)
}

func etherName(v6 bool) string {
	if v6 {
		return "IPv6"
	}
	return "IPv4"
}

// HasPorts tells whether a protocol has ports.
func HasPorts(protocol string) bool {
	switch n, _ := ProtocolNumber(protocol); n {
	case 6, 17, 33, 132, 136:
		return protocol != ""
	}
	return false
}

// checkPorts checks the ports of a rule, or the type and code of ICMP.
func checkPorts(r Rule) error {
	if r.PortMin == nil && r.PortMax == nil {
		return nil
	}
	n, _ := ProtocolNumber(r.Protocol)
	switch {
	case r.Protocol == "":
		return fault.Invalidf("protocol", "Must also specify protocol if port range is given.").WithCode("SecurityGroupProtocolRequiredWithPorts")
	case n == 1 || n == 58:
		if r.PortMin == nil {
			return fault.Invalidf("port_range_min", "ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing.", *r.PortMax).
				WithCode("SecurityGroupMissingIcmpType")
		}
		for _, v := range []struct {
			name, field string
			value       *int
		}{{"type", "port_range_min", r.PortMin}, {"code", "port_range_max", r.PortMax}} {
			if v.value != nil && (*v.value < 0 || *v.value > 255) {
				return fault.Invalidf(v.field, "Invalid value for ICMP %s (%s) %d: it is from 0 to 255.", v.name, v.field, *v.value).WithCode("SecurityGroupInvalidIcmpValue")
			}
		}
		return nil
	case !HasPorts(r.Protocol):
		return fault.Invalidf("protocol", "Port range cannot be specified for protocol %s.", r.Protocol).WithCode("SecurityGroupInvalidProtocolForPort")
	case r.PortMin == nil || r.PortMax == nil || *r.PortMin > *r.PortMax:
		return fault.Invalidf("port_range_min", "For TCP/UDP protocols, port_range_min must be <= port_range_max, and both be given.").WithCode("SecurityGroupInvalidPortRange")
	}
	for _, v := range []*int{r.PortMin, r.PortMax} {
		if *v < 0 || *v > 65535 {
			return fault.Invalidf("port_range_min", "Invalid value for port %d: ports are from 0 to 65535.", *v).WithCode("SecurityGroupInvalidPortValue")
		}
	}
	return nil
}

// DeleteRule deletes a rule.
func (s *Service) DeleteRule(ctx context.Context, c *auth.Caller, id string, revision *int64) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		r, err := s.store.Rule(ctx, c.Scope(), id)
		if err != nil {
			return err
		}
		if err := r.expect("security_group_rule", id, revision); err != nil {
			return err
		}
		if err := s.store.RemoveRule(ctx, id); err != nil {
			return err
		}
		return s.note(ctx, "security_group_rule", id, r.ProjectID, "deleted", Unit{KindGroup, r.GroupID})
	})
}
