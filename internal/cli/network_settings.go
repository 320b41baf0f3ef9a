package cli

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// networkSettingsBody are the network's settings of an installation.
type networkSettingsBody struct {
	Network struct {
		UnderlayMTU   int      `json:"underlay_mtu"`
		OverlayMTU    int      `json:"overlay_mtu"`
		PhysicalMTU   int      `json:"physical_mtu"`
		DNSForwarders []string `json:"dns_forwarders"`
	} `json:"network"`
}

// field is a setting as the API calls it, from its flag's name.
func field(name string) string { return strings.ReplaceAll(name, "-", "_") }

func networkSettings(o *options) *cobra.Command {
	var underlay, physical int
	var forwarders, reset []string
	var c *cobra.Command
	c = verb(o, "settings", "Show or change the network's settings of the whole installation (for administrators)", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		changes := map[string]any{}
		for _, f := range []struct {
			flag, field string
			value       any
		}{{"underlay-mtu", "underlay_mtu", underlay}, {"physical-mtu", "physical_mtu", physical}, {"dns-forwarders", "dns_forwarders", forwarders}} {
			if c.Flags().Changed(f.flag) {
				changes[f.field] = f.value
			}
		}
		for _, name := range reset {
			changes[field(name)] = nil
		}
		own, err := s.own()
		if err != nil {
			return err
		}
		var out networkSettingsBody
		const path = "settings/network"
		if len(changes) == 0 {
			err = call(ctx, own, http.MethodGet, path, nil, &out)
		} else {
			err = call(ctx, own, http.MethodPut, path, map[string]any{"network": changes}, &out)
		}
		if err != nil {
			return err
		}
		return show(s, out, []column[networkSettingsBody]{
			{"underlay_mtu", func(b networkSettingsBody) any { return b.Network.UnderlayMTU }},
			{"overlay_mtu", func(b networkSettingsBody) any { return b.Network.OverlayMTU }},
			{"physical_mtu", func(b networkSettingsBody) any { return b.Network.PhysicalMTU }},
			{"dns_forwarders", func(b networkSettingsBody) any { return b.Network.DNSForwarders }},
		})
	})
	c.Flags().IntVar(&underlay, "underlay-mtu", 0, "bytes that the network between the hosts carries; new overlay networks get what tunnels leave of it")
	c.Flags().IntVar(&physical, "physical-mtu", 0, "bytes that new flat and vlan networks carry")
	c.Flags().StringSliceVar(&forwarders, "dns-forwarders", nil, "addresses of the DNS servers that guests' questions go to, separated by commas")
	c.Flags().StringSliceVar(&reset, "reset", nil, "settings to take back to their defaults, such as dns-forwarders: the resolvers of each host")
	return c
}
