package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

func hostCommand(o *options) *cobra.Command {
	return noun(o, "host", "Hosts and what is set for them (for administrators)", hostList(o), hostSettings(o))
}

// bridgeMapping joins a host to a physical network.
type bridgeMapping struct {
	Physical string `json:"physical_network"`
	Bridge   string `json:"bridge"`
	Device   string `json:"device,omitempty"`
}

// String is a mapping as OVN writes it, with the device behind it.
func (m bridgeMapping) String() string {
	out := m.Physical + ":" + m.Bridge
	if m.Device != "" {
		out += ":" + m.Device
	}
	return out
}

// mappings reads PHYSICAL:BRIDGE[:DEVICE].
func mappings(texts []string) ([]bridgeMapping, error) {
	out := make([]bridgeMapping, 0, len(texts))
	for _, text := range texts {
		parts := strings.Split(text, ":")
		if len(parts) < 2 || len(parts) > 3 {
			return nil, fmt.Errorf("a bridge mapping is PHYSICAL_NETWORK:BRIDGE or PHYSICAL_NETWORK:BRIDGE:DEVICE, not %q", text)
		}
		m := bridgeMapping{Physical: parts[0], Bridge: parts[1]}
		if len(parts) == 3 {
			m.Device = parts[2]
		}
		out = append(out, m)
	}
	return out, nil
}

// joinedHost is how a host is to be joined to networks, and how it is.
type joinedHost struct {
	ID       string           `json:"id"`
	Name     string           `json:"name"`
	State    string           `json:"state"`
	Mappings *[]bridgeMapping `json:"bridge_mappings"`
	Encap    *string          `json:"encap_address"`
	Current  *struct {
		Mappings []bridgeMapping `json:"bridge_mappings"`
		Encap    *string         `json:"encap_address"`
		Error    *string         `json:"error"`
	} `json:"current"`
}

func mappingTexts(list []bridgeMapping) []string {
	out := make([]string, len(list))
	for i, m := range list {
		out[i] = m.String()
	}
	return out
}

func value(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// joinedColumns are what a host has.
func joinedColumns() []column[joinedHost] {
	current := func(of func(joinedHost) any) func(joinedHost) any {
		return func(h joinedHost) any {
			if h.Current == nil {
				return nil
			}
			return of(h)
		}
	}
	return []column[joinedHost]{
		{"id", func(h joinedHost) any { return h.ID }},
		{"name", func(h joinedHost) any { return h.Name }},
		{"bridge_mappings", current(func(h joinedHost) any { return mappingTexts(h.Current.Mappings) })},
		{"encap_address", current(func(h joinedHost) any { return value(h.Current.Encap) })},
		{"settings", func(h joinedHost) any { return h.State }},
		{"error", current(func(h joinedHost) any { return value(h.Current.Error) })},
	}
}

const hostSettingsPath = "settings/network/hosts"

func hostList(o *options) *cobra.Command {
	return verb(o, "list", "List hosts, and how they are joined to networks", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		own, err := s.own()
		if err != nil {
			return err
		}
		var out struct{ Hosts []joinedHost }
		if err := call(ctx, own, http.MethodGet, hostSettingsPath, nil, &out); err != nil {
			return err
		}
		return list(s, out.Hosts, joinedColumns())
	})
}

func hostSettings(o *options) *cobra.Command {
	var maps, reset []string
	var encap string
	var c *cobra.Command
	c = verb(o, "settings HOST", "Show or change how a host is joined to networks", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		changes := map[string]any{}
		if c.Flags().Changed("bridge-mappings") {
			all, err := mappings(maps)
			if err != nil {
				return err
			}
			changes["bridge_mappings"] = all
		}
		if c.Flags().Changed("encap-address") {
			changes["encap_address"] = encap
		}
		for _, name := range reset {
			changes[field(name)] = nil
		}
		compute, err := s.compute()
		if err != nil {
			return err
		}
		own, err := s.own()
		if err != nil {
			return err
		}
		host, err := findHost(ctx, compute, args[0])
		if err != nil {
			return err
		}
		var out struct{ Host joinedHost }
		path := hostSettingsPath + "/" + host.ID
		if len(changes) == 0 {
			err = call(ctx, own, http.MethodGet, path, nil, &out)
		} else {
			err = call(ctx, own, http.MethodPut, path, map[string]any{"host": changes}, &out)
		}
		if err != nil {
			return err
		}
		return show(s, out.Host, append([]column[joinedHost]{
			{"set_bridge_mappings", func(h joinedHost) any {
				if h.Mappings == nil {
					return nil
				}
				return mappingTexts(*h.Mappings)
			}},
			{"set_encap_address", func(h joinedHost) any { return value(h.Encap) }},
		}, joinedColumns()...))
	})
	c.Flags().StringSliceVar(&maps, "bridge-mappings", nil, "all that the host is to have, as PHYSICAL_NETWORK:BRIDGE[:DEVICE], separated by commas: the bridge is made where it is missing, and the device put into it")
	c.Flags().StringVar(&encap, "encap-address", "", "the IPv4 address of the host for tunnels")
	c.Flags().StringSliceVar(&reset, "reset", nil, "bridge-mappings or encap-address: back to what the flags of the host's agent say")
	return c
}
