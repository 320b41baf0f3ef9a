package api

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// settings are the routes of what an operator sets.
func (a *api) settings() []rest.Route {
	const installation = "/settings/network"
	return []rest.Route{
		{Method: "GET", Path: installation, Policy: auth.P("aloft:settings:show", auth.AdminOnly), Doc: "Shows the network's settings of the whole installation.", Do: rest.Do(a.showSettings)},
		{Method: "PUT", Path: installation, Policy: auth.P("aloft:settings:update", auth.AdminOnly), Audit: "aloft.settings.network.update", Doc: "Changes the MTU that new networks get, and the DNS servers that guests' questions go to; null takes a setting back to its default, and what is not named stays.", Do: rest.Do(a.setSettings)},
	}
}

type settingsOut struct {
	Network struct {
		UnderlayMTU   int      `json:"underlay_mtu"` // bytes
		OverlayMTU    int      `json:"overlay_mtu"`  // of new geneve and vxlan networks: what the underlay carries, less a tunnel's headers
		PhysicalMTU   int      `json:"physical_mtu"` // of new flat and vlan networks
		DNSForwarders []string `json:"dns_forwarders"`
	} `json:"network"`
}

type settingsIn struct {
	Network struct {
		UnderlayMTU   rest.Opt[int]      `json:"underlay_mtu"`
		PhysicalMTU   rest.Opt[int]      `json:"physical_mtu"`
		DNSForwarders rest.Opt[[]string] `json:"dns_forwarders"`
	} `body:"network"`
}

func settingsView(is network.Settings) settingsOut {
	var out settingsOut
	n := &out.Network
	n.UnderlayMTU, n.OverlayMTU, n.PhysicalMTU = is.UnderlayMTU, is.OverlayMTU(), is.PhysicalMTU
	for _, a := range is.DNSForwarders {
		n.DNSForwarders = append(n.DNSForwarders, a.String())
	}
	return out
}

func (a *api) showSettings(ctx context.Context, _ struct{}) (settingsOut, error) {
	is, err := a.core.Settings(ctx)
	return settingsView(is), err
}

func (a *api) setSettings(ctx context.Context, in settingsIn) (settingsOut, error) {
	b, defaults := &in.Network, network.DefaultSettings()
	forwarders := defaults.DNSForwarders
	for _, text := range b.DNSForwarders.Value {
		at, err := netip.ParseAddr(text)
		if err != nil {
			return settingsOut{}, fault.Invalidf("dns_forwarders", "dns_forwarders must be IP addresses, such as 9.9.9.9, but one is %q", text)
		}
		forwarders = append(forwarders, at)
	}
	is, err := a.core.SetSettings(ctx, func(is *network.Settings) {
		if b.UnderlayMTU.Set {
			is.UnderlayMTU = b.UnderlayMTU.Or(defaults.UnderlayMTU)
		}
		if b.PhysicalMTU.Set {
			is.PhysicalMTU = b.PhysicalMTU.Or(defaults.PhysicalMTU)
		}
		if b.DNSForwarders.Set {
			is.DNSForwarders = forwarders
		}
	})
	return settingsView(is), err
}
