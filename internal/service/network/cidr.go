package network

import (
	"cmp"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// last is the highest address of a prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// plus is the address n after another; it must exist.
func plus(a netip.Addr, n uint64) netip.Addr {
	sum := new(big.Int).Add(new(big.Int).SetBytes(a.AsSlice()), new(big.Int).SetUint64(n))
	out, _ := netip.AddrFromSlice(sum.FillBytes(make([]byte, a.BitLen()/8)))
	return out
}

// size is how many addresses a range has, at most 2⁶⁴-1.
func (r Range) size() uint64 {
	d := new(big.Int).Sub(new(big.Int).SetBytes(r.Last.AsSlice()), new(big.Int).SetBytes(r.First.AsSlice()))
	if !d.IsUint64() || d.Uint64() == math.MaxUint64 {
		return math.MaxUint64
	}
	return d.Uint64() + 1
}

func (r Range) contains(a netip.Addr) bool {
	return r.First.Compare(a) <= 0 && a.Compare(r.Last) <= 0
}

// poolSize is how many addresses may be chosen from some ranges, at most 2⁶⁴-1.
func poolSize(pools []Range) uint64 {
	var sum uint64
	for _, r := range pools {
		n := r.size()
		if n > math.MaxUint64-sum {
			return math.MaxUint64
		}
		sum += n
	}
	return sum
}

// pick chooses one of all addresses of some ranges, each as likely as the others.
func pick(pools []Range) netip.Addr {
	n := rand.N(poolSize(pools))
	for _, r := range pools {
		if n < r.size() {
			return plus(r.First, n)
		}
		n -= r.size()
	}
	return pools[len(pools)-1].Last
}

// free are the addresses of some ranges that are not taken. The ranges must be small enough to be counted.
func free(pools []Range, taken map[netip.Addr]bool) []netip.Addr {
	var out []netip.Addr
	for _, r := range pools {
		for a := r.First; a.IsValid() && a.Compare(r.Last) <= 0; a = a.Next() {
			if !taken[a] {
				out = append(out, a)
			}
		}
	}
	return out
}

// host tells whether an address can be that of a device in a subnet: neither the network's own nor, in IPv4, the
// broadcast address, unless the subnet is too small to have them (RFC 3021).
func host(p netip.Prefix, a netip.Addr) bool {
	if !p.Contains(a) {
		return false
	}
	if a.BitLen()-p.Bits() <= 1 {
		return true
	}
	return a != p.Masked().Addr() && (a.Is6() || a != last(p))
}

// defaultPools are all addresses for devices, without the gateway.
func defaultPools(p netip.Prefix, gateway netip.Addr) []Range {
	all := Range{p.Masked().Addr(), last(p)}
	if p.Addr().BitLen()-p.Bits() > 1 {
		all.First = all.First.Next()
		if p.Addr().Is4() {
			all.Last = all.Last.Prev()
		}
	}
	if !gateway.IsValid() || !all.contains(gateway) {
		return []Range{all}
	}
	var out []Range
	if all.First.Less(gateway) {
		out = append(out, Range{all.First, gateway.Prev()})
	}
	if gateway.Less(all.Last) {
		out = append(out, Range{gateway.Next(), all.Last})
	}
	return out
}

// checkPools checks pools that a user has given, and sorts them.
func checkPools(p netip.Prefix, gateway netip.Addr, pools []Range) error {
	slices.SortFunc(pools, func(a, b Range) int { return cmp.Or(a.First.Compare(b.First), a.Last.Compare(b.Last)) })
	for i, r := range pools {
		switch {
		case r.First.Is4() != p.Addr().Is4() || r.Last.Is4() != p.Addr().Is4() || r.Last.Less(r.First):
			return fault.Invalidf("allocation_pools", "The allocation pool %s-%s is not valid: start and end must be addresses of the subnet, the start first.",
				r.First, r.Last).WithCode("InvalidAllocationPool")
		case !host(p, r.First) || !host(p, r.Last):
			return fault.Invalidf("allocation_pools", "The allocation pool %s-%s spans beyond the subnet cidr %s.",
				r.First, r.Last, p).WithCode("OutOfBoundsAllocationPool")
		case i > 0 && !pools[i-1].Last.Less(r.First):
			return fault.Conflictf("subnet", "", "Found overlapping allocation pools: %s-%s and %s-%s for subnet %s.",
				pools[i-1].First, pools[i-1].Last, r.First, r.Last, p).WithCode("OverlappingAllocationPools")
		case gateway.IsValid() && r.contains(gateway):
			return gatewayInPool(gateway, r)
		}
	}
	return nil
}

func gatewayInPool(gateway netip.Addr, r Range) error {
	return fault.Conflictf("subnet", "", "Gateway ip %s conflicts with allocation pool %s-%s.", gateway, r.First, r.Last).
		WithCode("GatewayConflictWithAllocationPools")
}

// eui64 is the address that a device with a MAC gives itself in a /64 (RFC 4291, appendix A).
func eui64(p netip.Prefix, mac [6]byte) netip.Addr {
	b := p.Masked().Addr().As16()
	copy(b[8:], []byte{mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]})
	return netip.AddrFrom16(b)
}
