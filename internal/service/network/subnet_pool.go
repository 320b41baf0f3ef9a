package network

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"
)

// SubnetPool is a set of prefixes of one IP version, of which subnets are cut that do not overlap.
type SubnetPool struct {
	ID, ProjectID, Name, Description string
	Prefixes                         []netip.Prefix // in order; none within another
	DefaultLength                    int            // of the subnets that ask for none
	MinLength, MaxLength             int
	Quota                            *int   // what a project may have: IPv4 addresses, or IPv6 /64s; nil: all
	Default                          bool   // the one of its IP version for those who name none
	ScopeID                          string // the address scope that it is in; may be empty
	Shared                           bool   // with the project that reads it; filled by reads
	Stamp
}

// V6 tells whether the pool's prefixes are IPv6.
func (p SubnetPool) V6() bool { return len(p.Prefixes) > 0 && p.Prefixes[0].Addr().Is6() }

// holds tells whether a prefix is within one of the pool's.
func (p SubnetPool) holds(in netip.Prefix) bool {
	return slices.ContainsFunc(p.Prefixes, func(q netip.Prefix) bool { return q.Bits() <= in.Bits() && q.Contains(in.Addr()) })
}

// cut is the first prefix of a length that is in the pool and overlaps with none that is taken.
func (p SubnetPool) cut(length int, taken []netip.Prefix) (netip.Prefix, bool) {
	for _, q := range p.Prefixes {
		if q.Bits() > length {
			continue
		}
		at := q.Addr()
		for at.IsValid() && q.Contains(at) {
			candidate := netip.PrefixFrom(at, length)
			i := slices.IndexFunc(taken, candidate.Overlaps)
			if i < 0 {
				return candidate, true
			}
			behind := candidate
			if taken[i].Bits() < length {
				behind = taken[i].Masked()
			}
			at = last(behind).Next()
		}
	}
	return netip.Prefix{}, false
}

// units is how much of a quota some prefixes use: IPv4 addresses, or IPv6 /64s, of which a smaller prefix uses one.
func units(list ...netip.Prefix) *big.Int {
	sum := new(big.Int)
	for _, p := range list {
		bits := 32 - p.Bits()
		if p.Addr().Is6() {
			bits = max(64-p.Bits(), 0)
		}
		sum.Add(sum, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
	}
	return sum
}

// joined are prefixes in order, without those within others.
func joined(list []netip.Prefix) []netip.Prefix {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	var out []netip.Prefix
	for _, p := range list {
		if len(out) == 0 || !out[len(out)-1].Overlaps(p) {
			out = append(out, p)
		}
	}
	return out
}

func prefixTexts(list []netip.Prefix) string {
	return strings.Join(ids(list, netip.Prefix.String), ", ")
}
