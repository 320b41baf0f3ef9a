package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/spf13/cobra"
)

func ruleColumns() []column[rules.SecGroupRule] {
	return []column[rules.SecGroupRule]{
		{"id", func(r rules.SecGroupRule) any { return r.ID }},
		{"direction", func(r rules.SecGroupRule) any { return r.Direction }},
		{"ethertype", func(r rules.SecGroupRule) any { return r.EtherType }},
		{"protocol", func(r rules.SecGroupRule) any { return r.Protocol }},
		{"ports", func(r rules.SecGroupRule) any { return portRange(r) }},
		{"remote", func(r rules.SecGroupRule) any { return r.RemoteIPPrefix + r.RemoteGroupID }}, // at most one is set
	}
}

func portRange(r rules.SecGroupRule) string {
	switch {
	case r.PortRangeMin == 0 && r.PortRangeMax == 0:
		return ""
	case r.PortRangeMin == r.PortRangeMax:
		return strconv.Itoa(r.PortRangeMin)
	}
	return fmt.Sprintf("%d-%d", r.PortRangeMin, r.PortRangeMax)
}

func ruleAdd(o *options) *cobra.Command {
	var opts rules.CreateOpts
	var protocol, portsText, remoteGroup string
	var out, v6 bool
	c := verb(o, "add GROUP", "Let something in (or out)", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		g, err := findSecurityGroup(ctx, c, args[0])
		if err != nil {
			return err
		}
		opts.SecGroupID, opts.Protocol = g.ID, rules.RuleProtocol(protocol)
		opts.Direction, opts.EtherType = rules.DirIngress, rules.EtherType4
		if out {
			opts.Direction = rules.DirEgress
		}
		if v6 || strings.Contains(opts.RemoteIPPrefix, ":") {
			opts.EtherType = rules.EtherType6
		}
		if opts.PortRangeMin, opts.PortRangeMax, err = parsePorts(portsText); err != nil {
			return err
		}
		if remoteGroup != "" {
			r, err := findSecurityGroup(ctx, c, remoteGroup)
			if err != nil {
				return err
			}
			opts.RemoteGroupID = r.ID
		}
		made, err := rules.Create(ctx, c, opts).Extract()
		if err != nil {
			return err
		}
		return show(s, *made, ruleColumns())
	})
	f := c.Flags()
	f.StringVar(&protocol, "protocol", "", "tcp, udp, icmp, ... (default: any)")
	f.StringVar(&portsText, "port", "", "a port or a range of them, e.g. 22 or 8000-8999 (default: any)")
	f.StringVar(&opts.RemoteIPPrefix, "remote-ip", "", "from where, e.g. 192.0.2.0/24 (default: anywhere)")
	f.StringVar(&remoteGroup, "remote-group", "", "from the servers of this security group")
	f.BoolVar(&out, "out", false, "what the servers may reach, in place of what may reach them")
	f.BoolVar(&v6, "ipv6", false, "for IPv6")
	f.StringVar(&opts.Description, "description", "", "a description")
	c.MarkFlagsMutuallyExclusive("remote-ip", "remote-group")
	return c
}

func parsePorts(text string) (first, last int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	first, err = strconv.Atoi(low)
	if err == nil {
		last, err = strconv.Atoi(high)
	}
	if err != nil || first < 1 || last > 65535 || first > last {
		return 0, 0, fmt.Errorf("--port is a number from 1 to 65535 or a range like 8000-8999, not %q", text)
	}
	return first, last, nil
}

func ruleRemove(o *options) *cobra.Command {
	return verb(o, "remove RULE-ID...", "Remove rules", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.network()
		if err != nil {
			return err
		}
		return each(args, func(id string) error { return rules.Delete(ctx, c, id).ExtractErr() })
	})
}
