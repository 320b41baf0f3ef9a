package api

import (
	"context"
	"math/big"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

type subnetAvailabilityOut struct {
	ID        string   `json:"subnet_id"`
	Name      string   `json:"subnet_name"`
	CIDR      string   `json:"cidr"`
	IPVersion int      `json:"ip_version"`
	Total     *big.Int `json:"total_ips"`
	Used      int      `json:"used_ips"`
}

type availabilityOut struct {
	ID        string                  `json:"network_id"`
	Name      string                  `json:"network_name"`
	TenantID  string                  `json:"tenant_id"`
	ProjectID string                  `json:"project_id"`
	Total     *big.Int                `json:"total_ips"`
	Used      int                     `json:"used_ips"`
	Subnets   []subnetAvailabilityOut `json:"subnet_ip_availability"`
}

type availabilitiesOut struct {
	Networks []availabilityOut `json:"network_ip_availabilities"`
	Links    []link            `json:"network_ip_availabilities_links,omitempty"`
}

type availabilityShow struct {
	Network availabilityOut `json:"network_ip_availability"`
}

func (a *api) availabilities() []rest.Route {
	policy := auth.P("get_network_ip_availability", auth.AdminOnly)
	return []rest.Route{
		{Method: "GET", Path: "/v2.0/network-ip-availabilities", Policy: policy, Doc: "Tells how many addresses networks have, and how many are used.", Do: rest.Do(a.listAvailabilities)},
		{Method: "GET", Path: "/v2.0/network-ip-availabilities/{id}", Policy: policy, Doc: "Tells how many addresses a network has, and how many are used.", Do: rest.Do(a.showAvailability)},
	}
}

func newAvailabilityOut(n network.NetworkAvailability) availabilityOut {
	out := availabilityOut{
		ID: n.Network.ID, Name: n.Network.Name, TenantID: n.Network.ProjectID, ProjectID: n.Network.ProjectID, Total: n.Total, Used: n.Used,
	}
	for _, s := range n.Subnets {
		one := subnetAvailabilityOut{ID: s.Subnet.ID, Name: s.Subnet.Name, CIDR: s.Subnet.CIDR.String(), IPVersion: 4, Total: s.Total, Used: s.Used}
		if s.Subnet.V6() {
			one.IPVersion = 6
		}
		out.Subnets = append(out.Subnets, one)
	}
	return out
}

func (a *api) listAvailabilities(ctx context.Context, in listIn) (availabilitiesOut, error) {
	var out availabilitiesOut
	version := 0
	if v, ok := in.Filters["ip_version"]; ok {
		switch v[0] {
		case "4":
			version = 4
		case "6":
			version = 6
		default:
			return out, fault.Invalidf("ip_version", "Invalid input for ip_version. Reason: '%s' is not in [4, 6].", v[0]).WithCode("InvalidInput")
		}
		delete(in.Filters, "ip_version")
	}
	q, err := in.query(map[string]string{"network_id": "id", "network_name": "name"})
	if err != nil {
		return out, err
	}
	list, err := a.core.Availability(ctx, auth.From(ctx), q, version)
	if err != nil {
		return out, err
	}
	for _, n := range list {
		out.Networks = append(out.Networks, newAvailabilityOut(n))
	}
	out.Links = pages(ctx, in.List, q.Page, len(list), func(i int) string { return list[i].Network.ID })
	return out, nil
}

func (a *api) showAvailability(ctx context.Context, in byID) (availabilityShow, error) {
	list, err := a.core.Availability(ctx, auth.From(ctx), network.ByID(in.ID), 0)
	if err != nil {
		return availabilityShow{}, err
	}
	if len(list) == 0 {
		return availabilityShow{}, fault.New(fault.NotFound, "Network %s could not be found.", in.ID).WithCode("NetworkNotFound")
	}
	return availabilityShow{newAvailabilityOut(list[0])}, nil
}
