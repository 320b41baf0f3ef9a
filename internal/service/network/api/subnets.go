package api

import (
	"context"
	"net/netip"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type poolWire struct {
	Start string `json:"start" check:"required,ip"`
	End   string `json:"end" check:"required,ip"`
}

type subnetOut struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	Description  string      `json:"description"`
	NetworkID    string      `json:"network_id"`
	IPVersion    int         `json:"ip_version"`
	CIDR         string      `json:"cidr"`
	Gateway      *string     `json:"gateway_ip"`
	DHCP         bool        `json:"enable_dhcp"`
	Pools        []poolWire  `json:"allocation_pools"`
	DNSServers   []string    `json:"dns_nameservers"`
	Routes       []routeWire `json:"host_routes"`
	RAMode       *string     `json:"ipv6_ra_mode"`
	AddressMode  *string     `json:"ipv6_address_mode"`
	SubnetPoolID *string     `json:"subnetpool_id"`
	ServiceTypes []string    `json:"service_types"`
	stampOut
}

type subnetsOut struct {
	Subnets []subnetOut `json:"subnets"`
	Links   []link      `json:"subnets_links,omitempty"`
}

type subnetShow struct {
	Subnet subnetOut `json:"subnet"`
}

type subnetIn struct {
	owner

	NetworkID   string               `json:"network_id" check:"required"`
	Name        rest.Opt[string]     `json:"name" check:"max=255"`
	Description rest.Opt[string]     `json:"description" check:"max=255"`
	IPVersion   int                  `json:"ip_version" check:"required"`
	CIDR        string               `json:"cidr"`
	Gateway     rest.Opt[string]     `json:"gateway_ip"`
	DHCP        *bool                `json:"enable_dhcp"`
	Pools       rest.Opt[[]poolWire] `json:"allocation_pools"`
	DNSServers  []string             `json:"dns_nameservers"`
	Routes      []routeWire          `json:"host_routes"`
	RAMode      *string              `json:"ipv6_ra_mode"`
	AddressMode *string              `json:"ipv6_address_mode"`
	PoolID      *string              `json:"subnetpool_id"`
	DefaultPool *bool                `json:"use_default_subnetpool"`
	Length      *int                 `json:"prefixlen"`
	Services    []string             `json:"service_types"`
}

func newSubnetOut(s network.Subnet) subnetOut {
	out := subnetOut{
		ID: s.ID, Name: s.Name, Description: s.Description, NetworkID: s.NetworkID, IPVersion: 4, CIDR: s.CIDR.String(),
		Gateway: address(s.Gateway), DHCP: s.DHCP, Routes: routesOut(s.Routes), RAMode: text(s.RAMode), AddressMode: text(s.AddressMode),
		SubnetPoolID: text(s.PoolID), ServiceTypes: s.ServiceTypes, stampOut: stamp(s.ProjectID, s.Stamp),
	}
	if s.V6() {
		out.IPVersion = 6
	}
	for _, r := range s.Pools {
		out.Pools = append(out.Pools, poolWire{r.First.String(), r.Last.String()})
	}
	for _, d := range s.DNSServers {
		out.DNSServers = append(out.DNSServers, d.String())
	}
	return out
}

func subnetNames() map[string]string {
	return map[string]string{
		"name": "name", "network_id": "network_id", "ip_version": "ip_version", "cidr": "cidr", "gateway_ip": "gateway",
		"enable_dhcp": "dhcp", "ipv6_ra_mode": "ra_mode", "ipv6_address_mode": "address_mode", "subnetpool_id": "pool_id",
	}
}

func (a *api) listSubnets(ctx context.Context, in listIn) (subnetsOut, error) {
	q, err := in.query(subnetNames())
	if err != nil {
		return subnetsOut{}, err
	}
	list, err := a.core.Subnets(ctx, auth.From(ctx), q)
	if err != nil {
		return subnetsOut{}, err
	}
	var out subnetsOut
	for _, s := range list {
		out.Subnets = append(out.Subnets, newSubnetOut(s))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].ID })
	return out, nil
}

func parsePools(list []poolWire) ([]network.Range, error) {
	out := make([]network.Range, 0, len(list))
	for _, p := range list {
		first, err := parseAddr("allocation_pools", p.Start)
		if err != nil {
			return nil, err
		}
		end, err := parseAddr("allocation_pools", p.End)
		if err != nil {
			return nil, err
		}
		out = append(out, network.Range{First: first, Last: end})
	}
	return out, nil
}

