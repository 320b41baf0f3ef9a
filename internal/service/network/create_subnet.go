package network

import (
	"context"
	"net/netip"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
)

// NewSubnet is what a subnet is made of.
type NewSubnet struct {
	NetworkID, ProjectID, Name, Description string
	IPVersion                               int // 4 or 6
	CIDR                                    netip.Prefix
	Gateway                                 *netip.Addr // nil: the first address; an invalid one: none
	DHCP                                    *bool
	Pools                                   []Range // nil: everything but the gateway
	DNSServers                              []netip.Addr
	Routes                                  []Route
	RAMode, AddressMode                     string
	PoolID                                  string // the subnet pool of which the CIDR is cut; it may then be left out
	UseDefaultPool                          bool   // cut it of the default pool
	PrefixLength                            *int   // nil: the pool's default
	ServiceTypes                            []string
}

// mostDNSServers and mostRoutes are Neutron's limits.
const (
	mostDNSServers = 5
	mostRoutes     = 20
)

// CreateSubnet makes a subnet of a network of the caller's.
func (s *Service) CreateSubnet(ctx context.Context, c *auth.Caller, in NewSubnet) (Subnet, error) {
	return tx(ctx, s, func(ctx context.Context) (Subnet, error) {
		n, err := s.ownNetwork(ctx, c, in.NetworkID, "create_subnet")
		if err != nil {
			return Subnet{}, err
		}
		if in.ProjectID == "" {
			in.ProjectID = n.ProjectID
		}
		projectID, err := project(c, in.ProjectID)
		if err != nil {
			return Subnet{}, err
		}
		others, err := s.store.Subnets(ctx, db.Everywhere(), By("network_id", n.ID))
		if err != nil {
			return Subnet{}, err
		}
		if err := s.fromPool(ctx, c, &in, projectID, others); err != nil {
			return Subnet{}, err
		}
		sub, err := newSubnet(in, projectID)
		if err != nil {
			return sub, err
		}
		if err := s.room(ctx, "subnet", projectID, 1); err != nil {
			return sub, err
		}
		for _, o := range others {
			if o.CIDR.Overlaps(sub.CIDR) {
				return sub, invalid("cidr", "Requested subnet with cidr: %s for network: %s overlaps with another subnet: %s has %s.",
					sub.CIDR, n.ID, o.ID, o.CIDR)
			}
		}
		if err := s.store.AddSubnet(ctx, sub); err != nil {
			return sub, err
		}
		units, err := s.metadata(ctx, n, append(others, sub))
		if err != nil {
			return sub, err
		}
		return sub, s.note(ctx, "subnet", sub.ID, sub.ProjectID, "created", append(units, Unit{KindNetwork, n.ID})...)
	})
}

func newSubnet(in NewSubnet, projectID string) (Subnet, error) {
	sub := Subnet{
		ID: uuid.NewString(), NetworkID: in.NetworkID, ProjectID: projectID, Name: in.Name, Description: in.Description,
		CIDR: in.CIDR, DHCP: or(in.DHCP, true), Pools: in.Pools, DNSServers: in.DNSServers, Routes: in.Routes,
		RAMode: in.RAMode, AddressMode: in.AddressMode, PoolID: in.PoolID, ServiceTypes: in.ServiceTypes, Stamp: born(),
	}
	if err := checkCIDR(in.CIDR, in.IPVersion); err != nil {
		return sub, err
	}
	if in.Gateway != nil {
		sub.Gateway = *in.Gateway
	} else if first := sub.CIDR.Addr(); first.BitLen()-sub.CIDR.Bits() > 1 {
		sub.Gateway = first.Next()
	}
	if err := checkGateway(sub); err != nil {
		return sub, err
	}
	if in.Pools == nil {
		sub.Pools = defaultPools(sub.CIDR, sub.Gateway)
	} else if err := checkPools(sub.CIDR, sub.Gateway, sub.Pools); err != nil {
		return sub, err
	}
	return sub, checkSubnet(sub)
}

func checkCIDR(p netip.Prefix, version int) error {
	switch {
	case !p.IsValid():
		return invalid("cidr", "Invalid input for cidr: a subnet needs a cidr such as 10.0.0.0/24")
	case p.Addr().Is4() != (version == 4):
		return invalid("cidr", "cidr %s does not match the ip_version %d", p, version)
	case p.Masked() != p:
		return invalid("cidr", "Invalid input for cidr: %s is not a network: did you mean %s?", p, p.Masked())
	case p.Bits() == 0:
		return invalid("cidr", "Invalid input for cidr: a prefix length of 0 covers every address there is")
	case p.Addr().IsMulticast() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() && p.Addr().Is4():
		return invalid("cidr", "Invalid input for cidr: %s is reserved for multicast, loopback or link-local addresses", p)
	case p.Addr().Is4In6():
		return invalid("cidr", "Invalid input for cidr: %s is an IPv4 network in IPv6 notation", p)
	}
	return nil
}

func checkGateway(sub Subnet) error {
	g := sub.Gateway
	switch {
	case !g.IsValid():
		return nil
	case g.Is4() != sub.CIDR.Addr().Is4():
		return invalid("gateway_ip", "gateway_ip %s is not of the subnet's ip_version", g)
	case sub.V6() && g.IsLinkLocalUnicast():
		return nil
	case !host(sub.CIDR, g):
		return invalid("gateway_ip", "Gateway is not valid on subnet: %s is not the address of a device in %s", g, sub.CIDR)
	}
	return nil
}

// checkSubnet checks what may change of a subnet too.
func checkSubnet(sub Subnet) error {
	if len(sub.DNSServers) > mostDNSServers {
		return fieldExhausted("dns_nameservers", "DNSNameServersExhausted", len(sub.DNSServers), mostDNSServers)
	}
	if len(sub.Routes) > mostRoutes {
		return fieldExhausted("host_routes", "HostRoutesExhausted", len(sub.Routes), mostRoutes)
	}
	if err := checkServiceTypes(sub.ServiceTypes); err != nil {
		return err
	}
	if err := checkRoutes("host_routes", sub.Routes); err != nil {
		return err
	}
	for _, r := range sub.Routes {
		if r.NextHop.Is4() == sub.V6() {
			return invalid("host_routes", "the route to %s is not of the subnet's ip_version", r.Destination)
		}
	}
	if sub.RAMode == "" && sub.AddressMode == "" {
		return nil
	}
	if !sub.V6() {
		return invalid("ipv6_address_mode", "ipv6_ra_mode and ipv6_address_mode are for subnets with ip_version 6")
	}
	if !sub.DHCP {
		return invalid("enable_dhcp", "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False.")
	}
	for _, m := range []string{sub.RAMode, sub.AddressMode} {
		switch m {
		case "", SLAAC, DHCPv6Stateful, DHCPv6Stateless:
		default:
			return invalid("ipv6_address_mode", "%q is not one of slaac, dhcpv6-stateful, dhcpv6-stateless", m)
		}
	}
	if sub.RAMode != "" && sub.AddressMode != "" && sub.RAMode != sub.AddressMode {
		return invalid("ipv6_ra_mode", "ipv6_ra_mode set to '%s' with ipv6_address_mode set to '%s' is not valid. If both attributes are set, they must be the same value",
			sub.RAMode, sub.AddressMode)
	}
	if sub.Auto() && sub.CIDR.Bits() != 64 {
		return invalid("cidr", "Invalid CIDR %s for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64", sub.CIDR)
	}
	return nil
}

func fieldExhausted(field, code string, n, most int) error {
	return invalid(field, "Unable to complete operation: %d %s are more than the limit of %d (%s)", n, field, most, code)
}
