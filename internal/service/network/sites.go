package network

import (
	"context"
	"net/netip"
)

// Site is what hosts need to know of a network besides the plugs into it.
type Site struct {
	MTU      int
	Subnets  map[string]SiteSubnet // by id
	Metadata *SiteMetadata         // nil if the network has no subnet
}

// SiteSubnet is a subnet of a site. Gateway is invalid where there is none.
type SiteSubnet struct {
	CIDR       netip.Prefix
	Gateway    netip.Addr
	DNSServers []netip.Addr
}

// SiteMetadata is the port from which every host serves the metadata of a network.
type SiteMetadata struct {
	PortID, MAC string
	Addresses   []netip.Prefix // with the lengths of their subnets
}

// SitesOf returns networks by id, as hosts need to know them, in two queries.
func (s *Service) SitesOf(ctx context.Context, networkIDs []string) (map[string]*Site, error) {
	return s.store.Sites(ctx, networkIDs)
}