func (a *api) createSubnet(ctx context.Context, in struct {
	Subnet  *subnetIn   `body:"subnet"`
	Subnets *[]subnetIn `body:"subnets"`
},
) (made, error) {
	return create(ctx, a, "subnet", "subnets", in.Subnet, in.Subnets, a.newSubnet)
}

func (a *api) newSubnet(ctx context.Context, w subnetIn) (subnetOut, error) {
	if w.IPVersion != 4 && w.IPVersion != 6 {
		return subnetOut{}, fault.Invalidf("ip_version", "Invalid input for ip_version. Reason: '%d' is not in [4, 6].", w.IPVersion).WithCode("InvalidInput")
	}
	spec := network.NewSubnet{
		NetworkID: w.NetworkID, ProjectID: w.id(), Name: w.Name.Value, Description: w.Description.Value, IPVersion: w.IPVersion,
		DHCP: w.DHCP, RAMode: deref(w.RAMode), AddressMode: deref(w.AddressMode), PoolID: deref(w.PoolID), UseDefaultPool: deref(w.DefaultPool),
		PrefixLength: w.Length, ServiceTypes: w.Services,
	}
	var err error
	if spec.CIDR, err = parsePrefix("cidr", w.CIDR); err != nil {
		return subnetOut{}, err
	}
	if spec.Gateway, err = gateway(w.Gateway); err != nil {
		return subnetOut{}, err
	}
	if w.Pools.Set && !w.Pools.Null {
		if spec.Pools, err = parsePools(w.Pools.Value); err != nil {
			return subnetOut{}, err
		}
	}
	if spec.DNSServers, err = parseAddrs("dns_nameservers", w.DNSServers); err != nil {
		return subnetOut{}, err
	}
	if spec.Routes, err = parseRoutes("host_routes", w.Routes); err != nil {
		return subnetOut{}, err
	}
	s, err := a.core.CreateSubnet(ctx, auth.From(ctx), spec)
	return newSubnetOut(s), err
}

// gateway is nil where none is named, and invalid where it is null.
func gateway(o rest.Opt[string]) (*netip.Addr, error) {
	if !o.Set {
		return nil, nil
	}
	g, err := parseAddr("gateway_ip", o.Value)
	return &g, err
}

func (a *api) showSubnet(ctx context.Context, in byID) (subnetShow, error) {
	s, err := a.core.ShowSubnet(ctx, auth.From(ctx), in.ID)
	return subnetShow{newSubnetOut(s)}, err
}

func (a *api) changeSubnet(ctx context.Context, in struct {
	condition
	ID     string `path:"id"`
	Subnet struct {
		Name        rest.Opt[string] `json:"name" check:"max=255"`
		Description rest.Opt[string] `json:"description" check:"max=255"`
		Gateway     rest.Opt[string] `json:"gateway_ip"`
		DHCP        *bool            `json:"enable_dhcp"`
		Pools       *[]poolWire      `json:"allocation_pools"`
		DNSServers  *[]string        `json:"dns_nameservers"`
		Routes      *[]routeWire     `json:"host_routes"`
		Services    *[]string        `json:"service_types"`
	} `body:"subnet"`
},
) (subnetShow, error) {
	revision, err := in.revision()
	if err != nil {
		return subnetShow{}, err
	}
	w := in.Subnet
	change := network.SubnetChange{Revision: revision, Name: given(w.Name), Description: given(w.Description), DHCP: w.DHCP, ServiceTypes: w.Services}
	if change.Gateway, err = gateway(w.Gateway); err != nil {
		return subnetShow{}, err
	}
	if w.Pools != nil {
		pools, err := parsePools(*w.Pools)
		if err != nil {
			return subnetShow{}, err
		}
		change.Pools = &pools
	}
	if w.DNSServers != nil {
		servers, err := parseAddrs("dns_nameservers", *w.DNSServers)
		if err != nil {
			return subnetShow{}, err
		}
		change.DNSServers = &servers
	}
	if w.Routes != nil {
		routes, err := parseRoutes("host_routes", *w.Routes)
		if err != nil {
			return subnetShow{}, err
		}
		change.Routes = &routes
	}
	s, err := a.core.ChangeSubnet(ctx, auth.From(ctx), in.ID, change)
	return subnetShow{newSubnetOut(s)}, err
}

func (a *api) deleteSubnet(ctx context.Context, in deleteIn) (rest.None, error) {
	return in.with(ctx, a.core.DeleteSubnet)
}
