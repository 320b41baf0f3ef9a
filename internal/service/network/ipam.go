package network

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// WantedIP asks for an address: that of Address if it is valid, in the subnet if it is named.
type WantedIP struct {
	SubnetID string
	Address  netip.Addr
}

const (
	// guesses is how often an address is guessed before the free ones are counted.
	guesses = 4
	// countable is how many addresses a subnet may have for its free ones to be counted. Larger ones are never full.
	countable = 1 << 20
	// mostAddresses is how many addresses a port may have.
	mostAddresses = 5
)

// claim is one address to take: a given one, or any of a subnet's.
type claim struct {
	subnet  Subnet
	address netip.Addr
}

// plan says which addresses a port needs. Without a wish it is one of each IP version, and all that configure
// themselves.
func plan(p Port, subnets []Subnet, wanted []WantedIP) ([][]claim, error) {
	if wanted == nil {
		serving := servingTo(p, subnets)
		if len(serving) == 0 && len(subnets) > 0 {
			return nil, fault.Conflictf("network", p.NetworkID, "No valid service subnet for the given device owner %q: the subnets of network %s are for %s. Name a subnet, or give one no service_types.",
				p.DeviceOwner, p.NetworkID, serviceTypes(subnets)).WithCode("IpAddressGenerationFailureNoMatchingSubnet")
		}
		return planAny(p, serving), nil
	}
	if len(wanted) > mostAddresses {
		return nil, fault.Invalidf("fixed_ips", "Exceeded maximum amount of fixed ips per port: %d is more than %d.", len(wanted), mostAddresses).
			WithCode("InvalidInput")
	}
	var out [][]claim
	for _, w := range wanted {
		c, err := planOne(p, subnets, w)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// planAny groups the subnets to choose from by version: any of a group will do.
func planAny(p Port, subnets []Subnet) [][]claim {
	var v4, v6, auto []claim
	for _, s := range subnets {
		switch {
		case s.V6() && s.Auto() && !gatewayOwner(p):
			auto = append(auto, claim{subnet: s})
		case s.V6():
			v6 = append(v6, claim{subnet: s})
		default:
			v4 = append(v4, claim{subnet: s})
		}
	}
	var out [][]claim
	for _, group := range [][]claim{v4, v6} {
		if len(group) > 0 {
			out = append(out, group)
		}
	}
	for _, c := range auto {
		out = append(out, []claim{c})
	}
	return out
}

// gatewayOwner tells whether the port is a router's, whose addresses never configure themselves.
func gatewayOwner(p Port) bool {
	return p.DeviceOwner == OwnerRouterInterface || p.DeviceOwner == OwnerRouterGateway
}

func planOne(p Port, subnets []Subnet, w WantedIP) ([]claim, error) {
	var out []claim
	for _, s := range subnets {
		if w.SubnetID != "" && s.ID != w.SubnetID || w.Address.IsValid() && !s.CIDR.Contains(w.Address) {
			continue
		}
		out = append(out, claim{s, w.Address})
	}
	if len(out) > 0 {
		if a := w.Address; a.IsValid() {
			return out, checkGiven(p, out[0].subnet, a)
		}
		return out, nil
	}
	if w.SubnetID == "" {
		return nil, fault.Invalidf("fixed_ips", "IP address %s is not a valid IP for any of the subnets on network %s: they are %s.",
			w.Address, p.NetworkID, cidrs(subnets)).WithCode("InvalidIpForNetwork")
	}
	for _, s := range subnets {
		if s.ID == w.SubnetID {
			return nil, fault.Invalidf("fixed_ips", "IP address %s is not a valid IP for the specified subnet: %s has %s.",
				w.Address, s.ID, s.CIDR).WithCode("InvalidIpForSubnet")
		}
	}
	return nil, fault.Invalidf("fixed_ips", "Failed to create port on network %s, because fixed_ips included the subnet %s, which is not one of the network's.",
		p.NetworkID, w.SubnetID).WithCode("InvalidInput")
}

// checkGiven checks an address that a user has chosen.
func checkGiven(p Port, s Subnet, a netip.Addr) error {
	if !host(s.CIDR, a) {
		return fault.Invalidf("fixed_ips", "IP address %s is not a valid IP for the specified subnet: it names %s itself, not a device in it.",
			a, s.CIDR).WithCode("InvalidIpForSubnet")
	}
	if s.Auto() && !gatewayOwner(p) {
		if mac, err := hardware(p.MAC); err == nil && a == eui64(s.CIDR, mac) {
			return nil
		}
		return fault.Invalidf("fixed_ips", "IPv6 address %s cannot be directly assigned to a port on subnet %s as the subnet is configured for automatic addresses.",
			a, s.ID).WithCode("AllocationOnAutoAddressSubnet")
	}
	return nil
}

func cidrs(subnets []Subnet) string {
	var out []string
	for _, s := range subnets {
		out = append(out, s.CIDR.String())
	}
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

// allocate takes the addresses of a plan for a port. keep are those that it holds already.
func (s *Service) allocate(ctx context.Context, p *Port, wanted [][]claim) error {
	p.FixedIPs = nil
	for _, group := range wanted {
		f, err := s.allocateOne(ctx, *p, group, len(p.FixedIPs))
		if err != nil {
			return err
		}
		p.FixedIPs = append(p.FixedIPs, f)
	}
	return nil
}

// Taking is an address that a port asks for; Place is its position among the port's addresses.
type Taking struct {
	PortID, NetworkID string
	FixedIP
	Place int
}

// allocateAll takes the addresses of the plans of ports. As long as subnets have room it costs a statement or two for
// all of them: any address is guessed. What was taken, or can't be guessed, goes the long way.
func (s *Service) allocateAll(ctx context.Context, ports []Port, plans [][][]claim) error {
	var open []Taking
	at := make(map[string]int, len(ports))
	for i := range ports {
		at[ports[i].ID] = i
		ports[i].FixedIPs = make([]FixedIP, len(plans[i]))
		for place := range plans[i] {
			open = append(open, Taking{PortID: ports[i].ID, NetworkID: ports[i].NetworkID, Place: place})
		}
	}
	for range guesses {
		var guessed, hard []Taking
		for _, t := range open {
			c := plans[at[t.PortID]][t.Place][0]
			if c.address.IsValid() || c.subnet.Auto() || poolSize(c.subnet.Pools) == 0 {
				hard = append(hard, t)
				continue
			}
			t.FixedIP = FixedIP{c.subnet.ID, pick(c.subnet.Pools)}
			guessed = append(guessed, t)
		}
		if len(guessed) == 0 {
			break
		}
		got, err := s.store.TakeAddresses(ctx, guessed)
		if err != nil {
			return err
		}
		for i, t := range guessed {
			if got[i] {
				ports[at[t.PortID]].FixedIPs[t.Place] = t.FixedIP
				continue
			}
			hard = append(hard, t)
		}
		open = hard
	}
	for _, t := range open {
		p := &ports[at[t.PortID]]
		f, err := s.allocateOne(ctx, *p, plans[at[t.PortID]][t.Place], t.Place)
		if err != nil {
			return err
		}
		p.FixedIPs[t.Place] = f
	}
	return nil
}

// allocateOne takes an address from the first claim that has one left.
func (s *Service) allocateOne(ctx context.Context, p Port, group []claim, place int) (FixedIP, error) {
	for _, c := range group {
		if c.subnet.Auto() && !c.address.IsValid() && !gatewayOwner(p) {
			mac, err := hardware(p.MAC)
			if err != nil {
				return FixedIP{}, err
			}
			c.address = eui64(c.subnet.CIDR, mac)
		}
		if c.address.IsValid() {
			f := FixedIP{c.subnet.ID, c.address}
			got, err := s.store.TakeAddress(ctx, p, f, place)
			if err == nil && !got {
				err = s.inUse(ctx, p, f)
			}
			return f, err
		}
		if f, got, err := s.allocateAny(ctx, p, c.subnet, place); err != nil || got {
			return f, err
		}
	}
	return FixedIP{}, exhausted(p, group)
}

func (s *Service) inUse(ctx context.Context, p Port, f FixedIP) error {
	return fault.Conflictf("port", p.ID, "Unable to complete operation for network %s. The IP address %s is in use.",
		p.NetworkID, f.Address).WithCode("IpAddressInUse")
}

func exhausted(p Port, group []claim) error {
	var each []string
	for _, c := range group {
		each = append(each, fmt.Sprintf("all %d addresses of subnet %s (%s) are taken", poolSize(c.subnet.Pools), c.subnet.ID, c.subnet.CIDR))
	}
	return fault.Conflictf("network", p.NetworkID, "No more IP addresses available on network %s: %s. Delete ports, or add a subnet.",
		p.NetworkID, strings.Join(each, "; ")).WithCode("IpAddressGenerationFailure")
}

// allocateAny takes any address of a subnet's pools. It guesses first, which costs one statement in a subnet with room;
// when guesses fail, it counts what is free and chooses from that until nothing is.
func (s *Service) allocateAny(ctx context.Context, p Port, sub Subnet, place int) (FixedIP, bool, error) {
	size := poolSize(sub.Pools)
	if size == 0 {
		return FixedIP{}, false, nil
	}
	for range guesses {
		f := FixedIP{sub.ID, pick(sub.Pools)}
		got, err := s.store.TakeAddress(ctx, p, f, place)
		if err != nil || got {
			return f, got, err
		}
	}
	for size <= countable {
		taken, err := s.store.Taken(ctx, sub.ID)
		if err != nil {
			return FixedIP{}, false, err
		}
		left := free(sub.Pools, taken)
		if len(left) == 0 {
			return FixedIP{}, false, nil
		}
		f := FixedIP{sub.ID, left[rand.N(len(left))]}
		got, err := s.store.TakeAddress(ctx, p, f, place)
		if err != nil || got {
			return f, got, err
		}
	}
	return FixedIP{}, false, fmt.Errorf("no address of subnet %s was free in %d guesses", sub.ID, guesses)
}

// hardware parses a MAC address.
func hardware(mac string) ([6]byte, error) {
	hw, err := net.ParseMAC(mac)
	if err != nil || len(hw) != 6 {
		return [6]byte{}, fault.Invalidf("mac_address", "Invalid input for mac_address: %q is not a MAC address such as fa:16:3e:00:00:01", mac).
			WithCode("InvalidInput")
	}
	if hw[0]&1 != 0 || slices.Equal(hw, make([]byte, 6)) {
		return [6]byte{}, fault.Invalidf("mac_address", "Invalid input for mac_address: %s is not the address of a single device", mac).
			WithCode("InvalidInput")
	}
	return [6]byte(hw), nil
}

// newMAC chooses a MAC address with the prefix that OpenStack's clouds use.
func newMAC() string {
	n := rand.Uint32()
	return fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", byte(n>>16), byte(n>>8), byte(n))
}

// macText is a MAC address in the one form in which it is kept and compared.
func macText(hw [6]byte) string { return net.HardwareAddr(hw[:]).String() }
