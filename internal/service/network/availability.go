package network

import (
	"context"
	"math/big"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
)

// NetworkAvailability is how many addresses a network has, and how many of them ports hold.
type NetworkAvailability struct {
	Network Network
	Total   *big.Int
	Used    int
	Subnets []SubnetAvailability
}

// SubnetAvailability is how many addresses a subnet has to choose from, and how many ports hold.
type SubnetAvailability struct {
	Subnet Subnet
	Total  *big.Int // more than a machine's word holds, of IPv6
	Used   int      // chosen or asked for: gateways count too, though they are of no pool
}

// Availability counts the addresses of some networks; of their subnets of one IP version, or of either if it is 0.
func (s *Service) Availability(ctx context.Context, c *auth.Caller, q Query, version int) ([]NetworkAvailability, error) {
	networks, err := s.store.Networks(ctx, c.Scope(), q)
	if err != nil {
		return nil, err
	}
	subnets, err := s.store.Subnets(ctx, db.Everywhere(), By("network_id", ids(networks, func(n Network) string { return n.ID })...))
	if err != nil {
		return nil, err
	}
	used, err := s.store.CountTaken(ctx, ids(subnets, func(sub Subnet) string { return sub.ID }))
	if err != nil {
		return nil, err
	}
	out := make([]NetworkAvailability, len(networks))
	at := map[string]*NetworkAvailability{}
	for i, n := range networks {
		out[i] = NetworkAvailability{Network: n, Total: new(big.Int)}
		at[n.ID] = &out[i]
	}
	for _, sub := range subnets {
		if version != 0 && sub.V6() != (version == 6) {
			continue
		}
		n, one := at[sub.NetworkID], SubnetAvailability{sub, addressesOf(sub.Pools), used[sub.ID]}
		n.Subnets = append(n.Subnets, one)
		n.Total.Add(n.Total, one.Total)
		n.Used += one.Used
	}
	return out, nil
}

// addressesOf counts the addresses of ranges.
func addressesOf(pools []Range) *big.Int {
	sum := new(big.Int)
	for _, r := range pools {
		first, last := new(big.Int).SetBytes(r.First.AsSlice()), new(big.Int).SetBytes(r.Last.AsSlice())
		sum.Add(sum, last.Sub(last, first)).Add(sum, big.NewInt(1))
	}
	return sum
}
