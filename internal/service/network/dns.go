package network

import (
	"context"
	"net/netip"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/db"
)

// HostnameAt is what a port is called at one of its addresses: its name, or one that says the address.
func (p Port) HostnameAt(a netip.Addr) string {
	if p.DNSName != "" {
		return p.DNSName
	}
	return "host-" + strings.NewReplacer(".", "-", ":", "-").Replace(a.String())
}

// DomainIn is the domain of a port's names: its own, or else its network's. It may be empty.
func (p Port) DomainIn(networkDomain string) string {
	if p.DNSDomain != "" {
		return p.DNSDomain
	}
	return networkDomain
}

// FullName is a name with its domain, if it is not full by itself, and the dot at its end.
func FullName(name, domain string) string {
	if strings.HasSuffix(name, ".") {
		return name
	}
	if domain = strings.Trim(domain, "."); domain != "" {
		name += "." + domain
	}
	return name + "."
}

// NetworksOf are the networks of some ports, by id, whoever may see them: without their subnets.
func (s *Service) NetworksOf(ctx context.Context, ports []Port) (map[string]Network, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	q := ByID(unique(ids(ports, func(p Port) string { return p.NetworkID }))...)
	q.Bare = true
	networks, err := s.store.Networks(ctx, db.Everywhere(), q)
	out := make(map[string]Network, len(networks))
	for _, n := range networks {
		out[n.ID] = n
	}
	return out, err
}

// checkFloatingName checks that a floating IP has both a name and a domain, or neither.
func checkFloatingName(f FloatingIP) error {
	switch {
	case f.DNSDomain != "" && f.DNSName == "":
		return badFloating("dns_name", "dns_domain cannot be specified without a dns_name.")
	case f.DNSName != "" && f.DNSDomain == "":
		return badFloating("dns_domain", "dns_name cannot be specified without a dns_domain.")
	}
	return nil
}
