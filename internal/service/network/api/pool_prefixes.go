package api

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// poolPrefixes are the routes that change of what a subnet pool is made.
func (a *api) poolPrefixes() []rest.Route {
	const single = "/v2.0/subnetpools/{id}/"
	return []rest.Route{
		{
			Method: "PUT", Path: single + "add_prefixes", Policy: auth.P("add_prefixes", auth.ProjectMember),
			Audit: "network.subnetpool.add_prefixes", Doc: "Puts prefixes into a subnet pool.", Do: rest.Do(a.changePrefixes(a.core.AddPrefixes)),
		},
		{
			Method: "PUT", Path: single + "remove_prefixes", Policy: auth.P("remove_prefixes", auth.ProjectMember),
			Audit: "network.subnetpool.remove_prefixes", Doc: "Takes prefixes from a subnet pool.", Do: rest.Do(a.changePrefixes(a.core.RemovePrefixes)),
		},
		{
			Method: "PUT", Path: single + "onboard_network_subnets", Policy: auth.P("onboard_network_subnets", auth.ProjectMember),
			Audit: "network.subnetpool.onboard", Doc: "Makes the subnets of a network ones of a subnet pool.", Do: rest.Do(a.onboard),
		},
	}
}

type prefixesIn struct {
	ID       string `path:"id"`
	Prefixes any    `body:"prefixes" check:"required"`
}

type prefixesOut struct {
	Prefixes []string `json:"prefixes"`
}

func newPrefixesOut(p network.SubnetPool) prefixesOut {
	return prefixesOut{newSubnetPoolOut(p).Prefixes}
}

func (a *api) changePrefixes(change func(context.Context, *auth.Caller, string, []netip.Prefix) (network.SubnetPool, error)) func(context.Context, prefixesIn) (prefixesOut, error) {
	return func(ctx context.Context, in prefixesIn) (prefixesOut, error) {
		list, err := parsePrefixes(in.Prefixes)
		if err != nil {
			return prefixesOut{}, err
		}
		p, err := change(ctx, auth.From(ctx), in.ID, list)
		return newPrefixesOut(p), err
	}
}

func (a *api) onboard(ctx context.Context, in struct {
	ID        string `path:"id"`
	NetworkID string `body:"network_id" check:"required"`
},
) (subnetPoolShow, error) {
	p, err := a.core.Onboard(ctx, auth.From(ctx), in.ID, in.NetworkID)
	return subnetPoolShow{newSubnetPoolOut(p)}, err
}
